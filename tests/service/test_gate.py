"""The conductor, over a real store and the shipped policies."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from approvals import approve_case

from kyc_gate.audit.verify import verify
from kyc_gate.errors import CaseError, IdempotencyConflict
from kyc_gate.model.access import local_actor
from kyc_gate.model.case import Disposition
from kyc_gate.model.case_steps import Step
from kyc_gate.model.decision import Outcome
from kyc_gate.model.job import Accelerators, Caller, Certainty
from kyc_gate.ownership.gleif.records import Address
from kyc_gate.service.gate import Gate
from kyc_gate.service.settings import Settings
from kyc_gate.storage.gleif import GleifRegister, load_register
from kyc_gate.storage.sqlite import SqliteStore
from tests.ownership.gleif.published import entity, json_of

from .conftest import NOW, MakeGate, training

FRONTIER = 10**26
H100_HOURS_PER_FRONTIER = FRONTIER / (989.4e12 * 3600 * 0.33)


def hours_for(share: float, chips: int) -> int:
    """Hours that `chips` H100s need for `share` of the frontier threshold at the likely utilisation."""
    return int(H100_HOURS_PER_FRONTIER * share / chips)


def rules(admission: object) -> set[str]:
    decision = admission.decision  # type: ignore[attr-defined]
    return {finding.rule for finding in decision.counting}


async def test_ordinary_training_passes_with_a_record(gate: Gate) -> None:
    """A small run of a Norwegian company is allowed, and its record is on file before the answer."""
    admission = await gate.decide(training("norge"))
    assert admission.outcome is Outcome.ALLOW
    assert admission.refusal is None
    record = await gate.store.fetch_decision(admission.decision_id or "")
    assert record is not None


async def test_red_flag_28_is_held_for_a_person(gate: Gate) -> None:
    """Training near frontier scale for a company headquartered in the Emirates escalates, with a case."""
    admission = await gate.decide(training("emirate", chips=20_000, hours=hours_for(0.2, 20_000)))
    assert admission.outcome is Outcome.ESCALATE
    assert "red-flag-28" in rules(admission)
    assert admission.case_id
    assert admission.refusal is not None
    assert admission.refusal.status == 403


async def test_a_military_end_use_of_a_d5_parent_is_blocked(gate: Gate) -> None:
    """A Singaporean front of a Chinese parent is judged by its parent's headquarters."""
    admission = await gate.decide(training("harbin"))
    assert admission.outcome is Outcome.BLOCK
    front = await gate.decide(training("front", chips=512, hours=2000))
    assert front.outcome is not Outcome.ALLOW


async def test_an_sdn_and_what_it_half_owns_are_blocked(gate: Gate) -> None:
    """A listed name blocks, and so does a 50 % holding of a listed party."""
    assert (await gate.decide(training("listed"))).outcome is Outcome.BLOCK
    assert (await gate.decide(training("owned"))).outcome is Outcome.BLOCK


async def test_an_unknown_account_is_held(gate: Gate) -> None:
    """An account that nobody is on file for escalates."""
    assert (await gate.decide(training("nobody"))).outcome is Outcome.ESCALATE


async def test_nobody_is_held_too(gate: Gate) -> None:
    """A call without an account escalates."""
    admission = await gate.decide(training("norge", caller=Caller()))
    assert admission.outcome is Outcome.ESCALATE


async def test_a_run_split_over_three_accounts_is_caught(gate: Gate) -> None:
    """Three accounts of one parent share a ledger: the one that crosses the line escalates."""
    hours = hours_for(0.04, 4096)
    outcomes = [(await gate.decide(training(f"split{n}", chips=4096, hours=hours))).outcome for n in range(3)]
    assert outcomes == [Outcome.ALLOW, Outcome.ALLOW, Outcome.ESCALATE]


async def test_an_approved_request_passes_once(gate: Gate) -> None:
    """An approval lets the very same request pass, once."""
    request = training("emirate", chips=20_000, hours=hours_for(0.2, 20_000))
    held = await gate.decide(request)
    await approve_case(
        gate.store,
        held.case_id or "",
        reviewer="r. viewer",
        note="licensed",
        at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )
    again = await gate.decide(request)
    assert again.outcome is Outcome.ALLOW
    assert again.decision is not None
    assert any(finding.covered_by for finding in again.decision.findings)
    assert (await gate.decide(request)).outcome is Outcome.ESCALATE


async def test_an_approval_does_not_stretch_to_a_larger_request(gate: Gate) -> None:
    """A grant is bound to the request's fingerprint."""
    hours = hours_for(0.2, 20_000)
    held = await gate.decide(training("emirate", chips=20_000, hours=hours))
    await approve_case(
        gate.store,
        held.case_id or "",
        reviewer="r. viewer",
        note="licensed",
        at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )
    assert (await gate.decide(training("emirate", chips=20_001, hours=hours))).outcome is Outcome.ESCALATE


async def test_no_approval_covers_a_blocked_party(gate: Gate) -> None:
    """A block of a list opens a case, as whatever waits does; nobody can approve it, and it can be rejected."""
    blocked = await gate.decide(training("listed"))
    assert blocked.outcome is Outcome.BLOCK
    work, case_id = gate.casework, str(blocked.case_id)
    with pytest.raises(CaseError, match="no approval lets through"):
        await work.propose(local_actor("ana"), case_id, Step.APPROVE, note="fine", seen=1)
    await work.propose(local_actor("ana"), case_id, Step.REJECT, note="it is them", seen=1)
    await work.reject(local_actor("bo"), case_id, note="reported", disposition=Disposition.TRUE_POSITIVE)
    assert (await gate.decide(training("listed"))).case_id != case_id


async def test_an_unresolved_request_is_held(gate: Gate) -> None:
    """What cannot be followed escalates, and its figures are unknown rather than zero."""
    request = training("norge", lines=(), certainty=Certainty.UNRESOLVED, unresolved=("launch-template:lt-1",))
    admission = await gate.decide(request)
    assert admission.outcome is Outcome.ESCALATE


async def test_an_unknown_machine_is_held(gate: Gate) -> None:
    """A machine type that no catalogue knows escalates."""
    admission = await gate.decide(training("norge", lines=(Accelerators(instance_type="zz9.plural", count=1),)))
    assert admission.outcome is Outcome.ESCALATE


async def test_a_dry_run_reserves_nothing(gate: Gate) -> None:
    """Asking is free: the ledger is as before, and no case is opened."""
    for _ in range(5):
        await gate.decide(training("norge", dry_run=True))
    usage = await gate.store.fetch_usage("name:norge computing", NOW - timedelta(days=365))
    assert usage is None or usage.likely == 0
    held = await gate.decide(training("emirate", chips=20_000, hours=10_000, dry_run=True))
    assert held.outcome is Outcome.ESCALATE
    assert held.case_id is None


async def test_the_same_token_is_charged_once(gate: Gate) -> None:
    """A retry with the same idempotency key is one job in the ledger; with another request it is a conflict."""
    request = training("norge", idempotency_key="token-1")
    await gate.decide(request)
    once = await gate.store.fetch_usage("name:norge computing", NOW - timedelta(days=365))
    await gate.decide(request)
    twice = await gate.store.fetch_usage("name:norge computing", NOW - timedelta(days=365))
    assert once is not None
    assert twice is not None
    assert once.likely == twice.likely > 0
    conflict = await gate.decide(training("norge", chips=16, idempotency_key="token-1"))
    assert conflict.refusal is not None
    assert conflict.refusal.status == 409
    assert IdempotencyConflict


async def test_a_refused_request_leaves_the_ledger_as_it_was(gate: Gate) -> None:
    """The hold of a request that does not pass is given back with its record."""
    await gate.decide(training("emirate", chips=20_000, hours=10_000))
    usage = await gate.store.fetch_usage("name:emirate computing", NOW - timedelta(days=365))
    assert usage is None or usage.likely == 0


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        pytest.param(200, True, id="accepted"),
        pytest.param(None, True, id="nobody-knows"),
        pytest.param(502, True, id="gateway-error"),
        pytest.param(400, False, id="refused-upstream"),
        pytest.param(503, False, id="upstream-was-busy"),
    ],
)
async def test_the_upstream_settles_the_hold(gate: Gate, status: int | None, kept: bool) -> None:
    """An accepted or unknown outcome keeps counting; a refusal by the upstream is given back."""
    admission = await gate.decide(training("norge"))
    await gate.settle(admission, status)
    usage = await gate.store.fetch_usage("name:norge computing", NOW - timedelta(days=365))
    assert (usage is not None and usage.likely > 0) is kept


@pytest.mark.parametrize("trial", range(40))
async def test_racing_jobs_never_cross_the_line_together(gate: Gate, trial: int) -> None:
    """Two jobs that cross the line only together are never both allowed."""
    hours = hours_for(0.06, 4096)
    pair = [gate.decide(training(f"split{n}", chips=4096, hours=hours)) for n in range(2)]
    outcomes = [admission.outcome for admission in await asyncio.gather(*pair)]
    assert outcomes.count(Outcome.ALLOW) <= 1


@pytest.mark.long
async def test_hundreds_of_racing_jobs(make_gate: MakeGate, tmp_path: Path) -> None:
    """In 300 trials of eight racing jobs, at most one passes."""
    hours = hours_for(0.06, 4096)
    for trial in range(300):
        async with make_gate(store=SqliteStore(tmp_path / f"{trial}.db")) as gate:
            jobs = [gate.decide(training(f"split{n % 3}", chips=4096, hours=hours)) for n in range(8)]
            outcomes = [admission.outcome for admission in await asyncio.gather(*jobs)]
            assert outcomes.count(Outcome.ALLOW) <= 1


async def test_no_record_no_pass(make_gate: MakeGate, tmp_path: Path) -> None:
    """While another process keeps the store locked, nothing passes and the answer is 503; then the gate recovers."""
    async with make_gate(store=SqliteStore(tmp_path / "gate.db"), settings=Settings()) as gate:
        blocker = sqlite3.connect(tmp_path / "gate.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        loop = asyncio.get_running_loop()
        took = []
        for _ in range(3):  # the best of three: a busy machine is not what is tested
            started = loop.time()
            refused = await gate.decide(training("norge"))
            took.append(loop.time() - started)
            assert refused.refusal is not None
            assert refused.refusal.status == 503
        assert min(took) < 1.0
        blocker.execute("ROLLBACK")
        blocker.close()
        deadline = loop.time() + 5
        while (admission := await gate.decide(training("norge"))).outcome is None and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert admission.outcome is Outcome.ALLOW


async def test_stale_lists_are_held_and_not_ready(make_gate: MakeGate) -> None:
    """Lists older than the operator allows escalate what would have passed, and the gate says that it is not ready."""
    async with make_gate(settings=Settings(max_age_hours=0.000001, decision_seconds=10.0)) as gate:
        gate.now = lambda: NOW + timedelta(hours=1)  # type: ignore[method-assign]
        assert (await gate.decide(training("norge"))).outcome is Outcome.ESCALATE
        assert not (await gate.readiness()).ready


async def test_a_register_that_is_gone_is_held_and_not_ready(make_gate: MakeGate, tmp_path: Path) -> None:
    """While the register's file is gone, decisions escalate with a finding that says so, and pass when it is back."""
    file, away = tmp_path / "register.db", tmp_path / "away.db"
    source = tmp_path / "20261101-0000-lei2.json"
    source.write_bytes(json_of([entity(1, "Fjord Analytics AS", headquarters_address=Address(country="NO"))]))
    load_register(file, [source])
    async with make_gate(register=GleifRegister(file)) as gate:
        assert (await gate.decide(training("norge"))).outcome is Outcome.ALLOW
        file.rename(away)
        for _ in range(2):
            held = await gate.decide(training("norge"))
            assert held.outcome is Outcome.ESCALATE
            assert rules(held) == {"gate.register-unreadable"}
        assert (await gate.readiness()).reasons == ("the LEI register cannot be read",)
        away.rename(file)
        assert (await gate.decide(training("norge"))).outcome is Outcome.ALLOW
        assert (await gate.readiness()).ready


async def test_no_lists_is_not_clear(make_gate: MakeGate) -> None:
    """Without a list, nobody is screened, and everybody is held."""
    async with make_gate(snapshot=None) as gate:
        assert (await gate.decide(training("norge"))).outcome is Outcome.ESCALATE


async def test_the_chain_verifies(gate: Gate) -> None:
    """Every decision is linked to the one before."""
    for party in ("norge", "emirate", "listed", "nobody"):
        await gate.decide(training(party))
    records = [record async for record in gate.store.records()]
    assert len(records) >= 4
    verify(records)


async def test_unsafe_observation_passes_and_says_so(make_gate: MakeGate) -> None:
    """In `unsafe_mode`, a finding is recorded and nothing is refused."""
    async with make_gate(settings=Settings(unsafe_mode="warn", decision_seconds=10.0)) as gate:
        admission = await gate.decide(training("listed"))
        assert admission.outcome is Outcome.BLOCK
        assert admission.refusal is None
        assert admission.warnings


async def test_a_closed_gate_answers_503(make_gate: MakeGate) -> None:
    """A gate that is not open lets nothing pass."""
    admission = await make_gate().decide(training("norge"))
    assert admission.refusal is not None
    assert admission.refusal.status == 503
