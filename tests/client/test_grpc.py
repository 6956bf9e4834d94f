"""The hook for grpc.aio: a real channel to a real server, in front of a real gate."""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from gates import approve_waiting, make_gate

from kyc_gate import Gate
from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.errors import RefusedCall

grpc = pytest.importorskip("grpc", reason="the extra `grpc` is not installed")

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory  # noqa: E402

from kyc_gate.client.grpc import _json, gate_interceptors  # noqa: E402

METHOD = "/cloud.v1.Machines/Create"
ROUTE = GenericRoute(
    operation="Create",
    path=METHOD,
    fields=GenericFields(accelerator="gpu", count="gpuCount", duration_hours="hours"),
)


def _messages() -> tuple[Any, Any]:
    """The request's message, and what a newer client would send: the same with a field more."""
    made = []
    for name, fields in (("Ask", 3), ("NewerAsk", 4)):
        file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", package="cloud.v1", syntax="proto3")
        message = file.message_type.add(name=name)
        kinds = (("gpu", 9), ("gpu_count", 5), ("hours", 5), ("replicas", 5))[:fields]
        for number, (field, kind) in enumerate(kinds, 1):
            message.field.add(name=field, number=number, type=kind, label=1)
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        made.append(message_factory.GetMessageClass(pool.FindMessageTypeByName(f"cloud.v1.{name}")))
    return made[0], made[1]


Ask, NewerAsk = _messages()


class Server:
    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.address = ""

    async def create(self, request: bytes, context: Any) -> bytes:
        self.asked.append(request)
        return b""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    handlers = {
        "Create": grpc.unary_unary_rpc_method_handler(made.create),
        "Watch": grpc.unary_unary_rpc_method_handler(made.create),
    }
    running = grpc.aio.server()
    running.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("cloud.v1.Machines", handlers),))
    made.address = f"127.0.0.1:{running.add_insecure_port('127.0.0.1:0')}"
    await running.start()
    yield made
    await running.stop(0)


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    adapter = GenericAdapter((ROUTE,), name="cloud", account_header="x-account")
    async with make_gate(tmp_path, adapters=(adapter,)) as gate:
        yield gate


@pytest.fixture
async def channel(gate: Gate, server: Server) -> AsyncIterator[Any]:
    interceptors = gate_interceptors(gate, server.address)
    async with grpc.aio.insecure_channel(server.address, interceptors=interceptors) as channel:
        yield channel


def create(channel: Any, method: str = METHOD) -> Any:
    return channel.unary_unary(method, request_serializer=lambda message: message.SerializeToString())


def ask(gpus: int = 8) -> Any:
    return Ask(gpu="H100 SXM", gpu_count=gpus, hours=24)


NORGE, HARBIN, NOBODY = (("x-account", "111111111111"),), (("x-account", "333333333333"),), (("x-account", "acct-9"),)


async def test_an_allowed_call_is_sent(channel: Any, server: Server) -> None:
    """An allowed call reaches the server as it was made, and so does one that nobody guards."""
    await create(channel)(ask(), metadata=NORGE)
    await create(channel, "/cloud.v1.Machines/Watch")(ask(9), metadata=HARBIN)
    assert server.asked == [ask().SerializeToString(), ask(9).SerializeToString()]


async def test_a_blocked_call_is_permission_denied(channel: Any, server: Server) -> None:
    """A blocked call raises `AioRpcError` with the decision in its metadata, and the server sees nothing."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(channel)(ask(), metadata=HARBIN)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    told = dict(caught.value.trailing_metadata())
    assert (told["kyc-outcome"], told["kyc-decision-id"][:4]) == ("block", "dec_")
    assert server.asked == []


async def test_an_approval_lets_the_same_call_through(channel: Any, server: Server, gate: Gate) -> None:
    """What waits names its case; approved, the same message is sent."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(channel)(ask(), metadata=NOBODY)
    case = dict(caught.value.trailing_metadata())["kyc-case-id"]
    assert await gate.store.fetch_case(case) is not None
    await approve_waiting(gate)
    await create(channel)(ask(), metadata=NOBODY)
    assert len(server.asked) == 1


async def test_fields_that_the_definition_does_not_know_are_refused(channel: Any, server: Server) -> None:
    """The server may know what a newer field means, and it may multiply the machines."""
    newer = Ask.FromString(NewerAsk(gpu="H100 SXM", gpu_count=1, hours=1, replicas=99).SerializeToString())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(channel)(newer, metadata=NORGE)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert server.asked == []


def packed(inner: bytes, kind: str = "cloud.v1.Nested") -> Any:
    """A message whose one field is an `Any` that says it packs a `kind`."""
    return _packing()(spec=any_pb2.Any(type_url=f"type.googleapis.com/{kind}", value=inner))


@functools.cache
def _packing() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="packing.proto", package="cloud.v1", syntax="proto3", dependency=["google/protobuf/any.proto"]
    )
    file.message_type.add(name="Nested").field.add(name="gpu", number=1, type=9, label=1)
    home = file.message_type.add(name="Packing")
    home.field.add(name="spec", number=1, type=11, type_name=".google.protobuf.Any", label=1)
    home.field.add(name="gpu", number=2, type=9, label=1)
    pool = descriptor_pool.Default()  # where what is packed is looked up
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("cloud.v1.Packing"))


def test_what_is_packed_is_read() -> None:
    """An `Any` of a known kind is read as its fields."""
    assert json.loads(_json(packed(b"\x0a\x04H100")))["spec"]["gpu"] == "H100"


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(lambda: packed(b"\x0a\x04H100\x12\x01x"), id="unknown-field"),
        pytest.param(lambda: packed(b"\x0a\x04H100", "cloud.v1.Newer"), id="unknown-kind"),
        pytest.param(lambda: packed(b"\xff\xff"), id="no-message"),
        pytest.param(lambda: _packing()(spec=any_pb2.Any(value=b"\x0a\x04H100")), id="no-kind"),
        pytest.param(
            lambda: packed(packed(b"\x12\x01x").SerializeToString(), "cloud.v1.Packing"), id="packed-in-what-is-packed"
        ),
    ],
)
def test_what_is_packed_and_not_known_is_refused(message: Callable[[], Any]) -> None:
    """The server may know fields that this definition does not, inside an `Any` as outside."""
    with pytest.raises(RefusedCall):
        _json(message())


async def test_a_guarded_call_may_not_stream_or_be_bytes(channel: Any, server: Server) -> None:
    """What cannot be read before it is sent is refused."""

    async def messages() -> AsyncIterator[Any]:
        yield ask()

    streaming = channel.stream_unary(METHOD, request_serializer=lambda message: message.SerializeToString())
    with pytest.raises(grpc.aio.AioRpcError):
        await streaming(messages(), metadata=NORGE)
    with pytest.raises(grpc.aio.AioRpcError):
        await channel.unary_unary(METHOD)(ask().SerializeToString(), metadata=NORGE)
    assert server.asked == []
