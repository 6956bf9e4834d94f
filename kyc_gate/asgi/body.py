"""The body of a guarded call: read to a cap and to a deadline, and given again byte for byte."""

from __future__ import annotations

import asyncio

from kyc_gate.asgi.types import Message, Receive
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call


class ClientLeftError(Exception):
    """The client left before its body was whole."""


async def read_body(call: Call, receive: Receive, *, max_body: int, seconds: float) -> bytes:
    """Return the whole body of `call`.

    Raises `ClientLeftError` when the client leaves, and `RefusedCall` with 413 for a body of more than `max_body` bytes
    (declared or sent), 408 when it is not whole after `seconds`, and 400 when its length is not the declared one.
    """
    declared = _declared_length(call)
    if declared is not None and declared > max_body:
        raise _too_large(max_body)
    try:
        async with asyncio.timeout(seconds) as deadline:
            body = await _read(receive, max_body)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise RefusedCall(408, "slow-body", f"the body was not whole after {seconds:g} seconds") from error
    if declared is not None and len(body) != declared:
        raise RefusedCall(400, "body-length", f"the body has {len(body)} bytes, `Content-Length` says {declared}")
    return body


async def _read(receive: Receive, max_body: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        body += message.get("body", b"")
        if len(body) > max_body:
            raise _too_large(max_body)
        if not message.get("more_body", False):
            return bytes(body)


def _declared_length(call: Call) -> int | None:
    values = call.values(b"content-length")
    if not values:
        return None
    if len(values) > 1 or not values[0].isdigit() or len(values[0]) > 19:
        raise RefusedCall(400, "content-length", "`Content-Length` must be one whole number")
    return int(values[0])


def _too_large(max_body: int) -> RefusedCall:
    return RefusedCall(413, "body-too-large", f"the body is larger than {max_body} bytes, the most that is read here")


class Replay:
    """A `receive` that gives a body that was read, once, and then whatever else the server has to say."""

    __slots__ = ("_body", "_receive")

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """Return the whole body first; later only messages that are not of the body, such as a disconnect."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        message = await self._receive()
        while message["type"] == "http.request":
            # Servers may wake `receive` once more for the end of a body that was already whole.
            await asyncio.sleep(0)
            message = await self._receive()
        return message
