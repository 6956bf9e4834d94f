"""The policies are swapped while decisions are made."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

from kyc_gate.model.decision import Outcome
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.active_policies import ActivePolicies, Origin
from kyc_gate.service.gate import Gate
from kyc_gate.service.settings import Settings

from .conftest import MakeGate, training

BLOCKS_NORWAY = """
[[rule]]
id = "no-norway"
title = "Norway is closed"
when = 'customer.headquarters == "NO"'
then = "block"
cites = ["US-AIDR-01"]
status = "operator"
because = "{customer.name} is Norwegian"
"""


def closed(folder: Path, more: str = BLOCKS_NORWAY, revision: int = 7) -> Policy:
    """The shipped `us-in-force` with a rule more, in a folder of its own beside its base and data."""
    packs = Path(shutil.copytree(shipped_policies(), folder / "packs"))
    file = packs / "us-in-force" / "policy.toml"
    file.write_text(re.sub(r"revision = \d+", f"revision = {revision}", file.read_text(), count=1) + more)
    return read_policy(packs / "us-in-force")


async def test_a_change_under_load_drops_nothing_and_mixes_nothing(make_gate: MakeGate, tmp_path: Path) -> None:
    """While policies are changed, every call is decided, each by the one set of policies that its record names."""
    async with make_gate(settings=Settings(decision_seconds=20, directory_seconds=0.0)) as gate:
        sets = [gate.active, ActivePolicies.of((closed(tmp_path),), gate.settings, Origin(version=2))]
        done = asyncio.Event()
        changing = asyncio.create_task(change_until(done, gate, sets))
        waves = [await asyncio.gather(*(gate.decide(training("norge")) for _ in range(8))) for _ in range(20)]
        done.set()
        changes = await changing
        answers = [answer for wave in waves for answer in wave]
        records = [await gate.store.fetch_decision(answer.decision_id or "") for answer in answers]
    named = [tuple(policy["digest"] for policy in record["decision"]["policies"]) for record in records if record]
    assert changes > 2
    assert len(named) == len(answers)
    assert set(named) == {each.digests for each in sets}
    for answer, digests in zip(answers, named, strict=True):
        assert (answer.outcome is Outcome.BLOCK) == (digests == sets[1].digests)


async def change_until(done: asyncio.Event, gate: Gate, sets: list[ActivePolicies]) -> int:
    """Change the policies again and again, and return how often."""
    changes = 0
    while not done.is_set():
        changes += 1
        await gate.change_policies(sets[changes % 2])
        await asyncio.sleep(0.003)
    return changes


async def test_lower_lines_are_indexed_before_they_decide(make_gate: MakeGate, tmp_path: Path) -> None:
    """A policy that draws a lower line finds what the lists were not indexed for before."""
    lower = closed(tmp_path, "\n[screening]\npossible = 0.30\nmatch = 0.97\n")
    async with make_gate() as gate:
        before = gate.screener
        await gate.change_policies(ActivePolicies.of((lower,), gate.settings))
        assert gate.screener is not before
        assert gate.active.floor == 0.30
