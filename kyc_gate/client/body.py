"""The body of an outgoing request, read to a cap so that what is decided is what is sent."""

from __future__ import annotations

import asyncio

from aiohttp import ClientRequest, hdrs
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload, Payload
from multidict import CIMultiDict

from kyc_gate.errors import RefusedCall


async def fixed_body(request: ClientRequest, *, max_body: int, seconds: float) -> bytes:
    """Return the request's whole body, and fix it: a stream, which could be read only once, is replaced by its bytes.

    Raises `RefusedCall` with 413 for more than `max_body` bytes, 408 when a stream does not end within `seconds`, and
    400 when a `Content-Length` given by hand would cut the body short on its way.
    """
    payload = request.body
    if not isinstance(payload, Payload):
        return bytes(payload or b"")
    if payload.size is not None and payload.size > max_body:
        raise _too_large(max_body)
    if isinstance(payload, BytesPayload):
        body = await payload.as_bytes()
    else:
        body = await _collected(payload, max_body, seconds)
        await request.update_body(body)
    declared = request.headers.get(hdrs.CONTENT_LENGTH)
    if declared is not None and declared != str(len(body)):
        raise RefusedCall(400, "body-length", f"the body has {len(body)} bytes, `Content-Length` says `{declared}`")
    return body


async def _collected(payload: Payload, max_body: int, seconds: float) -> bytes:
    collector = _Collector(max_body)
    try:
        async with asyncio.timeout(seconds) as deadline:
            await payload.write(collector)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise RefusedCall(408, "slow-body", f"the body was not whole after {seconds:g} seconds") from error
    return bytes(collector.data)


def _too_large(max_body: int) -> RefusedCall:
    return RefusedCall(413, "body-too-large", f"the body is larger than {max_body} bytes, the most that is read here")


class _Collector(AbstractStreamWriter):
    """Where a payload writes itself: memory, up to a cap."""

    def __init__(self, max_body: int) -> None:
        self.data = bytearray()
        self._max_body = max_body

    async def write(self, chunk: bytes | bytearray | memoryview[int] | memoryview[bytes]) -> None:
        self.data += bytes(chunk)
        if len(self.data) > self._max_body:
            raise _too_large(self._max_body)

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)

    async def drain(self) -> None:
        pass

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        raise RefusedCall(415, "content-encoding", "a guarded call's body may not be compressed")

    def enable_chunking(self) -> None:
        pass

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        pass
