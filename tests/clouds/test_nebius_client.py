"""Nebius' own client, unmodified, with the gate's interceptors, to a server that speaks gRPC."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from gates import approve_waiting, make_gate

from kyc_gate import Gate
from kyc_gate.adapters.nebius import NebiusAdapter

grpc = pytest.importorskip("grpc", reason="the extra `grpc` is not installed")
pytest.importorskip("nebius", reason="the client of Nebius is not installed")

from nebius.aio.service_error import RequestError  # noqa: E402
from nebius.api.nebius.compute import v1 as compute  # noqa: E402
from nebius.api.nebius.mk8s import v1 as mk8s  # noqa: E402

from kyc_gate.client.grpc import gate_interceptors  # noqa: E402

from .nebius_cloud import ALLOWED, BLOCKED, HELD, MANY, Seen, client_to, cloud_serving, group, machine  # noqa: E402


class Cloud(NamedTuple):
    """The gate, the client, and which methods with which messages reached the server."""

    gate: Gate
    sdk: Any
    seen: Seen


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    gate = make_gate(tmp_path, adapters=(NebiusAdapter(tokens="upstream", hosts=("127.0.0.1",)),))
    async with gate, cloud_serving() as (port, seen):
        address = f"127.0.0.1:{port}"
        async with client_to(address, *gate_interceptors(gate, address)) as sdk:
            yield Cloud(gate, sdk, seen)


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
    with pytest.raises(RequestError):
        await client.start(compute.StartInstanceRequest(id="computeinstance-unknown"))
    assert [method for method, _ in cloud.seen] == [f"InstanceService/{name}" for name in ("Create", "Stop", "Start")]


async def test_anothers_machine_is_not_started_for_oneself(cloud: Cloud) -> None:
    """Whoever names a machine of a blocked project starts it for that project, whatever project the call names."""
    client = compute.InstanceServiceClient(cloud.sdk)
    await client.create(machine(ALLOWED))
    update = compute.UpdateInstanceRequest(metadata=machine(BLOCKED).metadata, spec=machine(BLOCKED).spec)
    update.metadata.id = "computeinstance-one"
    await client.update(update)
    assert len(cloud.seen) == 2
