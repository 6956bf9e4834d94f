"""The gate's own HTTP interface: decisions, cases and health. `docs/api.md` holds the shapes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kyc_gate.api.answers import json_answer, problem
from kyc_gate.api.bearer import Bearer
from kyc_gate.api.caller import Callers
from kyc_gate.api.cases import attach, attachment, case, cases, grant, revoke, step, take_next
from kyc_gate.api.decisions import decide, decision
from kyc_gate.api.metrics import metrics
from kyc_gate.api.pages import style
from kyc_gate.api.policies import policies, reload
from kyc_gate.api.questions import answer, questions
from kyc_gate.api.runs import finish, run
from kyc_gate.api.screen import screen
from kyc_gate.api.sign_in import me, oidc_begin, oidc_end, sign_in, sign_in_page, sign_out
from kyc_gate.errors import AccessDenied, CaseError, InputError, KYCGateError, RefusedCall
from kyc_gate.model.access import Permission

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

Endpoint = Callable[[Request], Awaitable[Response]]


def api_app(gate: Gate, tokens_sha256: Sequence[str] = ()) -> Starlette:
    """Return the interface of `gate`, open to people who signed in, to keys, and to bearers of a configured token.

    A token is configured by its SHA-256 digest among `tokens_sha256`.
    Raises `ConfigurationError` for a malformed digest.
    """
    callers = Callers(Bearer(tokens_sha256), gate.access)

    def guarded(endpoint: Endpoint, permission: Permission) -> Endpoint:
        return _guarded(callers, endpoint, permission)

    app = Starlette(
        routes=[
            Route("/healthz", _healthz, methods=["GET"]),
            Route("/readyz", _readyz, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
            Route("/plain.css", style, methods=["GET"]),
            Route("/questions/{token}", _told(questions), methods=["GET"]),
            Route("/questions/{token}", _told(answer), methods=["POST"]),
            Route("/sign-in", _told(sign_in_page), methods=["GET"]),
            Route("/sign-in", _told(sign_in), methods=["POST"]),
            Route("/sign-in/oidc", _told(oidc_begin), methods=["GET"]),
            Route("/sign-in/oidc/callback", _told(oidc_end), methods=["GET"]),
            Route("/sign-out", _told(sign_out), methods=["POST"]),
            Route("/v1/me", _told(me), methods=["GET"]),
            Route("/v1/decisions", guarded(decide, Permission.MAKE_DECISIONS), methods=["POST"]),
            Route("/v1/decisions/{id}", guarded(decision, Permission.READ_DECISIONS), methods=["GET"]),
            Route("/v1/screen", guarded(screen, Permission.SCREEN), methods=["POST"]),
            Route("/v1/cases", guarded(cases, Permission.READ_CASES), methods=["GET"]),
            Route("/v1/cases/next", guarded(take_next, Permission.WORK), methods=["POST"]),
            Route("/v1/cases/{id}", guarded(case, Permission.READ_CASES), methods=["GET"]),
            Route("/v1/cases/{id}/attachments", guarded(attach, Permission.WORK), methods=["POST"]),
            Route("/v1/cases/{id}/attachments/{sha256}", guarded(attachment, Permission.READ_CASES), methods=["GET"]),
            Route("/v1/cases/{id}/{step}", guarded(step, Permission.READ_CASES), methods=["POST"]),
            Route("/v1/grants/{id}", guarded(grant, Permission.READ_CASES), methods=["GET"]),
            Route("/v1/grants/{id}/revoke", guarded(revoke, Permission.DECIDE), methods=["POST"]),
            Route("/v1/policies", guarded(policies, Permission.READ_POLICIES), methods=["GET"]),
            Route("/v1/policies/reload", guarded(reload, Permission.PUBLISH_POLICIES), methods=["POST"]),
            Route("/v1/runs/{id:path}/finish", guarded(finish, Permission.FINISH_RUNS), methods=["POST"]),
            Route("/v1/runs/{id:path}", guarded(run, Permission.READ_RUNS), methods=["GET"]),
        ],
        exception_handlers={404: _unknown_path, 405: _wrong_method},
    )
    app.state.gate = gate
    app.state.wrong_links = {}
    return app


async def _healthz(_: Request) -> Response:
    """The process is alive; nothing else is claimed."""
    return json_answer({"status": "alive"})


async def _readyz(request: Request) -> Response:
    """The gate can decide now; if not, 503 with the reasons in a few words each. Warnings change no status."""
    readiness = await request.app.state.gate.readiness()
    document: dict[str, object] = {
        "ready": readiness.ready,
        "reasons": list(readiness.reasons),
        "warnings": list(readiness.warnings),
    }
    return json_answer(document, status=200 if readiness.ready else 503)


def _guarded(callers: Callers, endpoint: Endpoint, permission: Permission) -> Endpoint:
    """Return `endpoint` for callers with the permission only, with every error as a problem document."""

    async def guarded(request: Request) -> Response:
        caller = await callers.identified(request, permission)
        if isinstance(caller, Response):
            return caller
        request.state.actor = caller
        return await endpoint(request)

    return _told(guarded)


def _told(endpoint: Endpoint) -> Endpoint:
    """Return `endpoint` with every error as a problem document."""

    async def told(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RefusedCall as error:
            return problem(error.status, "unreadable", "the request was not understood", error.detail)
        except InputError as error:
            return problem(400, "unreadable", "the request was not understood", str(error))
        except AccessDenied as error:
            return problem(403, "forbidden", "you may not do this", str(error))
        except CaseError as error:
            return problem(409, "conflict", "the case does not allow this now", str(error))
        except KYCGateError as error:
            log.error("api.unavailable", error=str(error))
            return problem(503, "unavailable", "the gate cannot answer now", "try again later")
        except Exception as error:  # noqa: BLE001 - a caller never sees a trace
            log.error("api.failed", error=f"{type(error).__name__}: {error}")
            return problem(500, "failed", "the gate failed", "the failure was logged")

    return told


async def _unknown_path(_: Request, __: Exception) -> Response:
    return problem(404, "not-found", "there is nothing here", "see docs/api.md for the paths")


async def _wrong_method(_: Request, error: Exception) -> Response:
    answer = problem(405, "method", "the method does not fit the path", "see docs/api.md for the methods")
    allowed = (getattr(error, "headers", None) or {}).get("Allow")
    if allowed:
        answer.headers["allow"] = ", ".join(sorted(allowed.split(", ")))
    return answer
