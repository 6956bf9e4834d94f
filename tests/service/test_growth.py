"""A change of what runs already counts only what it adds, and what nobody saw made counts whole."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gates import PARTIES

from kyc_gate import Gate
from kyc_gate.adapters.gcp import GCPAdapter
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.call import Call
from kyc_gate.model.case_steps import Move, Step
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import Account, PartyKind
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.admission import Admission
from kyc_gate.service.settings import Settings
from kyc_gate.storage.sqlite import SqliteStore

ENTRY = ListEntry(list="SDN", id="1", name="Sealed Machinery Works", kind=PartyKind.COMPANY)
HOME = "/compute/v1/projects/acct-norge"
GROUPS = f"{HOME}/zones/us-central1-a/instanceGroupManagers"


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    found = Gate(
        policies=(read_policy(shipped_policies() / "us-in-force"),),
        store=SqliteStore(tmp_path / "gate.db", deadline_seconds=10.0),
        adapters=(GCPAdapter(tokens="upstream"),),
        parties=PARTIES,
        accounts=tuple(Account(provider="gcp", id=f"acct-{party.id}", party_id=party.id) for party in PARTIES),
        snapshot=merge([ListReading(name="t", format="t", entries=(ENTRY,), problems=(), as_of=datetime.now(UTC))]),
        settings=Settings(decision_seconds=10.0),
    )
    async with found:
        yield found


async def sent(gate: Gate, method: str, path: str, body: object = None) -> Admission:
    """What the gate says of a call that the cloud then accepts; a call that waits is approved, and sent again."""
    name, _, query = path.partition("?")
    data = None if body is None else json.dumps(body).encode()
    head = [(b"host", b"compute.googleapis.com"), (b"authorization", b"Bearer ya29.a-token")]
    if data is not None:
        head += [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    call = Call(method=method, raw_path=name.encode(), query=query.encode(), headers=tuple(head), body=data)
    assert gate.guards(call)
    admission = await gate.admit(call)
    if admission.case_id and admission.answer:
        move = Move(step=Step.APPROVE, by="r. viewer", at=datetime.now(UTC), note="ok", grant_hours=1.0)
        await gate.store.move_case(admission.case_id, move)
        admission = await gate.admit(call)
    assert admission.answer is None
    await gate.settle(admission, 200, b"{}")
    assert await gate.store.ready()  # until it is written, what was sent before counts whole
    return admission


def amounts(admission: Admission) -> list[tuple[str | None, int]]:
    assert admission.request is not None
    return [(line.instance_type, line.count * line.multiplier) for line in admission.request.lines]


async def counted(gate: Gate, name: str) -> int:
    runs = await gate.store.fetch_runs_named("gcp:acct-norge", name)
    assert all(run.started_at <= datetime.now(UTC) for run in runs)
    return len([run for run in runs if run.high_rate])


async def test_a_group_counts_what_it_grows_by(gate: Gate) -> None:
    """Ten machines, then twelve: ten and two. The same again, or fewer, is nothing; after its end all is new."""
    template = {"name": "t", "properties": {"machineType": "a3-highgpu-8g"}}
    made = {"name": "g", "targetSize": 10, "instanceTemplate": "global/instanceTemplates/t"}
    await sent(gate, "POST", f"{HOME}/global/instanceTemplates", template)
    assert amounts(await sent(gate, "POST", GROUPS, made)) == [("a3-highgpu-8g", 10)]
    assert amounts(await sent(gate, "POST", f"{GROUPS}/g/resize?size=12")) == [("a3-highgpu-8g", 2)]
    assert amounts(await sent(gate, "POST", f"{GROUPS}/g/resize?size=12")) == []
    assert amounts(await sent(gate, "PATCH", f"{GROUPS}/g", {"targetSize": 5})) == []
    assert await counted(gate, "instance-group:us-central1-a/g") == 2
    await sent(gate, "DELETE", f"{GROUPS}/g")
    assert await counted(gate, "instance-group:us-central1-a/g") == 0
    assert amounts(await sent(gate, "POST", GROUPS, made)) == [("a3-highgpu-8g", 10)]


async def test_a_group_whose_machines_changed_is_not_known(gate: Gate) -> None:
    """After a change of its template what one machine of it is stays unresolved."""
    template = {"name": "t", "properties": {"machineType": "e2-medium"}}
    made = {"name": "g", "targetSize": 1, "instanceTemplate": "global/instanceTemplates/t"}
    await sent(gate, "POST", f"{HOME}/global/instanceTemplates", template)
    await sent(gate, "POST", GROUPS, made)
    await sent(gate, "PATCH", f"{GROUPS}/g", {"instanceTemplate": "global/instanceTemplates/t"})
    admission = await sent(gate, "POST", f"{GROUPS}/g/resize?size=100")
    assert admission.request is not None
    assert admission.request.unresolved == ("instance-group:us-central1-a/g",)


async def test_a_machine_that_changes_is_counted_whole(gate: Gate) -> None:
    """The same machine again is nothing, and goes on counting; another type ends what it was."""
    instances = f"{HOME}/zones/us-central1-a/instances"
    small, large = {"name": "vm", "machineType": "a2-highgpu-1g"}, {"name": "vm", "machineType": "a3-highgpu-8g"}
    assert amounts(await sent(gate, "POST", instances, small)) == [("a2-highgpu-1g", 1)]
    assert amounts(await sent(gate, "PUT", f"{instances}/vm", small)) == []
    assert await counted(gate, "instance:us-central1-a/vm") == 1
    assert amounts(await sent(gate, "PUT", f"{instances}/vm", large)) == [("a3-highgpu-8g", 1)]
    assert await counted(gate, "instance:us-central1-a/vm") == 1
    await sent(gate, "POST", f"{instances}/vm/stop")
    assert await counted(gate, "instance:us-central1-a/vm") == 0
    assert amounts(await sent(gate, "POST", f"{instances}/vm/start")) == [("a3-highgpu-8g", 1)]
