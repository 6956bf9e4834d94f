"""The hook for azure-core: a policy of the pipeline that answers itself what may not leave."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import HttpResponseError, ServiceRequestError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy, HTTPPolicy
from msgspec.structs import replace

from kyc_gate.client.asking import Asking, answer_of, check_address
from kyc_gate.client.azure_response import AsyncRefusedResponse, RefusedResponse
from kyc_gate.client.blocking import BlockingGate
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.service.admission import Admission
from kyc_gate.service.gate import Gate


class GatePolicy(AsyncHTTPPolicy[Any, Any]):
    """Decides on each request of an async client: `Client(..., per_retry_policies=[GatePolicy(gate)])`.

    A refused request is answered with 403 in its provider's dialect, which the client raises as its
    `HttpResponseError`. Among `per_retry_policies` it sees every attempt and every redirect; among `per_call_policies`
    a redirect would go by it.
    """

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._asking = Asking(gate)

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request on, or answer it."""
        admission, call = _first_look(self._asking, request.http_request)
        if admission is None and call is not None:
            admission = await self._asking.admit(call)
        if admission is None:
            return await self.next.send(request)
        if admission.answer is not None:
            return _answered(admission, request, AsyncRefusedResponse)
        try:
            response = await self.next.send(request)
        except BaseException as error:
            await _failed(self._asking, admission, error)
            raise
        await self._asking.sent(admission, response.http_response.status_code, _learnt(admission, response))
        return response


class BlockingGatePolicy(HTTPPolicy[Any, Any]):
    """The same for a blocking client, with a gate that runs on a thread of its own."""

    def __init__(self, gate: BlockingGate) -> None:
        super().__init__()
        self._gate = gate
        self._asking = Asking(gate.gate)

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send the request on, or answer it."""
        admission, call = _first_look(self._asking, request.http_request)
        if admission is None and call is not None:
            admission = self._gate.wait(self._asking.admit(call))
        if admission is None:
            return self.next.send(request)
        if admission.answer is not None:
            return _answered(admission, request, RefusedResponse)
        try:
            response = self.next.send(request)
        except BaseException as error:
            self._gate.wait(_failed(self._asking, admission, error))
            raise
        body = _learnt(admission, response)
        self._gate.wait(self._asking.sent(admission, response.http_response.status_code, body))
        return response


def _first_look(asking: Asking, request: Any) -> tuple[Admission | None, Call | None]:
    """Return the refusal of a request that cannot be read, or the whole call of a guarded one; neither if unguarded."""
    address = urlsplit(request.url)
    authority = address.netloc.rpartition("@")[2].encode("utf-8")
    headers = [(name.lower().encode("utf-8"), str(value).encode("utf-8")) for name, value in request.headers.items()]
    if not any(name == b"host" for name, _ in headers):
        headers.append((b"host", authority))
    call = Call(
        method=request.method,
        raw_path=(address.path or "/").encode("utf-8"),
        query=address.query.encode("utf-8"),
        headers=tuple(headers),
        scheme=address.scheme,
    )
    try:
        check_address(request.url)
        if not asking.guards(call, authority):
            return None, None
        return None, replace(call, body=_body(request, asking.gate.limits.max_body))
    except RefusedCall as error:
        return asking.refused(call, error), None


def _body(request: Any, max_body: int) -> bytes:
    """Return the whole body. Raises `RefusedCall` for a form, a stream or files, and for its size."""
    if getattr(request, "files", None) or getattr(request, "_files", None):
        raise RefusedCall(400, "body", "a guarded request may not carry files")
    # A request of azure.core.rest has `content`, one of azure.core.pipeline.transport has `data`.
    body = request.content if hasattr(request, "content") else request.data
    if body is None:
        return b""
    if isinstance(body, str):
        body = body.encode("utf-8")
    if not isinstance(body, bytes):
        raise RefusedCall(400, "body", "a guarded request's body may not be a stream or a form")
    if len(body) > max_body:
        raise RefusedCall(413, "body-too-large", f"the body is larger than {max_body} bytes, the most that is read")
    return body


def _answered(admission: Admission, request: PipelineRequest[Any], kind: Any) -> PipelineResponse[Any, Any]:
    answer = answer_of(admission)
    assert answer is not None  # noqa: S101 - for the type checker: only refusals come here
    return PipelineResponse(request.http_request, kind(request.http_request, answer), request.context)


async def _failed(asking: Asking, admission: Admission, error: BaseException) -> None:
    """Tell the gate of a request without a response: unsent where no connection stood, else unknown."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if isinstance(error, ServiceRequestError):
        await asking.unsent(admission)
    else:
        await asking.sent(admission, status)


def _learnt(admission: Admission, response: PipelineResponse[Any, Any]) -> bytes | None:
    """Return the response's body where it is wanted and read already; a stream is left to the caller."""
    if not admission.learns:
        return None
    answer = response.http_response
    try:
        return bytes(answer.body() if hasattr(answer, "body") else answer.content)
    except Exception:  # noqa: BLE001 - what was not learnt stays unresolved, and the response is the caller's
        return None
