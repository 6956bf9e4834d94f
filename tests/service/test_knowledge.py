"""What traffic taught is forgotten before it may change, and taught anew only by what certainly took place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import postgres
import pytest
from gates import PARTIES, approve
from memory import memory

from kyc_gate import Gate
from kyc_gate.adapters.azure import AzureAdapter
from kyc_gate.adapters.gcp import GCPAdapter
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.call import Call
from kyc_gate.model.job import Accelerators, Caller, Certainty, Inquired, ProvisioningRequest, RequestKind
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import Account, PartyKind
from kyc_gate.model.usage import HoldRequest, Usage
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.admission import Admission
from kyc_gate.service.inquiries import Desk, Inquiries
from kyc_gate.service.settings import Settings
from kyc_gate.storage.postgres import PostgresStore
from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.sqlite import SqliteStore

ENTRY = ListEntry(list="SDN", id="1", name="Sealed Machinery Works", kind=PartyKind.COMPANY)
ACCOUNT = "acct-norge"
GOOGLE, AZURE, BUCKET = "compute.googleapis.com", "management.azure.com", "bucket.example.org"
TEMPLATES = f"/compute/v1/projects/{ACCOUNT}/global/instanceTemplates"
ZONE = f"/compute/v1/projects/{ACCOUNT}/zones/us-central1-a"
CLUSTERS = f"/v1/projects/{ACCOUNT}/locations/us-central1-a/clusters"
GROUP = f"/subscriptions/{ACCOUNT}/resourceGroups/rg/providers"
SETS = f"{GROUP}/Microsoft.Compute/virtualMachineScaleSets"
DEPLOYMENT = f"{GROUP}/Microsoft.Resources/deployments/d"
SMALL, LARGE = "e2-medium", "a3-highgpu-8g"
D2, H100 = "Standard_D2s_v5", "Standard_ND96isr_H100_v5"


@pytest.fixture(scope="module")
def database() -> Iterator[postgres.Server]:
    with postgres.server(memory()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def store_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], RowStore]:
    """Makes a store over this test's state, as each gate opens its own."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "gate.db", deadline_seconds=10.0)
    url = request.getfixturevalue("database").schema()
    return lambda: PostgresStore(url, deadline_seconds=10.0)


def made(store: RowStore, desks: Sequence[Desk] = ()) -> Gate:
    return Gate(
        policies=(read_policy(shipped_policies() / "us-in-force"),),
        store=store,
        adapters=(GCPAdapter(tokens="upstream"), AzureAdapter(tokens="upstream")),
        parties=PARTIES,
        accounts=tuple(Account(provider=each, id=ACCOUNT, party_id="norge") for each in ("gcp", "azure")),
        snapshot=merge([ListReading(name="t", format="t", entries=(ENTRY,), problems=(), as_of=datetime.now(UTC))]),
        settings=Settings(decision_seconds=10.0),
        inquiries=Inquiries(desks) if desks else None,
    )


@pytest.fixture
async def gate(store_of: Callable[[], RowStore]) -> AsyncIterator[Gate]:
    async with made(store_of()) as found:
        yield found


@pytest.fixture
async def replica(gate: Gate, store_of: Callable[[], RowStore]) -> AsyncIterator[Gate]:
    """Another gate over the same state."""
    async with made(store_of()) as found:
        yield found


async def sent(
    gate: Gate,
    method: str,
    path: str,
    body: Any = None,
    *,
    host: str = GOOGLE,
    status: int | None = 200,
    answer: bytes | None = b"{}",
) -> Admission:
    """What the gate says of a call, which the cloud then answers with `status` if it is passed on."""
    name, _, query = path.partition("?")
    data = None if body is None else json.dumps(body).encode()
    head = [(b"host", host.encode()), (b"authorization", b"Bearer ya29.a-token")]
    if data is not None:
        head += [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    call = Call(method=method, raw_path=name.encode(), query=query.encode(), headers=tuple(head), body=data)
    assert gate.guards(call)
    admission = await gate.admit(call)
    if admission.answer is None:
        await gate.settle(admission, status, answer)
        assert await gate.store.ready()  # whatever was written before is committed
    return admission


def template(machine: str) -> dict[str, Any]:
    return {"name": "t", "properties": {"machineType": machine}}


def unresolved(admission: Admission) -> tuple[str, ...]:
    assert admission.request is not None
    return admission.request.unresolved


def amounts(admission: Admission) -> list[tuple[str | None, int]]:
    assert admission.request is not None
    return [(line.instance_type, line.count * line.multiplier) for line in admission.request.lines]


async def grouped(gate: Gate, name: str = "g") -> Admission:
    """A group of two after the template."""
    made = {"name": name, "targetSize": 2, "instanceTemplate": "global/instanceTemplates/t"}
    return await sent(gate, "POST", f"{ZONE}/instanceGroupManagers", made)


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        pytest.param("", {"name": "t", "sourceInstance": "zones/us-central1-a/instances/x"}, 200, id="of a machine"),
        pytest.param("", template(LARGE), None, id="the answer is lost"),
        pytest.param("", template(LARGE), 502, id="the upstream failed"),
        pytest.param("?requestId=1", template(SMALL), 200, id="an older answer, perhaps"),
    ],
)
async def test_a_template_that_is_defined_anew_is_not_what_it_was(
    gate: Gate, query: str, body: Any, status: int | None
) -> None:
    """Whatever became of the definition, the lines of the earlier one stand for nothing."""
    await sent(gate, "POST", TEMPLATES, template(SMALL))
    assert amounts(await grouped(gate)) == [(SMALL, 2)]
    await sent(gate, "POST", f"{TEMPLATES}{query}", body, status=status)
    assert unresolved(await grouped(gate, "h")) == ("instance-template:global/t",)


async def test_a_definition_that_the_cloud_refused_changes_nothing(gate: Gate) -> None:
    """A name that is taken is answered with a conflict, and stands for what it stood for."""
    await sent(gate, "POST", TEMPLATES, template(SMALL))
    await sent(gate, "POST", TEMPLATES, template(LARGE), status=409)
    assert amounts(await grouped(gate)) == [(SMALL, 2)]


async def test_a_definition_that_cannot_be_read_is_refused(gate: Gate) -> None:
    """It would leave the earlier one standing."""
    admission = await sent(gate, "POST", f"{TEMPLATES}?upload_protocol=raw", template(LARGE))
    assert admission.answer is not None
    assert admission.answer.status == 400


def defining(*machines: str) -> list[Call]:
    """Calls that define the template `t`, one for each machine type."""
    head = ((b"host", GOOGLE.encode()), (b"content-type", b"application/json"))
    return [
        Call(
            method="POST",
            raw_path=TEMPLATES.encode(),
            headers=(*head, (b"content-length", str(len(data)).encode())),
            body=data,
        )
        for data in (json.dumps(template(machine)).encode() for machine in machines)
    ]


async def test_only_the_last_of_two_at_once_teaches(gate: Gate) -> None:
    """Which of them the cloud carried out last nobody knows."""
    first, second = [await gate.admit(call) for call in defining(LARGE, SMALL)]
    await gate.settle(second, 200, b"{}")
    await gate.settle(first, 200, b"{}")
    assert unresolved(await grouped(gate)) == ("instance-template:global/t",)


async def test_two_gates_teach_as_one(gate: Gate, replica: Gate) -> None:
    """Of two definitions that passed at two gates at once neither stands, and what one gate learnt the other knows."""
    await sent(gate, "POST", TEMPLATES, template(SMALL))
    assert amounts(await grouped(replica)) == [(SMALL, 2)]
    large, small = defining(LARGE, SMALL)
    first = await gate.admit(large)
    second = await replica.admit(small)
    await replica.settle(second, 200, b"{}")
    await gate.settle(first, 200, b"{}")
    for each in (gate, replica):
        assert unresolved(await grouped(each, "h")) == ("instance-template:global/t",)


async def test_a_refusal_at_one_gate_brings_back_nothing_that_another_changed(gate: Gate, replica: Gate) -> None:
    """What the names stood for before comes back only where no other gate changed them since."""
    await sent(gate, "POST", TEMPLATES, template(SMALL))
    small, large = defining(SMALL, LARGE)
    first = await gate.admit(small)
    second = await replica.admit(large)
    await replica.settle(second, 200, b"{}")
    await gate.settle(first, 409, b"{}")
    assert amounts(await grouped(gate)) == [(LARGE, 2)]


Sent = Callable[[Gate], Awaitable[Admission]]


async def changed_meanwhile(gate: Gate, other: Gate, decided: Sent, change: Sent) -> Admission:
    """What the gate says of a call that it has read, when `change` passes at the other gate before it is decided."""
    read, changed, hold = asyncio.Event(), asyncio.Event(), gate.store.hold

    async def slow(request: HoldRequest) -> Usage:
        read.set()
        await changed.wait()
        return await hold(request)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gate.store, "hold", slow)
        waiting = asyncio.create_task(decided(gate))
        await read.wait()
        passed = await change(other)
        assert passed.answer is None
        changed.set()
        return await waiting


def assert_to_be_sent_again(admission: Admission) -> None:
    """Nothing was decided, nothing recorded, and the caller is told what to do."""
    assert admission.refusal is not None, amounts(admission)
    assert (admission.refusal.status, admission.decision_id) == (503, None)
    assert admission.refusal.detail == "the request was not passed on; send it again"


async def test_a_template_that_changes_while_a_group_is_decided(gate: Gate, replica: Gate) -> None:
    """It was small when it was read, and is large when the group would be made."""
    await sent(gate, "POST", TEMPLATES, template(SMALL))
    admission = await changed_meanwhile(
        gate, replica, grouped, lambda other: sent(other, "POST", TEMPLATES, template(LARGE))
    )
    assert_to_be_sent_again(admission)
    assert amounts(await grouped(gate)) == [(LARGE, 2)]


async def test_a_cluster_that_spreads_while_a_pool_is_decided(gate: Gate, replica: Gate) -> None:
    """Each machine of the pool stood in one zone when it was read."""
    host = "container.googleapis.com"
    pool = {"nodePool": {"name": "p", "initialNodeCount": 2, "config": {"machineType": LARGE}}}

    def cluster(zones: str) -> Sent:
        locations = [f"us-central1-{zone}" for zone in zones]
        nodes = {"name": "d", "initialNodeCount": 1, "config": {"machineType": SMALL}}
        body = {"cluster": {"name": "c", "locations": locations, "nodePools": [nodes]}}
        return lambda gate: sent(gate, "POST", CLUSTERS, body, host=host)

    await cluster("a")(gate)
    admission = await changed_meanwhile(
        gate, replica, lambda gate: sent(gate, "POST", f"{CLUSTERS}/c/nodePools", pool, host=host), cluster("abcf")
    )
    assert_to_be_sent_again(admission)
    assert amounts(await sent(gate, "POST", f"{CLUSTERS}/c/nodePools", pool, host=host)) == [(LARGE, 8)]


async def test_a_set_that_ends_while_it_is_sized(gate: Gate, replica: Gate) -> None:
    """Its machines were counted already when the call was read, and no longer when it would make them anew."""

    def sized(gate: Gate) -> Awaitable[Admission]:
        return sent(gate, "PUT", f"{SETS}/s", {"sku": {"name": H100, "capacity": 2}}, host=AZURE)

    assert amounts(await sized(gate)) == [(H100, 2)]
    assert amounts(await sized(gate)) == []
    admission = await changed_meanwhile(
        gate, replica, sized, lambda other: sent(other, "DELETE", f"{SETS}/s", host=AZURE)
    )
    assert_to_be_sent_again(admission)
    assert amounts(await sized(gate)) == [(H100, 2)]


async def test_an_approval_outlives_what_changed(gate: Gate, replica: Gate) -> None:
    """The person's grant is neither spent on what they did not see, nor lost to what did not pass."""
    home = "/compute/v1/projects/acct-nobody"

    def defined(machine: str) -> Sent:
        return lambda gate: sent(gate, "POST", f"{home}/global/instanceTemplates", template(machine))

    def group(gate: Gate) -> Awaitable[Admission]:
        body = {"name": "g", "targetSize": 2, "instanceTemplate": "global/instanceTemplates/t"}
        return sent(gate, "POST", f"{home}/zones/us-central1-a/instanceGroupManagers", body)

    await defined(LARGE)(gate)
    waiting = await group(gate)
    assert waiting.case_id is not None
    await approve(gate, waiting.case_id)
    assert_to_be_sent_again(await changed_meanwhile(gate, replica, group, defined(SMALL)))
    await defined(LARGE)(gate)
    assert (await group(gate)).answer is None
    assert (await group(gate)).case_id is not None


class Hearsay:
    """A provider that says of every name that it stands for a small machine."""

    provider = "gcp"

    def may_ask(self, reference: str, *, moving: bool) -> bool:
        return True

    def lasts(self, reference: str) -> bool:
        return True

    async def ask(self, account: str, region: str | None, references: Sequence[str]) -> tuple[Inquired, ...]:
        lines = (Accelerators(instance_type=SMALL, count=1),)
        return tuple(Inquired(reference=name, means=name, lines=lines, by="hearsay") for name in references)


@pytest.mark.parametrize("names", ["instance-template:global/t", "instance-template:*"])
async def test_what_the_provider_said_may_change_meanwhile(
    store_of: Callable[[], RowStore], replica: Gate, names: str
) -> None:
    """A name that no call had touched when it was asked about, and one did before the decision was written."""
    asked = ProvisioningRequest(
        provider="gcp",
        service="compute",
        operation="instanceGroupManagers.insert",
        kind=RequestKind.CREATE,
        caller=Caller(account=ACCOUNT, verified=True),
        certainty=Certainty.UNRESOLVED,
        unresolved=("instance-template:global/t",),
        repeats=2,
    )

    async def forgotten(other: Gate) -> Admission:
        await other.store.forget_names("gcp", ACCOUNT, (names,))
        return Admission()

    async with made(store_of(), desks=(Hearsay(),)) as gate:
        assert amounts(await gate.decide(asked)) == [(SMALL, 2)]
        admission = await changed_meanwhile(gate, replica, lambda gate: gate.decide(asked), forgotten)
        assert_to_be_sent_again(admission)


async def test_a_group_that_is_made_anew_is_not_what_it_was(gate: Gate) -> None:
    """The answer was too long to keep: its machines are not those of the group before."""
    await sent(gate, "POST", TEMPLATES, template(SMALL))
    await grouped(gate)
    await sent(gate, "DELETE", f"{ZONE}/instanceGroupManagers/g")
    await sent(gate, "POST", TEMPLATES, template(LARGE))
    made = {"name": "g", "targetSize": 1, "instanceTemplate": "global/instanceTemplates/t"}
    await sent(gate, "POST", f"{ZONE}/instanceGroupManagers", made, answer=None)
    admission = await sent(gate, "POST", f"{ZONE}/instanceGroupManagers/g/resize?size=4000")
    assert unresolved(admission) == ("instance-group:us-central1-a/g",)


async def test_nodes_stand_in_every_zone_of_their_cluster(gate: Gate) -> None:
    """A zonal cluster may have several zones. A cluster with a pool of that name in it is not what it was either."""
    host = "container.googleapis.com"
    pool = {"nodePool": {"name": "p", "initialNodeCount": 10, "config": {"machineType": LARGE}}}
    assert unresolved(await sent(gate, "POST", f"{CLUSTERS}/c/nodePools", pool, host=host)) == (
        "cluster-zones:us-central1-a/c",
    )
    zones = [f"us-central1-{zone}" for zone in "abcf"]
    nodes = {"name": "d", "initialNodeCount": 1, "config": {"machineType": SMALL}}
    cluster = {"cluster": {"name": "c", "locations": zones, "nodePools": [nodes]}}
    await sent(gate, "POST", CLUSTERS, cluster, host=host)
    made = await sent(gate, "POST", f"{CLUSTERS}/c/nodePools", pool, host=host)
    assert amounts(made) == [(LARGE, 40)]
    grown = await sent(gate, "POST", f"{CLUSTERS}/c/nodePools/p:setSize", {"nodeCount": 12}, host=host)
    assert amounts(grown) == [(LARGE, 8)]
    again = {"cluster": {"name": "c", "nodePools": [{**pool["nodePool"], "initialNodeCount": 1}]}}
    await sent(gate, "POST", CLUSTERS, again, host=host)
    grown = await sent(gate, "POST", f"{CLUSTERS}/c/nodePools/p:setSize", {"nodeCount": 99}, host=host)
    assert unresolved(grown) == ("node-pool:us-central1-a/p@c",)


async def test_another_host_neither_teaches_nor_ends(gate: Gate) -> None:
    """Whoever answers on a host of the caller's own has no say about what runs in the cloud."""
    await sent(gate, "POST", TEMPLATES, template(SMALL), host=BUCKET)
    assert unresolved(await grouped(gate)) == ("instance-template:global/t",)
    machines = f"{ZONE}/instances"
    await sent(gate, "POST", machines, {"name": "vm", "machineType": LARGE})
    await sent(gate, "DELETE", f"{machines}/vm", host=BUCKET)
    await sent(gate, "POST", machines, {"name": "vm", "machineType": SMALL}, host=BUCKET)
    await sent(gate, "DELETE", f"{machines}/vm?requestId=1")
    runs = await gate.store.fetch_runs_named(f"gcp:{ACCOUNT}", "instance:us-central1-a/vm")
    assert [run.finished for run in runs] == [False]
    await sent(gate, "DELETE", f"{machines}/vm")
    assert not await gate.store.fetch_runs_named(f"gcp:{ACCOUNT}", "instance:us-central1-a/vm")


RESERVATION = f"{GROUP}/Microsoft.Compute/capacityReservationGroups/h/capacityReservations/r"


@pytest.mark.parametrize("path", [f"{SETS}/s", RESERVATION])
async def test_a_size_is_learnt_without_machines(gate: Gate, path: str) -> None:
    """What is given another size at a capacity of nothing grows by that size."""
    await sent(gate, "PUT", path, {"sku": {"name": D2, "capacity": 1}}, host=AZURE)
    await sent(gate, "PATCH", path, {"sku": {"name": H100, "capacity": 0}}, host=AZURE)
    assert amounts(await sent(gate, "PATCH", path, {"sku": {"capacity": 4}}, host=AZURE)) == [(H100, 4)]


async def test_a_set_whose_answer_was_lost_is_not_known(gate: Gate) -> None:
    """It may be of the new size, or of the old one."""
    await sent(gate, "PUT", f"{SETS}/s", {"sku": {"name": D2, "capacity": 1}}, host=AZURE)
    await sent(gate, "PUT", f"{SETS}/s", {"sku": {"name": H100, "capacity": 1}}, host=AZURE, status=None)
    admission = await sent(gate, "PATCH", f"{SETS}/s", {"sku": {"capacity": 4}}, host=AZURE)
    assert unresolved(admission) == ("scale-set:rg/s",)


@pytest.mark.parametrize(
    ("name", "capacity"),
    [
        pytest.param("s", 1, id="named"),
        pytest.param("[uniqueString('x')]", 1, id="computed"),
        pytest.param("s", 0, id="empty"),
    ],
)
async def test_what_a_template_changes_is_not_what_it_was(gate: Gate, name: str, capacity: int) -> None:
    """A template may change what was learnt; with a computed name it may be any set."""
    await sent(gate, "PUT", f"{SETS}/s", {"sku": {"name": D2, "capacity": 1}}, host=AZURE)
    kind = "Microsoft.Compute/virtualMachineScaleSets"
    resource = {"type": kind, "name": name, "sku": {"name": H100, "capacity": capacity}}
    body = {"properties": {"mode": "Incremental", "template": {"resources": [resource]}}}
    assert (await sent(gate, "PUT", DEPLOYMENT, body, host=AZURE)).answer is None
    admission = await sent(gate, "PATCH", f"{SETS}/s", {"sku": {"capacity": 4}}, host=AZURE)
    assert unresolved(admission) == ("scale-set:rg/s",)


@pytest.mark.parametrize(
    ("path", "first", "then"),
    [
        pytest.param(
            f"{GROUP}/Microsoft.ContainerService/managedClusters/k/agentPools/p",
            {"properties": {"count": 1, "vmSize": H100}},
            {"properties": {"count": 4, "mode": "User"}},
            id="pool",
        ),
        pytest.param(
            f"{GROUP}/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/e/deployments/d",
            {"sku": {"name": "Default", "capacity": 1}, "properties": {"instanceType": H100}},
            {"sku": {"name": "Default", "capacity": 4}, "properties": {}},
            id="deployment",
        ),
    ],
)
async def test_what_names_no_size_is_as_it_was(gate: Gate, path: str, first: Any, then: Any) -> None:
    """The service's default stands for nothing that exists, and a name that was never seen is not known."""
    assert len(unresolved(await sent(gate, "PUT", path, then, host=AZURE))) == 1
    await sent(gate, "PUT", path, first, host=AZURE)
    assert amounts(await sent(gate, "PUT", path, then, host=AZURE)) == [(H100, 3)]
