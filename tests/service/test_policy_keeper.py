"""Policies that change under a running gate: taken up whole, or not at all."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from kyc_gate.errors import ConfigurationError, FeedFault, KYCGateError, PolicyError
from kyc_gate.model.decision import Outcome
from kyc_gate.service import policy_keeper, policy_source
from kyc_gate.service.gate import Gate

from .bundles import HEAD, MACAU, RULE, bundle, bundled, configure, keys, put, write_policy
from .conftest import training

CASE = """
[[case]]
name = "a customer of Macau is closed"
facts = { "customer.headquarters" = "MO" }
outcome = "%s"
rules = ["no-macau"]
"""


@pytest.fixture
def bad_inputs(shared_data: Path) -> dict[str, Any]:
    """The rows about policies that change, by id."""
    import json

    lines = (shared_data / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if '"policy_reload"' in line]
    return {row["id"]: row for row in rows}


async def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is true, and fail when it does not become so."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what it waits for happens in files and threads
            await asyncio.sleep(0.01)


def refused(gate: Gate) -> str | None:
    assert gate.policy_keeper is not None
    return gate.policy_keeper.standing(gate).problem


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    return tmp_path


async def test_001_files_replaced_under_load(folder: Path, bad_inputs: dict[str, Any]) -> None:
    """policy_reload-001: files are replaced while calls are decided; each decision uses exactly one version."""
    assert bad_inputs["policy_reload-001"]["expected"]["decision"] == "atomic"
    write_policy(folder / "policies")
    async with Gate.from_config(configure(folder)) as gate:
        first = gate.active.digests
        answers = []
        done = asyncio.Event()

        async def ask() -> None:
            while not done.is_set():
                answers.append(await gate.decide(training("norge"), dry_run=True))
                await asyncio.sleep(0.02)

        asking = [asyncio.create_task(ask()) for _ in range(4)]
        seen = {first}
        for text in (HEAD + RULE, HEAD + MACAU, HEAD + RULE):
            before = gate.active.digests
            write_policy(folder / "policies", text)
            await until(lambda before=before: gate.active.digests != before)  # type: ignore[misc]
            seen.add(gate.active.digests)
            await asyncio.sleep(0.05)
        done.set()
        await asyncio.gather(*asking)
        records = [await gate.store.fetch_decision(answer.decision_id or "") for answer in answers]
    named = [tuple(each["digest"] for each in record["decision"]["policies"]) for record in records if record]
    assert len(named) == len(answers) > 0
    assert set(named) == seen
    for answer, digests in zip(answers, named, strict=True):
        assert (answer.outcome is Outcome.BLOCK) == (digests != first)


async def test_002_policy_deleted(folder: Path, bad_inputs: dict[str, Any]) -> None:
    """policy_reload-002: the policy is deleted while the gate runs; the last good one decides, and an alarm says so."""
    assert bad_inputs["policy_reload-002"]["expected"] == {
        "decision": "keep_last_good",
        "status": None,
        "must": "alarm",
    }
    write_policy(folder / "policies", HEAD + RULE)
    async with Gate.from_config(configure(folder)) as gate:
        active = gate.active
        shutil.rmtree(folder / "policies" / "own")
        await until(lambda: refused(gate) is not None)
        assert gate.active.digests == active.digests
        assert (await gate.decide(training("norge"))).outcome is Outcome.BLOCK
        readiness = await gate.readiness()
        assert readiness.ready
        assert any("policies were refused" in line for line in readiness.warnings)
        write_policy(folder / "policies", HEAD + RULE)
        await until(lambda: refused(gate) is None)


@pytest.mark.parametrize("broken", ["not TOML [", HEAD, HEAD + RULE.replace("customer.headquarters", "customer.hq")])
async def test_003_unreadable_at_start(folder: Path, bad_inputs: dict[str, Any], broken: str) -> None:
    """policy_reload-003: a policy that cannot be read at start keeps the gate from starting."""
    assert bad_inputs["policy_reload-003"]["expected"]["must"] == "refuse to start"
    write_policy(folder / "policies", broken.replace('extends = ["../gate-base"]', ""))
    with pytest.raises(PolicyError):
        Gate.from_config(configure(folder))


async def test_004_world_writable(folder: Path, bad_inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """policy_reload-004: a file of the policies that everybody may write is told at start, and the gate starts."""
    assert bad_inputs["policy_reload-004"]["expected"]["decision"] == "warn"
    own = write_policy(folder / "policies")
    configure(folder)
    told = LogCapture()
    monkeypatch.setattr(policy_keeper, "log", structlog.wrap_logger(None, processors=[told]))
    async with Gate.from_config(folder / "kyc-gate.toml"):
        assert told.entries == []
    (own / "policy.toml").chmod(0o666)
    async with Gate.from_config(folder / "kyc-gate.toml") as gate:
        assert (await gate.readiness()).ready
    assert [line["event"] for line in told.entries] == ["policies.writable"]
    assert [Path(file).name for file in told.entries[0]["files"]] == ["policy.toml"]


async def test_005_a_storm_of_signals(folder: Path, bad_inputs: dict[str, Any]) -> None:
    """policy_reload-005: a hundred signals in a second are a few readings, and leave no task behind."""
    assert bad_inputs["policy_reload-005"]["expected"]["decision"] == "debounce"
    write_policy(folder / "policies")
    async with Gate.from_config(configure(folder)) as gate:
        assert gate.policy_keeper is not None
        tasks = len(asyncio.all_tasks())
        for _ in range(100):
            gate.policy_keeper.ask()
            await asyncio.sleep(0.01)
        await until(lambda: gate.policy_keeper.standing(gate).readings > 0)  # type: ignore[union-attr]
        assert 1 <= gate.policy_keeper.standing(gate).readings <= 10
        assert len(asyncio.all_tasks()) <= tasks


async def test_006_own_cases_fail(folder: Path, bad_inputs: dict[str, Any]) -> None:
    """policy_reload-006: a policy whose own cases fail is not activated, and the last good one goes on."""
    assert bad_inputs["policy_reload-006"]["expected"]["must"] == "tests gate activation"
    write_policy(folder / "policies", HEAD + MACAU, CASE % "block")
    async with Gate.from_config(configure(folder)) as gate:
        before = gate.active.digests
        write_policy(folder / "policies", HEAD + MACAU.replace('"MO"', '"HK"'))
        await until(lambda: refused(gate) is not None)
        assert "a customer of Macau is closed" in str(refused(gate))
        assert gate.active.digests == before
        write_policy(folder / "policies", HEAD + MACAU.replace("closed", "shut"))
        await until(lambda: gate.active.digests != before)
        assert refused(gate) is None


async def test_cases_are_decided_in_another_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it serves, the gate's own process decides no case: a reload takes the processor from no request."""
    write_policy(folder / "policies", cases=CASE % "block")
    async with Gate.from_config(configure(folder)) as gate:

        def forbidden(folder: Path) -> None:
            raise AssertionError(folder)

        monkeypatch.setattr(policy_source, "require_cases", forbidden)
        before = gate.active.digests
        write_policy(folder / "policies", HEAD + MACAU + RULE, cases=CASE % "block")
        assert gate.policy_keeper is not None
        assert (await gate.policy_keeper.reload(gate)).problem is None
        assert gate.active.digests != before
        write_policy(folder / "policies", HEAD + MACAU, cases=CASE % "escalate")
        assert "case `a customer of Macau is closed`" in str((await gate.policy_keeper.reload(gate)).problem)


async def test_a_policy_whose_cases_fail_does_not_start(folder: Path) -> None:
    """An operator's policy whose own cases fail keeps the gate from starting."""
    write_policy(folder / "policies", HEAD + MACAU, CASE % "escalate")
    with pytest.raises(PolicyError, match="a customer of Macau is closed"):
        Gate.from_config(configure(folder))


async def test_a_deleted_folder_makes_no_way_for_a_shipped_one(folder: Path) -> None:
    """A policy that has the name of a shipped one is not replaced by it when it is taken away."""
    own = write_policy(folder)
    own.rename(folder / "us-in-force")
    async with Gate.from_config(configure(folder, gate='policies = ["us-in-force"]')) as gate:
        before = gate.active.digests
        shutil.rmtree(folder / "us-in-force")
        await until(lambda: refused(gate) is not None)
        assert gate.active.digests == before


# Bundles

BUNDLE = 'bundle = "policies.zip"\n'


async def test_a_signed_bundle_decides_and_the_next_takes_its_place(folder: Path) -> None:
    """A signed bundle decides; a newer one takes its place, and the chain says what, when, and by whom."""
    bundled(folder, bundle(folder / "policies", 1, 0))
    async with Gate.from_config(configure(folder, BUNDLE + keys(0, 1))) as gate:
        assert gate.active.origin.version == 1
        bundled(folder, bundle(folder / "policies", 2, 1, text=HEAD + MACAU + RULE))
        await until(lambda: gate.active.origin.version == 2)
        assert (await gate.decide(training("norge"))).outcome is Outcome.BLOCK
        steps = [record async for record in gate.store.records() if record["type"] == "policies.activated"]
    assert [step["version"] for step in steps] == [1, 2]
    assert steps[1]["signers"] != steps[0]["signers"]
    assert steps[1]["before"]["digest"] == steps[0]["digest"]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        pytest.param(lambda folder: bundle(folder, 2), "signed by no known key", id="unsigned"),
        pytest.param(lambda folder: bundle(folder, 2, 2), "signed by no known key", id="by-a-stranger"),
        pytest.param(lambda folder: bundle(folder, 1, 0, text=HEAD + RULE), "another bundle of version 1", id="twin"),
        pytest.param(
            lambda folder: bundle(folder, 2, 0, effective=datetime(2099, 1, 1, tzinfo=UTC)), "effective", id="early"
        ),
    ],
)
async def test_a_bundle_that_must_not_decide_leaves_the_old_one(
    folder: Path, bad: Callable[[Path], Any], said: str
) -> None:
    """What is unsigned, signed by a stranger, a twin of a version, or not effective yet changes nothing and is told."""
    bundled(folder, bundle(folder / "policies", 1, 0))
    async with Gate.from_config(configure(folder, BUNDLE + keys(0, 1))) as gate:
        before = gate.active
        bundled(folder, bad(folder / "policies"))
        await until(lambda: refused(gate) is not None)
        assert said in str(refused(gate))
        assert gate.active == before


async def test_a_damaged_bundle_leaves_the_old_one(folder: Path) -> None:
    """A bundle that is cut off changes nothing."""
    bundled(folder, bundle(folder / "policies", 1, 0))
    async with Gate.from_config(configure(folder, BUNDLE + keys(0))) as gate:
        put(folder / "policies.zip", (folder / "policies.zip").read_bytes()[:-300])
        await until(lambda: refused(gate) is not None)
        assert gate.active.origin.version == 1


async def test_an_older_version_is_refused_even_after_a_restart(folder: Path) -> None:
    """The store remembers the newest version: an older bundle neither starts nor reloads, unless that is allowed."""
    bundled(folder, bundle(folder / "policies", 5, 0))
    configure(folder, BUNDLE + keys(0))
    async with Gate.from_config(folder / "kyc-gate.toml"):
        pass
    bundled(folder, bundle(folder / "policies", 4, 0))
    with pytest.raises(FeedFault, match="version 5 was active already"):
        await Gate.from_config(folder / "kyc-gate.toml").open()
    configure(folder, BUNDLE + keys(0) + "\nunsafe_older = true")
    async with Gate.from_config(folder / "kyc-gate.toml") as gate:
        assert gate.active.origin.version == 4


async def test_a_lenient_bundle_needs_two_different_signers(folder: Path) -> None:
    """Where so configured, a bundle that lets more through needs two keys; a stricter one needs one."""
    settings = BUNDLE + keys(0, 1) + "\nlenient_signatures = 2"
    bundled(folder, bundle(folder / "policies", 1, 0, text=HEAD + MACAU))
    async with Gate.from_config(configure(folder, settings)) as gate:
        bundled(folder, bundle(folder / "policies", 2, 0, text=HEAD + MACAU + RULE))
        await until(lambda: gate.active.origin.version == 2)
        bundled(folder, bundle(folder / "policies", 3, 0, 0, text=HEAD + MACAU))
        await until(lambda: refused(gate) is not None)
        assert "more lenient" in str(refused(gate))
        assert gate.active.origin.version == 2
    with pytest.raises(FeedFault, match="more lenient"):
        await Gate.from_config(folder / "kyc-gate.toml").open()
    bundled(folder, bundle(folder / "policies", 3, 0, 1, text=HEAD + MACAU))
    async with Gate.from_config(folder / "kyc-gate.toml") as gate:
        assert gate.active.origin.version == 3


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ('bundle = "x.zip"', "policy.keys"),
        ("lenient_signatures = 2", "needs `policy.bundle`"),
        (BUNDLE + keys(0) + "\nlenient_signatures = 2", "fewer keys"),
    ],
)
def test_settings_that_contradict_are_refused(folder: Path, policy: str, said: str) -> None:
    """A bundle without keys, or more signatures than there are keys, is an error of the configuration."""
    with pytest.raises(ConfigurationError, match=said):
        Gate.from_config(configure(folder, policy))


async def test_a_bundle_that_is_not_there_keeps_the_gate_from_starting(folder: Path) -> None:
    """Without its bundle the gate does not start."""
    with pytest.raises(KYCGateError, match=r"policies\.zip"):
        Gate.from_config(configure(folder, BUNDLE + keys(0)))
