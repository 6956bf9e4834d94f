"""Candidates beside the active policies."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, MutableMapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import postgres
import pytest
import structlog
from msgspec.structs import replace
from structlog.testing import LogCapture

from kyc_gate.api.metrics import _policies
from kyc_gate.api.policies import _document
from kyc_gate.cli import policy_rollback
from kyc_gate.cli.main import main
from kyc_gate.feeds.policy_bundle import bundle_bytes, read_policy_bundle
from kyc_gate.model.decision import Outcome
from kyc_gate.service import policy_keeper, trials
from kyc_gate.service.candidates import begin
from kyc_gate.service.gate import Gate
from kyc_gate.service.trials import ROLLOUT, Trial, chosen

from .bundles import HEAD, MACAU, PUBLIC, RULE, bundle, configure, put, write_policy
from .conftest import training


async def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what it waits for happens in files and threads
            await asyncio.sleep(0.01)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    write_policy(tmp_path / "policies")
    return configure(tmp_path)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[MutableMapping[str, Any]]:
    """What is logged about trials."""
    capture = LogCapture()
    for module in (policy_keeper, trials):
        monkeypatch.setattr(module, "log", structlog.wrap_logger(None, processors=[capture]))
    return capture.entries


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


async def test_a_configured_shadow_follows_the_configuration(tmp_path: Path) -> None:
    """It goes on from the start, begins anew when its files change, and ends with a start without it."""
    write_policy(tmp_path / "policies")
    candidate(tmp_path, HEAD + RULE)
    config = configure(tmp_path, 'shadow = ["new/own"]')
    async with Gate.from_config(config) as gate:
        assert gate.trials.shadow is not None
        first = gate.trials.shadow[0].id
        assert (await gate.decide(training("norge"), dry_run=True)).outcome is not Outcome.BLOCK
        await asyncio.sleep(0)
        await gate.trials.write(gate)
        assert [each.new async for each in gate.store.disagreements(first)] == [Outcome.BLOCK]
        async with Gate.from_config(config) as other:
            assert other.trials.shadow is not None
            assert other.trials.shadow[0].id == first
        put(tmp_path / "new" / "own" / "policy.toml", HEAD + MACAU)
        await until(lambda: gate.trials.shadow is not None and gate.trials.shadow[0].id != first)
    async with Gate.from_config(configure(tmp_path)) as gate:
        assert gate.trials.shadow is None
        steps = [row["type"] async for row in gate.store.records() if str(row["type"]).startswith("shadow")]
    assert steps == ["shadow.begun", "shadow.begun", "shadow.ended"]


@pytest.mark.parametrize("shadow", ["new/nowhere", "new/own"])
async def test_a_configured_shadow_that_cannot_be_tried_is_told(
    tmp_path: Path, shadow: str, told: list[MutableMapping[str, Any]]
) -> None:
    """A candidate that is not there, or does not read, keeps no gate from deciding; the log says why."""
    write_policy(tmp_path / "policies")
    candidate(tmp_path, HEAD + RULE.replace("customer.headquarters", "customer.headquartered"))
    async with Gate.from_config(configure(tmp_path, f'shadow = ["{shadow}"]')) as gate:
        assert gate.trials.shadow is None
        assert (await gate.decide(training("norge"), dry_run=True)).decision is not None
    assert [line["event"] for line in told if line["log_level"] == "error"] == ["shadow.refused"]


async def test_a_shadow_by_hand_is_not_taken_by_a_configured_one(tmp_path: Path) -> None:
    """What a person started goes on, and stays when a gate starts without a configured one."""
    write_policy(tmp_path / "policies")
    new = candidate(tmp_path, HEAD + RULE)
    config = configure(tmp_path, 'shadow = ["policies/own"]')
    assert await command("policy", "shadow", "start", new, "--config", str(config)) == 0
    for again in (config, configure(tmp_path)):
        async with Gate.from_config(again) as gate:
            assert gate.trials.shadow is not None
            assert gate.trials.shadow[0].id.startswith("shadow_")
            assert not (await gate.store.fetch_policy_states())["shadow"].get("configured")


def configured_bundle(tmp_path: Path) -> Path:
    """A configuration whose bundle stops Norway, and beside it the bundles `once.zip` and `twice.zip` that do not."""
    policies = tmp_path / "policies"
    policies.mkdir()
    put(tmp_path / "policies.zip", bundle_bytes(bundle(policies, 1, 0, text=HEAD + MACAU + RULE)))
    put(tmp_path / "once.zip", bundle_bytes(bundle(policies, 2, 0)))
    put(tmp_path / "twice.zip", bundle_bytes(bundle(policies, 2, 0, 1)))
    return configure(tmp_path, f'bundle = "policies.zip"\nkeys = {json.dumps(PUBLIC)}\nlenient_signatures = 2')


async def test_a_rollout_that_decides_is_signed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside a bundle, a candidate of folders, or signed once where it is more lenient, is not even begun."""
    config = configured_bundle(tmp_path)
    rollout = ("policy", "rollout", "start")
    more = ("--percent", "50", "--config", str(config))
    async with Gate.from_config(config) as gate:
        assert await command(*rollout, str(tmp_path / "policies" / "own"), *more) == 1
        capsys.readouterr()
        assert await command(*rollout, str(tmp_path / "once.zip"), *more) == 1
        assert "more lenient than the active policies" in capsys.readouterr().err
        assert ROLLOUT not in await gate.store.fetch_policy_states()
        assert await command(*rollout, str(tmp_path / "twice.zip"), *more) == 0
        assert await command("policy", "rollout", "advance", "--percent", "100", "--config", str(config)) == 0
        await until(lambda: gate.trials.rollout is not None and gate.trials.rollout[0].percent == 100)
        assert (await gate.decide(training("norge"), dry_run=True)).outcome is not Outcome.BLOCK


async def test_a_rollout_that_a_gate_refuses_is_told(
    tmp_path: Path, told: list[MutableMapping[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """What got into the store all the same decides for nobody; log, health, API, metrics and `status` say why."""
    config = configured_bundle(tmp_path)
    async with Gate.from_config(config) as gate:
        state = await begin(gate.store, ROLLOUT, read_policy_bundle((tmp_path / "once.zip").read_bytes()), percent=100)
        await until(lambda: any("more lenient" in str(line.get("error")) for line in told))
        assert gate.trials.rollout is None
        assert (await gate.decide(training("norge"), dry_run=True)).outcome is Outcome.BLOCK
        (warning,) = [each for each in (await gate.readiness()).warnings if "rollout" in each]
        assert "more lenient" in warning
        (trial,) = _document(gate)["trials"]  # type: ignore[misc, attr-defined]
        assert (trial["name"], trial["id"], trial["percent"]) == ("rollout", state["id"], 100)
        assert "more lenient" in trial["problem"]
        refused = {
            sample.labels["trial"]: sample.value
            for each in _policies(gate)
            for sample in each.samples
            if sample.name == "kyc_gate_policy_trial_refused"
        }
        assert refused == {"shadow": 0, "rollout": 1}
        capsys.readouterr()
        assert await command("policy", "rollout", "status", "--config", str(config), "--json") == 1
        assert "more lenient" in json.loads(capsys.readouterr().out)["problem"]
        assert await command("policy", "rollout", "advance", "--percent", "100", "--config", str(config)) == 1
        assert await command("policy", "rollback", "--config", str(config), "--json") == 0
        await until(lambda: not gate.trials.refusals)
        assert not [each for each in (await gate.readiness()).warnings if "rollout" in each]


async def test_a_rollback_says_how_soon_it_holds(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People are told within how many seconds every gate follows, and no more than that."""
    new = candidate(tmp_path, HEAD + MACAU + RULE)
    assert await command("policy", "rollout", "start", new, "--percent", "5", "--config", str(config), "--json") == 0
    monkeypatch.setattr(policy_rollback, "for_people", lambda _: True)
    with redirect_stdout(io.StringIO()) as printed:
        assert await command("policy", "rollback", "--config", str(config)) == 0
    assert "for every party within 0.02 seconds" in printed.getvalue()


async def test_trials_reach_the_other_replica(tmp_path: Path) -> None:
    """Over one PostgreSQL database a shadow, a rollout, its advance and its rollback reach every gate."""
    with postgres.server() as server:
        write_policy(tmp_path / "policies")
        gate = f'policies = ["policies/own"]\nstate = "{server.schema()}"'
        config = configure(tmp_path, gate=gate)
        new = candidate(tmp_path, HEAD + MACAU + RULE)
        async with Gate.from_config(config) as one, Gate.from_config(config) as other:
            both = (one, other)
            assert await command("policy", "shadow", "start", new, "--config", str(config)) == 0
            await until(lambda: all(each.trials.shadow is not None for each in both))
            for each in both:
                assert (await each.decide(training("norge"), dry_run=True)).outcome is not Outcome.BLOCK
            await asyncio.sleep(0)
            for each in both:
                await each.trials.write(each)
            assert one.trials.shadow is not None
            shadow = one.trials.shadow[0].id
            async with asyncio.timeout(60):  # a gate may be writing its own at this very moment
                days: list[tuple[int, int]] = []
                while days != [(2, 2)]:
                    await asyncio.sleep(0.01)
                    days = [(day.decided, day.differed) for day in await one.store.fetch_shadow_days(shadow)]
            assert await command("policy", "rollout", "start", new, "--percent", "0.01", "--config", str(config)) == 0
            assert await command("policy", "rollout", "advance", "--percent", "100", "--config", str(config)) == 0
            await until(lambda: all(each.trials.rollout and each.trials.rollout[0].percent == 100 for each in both))
            for each in both:
                assert (await each.decide(training("norge"), dry_run=True)).outcome is Outcome.BLOCK
            assert await command("policy", "rollback", "--config", str(config)) == 0
            await until(lambda: all(each.trials.rollout is None for each in both))
            for each in both:
                assert (await each.decide(training("norge"), dry_run=True)).outcome is not Outcome.BLOCK


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
