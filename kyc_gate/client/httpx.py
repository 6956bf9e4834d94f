"""The hook for httpx: a transport that stands in front of another and answers itself what may not leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable

import httpx
from msgspec.structs import replace

from kyc_gate.client.asking import LEARNT_BODY, Asking, answer_of
from kyc_gate.client.blocking import BlockingGate
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.service.admission import Admission
from kyc_gate.service.gate import Gate

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""Errors of a request before its connection stood, so that nothing of it left."""


class GateTransport(httpx.AsyncBaseTransport):
    """Decides on each request and hands the allowed ones to `inner`; list it under `mounts` too where there are any.

    A request that is refused is answered in its provider's dialect, so that an SDK raises the error it has for it;
    `response.extensions["kyc_gate"]` holds what the gate says of it. Every redirect and retry comes here again.
    """

    def __init__(self, gate: Gate, inner: httpx.AsyncBaseTransport | None = None) -> None:
        """Raise `ConfigurationError` for a gate without adapters. The default `inner` reads no proxy settings."""
        self._asking = Asking(gate)
        self._inner = inner or httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request, or answer in the place of its server."""
        limits = self._asking.gate.limits
        call = _call_of(request)
        try:
            _check_target(request)
            if not self._asking.guards(call, _authority(request.url)):
                return await self._inner.handle_async_request(request)
            async with asyncio.timeout(limits.body_seconds):
                body = await _async_body(request, limits.max_body)
        except TimeoutError:
            return _answered(self._asking.refused(call, _too_slow(limits.body_seconds)), request)
        except RefusedCall as error:
            return _answered(self._asking.refused(call, error), request)
        admission = await self._asking.admit(replace(call, body=body))
        if admission.answer is not None:
            return _answered(admission, request)
        try:
            response = await self._inner.handle_async_request(request)
            kept = _length(response) if admission.learns else None
            raw = None if kept is None else b"".join([chunk async for chunk in _async_stream(response)])
        except _UNSENT:
            await self._asking.unsent(admission)
            raise
        except BaseException:
            await self._asking.sent(admission, None)
            raise
        if raw is not None:
            response, body_read = _again(response, raw)
            await self._asking.sent(admission, response.status_code, body_read)
        else:
            await self._asking.sent(admission, response.status_code)
        return response

    async def aclose(self) -> None:
        """Close the transport behind."""
        await self._inner.aclose()


class BlockingGateTransport(httpx.BaseTransport):
    """The same for `httpx.Client`, with a gate that runs on a thread of its own."""

    def __init__(self, gate: BlockingGate, inner: httpx.BaseTransport | None = None) -> None:
        self._gate = gate
        self._asking = Asking(gate.gate)
        self._inner = inner or httpx.HTTPTransport(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request, or answer in the place of its server."""
        call = _call_of(request)
        try:
            _check_target(request)
            if not self._asking.guards(call, _authority(request.url)):
                return self._inner.handle_request(request)
            body = _blocking_body(request, self._asking.gate.limits.max_body)
        except RefusedCall as error:
            return _answered(self._asking.refused(call, error), request)
        admission = self._gate.wait(self._asking.admit(replace(call, body=body)))
        if admission.answer is not None:
            return _answered(admission, request)
        try:
            response = self._inner.handle_request(request)
            kept = _length(response) if admission.learns else None
            raw = None if kept is None else b"".join(_blocking_stream(response))
        except _UNSENT:
            self._gate.wait(self._asking.unsent(admission))
            raise
        except BaseException:
            self._gate.wait(self._asking.sent(admission, None))
            raise
        if raw is not None:
            response, body_read = _again(response, raw)
            self._gate.wait(self._asking.sent(admission, response.status_code, body_read))
        else:
            self._gate.wait(self._asking.sent(admission, response.status_code))
        return response

    def close(self) -> None:
        """Close the transport behind."""
        self._inner.close()


def _call_of(request: httpx.Request) -> Call:
    path, _, query = _target(request).partition(b"?")
    return Call(
        method=request.method,
        raw_path=path,
        query=query,
        headers=tuple([(name.lower(), value) for name, value in request.headers.raw]),
        scheme=request.url.scheme,
    )


def _target(request: httpx.Request) -> bytes:
    """Return the path and query that are sent: those of the URL, unless the extension `target` says others."""
    given = request.extensions.get("target", request.url.raw_path)
    return given.encode("utf-8") if isinstance(given, str) else bytes(given)


def _check_target(request: httpx.Request) -> None:
    """Refuse (400) a target that is no path, which may lead to another host than the one that is called."""
    if not _target(request).startswith(b"/") and request.method != "OPTIONS":
        raise RefusedCall(400, "target", "the extension `target` may only be a path and a query")


def _authority(url: httpx.URL) -> bytes:
    return url.netloc.rpartition(b"@")[2]


async def _async_body(request: httpx.Request, max_body: int) -> bytes:
    """Return the whole body, and fix it: a stream, which could be read only once, is replaced by its bytes."""
    if not isinstance(request.stream, AsyncIterable):
        raise RuntimeError("a request of a blocking client came to an async transport")
    body = bytearray()
    async for chunk in request.stream:
        body += chunk
        _check_size(body, max_body)
    return _fixed(request, bytes(body))


def _blocking_body(request: httpx.Request, max_body: int) -> bytes:
    if not isinstance(request.stream, Iterable):
        raise RuntimeError("a request of an async client came to a blocking transport")
    body = bytearray()
    for chunk in request.stream:
        body += chunk
        _check_size(body, max_body)
    return _fixed(request, bytes(body))


def _check_size(body: bytearray, max_body: int) -> None:
    if len(body) > max_body:
        raise RefusedCall(413, "body-too-large", f"the body is larger than {max_body} bytes, the most that is read")


def _fixed(request: httpx.Request, body: bytes) -> bytes:
    declared = request.headers.get("content-length")
    if declared is not None and declared != str(len(body)):
        raise RefusedCall(400, "body-length", f"the body has {len(body)} bytes, `Content-Length` says `{declared}`")
    request.stream = httpx.ByteStream(body)
    return body


def _too_slow(seconds: float) -> RefusedCall:
    return RefusedCall(408, "slow-body", f"the body was not whole after {seconds:g} seconds")


def _answered(admission: Admission, request: httpx.Request) -> httpx.Response:
    answer = answer_of(admission)
    assert answer is not None  # noqa: S101 - for the type checker: only refusals come here
    return httpx.Response(
        answer.status,
        headers=list(answer.headers),
        content=answer.body,
        request=request,
        extensions={"kyc_gate": admission.refusal},
    )


def _length(response: httpx.Response) -> int | None:
    """Return the response's length where it is known and small enough to keep."""
    declared = response.headers.get("content-length", "")
    return int(declared) if declared.isdigit() and int(declared) <= LEARNT_BODY else None


async def _async_stream(response: httpx.Response) -> AsyncIterable[bytes]:
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - what an async transport gives
    try:
        async for chunk in response.stream:
            yield chunk
    finally:
        await response.stream.aclose()


def _blocking_stream(response: httpx.Response) -> Iterable[bytes]:
    assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 - what a blocking transport gives
    try:
        yield from response.stream
    finally:
        response.stream.close()


def _again(response: httpx.Response, raw: bytes) -> tuple[httpx.Response, bytes | None]:
    """Return the response with its bytes given again as they came, and its body as it reads."""
    try:
        read = httpx.Response(response.status_code, headers=response.headers, content=raw).content
    except httpx.DecodingError:
        read = None  # the caller meets the same error where it reads
    whole = httpx.Response(
        response.status_code, headers=response.headers, stream=httpx.ByteStream(raw), extensions=response.extensions
    )
    return whole, read
