"""The hook for botocore and aiobotocore: the signed request is decided as it is about to be sent.

`before-send` shows the bytes that leave, which no later step changes; the parameters that `provide-client-params` shows
can still be changed by whoever listens behind. An answer given there is parsed as if AWS had given it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlparse, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from msgspec.structs import replace

from kyc_gate.client.asking import Asking, answer_of, check_address
from kyc_gate.client.blocking import BlockingGate
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call
from kyc_gate.service.admission import Admission
from kyc_gate.service.gate import Gate

_ID = "kyc-gate"

_on_its_way: ContextVar[Admission | None] = ContextVar("kyc_gate_on_its_way", default=None)
"""What this thread or task let out, until its response is there: botocore sends one request at a time in each."""


def guard_botocore(client: Any, gate: BlockingGate) -> None:
    """Have each request of a botocore or boto3 client decided by `gate`; `client` may be a session too.

    What is refused raises the `ClientError` of the service, and nothing is sent. Presigned URLs are only made, not
    sent: whoever calls them goes round this hook. Raises `ConfigurationError` for a gate without adapters.
    """
    asking = Asking(gate.gate)

    def before_send(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        _on_its_way.set(None)
        admission, call = _first_look(asking, request)
        if admission is None and call is not None:
            admission = gate.wait(asking.admit(call))
        return _outcome(admission, request, AWSResponse, _Raw)

    def response_received(response_dict: dict[str, Any] | None, exception: Exception | None, **_: Any) -> None:
        admission = _on_its_way.get()
        if admission is None:
            return
        _on_its_way.set(None)
        gate.wait(_told(asking, admission, response_dict, exception))

    _register(client, before_send, response_received)


def guard_aiobotocore(client: Any, gate: Gate) -> None:
    """Have each request of an aiobotocore client decided by `gate`, as `guard_botocore` does; the gate must be open."""
    from aiobotocore.awsrequest import AioAWSResponse

    asking = Asking(gate)

    async def before_send(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        _on_its_way.set(None)
        admission, call = _first_look(asking, request)
        if admission is None and call is not None:
            admission = await asking.admit(call)
        return _outcome(admission, request, AioAWSResponse, _AsyncRaw)

    async def response_received(response_dict: dict[str, Any] | None, exception: Exception | None, **_: Any) -> None:
        admission = _on_its_way.get()
        if admission is None:
            return
        _on_its_way.set(None)
        await _told(asking, admission, response_dict, exception)

    _register(client, before_send, response_received)


def _register(client: Any, before_send: Any, response_received: Any) -> None:
    events = client.meta.events if hasattr(client, "meta") else client.get_component("event_emitter")
    events.register_last("before-send", before_send, unique_id=f"{_ID}-before-send")
    events.register_first("response-received", response_received, unique_id=f"{_ID}-response-received")


def _first_look(asking: Asking, request: AWSPreparedRequest) -> tuple[Admission | None, Call | None]:
    """Return the refusal of a request that cannot be read, or the whole call of a guarded one; neither if unguarded."""
    call = _call_of(request)
    try:
        check_address(request.url)
        _check_parameters(asking, request, call)
        if not asking.guards(call, _authority(request.url)):
            return None, None
        return None, replace(call, body=_body(request, asking.gate.limits.max_body))
    except RefusedCall as error:
        return asking.refused(call, error), None


def _check_parameters(asking: Asking, request: AWSPreparedRequest, call: Call) -> None:
    """Refuse (400) parameters of a path that is guarded without them: botocore cuts them off, aiobotocore does not."""
    sent = (urlparse(request.url).path or "/").encode("utf-8")
    if sent != call.raw_path and asking.guards(replace(call, raw_path=sent), _authority(request.url)):
        raise RefusedCall(400, "target", "the path has parameters, which may be cut off before it is sent")


def _outcome(admission: Admission | None, request: AWSPreparedRequest, response: Any, raw: Any) -> AWSResponse | None:
    """Return the refusal as a response; None sends the request, and keeps in mind what was let out."""
    if admission is None:
        return None
    answer = answer_of(admission)
    if answer is None:
        _on_its_way.set(admission)
        return None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    refused: AWSResponse = response(request.url, answer.status, headers, raw(answer))
    return refused


async def _told(
    asking: Asking, admission: Admission, response: dict[str, Any] | None, exception: Exception | None
) -> None:
    """Tell the gate how the request ended: by its status, or as unknown where no response came."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

    if response is None and isinstance(exception, (EndpointConnectionError, ConnectTimeoutError)):
        await asking.unsent(admission)
        return
    if response is None:
        await asking.sent(admission, None)
        return
    body = response.get("body")
    await asking.sent(admission, response["status_code"], body if isinstance(body, bytes) else None)


def _call_of(request: AWSPreparedRequest) -> Call:
    address = urlsplit(request.url)
    headers = [(_bytes(name).lower(), _bytes(value)) for name, value in request.headers.items()]
    if not any(name == b"host" for name, _ in headers):
        headers.append((b"host", _authority(request.url)))
    return Call(
        method=request.method,
        raw_path=(address.path or "/").encode("utf-8"),
        query=address.query.encode("utf-8"),
        headers=tuple(headers),
        scheme=address.scheme,
    )


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8")


def _authority(url: str) -> bytes:
    address = urlsplit(url)
    host = address.netloc.rpartition("@")[2]
    default = {"http": ":80", "https": ":443"}.get(address.scheme, "")
    return host.removesuffix(default).encode("utf-8") if default else host.encode("utf-8")


def _body(request: AWSPreparedRequest, max_body: int) -> bytes:
    """Return the whole body. Raises `RefusedCall` for a stream, which guarded operations never have, and for its size.

    A file-like body could give other bytes when it is read again.
    """
    body = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        body = body.encode("utf-8")
    if not isinstance(body, (bytes, bytearray)):
        raise RefusedCall(400, "body", "a guarded request's body may not be a stream")
    if len(body) > max_body:
        raise RefusedCall(413, "body-too-large", f"the body is larger than {max_body} bytes, the most that is read")
    return bytes(body)


class _Raw:
    """The refusal's body as urllib3 would give it."""

    def __init__(self, answer: Answer) -> None:
        self._body = answer.body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body

    def read(self, *_: Any) -> bytes:
        return self._body


class _AsyncRaw:
    """The refusal's body as aiohttp would give it."""

    def __init__(self, answer: Answer) -> None:
        self._body = answer.body

    async def read(self, *_: Any) -> bytes:
        return self._body
