"""Envoy's `envoy.service.auth.v3.Authorization` over gRPC, with the messages of the package `xds-protos`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
from envoy.config.core.v3 import base_pb2
from envoy.service.auth.v3 import external_auth_pb2, external_auth_pb2_grpc
from envoy.type.v3 import http_status_pb2
from google.rpc import code_pb2, status_pb2

from kyc_gate.asgi.refusal import answer_to
from kyc_gate.authz.app import PARTIAL
from kyc_gate.authz.check import Checked, check
from kyc_gate.errors import ConfigurationError
from kyc_gate.model.call import Call, Headers

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

_MESSAGE_SLACK = 256 * 1024
"""Bytes of a question beside the body: headers, addresses and metadata."""


class Authorization(external_auth_pb2_grpc.AuthorizationServicer):
    """Answers each `Check` from one open gate."""

    def __init__(self, gate: Gate) -> None:
        """Raise `ConfigurationError` for a gate without adapters, which guards nothing."""
        gate.require_adapter()
        self._gate = gate

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - the service's own name
        """Return OK, or the refusal that Envoy must send."""
        call = None
        try:
            headers = _headers(request.attributes.request.http)
            partial = any(value != b"false" for name, value in headers if name == PARTIAL)
            call = _described(request.attributes.request.http, headers)
            checked = await check(self._gate, call, partial=partial)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the call does not pass
            checked = Checked(answer=answer_to(self._gate, call, error))
        return _response(checked)


@contextlib.asynccontextmanager
async def serving(gate: Gate, host: str, port: int) -> AsyncIterator[int]:
    """Serve until the context ends; the value is the port. Raises `ConfigurationError` for a port not to be had."""
    largest = gate.limits.max_body + _MESSAGE_SLACK
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", largest), ("grpc.so_reuseport", 0)])
    external_auth_pb2_grpc.add_AuthorizationServicer_to_server(Authorization(gate), server)
    try:
        bound: int = server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except RuntimeError as error:
        raise ConfigurationError(f"`authz.grpc_port`: cannot listen on {host} port {port}") from error
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(5)


def _described(http: Any, headers: Headers) -> Call:
    path, _, query = http.path.encode("utf-8", "surrogateescape").partition(b"?")
    kept = [(name, value) for name, value in headers if name not in (PARTIAL, b"host") and not name.startswith(b":")]
    return Call(
        method=http.method,
        raw_path=path,
        query=query,
        headers=(*kept, (b"host", http.host.encode("utf-8"))),
        body=http.raw_body or http.body.encode("utf-8"),
        scheme=http.scheme or "http",
    )


def _headers(http: Any) -> Headers:
    """Return the fields of the call: each as it was sent where Envoy has `encode_raw_headers`, else joined by name."""
    if http.HasField("header_map"):
        found = [(each.key, each.raw_value or each.value.encode("utf-8")) for each in http.header_map.headers]
    else:
        found = [(name, value.encode("utf-8")) for name, value in http.headers.items()]
    return tuple([(name.lower().encode("ascii"), value) for name, value in found])


def _response(checked: Checked) -> Any:
    headers = [_option(name, value) for name, value in checked.headers]
    if checked.answer is None:
        okay = external_auth_pb2.OkHttpResponse(response_headers_to_add=headers)
        return external_auth_pb2.CheckResponse(status=status_pb2.Status(code=code_pb2.OK), ok_response=okay)
    present = {name for name, _ in checked.answer.headers}
    more = [pair for pair in checked.headers if pair[0] not in present]
    denied = external_auth_pb2.DeniedHttpResponse(
        status=http_status_pb2.HttpStatus(code=checked.answer.status),
        headers=[_option(name, value) for name, value in (*checked.answer.headers, *more)],
        body=checked.answer.body.decode("utf-8"),
    )
    return external_auth_pb2.CheckResponse(
        status=status_pb2.Status(code=code_pb2.PERMISSION_DENIED), denied_response=denied
    )


def _option(name: bytes, value: bytes) -> Any:
    header = base_pb2.HeaderValue(key=name.decode("latin-1"), value=value.decode("latin-1"))
    overwrite = base_pb2.HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD
    return base_pb2.HeaderValueOption(header=header, append_action=overwrite)
