"""Refusals on the wire: an answer as ASGI messages, for HTTP and for a websocket that is not let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.problem import problem_answer
from kyc_gate.asgi.types import Receive, Scope, Send
from kyc_gate.model.call import Answer, Call, Headers

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

POLICY_VIOLATION = 1008
"""The websocket close code for a message that violates policy (RFC 6455, section 7.4.1)."""

_UNAVAILABLE = Refusal(
    status=503,
    code="unavailable",
    title="no decision can be made now",
    detail="the request was not passed on; try again later",
)


def answer_to(gate: Gate, call: Call | None, error: Exception) -> Answer:
    """Return the refusal for `error` in the call's dialect, or a plain one where even that fails. It never raises."""
    try:
        if call is not None:
            return gate.answer(call, error)
    except Exception as second:  # noqa: BLE001 - a refusal must go out whatever is broken
        log.error("refusal.failed", error=type(second).__name__)
    return problem_answer(_UNAVAILABLE)


async def send_answer(send: Send, answer: Answer, extra: Headers = ()) -> None:
    """Send `answer` with its length, and with those of the `extra` headers that it does not have already."""
    present = {name for name, _ in answer.headers}
    length = (b"content-length", str(len(answer.body)).encode("ascii"))
    headers = [*answer.headers, *(pair for pair in (length, *extra) if pair[0] not in present)]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def closing(scope: Scope) -> Headers:
    """Return the header that ends the connection after an answer to a call whose body was not read."""
    return ((b"connection", b"close"),) if str(scope.get("http_version", "1.1")).startswith("1") else ()


async def deny_websocket(scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
    """Refuse a websocket before it is accepted: with `answer` where the server can, else by closing it."""
    message = await receive()
    if message["type"] != "websocket.connect":
        return
    if "websocket.http.response" in (scope.get("extensions") or {}):
        headers = list(answer.headers)
        await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": answer.body, "more_body": False})
    else:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})
