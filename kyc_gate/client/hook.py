"""The hook itself: a client middleware that decides, and a trace that stops a guarded call which nobody decided."""

from __future__ import annotations

from contextvars import ContextVar
from types import SimpleNamespace
from typing import TYPE_CHECKING

import aiohttp
import structlog
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession, TraceConfig
from aiohttp.tracing import TraceRequestHeadersSentParams
from msgspec.structs import replace
from multidict import CIMultiDict
from yarl import URL

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.client.asking import LEARNT_BODY, Asking
from kyc_gate.client.body import fixed_body
from kyc_gate.client.refused import KYCRefused, refused
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.service.disclosure import refusal_of_error

if TYPE_CHECKING:
    from kyc_gate.service.admission import Admission
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

_UNDECIDED = Refusal(
    status=403,
    code="undecided",
    title="this request was not decided",
    detail="a guarded request went round the gate's client middleware, or was changed behind it; list the hook last",
)


class _Pass:
    """Permission for one request object to leave, once, as it was decided. Only `Hook.decide` makes one."""

    __slots__ = ("_body", "_hook", "_method", "_request", "_url", "_used")

    def __init__(self, hook: Hook, request: ClientRequest) -> None:
        self._hook = hook
        self._request = request
        self._method = request.method
        self._url = request.url
        self._body = request.body
        self._used = False

    def spend(self, hook: Hook, params: TraceRequestHeadersSentParams) -> bool:
        """Return whether the request that is leaving is the decided one, with the decided body; only once true.

        aiohttp hands the trace the request's own headers object, which tells one request from another.
        """
        same = params.headers is self._request.headers and self._request.body is self._body
        fits = hook is self._hook and same and (params.method, params.url) == (self._method, self._url)
        if self._used or not fits:
            return False
        self._used = True
        return True


_passing: ContextVar[_Pass | None] = ContextVar("kyc_gate_passing", default=None)


class Hook:
    """Both halves of the hook, for any number of sessions and concurrent requests."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._asking = Asking(gate)

    def trace_config(self) -> TraceConfig:
        """Return the seat-belt: it raises before the first byte of a guarded request that `decide` did not pass."""
        trace = TraceConfig()
        trace.on_request_headers_sent.append(self._leaving)
        return trace

    async def decide(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Decide on a guarded request and send it, or raise `KYCRefused`. Each redirect and retry comes here again."""
        call = call_of(request.method, request.url, request.headers)
        try:
            if not self._asking.guards(call, _authority(request.url)):
                return await handler(request)
            limits = self._gate.limits
            body = await fixed_body(request, max_body=limits.max_body, seconds=limits.body_seconds)
        except RefusedCall as error:
            raise refused(refusal_of_error(error)) from error
        # The body's replacement may have changed the head's length or framing.
        whole = replace(call_of(request.method, request.url, request.headers), body=body)
        admission = await self._gate.admit(whole)
        if admission.answer is not None:
            raise refused(admission.refusal or refusal_of_error(RuntimeError("refused without a reason")))
        return await self._sent(request, handler, admission)

    async def _sent(self, request: ClientRequest, handler: ClientHandlerType, admission: Admission) -> ClientResponse:
        """Send the request, and tell the gate how it ended."""
        token = _passing.set(_Pass(self, request))
        try:
            response = await handler(request)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, KYCRefused):
            await self._asking.unsent(admission)  # no connection, so nothing left
            raise
        except BaseException:
            await self._asking.sent(admission, None)
            raise
        finally:
            _passing.reset(token)
        body = await _learnt(response) if admission.learns else None
        await self._asking.sent(admission, response.status, body)
        return response

    async def _leaving(self, _: ClientSession, __: SimpleNamespace, params: TraceRequestHeadersSentParams) -> None:
        """Raise where a guarded request is about to be written that has no pass of its own."""
        call = call_of(params.method, params.url, params.headers)
        try:
            guarded = self._asking.guards(call, _authority(params.url))
        except RefusedCall as error:
            raise refused(refusal_of_error(error)) from error
        if not guarded:
            return
        passing = _passing.get()
        if passing is None or not passing.spend(self, params):
            log.error("call.undecided", method=params.method, host=params.url.host)
            raise refused(_UNDECIDED)


def call_of(method: str, url: URL, headers: CIMultiDict[str]) -> Call:
    """Return the head of an outgoing request, as aiohttp will write it."""
    return Call(
        method=method,
        raw_path=url.raw_path.encode("utf-8"),
        query=url.raw_query_string.encode("utf-8"),
        headers=tuple([(name.lower().encode("utf-8"), value.encode("utf-8")) for name, value in headers.items()]),
        scheme=url.scheme,
    )


def _authority(url: URL) -> bytes:
    """Return the `Host` that aiohttp writes for `url` on its own: without a default port."""
    host = url.host_port_subcomponent or ""
    return host.encode("ascii")


async def _learnt(response: ClientResponse) -> bytes | None:
    """Return the response's body, still there for the caller to read; None where it is long or of unknown length."""
    length = response.content_length
    if length is None or length > LEARNT_BODY:
        return None
    try:
        return await response.read()
    except (aiohttp.ClientError, TimeoutError):
        return None  # the caller meets the same error where it reads
