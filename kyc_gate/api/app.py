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
from kyc_gate.api.cases import case, cases
from kyc_gate.api.decisions import decide, decision
from kyc_gate.api.metrics import metrics
from kyc_gate.api.policies import policies, reload
from kyc_gate.api.runs import finish, run
from kyc_gate.api.screen import screen
from kyc_gate.errors import InputError, KYCGateError, RefusedCall

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

Endpoint = Callable[[Request], Awaitable[Response]]


def api_app(gate: Gate, tokens_sha256: Sequence[str] = ()) -> Starlette:
    """Return the interface of `gate`, open to bearers of a token whose SHA-256 digest is among `tokens_sha256`.

    Without a digest every call but the health checks is refused. Raises `ConfigurationError` for a malformed digest.
    """
    bearer = Bearer(tokens_sha256)
    app = Starlette(
        routes=[
            Route("/healthz", _healthz, methods=["GET"]),
            Route("/readyz", _readyz, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
            Route("/v1/decisions", _guarded(bearer, decide), methods=["POST"]),
            Route("/v1/decisions/{id}", _guarded(bearer, decision), methods=["GET"]),
            Route("/v1/screen", _guarded(bearer, screen), methods=["POST"]),
            Route("/v1/cases", _guarded(bearer, cases), methods=["GET"]),
            Route("/v1/cases/{id}", _guarded(bearer, case), methods=["GET"]),
            Route("/v1/policies", _guarded(bearer, policies), methods=["GET"]),
            Route("/v1/policies/reload", _guarded(bearer, reload), methods=["POST"]),
            Route("/v1/runs/{id:path}/finish", _guarded(bearer, finish), methods=["POST"]),
            Route("/v1/runs/{id:path}", _guarded(bearer, run), methods=["GET"]),
        ],
        exception_handlers={404: _unknown_path, 405: _wrong_method},
    )
    app.state.gate = gate
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


def _guarded(bearer: Bearer, endpoint: Endpoint) -> Endpoint:
    """Return `endpoint` for bearers of a token only, with every error as a problem document."""

    async def guarded(request: Request) -> Response:
        refused = bearer.refusal(request)
        if refused is not None:
            return refused
        try:
            return await endpoint(request)
        except RefusedCall as error:
            return problem(error.status, "unreadable", "the request was not understood", error.detail)
        except InputError as error:
            return problem(400, "unreadable", "the request was not understood", str(error))
        except KYCGateError as error:
            log.error("api.unavailable", error=str(error))
            return problem(503, "unavailable", "the gate cannot answer now", "try again later")
        except Exception as error:  # noqa: BLE001 - a caller never sees a trace
            log.error("api.failed", error=f"{type(error).__name__}: {error}")
            return problem(500, "failed", "the gate failed", "the failure was logged")

    return guarded


async def _unknown_path(_: Request, __: Exception) -> Response:
    return problem(404, "not-found", "there is nothing here", "see docs/api.md for the paths")


async def _wrong_method(_: Request, error: Exception) -> Response:
    answer = problem(405, "method", "the method does not fit the path", "see docs/api.md for the methods")
    allowed = (getattr(error, "headers", None) or {}).get("Allow")
    if allowed:
        answer.headers["allow"] = ", ".join(sorted(allowed.split(", ")))
    return answer
