"""Runs through the gate: started, ended, and looked at again at night."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from approvals import approve_case
from msgspec.structs import replace

from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.audit.retention import Periods
from kyc_gate.model.access import local_actor
from kyc_gate.model.call import Call
from kyc_gate.model.case_steps import Step
from kyc_gate.model.decision import Outcome
from kyc_gate.model.job import Certainty, ProvisioningRequest
from kyc_gate.model.lineage import BaseModel, Lineage, Weights
from kyc_gate.model.usage import RunEnd
from kyc_gate.service.gate import Gate
from kyc_gate.service.settings import Settings

from .conftest import NOW, MakeGate, company, training
from .test_gate import hours_for

DAY = timedelta(days=1)
PATIENT = Settings(decision_seconds=30.0)
"""Nothing here is about time, and the machine may be busy."""

ROUTE = GenericRoute(
    operation="CreateJob",
    path="/v1/jobs",
    fields=GenericFields(accelerator="gpu", count="gpus"),
    run_id="job.id",
)


def jobs() -> GenericAdapter:
    """A platform whose answer names the job, and whose jobs state no end."""
    return GenericAdapter((ROUTE,), account_header="x-account")


def call(method: str, path: bytes, body: bytes = b"", account: bytes = b"acct-norge") -> Call:
    """A call of the platform's."""
    headers = ((b"host", b"api"), (b"content-type", b"application/json"), (b"x-account", account))
    return Call(method=method, raw_path=path, body=body, headers=headers)


async def running(gate: Gate) -> int:
    """How many runs go on."""
    return len(await gate.store.fetch_open_runs())


@pytest.mark.parametrize(
    ("method", "path", "account", "status", "left"),
    [
        pytest.param("DELETE", b"/v1/jobs/j-1", b"acct-norge", 204, 0, id="delete"),
        pytest.param("POST", b"/v1/jobs/j-1/cancel", b"acct-norge", 200, 0, id="cancel"),
        pytest.param("POST", b"/v1/jobs/j-1:stop", b"acct-norge", 200, 0, id="colon"),
        pytest.param("DELETE", b"/v1/jobs/j-1", b"acct-norge", 404, 1, id="refused-upstream"),
        pytest.param("DELETE", b"/v1/jobs/j-2", b"acct-norge", 204, 1, id="another-job"),
        pytest.param("DELETE", b"/v1/jobs/j-1", b"acct-emirate", 204, 1, id="another-account"),
        pytest.param("POST", b"/v1/jobs/j-1/pause", b"acct-norge", 200, 1, id="only-paused"),
    ],
)
async def test_a_call_that_ends_a_run(
    make_gate: MakeGate, method: str, path: bytes, account: bytes, status: int, left: int
) -> None:
    """A stop is no request: it passes undecided, and ends the run once the upstream accepted it."""
    async with make_gate(adapters=(jobs(),), settings=PATIENT) as gate:
        started = await gate.admit(call("POST", b"/v1/jobs", b'{"gpu":"H100 SXM","gpus":8}'))
        assert started.answer is None
        await gate.settle(started, 201, b'{"job":{"id":"j-1"}}')
        assert await running(gate) == 1
        stop = call(method, path, account=account)
        if gate.guards(stop):
            ended = await gate.admit(stop)
            assert (ended.answer, ended.decision_id) == (None, None)
            await gate.settle(ended, status)
        assert await running(gate) == left


async def test_an_end_is_never_refused(make_gate: MakeGate) -> None:
    """An end that cannot be read passes all the same, and ends nothing."""
    async with make_gate(adapters=(jobs(),), settings=PATIENT) as gate:
        odd = replace(call("DELETE", b"/v1/jobs/j-1"), headers=((b"host", b"api"), *[(b"x-account", b"a")] * 2))
        assert (await gate.admit(odd)).answer is None


class Night(Gate):
    """A gate whose clock is set by hand."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


def by_night(make_gate: MakeGate) -> Night:
    """A gate like `make_gate`'s, whose clock is set by hand."""
    made = make_gate()
    return Night(
        policies=made.policies,
        store=made.store,
        snapshot=made.snapshot,
        parties=made._seed[0],
        accounts=made._seed[1],
        settings=replace(PATIENT, max_age_hours=10_000.0),
    )


def endless(party: str, share: float, **more: object) -> ProvisioningRequest:
    """A request without an end, of which thirty days are a share of the frontier threshold."""
    return training(party, chips=int(share * hours_for(1, 1) / (30 * 24)), duration_seconds=None, **more)


async def test_a_line_that_is_crossed_at_night_opens_a_case(make_gate: MakeGate) -> None:
    """A run that was let through below the line, and goes on beyond it, gets one case; nothing is stopped."""
    async with by_night(make_gate) as gate:
        request = endless("emirate", 0.08)  # red flag 28 asks from a tenth on
        admission = await gate.decide(request)
        assert admission.outcome is Outcome.ALLOW
        assert (await gate.reevaluate()).cases == ()
        gate.time = NOW + 5 * DAY
        assert (await gate.reevaluate()).cases == ()
        gate.time = NOW + 10 * DAY
        crossed = await gate.reevaluate()
        (case_id,) = crossed.cases
        assert (crossed.runs, crossed.waiting) == (1, 1)
        case = await gate.store.fetch_case(case_id)
        assert case is not None
        assert "red-flag-28" in case.rules
        record = await gate.store.fetch_decision(case.decision_ids[0])
        assert record is not None
        assert record["type"] == "reevaluation"
        again = await gate.reevaluate()
        assert (again.waiting, again.cases) == (1, ())
        grant = await approve_case(
            gate.store, case_id, reviewer="vera", note="asked", at=gate.time, expires_at=gate.time + DAY
        )
        assert grant.fingerprint != request.fingerprint  # an approval lets the run go on, and nothing new begin
        assert (await gate.reevaluate()).cases == ()
        assert (await gate.decide(replace(request, idempotency_key="new"))).outcome is Outcome.ESCALATE


async def test_strangers_who_share_a_checkpoint_cross_a_line_at_night(make_gate: MakeGate) -> None:
    """Two runs that share a place, each below the line and below it together, cross it together while they go on."""
    shared = (("checkpoint_uri", "s3://models/llm-7"),)
    async with by_night(make_gate) as gate:
        for party in ("norge", "emirate"):
            assert (await gate.decide(endless(party, 0.045, linkage=shared))).outcome is Outcome.ALLOW
        assert (await gate.reevaluate()).cases == ()
        gate.time = NOW + 5 * DAY
        cases = [await gate.store.fetch_case(id) for id in (await gate.reevaluate()).cases]
        assert [case.rules for case in cases if case] == [("linked-accounts",)] * 2
        record = await gate.store.fetch_decision(cases[0].decision_ids[0] if cases[0] else "")
        assert record is not None
        told = record["facts"]["splitting"]["evidence"]  # type: ignore[index,call-overload]
        assert told[0].startswith("checkpoint shared with generic:acct-")


@pytest.mark.parametrize("on_file", [True, False])
async def test_what_a_model_counts_grows_at_night(make_gate: MakeGate, on_file: bool) -> None:
    """With its base a model crosses the line while its run goes on, whoever told the gate of the party."""
    base = BaseModel(name="Old 9T", weights=Weights.UNPUBLISHED, operations=95 * 10**24)
    party = None if on_file else company("visitor", "Norway")
    async with by_night(make_gate) as gate:
        request = endless("visitor" if party else "norge", 0.045, lineage=Lineage(base=base))
        assert (await gate.decide(request, party=party)).outcome is Outcome.ALLOW
        assert (await gate.reevaluate()).cases == ()
        gate.time = NOW + 5 * DAY
        (case_id,) = (await gate.reevaluate()).cases
        case = await gate.store.fetch_case(case_id)
        assert case is not None
        assert case.rules == ("frontier-lineage",)


async def test_the_platform_tells_the_true_usage(make_gate: MakeGate) -> None:
    """A run of 24 hours that really took six counts for six."""
    async with make_gate(settings=PATIENT) as gate:
        await _true_usage(gate)


async def _true_usage(gate: Gate) -> None:
    admission = await gate.decide(training("norge", hours=24))
    held = await gate.store.fetch_run(admission.decision_id or "")
    assert held is not None
    (run,) = await gate.finish(
        RunEnd(ended_at=NOW + timedelta(hours=6), at=NOW + DAY, source="platform", hold_id=held.hold_id)
    )
    usage = await gate.store.fetch_usage(run.control_group, NOW - DAY, NOW + DAY)
    assert usage is not None
    whole = run.likely_rate * 6 * 3600
    assert whole <= usage.likely <= whole + 10**12


async def approved(gate: Gate, case_id: str, **how: Any) -> None:
    """Approve a case as one person, or as two where it asks for two."""
    case = await gate.store.fetch_case(case_id)
    assert case is not None
    how["note"] = "a licence is held"
    if case.four_eyes:
        ana = local_actor("ana")
        case = await gate.casework.propose(ana, case_id, Step.APPROVE, seen=case.version, **how)
    await gate.casework.approve(local_actor("bo"), case_id, seen=case.version, **how)


async def test_a_grant_of_a_run_covers_nothing_that_cannot_be_counted(make_gate: MakeGate) -> None:
    """A ceiling of operations holds what is counted; a template that nobody knows needs a person each time."""

    def unresolved(number: int) -> ProvisioningRequest:
        return replace(
            training("emirate"),
            lines=(),
            unresolved=(f"launch-template:lt-{number}",),
            certainty=Certainty.UNRESOLVED,
            fingerprint=f"{number:064x}",
            lineage=Lineage(model="m-1", from_scratch=True),
        )

    async with make_gate(settings=PATIENT) as gate:
        waits = await gate.decide(unresolved(1))
        assert waits.case_id is not None
        await approved(gate, waits.case_id, run=True, budget=1_000)
        for number in (2, 3):
            assert (await gate.decide(unresolved(number))).outcome is Outcome.ESCALATE
        (grant,) = await gate.store.fetch_grants(waits.case_id)
        assert grant.spent == 0


async def test_a_run_that_a_person_approved_is_not_asked_about_again(make_gate: MakeGate) -> None:
    """What the run spent of its own grant still covers it at night."""
    async with make_gate(adapters=(jobs(),), settings=PATIENT) as gate:
        started = call("POST", b"/v1/jobs", b'{"gpu":"H100 SXM","gpus":30000}', account=b"acct-emirate")
        waits = await gate.admit(started)
        assert waits.case_id is not None
        await approved(gate, waits.case_id)
        passes = await gate.admit(started)
        assert passes.outcome is Outcome.ALLOW
        await gate.settle(passes, 201, b'{"job":{"id":"j-9"}}')
        looked = await gate.reevaluate()
        assert (looked.runs, looked.waiting, looked.cases) == (1, 0, ())


async def test_a_run_whose_facts_are_gone_waits_and_stops_no_other_look(make_gate: MakeGate) -> None:
    """Facts of a run that goes on are not erased; where they are gone all the same, the run waits for a person."""
    async with make_gate(adapters=(jobs(),), settings=PATIENT) as gate:
        for number in (1, 2):
            begun = await gate.admit(call("POST", b"/v1/jobs", b'{"gpu":"H100 SXM","gpus":8}'))
            await gate.settle(begun, 201, b'{"job":{"id":"j-%d"}}' % number)
        old = 5 * 366 * 86_400
        await gate.store._write(lambda one: one.execute("UPDATE personal SET at = at - ?", (old,)))  # type: ignore[attr-defined]
        assert await gate.store.erase_due(Periods(), by="dpo", because="time is over", at=gate.now()) == 0
        await gate.store._write(lambda one: one.execute("DELETE FROM personal WHERE position = 1"))  # type: ignore[attr-defined]
        looked = await gate.reevaluate()
        assert (looked.runs, looked.waiting) == (2, 1)
