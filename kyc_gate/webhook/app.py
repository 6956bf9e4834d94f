"""The webhook's HTTP interface: `/validate` decides, `/mutate` pauses, and the health checks answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kyc_gate.adapters.kubernetes.answers import deny
from kyc_gate.adapters.kubernetes.review import Review, read_body, read_review, review_uid
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.api.answers import json_answer, problem
from kyc_gate.api.decisions import body_of
from kyc_gate.errors import KYCGateError, RefusedCall
from kyc_gate.model.call import Answer
from kyc_gate.service.disclosure import refusal_of_error
from kyc_gate.webhook.admission import Reviewing

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

Step = Callable[[Review], Awaitable[Answer]]


def webhook_app(gate: Gate, settings: KubernetesSettings) -> Starlette:
    """Return the webhook of one cluster. An open gate is needed; whoever reaches the webhook is believed."""
    reviewing = Reviewing(gate, settings)

    async def readyz(_: Request) -> Response:
        readiness = await gate.readiness()
        document: dict[str, object] = {"ready": readiness.ready, "reasons": list(readiness.reasons)}
        return json_answer(document, status=200 if readiness.ready else 503)

    return Starlette(
        routes=[
            Route("/healthz", _healthz, methods=["GET"]),
            Route("/readyz", readyz, methods=["GET"]),
            Route("/validate", _reviewed(gate, reviewing.validate), methods=["POST"]),
            Route("/mutate", _reviewed(gate, reviewing.mutate), methods=["POST"]),
        ]
    )


async def _healthz(_: Request) -> Response:
    """The process is alive; nothing else is claimed."""
    return json_answer({"status": "alive"})


def _reviewed(gate: Gate, step: Step) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        """Answer one review. Without its id there is none to answer, and the API server sees a plain 400."""
        uid: str | None = None
        try:
            if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                raise RefusedCall(415, "content-type", "send the review as `application/json`")
            document = read_body(await body_of(request, gate.limits.max_body))
            uid = review_uid(document)
            answer = await step(read_review(document))
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the object stays out
            return _refused(uid, error)
        response = Response(answer.body, answer.status)
        response.raw_headers = list(answer.headers)
        return response

    return endpoint


def _refused(uid: str | None, error: Exception) -> Response:
    if isinstance(error, RefusedCall):
        log.warning("call.refused", code=error.code, status=error.status, detail=error.detail)
    else:
        expected = isinstance(error, KYCGateError)
        log.error("decision.failed", exc_info=None if expected else error, error=str(error), kind=type(error).__name__)
    refusal = refusal_of_error(error)
    if uid is None:
        return problem(refusal.status, refusal.code, refusal.title, refusal.detail)
    answer = deny(uid, refusal)
    response = Response(answer.body, answer.status)
    response.raw_headers = list(answer.headers)
    return response
