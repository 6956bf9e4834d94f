"""Candidates beside the active policies."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from msgspec.structs import replace

from kyc_gate.cli.main import main
from kyc_gate.model.decision import Outcome
from kyc_gate.service.gate import Gate
from kyc_gate.service.trials import Trial, chosen

from .bundles import HEAD, MACAU, RULE, configure, write_policy
from .conftest import training


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what it waits for happens in files and threads
            await asyncio.sleep(0.01)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    write_policy(tmp_path / "policies")
    return configure(tmp_path)


def candidate(tmp_path: Path, text: str) -> str:
    (tmp_path / "new").mkdir()
    return str(write_policy(tmp_path / "new", text))


async def command(*words: str) -> int:
    """A command of the line, as another process would run it."""
    return await asyncio.to_thread(main, list(words))


async def test_a_shadow_tells_and_changes_nothing(config: Path, tmp_path: Path) -> None:
    """The candidate's disagreements are kept without the request; the answers are those of the active policies."""
    new = candidate(tmp_path, HEAD + RULE)
    async with Gate.from_config(config) as gate:
        before = await gate.decide(training("norge"), dry_run=True)
        assert await command("policy", "shadow", "start", new, "--config", str(config)) == 0
        await until(lambda: gate.trials.shadow is not None)
        answers = [await gate.decide(training("norge"), dry_run=True) for _ in range(3)]
        assert {answer.outcome for answer in answers} == {before.outcome}
        assert {answer.active.digests for answer in answers if answer.active} == {gate.active.digests}
    with redirect_stdout(io.StringIO()) as printed:
        assert await command("policy", "shadow", "report", "--config", str(config), "--json") == 3
    found = json.loads(printed.getvalue())
    assert (found["decided"], found["differed"], found["failed"]) == (3, 3, 0)
    assert {each["decision_id"] for each in found["examples"]} == {answer.decision_id for answer in answers}
    assert "Norge" not in json.dumps(found)
    assert await command("policy", "shadow", "stop", "--config", str(config)) == 0


async def test_a_candidate_that_fails_is_a_disagreement(config: Path, tmp_path: Path) -> None:
    """Whatever the candidate raises is recorded, and no fault."""
    new = candidate(tmp_path, HEAD + RULE)
    assert await command("policy", "shadow", "start", new, "--config", str(config)) == 0
    async with Gate.from_config(config) as gate:
        assert gate.trials.shadow is not None
        trial, active = gate.trials.shadow
        broken = replace(active.policies[0], editions=())
        gate.trials.shadow = trial, replace(active, policies=(broken,))
        answer = await gate.decide(training("norge"), dry_run=True)
        assert answer.decision is not None
        await asyncio.sleep(0)
        await gate.trials.write(gate)
        found = [each async for each in gate.store.disagreements(trial.id)]
    assert [(each.new, each.error) for each in found] == [(None, "IndexError while deciding")]


async def test_a_rollout_decides_for_its_part_and_is_taken_back(config: Path, tmp_path: Path) -> None:
    """At a hundred percent it decides for all, after a rollback for nobody; each record names what decided."""
    new = candidate(tmp_path, HEAD + MACAU + RULE)
    async with Gate.from_config(config) as gate:
        assert await command("policy", "rollout", "start", new, "--percent", "0.01", "--config", str(config)) == 0
        await until(lambda: gate.trials.rollout is not None)
        assert await command("policy", "rollout", "advance", "--percent", "100", "--config", str(config)) == 0
        await until(lambda: gate.trials.rollout is not None and gate.trials.rollout[0].percent == 100)
        inside = await gate.decide(training("norge"), dry_run=True)
        assert inside.outcome is Outcome.BLOCK
        record = await gate.store.fetch_decision(inside.decision_id or "")
        assert record is not None
        assert record["decision"]["policies"][0]["digest"] != gate.active.digests[0]  # type: ignore[index]
        assert await command("policy", "rollback", "--config", str(config)) == 0
        await until(lambda: gate.trials.rollout is None)
        assert (await gate.decide(training("norge"), dry_run=True)).outcome is not Outcome.BLOCK
        steps = [row["type"] async for row in gate.store.records() if str(row["type"]).startswith("rollout")]
    assert steps == ["rollout.begun", "rollout.advanced", "rollout.taken-back"]


def test_parties_are_drawn_by_hash() -> None:
    """The part is about as large as asked for, only grows, and is another one for another rollout."""
    parties = [f"party-{number}" for number in range(5_000)]
    one = {
        percent: {each for each in parties if chosen(Trial(id="a", digest="", percent=percent), each)}
        for percent in (0, 1, 10, 50, 100)
    }
    assert [len(one[0]), len(one[100])] == [0, 5_000]
    assert 400 < len(one[10]) < 600
    assert one[1] < one[10] < one[50] < one[100]
    other = {each for each in parties if chosen(Trial(id="b", digest="", percent=10), each)}
    assert len(other & one[10]) < 120
