"""The lists are swapped while decisions are made."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.decision import Outcome
from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.model.party import PartyKind
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.gate import Gate
from kyc_gate.service.settings import Settings

from .conftest import NOW, MakeGate, training


def naming(name: str) -> ListSnapshot:
    """One SDN of this name."""
    entry = ListEntry(list="SDN", id="1", name=name, kind=PartyKind.COMPANY)
    return merge([ListReading(name="sample", format="test", entries=(entry,), problems=(), as_of=NOW)])


LISTED = naming("Norge Computing")
UNLISTED = naming("Quite Another Works")


async def test_a_reload_under_load_drops_nothing_and_mixes_nothing(make_gate: MakeGate) -> None:
    """While lists are swapped, every call is decided, each by the one snapshot that its record names."""
    async with make_gate(settings=Settings(directory_seconds=0.0, decision_seconds=20), snapshot=LISTED) as gate:
        done = asyncio.Event()
        reloading = asyncio.create_task(reload_until(done, gate))
        decided = [await asyncio.gather(*(gate.decide(training("norge")) for _ in range(8))) for _ in range(20)]
        done.set()
        swaps = await reloading
        answers = [answer for wave in decided for answer in wave]
        records = [await gate.store.fetch_decision(answer.decision_id or "") for answer in answers]
    seen = {record["facts"]["snapshot"] for record in records if record}
    assert swaps > 2
    assert seen == {LISTED.digest, UNLISTED.digest}
    for answer, record in zip(answers, records, strict=True):
        assert record is not None
        facts = record["facts"]
        assert (answer.outcome is Outcome.BLOCK) == (facts["snapshot"] == LISTED.digest)
        assert facts["screening"]["matched"] == (["SDN"] if facts["snapshot"] == LISTED.digest else [])


async def reload_until(done: asyncio.Event, gate: Gate) -> int:
    """Swap the lists again and again, and return how often."""
    swaps = 0
    while not done.is_set():
        await gate.activate(UNLISTED if swaps % 2 == 0 else LISTED)
        swaps += 1
        await asyncio.sleep(0.005)
    return swaps


async def test_a_snapshot_that_cannot_be_indexed_changes_nothing(gate: Gate) -> None:
    """Decisions go on with the active lists when a new snapshot cannot be taken."""
    before = gate.snapshot
    broken = ListSnapshot(digest="broken", entries=(None,), lists=())  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        await gate.activate(broken)
    assert gate.snapshot is before
    assert (await gate.decide(training("listed"))).outcome is Outcome.BLOCK


async def test_a_gate_without_lists_takes_its_first(make_gate: MakeGate) -> None:
    """A gate that started without lists holds every party, and decides on its lists once they are there."""
    async with make_gate(snapshot=None) as gate:
        assert (await gate.decide(training("norge"))).outcome is Outcome.ESCALATE
        assert not (await gate.readiness()).ready
        await gate.activate(UNLISTED)
        assert (await gate.decide(training("norge", chips=4))).outcome is Outcome.ALLOW
        assert (await gate.readiness()).ready


async def test_each_policy_is_decided_by_its_own_lines(make_gate: MakeGate, tmp_path: Path) -> None:
    """A resemblance below the operator's line is a match under a policy that draws a lower one, and only there."""
    folder = tmp_path / "drawn"
    folder.mkdir()
    (folder / "policy.toml").write_text(DRAWN, encoding="utf-8")
    near = naming("Norgen Quarry Vessel")
    async with make_gate(snapshot=near) as usual:
        before = await usual.decide(training("norge"))
    policies = (read_policy(folder), read_policy(shipped_policies() / "us-in-force"))
    async with make_gate(snapshot=near, policies=policies) as gate:
        both = await gate.decide(training("norge", chips=4))
        record = await gate.store.fetch_decision(both.decision_id or "")
    assert record is not None
    assert before.outcome is Outcome.ALLOW
    assert [finding.rule for finding in both.decision.counting] == ["drawn-match"]  # type: ignore[union-attr]
    assert record["facts"]["screening"]["outcome"] == "clear"
    assert record["facts"]["resembled"][0]["list"] == "SDN"


DRAWN = """
[policy]
name = "drawn"
revision = 1
status = "operator"
about = "Lines of its own."
extends = ["shipped:gate-base"]

[screening]
possible = 0.1
match = 0.2

[[rule]]
id = "drawn-match"
title = "A match by the policy's own lines"
when = 'screening.outcome == "match" && "SDN" in screening.matched'
then = "escalate"
cites = ["US-LIST-SDN"]
status = "in_force"
because = "{customer.name} resembles an entry"
runbook = "docs/runbooks/list-match.md"
"""
