"""The hook for grpc.aio: interceptors that decide on a call by the JSON form of its one message.

A call of `/package.Service/Method` is read as a `POST` to that path with the message in protobuf's JSON mapping.
So routes of the generic adapter can describe it: fields in lower camel case, 64-bit numbers as texts.
An adapter that speaks gRPC reads the message as it goes over the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError
from msgspec.structs import replace

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.protobuf import frame
from kyc_gate.client.asking import Asking
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.service.admission import Admission
from kyc_gate.service.disclosure import refusal_of_error
from kyc_gate.service.gate import Gate

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    403: grpc.StatusCode.PERMISSION_DENIED,
    409: grpc.StatusCode.ABORTED,
    413: grpc.StatusCode.INVALID_ARGUMENT,
    503: grpc.StatusCode.UNAVAILABLE,
}
"""Codes by HTTP status, the ones that Google's APIs pair (google/rpc/code.proto)."""

_REFUSED_STATUS = 400
"""Where the server says that it did nothing, the hold is given back as for a client error over HTTP."""

_DID_NOTHING = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)


def gate_interceptors(gate: Gate, authority: str) -> list[grpc.aio.ClientInterceptor]:
    """Return the interceptors for a channel to `authority`: `grpc.aio.secure_channel(..., interceptors=...)`.

    List them last: what is decided must be what is sent. A refused call raises `grpc.aio.AioRpcError` with
    `PERMISSION_DENIED` and the decision in its trailing metadata; a guarded call that streams is refused, since it
    cannot be read before it is sent. Raises `ConfigurationError` for a gate without adapters.
    """
    asking = Asking(gate)
    host = authority.encode("ascii")
    return [_Unary(asking, host), _UnaryStream(asking, host), _StreamUnary(asking, host), _StreamStream(asking, host)]


class _Judge:
    def __init__(self, asking: Asking, authority: bytes) -> None:
        self._asking = asking
        self._authority = authority

    async def _admit(self, details: grpc.aio.ClientCallDetails, message: Any) -> Admission | None:
        """Return the admission of a guarded call, None for any other. Raises `AioRpcError` where it may not leave."""
        try:
            call, write = self._read_by(_call_of(details, self._authority))
            if not self._asking.guards(call, self._authority):
                return None
            body = write(message)
            limit = self._asking.gate.limits.max_body
            if len(body) > limit:
                raise RefusedCall(413, "body-too-large", f"the message is larger than {limit} bytes")
        except RefusedCall as error:
            raise _error(refusal_of_error(error)) from error
        admission = await self._asking.admit(replace(call, body=body))
        if admission.answer is not None:
            raise _error(admission.refusal or refusal_of_error(RuntimeError("refused without a reason")))
        return admission

    def _read_by(self, call: Call) -> tuple[Call, Callable[[Any], bytes]]:
        """Return the call as the adapter that guards it reads calls, and how its message is written for that."""
        kept = tuple((name, value) for name, value in call.headers if name != b"content-type")
        wire = replace(call, headers=(*kept, (b"content-type", b"application/grpc")))
        speaking = [each for each in self._asking.gate.adapters if getattr(each, "speaks_grpc", False)]
        return (wire, _wire) if any(each.guards(wire) for each in speaking) else (call, _json)

    def _refuse_stream(self, details: grpc.aio.ClientCallDetails) -> None:
        """Raise `AioRpcError` for a guarded call that streams its request."""
        try:
            call, _ = self._read_by(_call_of(details, self._authority))
            if not self._asking.guards(call, self._authority):
                return
        except RefusedCall as error:
            raise _error(refusal_of_error(error)) from error
        raise _error(refusal_of_error(RefusedCall(400, "stream", "a guarded call may not stream its request")))


class _Unary(_Judge, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        admission = await self._admit(client_call_details, request)
        if admission is None:
            return await continuation(client_call_details, request)
        try:
            call = await continuation(client_call_details, request)
            code = await call.code()
        except BaseException:
            await self._asking.sent(admission, None)
            raise
        if code is grpc.StatusCode.OK:
            body = _answered(admission, await call) if admission.learns else None
            await self._asking.sent(admission, 200, body)
        else:
            await self._asking.sent(admission, _REFUSED_STATUS if code in _DID_NOTHING else None)
        return call


class _UnaryStream(_Judge, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        admission = await self._admit(client_call_details, request)
        call = await continuation(client_call_details, request)
        if admission is not None:
            # What a stream will say is not known; its hold stays.
            await self._asking.sent(admission, None)
        return call


class _StreamUnary(_Judge, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request_iterator: Any
    ) -> Any:
        self._refuse_stream(client_call_details)
        return await continuation(client_call_details, request_iterator)


class _StreamStream(_Judge, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request_iterator: Any
    ) -> Any:
        self._refuse_stream(client_call_details)
        return await continuation(client_call_details, request_iterator)


def _call_of(details: grpc.aio.ClientCallDetails, authority: bytes) -> Call:
    method = _bytes(details.method)
    headers = [(b"host", authority), (b"content-type", b"application/json")]
    for name, value in details.metadata or ():
        if name.lower() in ("host", "content-type", "content-length", "transfer-encoding") or name.startswith(":"):
            raise RefusedCall(400, "metadata", f"metadata `{name}` may not stand in a guarded call")
        headers.append((name.lower().encode("utf-8"), _bytes(value)))
    return Call(method="POST", raw_path=method, headers=tuple(headers), scheme="https")


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")


def _answered(admission: Admission, message: Any) -> bytes:
    """Return the answer's message as the adapter reads it that the call was guarded by."""
    spoken = admission.call is not None and admission.call.value(b"content-type") == b"application/grpc"
    return _wire(message) if spoken else _json(message)


def _wire(message: Any) -> bytes:
    """Return the body that carries the message. Raises `RefusedCall` for what cannot be written."""
    try:
        data = message if isinstance(message, bytes) else message.SerializeToString()
    except Exception as error:  # whatever library it is of
        raise RefusedCall(400, "message", "the call does not carry a message that could be written") from error
    return frame(bytes(data))


def _json(message: Any) -> bytes:
    """Return the message in protobuf's JSON mapping. proto-plus wraps the message in an object of its own.

    Raises `RefusedCall` for what is no message, such as the bytes of a generic stub, and for fields that its own
    definition does not know: the server may know them.
    """
    message = getattr(message, "_pb", message)
    try:
        text: str = json_format.MessageToJson(message, indent=None)
        unknown = bool(_unknown_fields(message))
    except (AttributeError, TypeError, KeyError, DecodeError, json_format.SerializeToJsonError) as error:
        raise RefusedCall(400, "message", "the call does not carry a protobuf message that could be read") from error
    if unknown:
        raise RefusedCall(400, "unknown-field", "the message has fields that its definition here does not know")
    return text.encode("utf-8")


def _unknown_fields(message: Any) -> int:
    from google.protobuf.unknown_fields import UnknownFieldSet

    found = len(UnknownFieldSet(message))
    if message.DESCRIPTOR.full_name == "google.protobuf.Any" and (message.type_url or message.value):
        found += _unknown_fields(_unpacked(message))
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                found += sum(_unknown_fields(each) for each in value.values())
        else:
            found += sum(_unknown_fields(each) for each in (value if field.is_repeated else (value,)))
    return found


def _unpacked(message: Any) -> Any:
    """Return what is packed in an `Any`. Raises `KeyError` or `DecodeError` for what cannot be unpacked."""
    kind = descriptor_pool.Default().FindMessageTypeByName(message.type_url.rpartition("/")[2])
    return message_factory.GetMessageClass(kind).FromString(message.value)


def _error(refusal: Refusal) -> grpc.aio.AioRpcError:
    told = {"kyc-decision-id": refusal.decision_id, "kyc-case-id": refusal.case_id, "kyc-outcome": refusal.outcome}
    metadata = grpc.aio.Metadata(*((name, value) for name, value in told.items() if value))
    code = _CODES.get(refusal.status, grpc.StatusCode.FAILED_PRECONDITION)
    return grpc.aio.AioRpcError(
        code, grpc.aio.Metadata(), metadata, details=f"{refusal.title}: {refusal.detail}", debug_error_string=None
    )
