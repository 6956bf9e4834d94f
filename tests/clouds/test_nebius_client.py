"""Nebius' own client, unmodified, with the gate's interceptors, to a server that speaks gRPC."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from gates import PARTIES, approve_waiting

from kyc_gate import Gate
from kyc_gate.adapters.nebius import NebiusAdapter
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import Account, PartyKind
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.settings import Settings
from kyc_gate.storage.sqlite import SqliteStore

grpc = pytest.importorskip("grpc", reason="the extra `grpc` is not installed")
nebius = pytest.importorskip("nebius", reason="the client of Nebius is not installed")

from nebius.aio.service_error import RequestError  # noqa: E402
from nebius.api.nebius.common.v1 import Operation, ResourceMetadata  # noqa: E402
from nebius.api.nebius.compute import v1 as compute  # noqa: E402
from nebius.api.nebius.mk8s import v1 as mk8s  # noqa: E402
from nebius.base.options import INSECURE  # noqa: E402
from nebius.sdk import SDK  # noqa: E402

from kyc_gate.client.grpc import gate_interceptors  # noqa: E402

ALLOWED, HELD, BLOCKED = "norge", "emirate", "harbin"
H100 = ("gpu-h100-sxm", "8gpu-128vcpu-1600gb")
MANY = 4000
ENTRY = ListEntry(list="SDN", id="1", name="Sealed Machinery Works", kind=PartyKind.COMPANY)
SERVICES = {
    "nebius.compute.v1.InstanceService": (
        "computeinstance-one",
        ("Get", "Create", "Update", "Start", "Stop", "Delete"),
    ),
    "nebius.mk8s.v1.NodeGroupService": ("mk8snodegroup-one", ("Create", "Update", "Delete")),
}


class Cloud(NamedTuple):
    """The gate, the client's settings, and which methods with which messages reached the server."""

    gate: Gate
    sdk: SDK
    seen: list[tuple[str, bytes]]


def handlers(seen: list[tuple[str, bytes]]) -> Any:
    def answering(method: str, id: str) -> Any:
        async def answer(request: bytes, context: Any) -> bytes:
            seen.append((method, request))
            if method.endswith("/Get"):
                return compute.Instance(metadata=ResourceMetadata(id=id)).SerializeToString()
            return Operation(id="operation-1", resource_id=id).SerializeToString()

        return grpc.unary_unary_rpc_method_handler(answer)

    for service, (id, methods) in SERVICES.items():
        found = {method: answering(f"{service.rpartition('.')[2]}/{method}", id) for method in methods}
        yield grpc.method_handlers_generic_handler(service, found)


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    gate = Gate(
        policies=tuple(read_policy(shipped_policies() / name) for name in ("us-in-force", "us-ai-diffusion")),
        store=SqliteStore(tmp_path / "gate.db"),
        adapters=(NebiusAdapter(tokens="upstream", hosts=("127.0.0.1",)),),
        snapshot=merge(
            [ListReading(name="test", format="test", entries=(ENTRY,), problems=(), as_of=datetime.now(UTC))]
        ),
        parties=PARTIES,
        accounts=tuple(Account(provider="nebius", id=f"project-{party.id}", party_id=party.id) for party in PARTIES),
        settings=Settings(decision_seconds=10.0, refusal_seconds=0.0),
    )
    seen: list[tuple[str, bytes]] = []
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(tuple(handlers(seen)))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with gate:
        sdk = SDK(
            domain=address,
            resolver=_Resolver(address),
            credentials="a-token-of-nebius",
            interceptors=gate_interceptors(gate, address),
            options=[(INSECURE, True)],
            user_agent_prefix="kyc-gate-tests",
            event_loop=asyncio.get_running_loop(),
        )
        yield Cloud(gate, sdk, seen)
        await sdk.close()
    await server.stop(0)


class _Resolver(nebius.base.resolver.Resolver):
    def __init__(self, address: str) -> None:
        self._address = address

    def resolve(self, service_id: str) -> str:
        return self._address


def machine(party: str, machine: tuple[str, str] = H100) -> Any:
    resources = compute.ResourcesSpec(platform=machine[0], preset=machine[1])
    spec = compute.InstanceSpec(resources=resources)
    return compute.CreateInstanceRequest(metadata=ResourceMetadata(parent_id=f"project-{party}", name="vm"), spec=spec)


def group(party: str, nodes: int) -> Any:
    resources = mk8s.ResourcesSpec(platform=H100[0], preset=H100[1])
    spec = mk8s.NodeGroupSpec(fixed_node_count=nodes, template=mk8s.NodeTemplate(resources=resources))
    return mk8s.CreateNodeGroupRequest(metadata=ResourceMetadata(parent_id=f"project-{party}", name="g"), spec=spec)


async def test_unguarded_calls_pass(cloud: Cloud) -> None:
    """Reading rents nothing, whoever reads."""
    found = await compute.InstanceServiceClient(cloud.sdk).get(compute.GetInstanceRequest(id="x"))
    assert found.metadata.id == "computeinstance-one"


async def test_a_machine_is_created(cloud: Cloud) -> None:
    """An ordinary request reaches the server as the client wrote it."""
    made = await compute.InstanceServiceClient(cloud.sdk).create(machine(ALLOWED))
    assert made.resource_id == "computeinstance-one"
    assert cloud.seen == [("InstanceService/Create", machine(ALLOWED).SerializeToString())]


async def test_a_machine_is_blocked(cloud: Cloud) -> None:
    """A blocked customer gets the client's own exception with its status, once, and the server sees nothing."""
    with pytest.raises(RequestError) as caught:
        await compute.InstanceServiceClient(cloud.sdk).create(machine(BLOCKED))
    status = caught.value.status
    assert (status.code, cloud.seen) == (grpc.StatusCode.PERMISSION_DENIED, [])
    assert "dec_" in str(status.message)


async def test_a_group_waits_and_is_let_through(cloud: Cloud) -> None:
    """A group beyond the line waits for a person; after the approval the same request passes."""
    client = mk8s.NodeGroupServiceClient(cloud.sdk)
    with pytest.raises(RequestError) as caught:
        await client.create(group(HELD, MANY))
    assert re.search("case_[0-9a-f]+", str(caught.value.status.message))
    assert cloud.seen == []
    await approve_waiting(cloud.gate)
    assert (await client.create(group(HELD, MANY))).resource_id == "mk8snodegroup-one"
    assert len(cloud.seen) == 1


async def test_a_machine_is_its_projects_that_made_it(cloud: Cloud) -> None:
    """A start names a machine and no project: it is the one that made it, and an unknown machine waits."""
    client = compute.InstanceServiceClient(cloud.sdk)
    await client.create(machine(HELD))
    await client.stop(compute.StopInstanceRequest(id="computeinstance-one"))
    await client.start(compute.StartInstanceRequest(id="computeinstance-one"))
    account = await cloud.gate.store.fetch_owner("nebius", "instance", "computeinstance-one")
    assert account == "project-emirate"
    with pytest.raises(RequestError):
        await client.start(compute.StartInstanceRequest(id="computeinstance-unknown"))
    assert [method for method, _ in cloud.seen] == [f"InstanceService/{name}" for name in ("Create", "Stop", "Start")]
