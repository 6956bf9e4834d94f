"""Cases are opened once, joined, and decided once; a grant is spent once, on the request that it was given for."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from approvals import approve_case, reject_case

from kyc_gate.errors import CaseError, InputError
from kyc_gate.model.case import Case, CaseState, Grant
from kyc_gate.storage.casework import DECISIONS_A_CASE
from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.store import CaseQuery, GrantNotSpent

from .samples import NOW, OPERATIONS, case_opening, decision_entry, hold_request


@pytest.fixture
def store(any_store: RowStore) -> RowStore:
    """Every behaviour here is proved on each engine."""
    return any_store


FINGERPRINT = "f" * 64
LATER = NOW + timedelta(hours=24)


async def escalate(store: RowStore, **changes: Any) -> Case:
    """Record a decision that opens or joins a case, and return the case."""
    entry = decision_entry(case=case_opening(**changes))
    receipt = await store.append(entry)
    assert receipt.case_id is not None
    case = await store.fetch_case(receipt.case_id)
    assert case is not None
    return case


async def approved(store: RowStore, **changes: Any) -> Grant:
    """Return the grant of a case that was opened and approved."""
    case = await escalate(store)
    given = {"reviewer": "r.okafor", "note": "", "at": NOW, "expires_at": LATER, **changes}
    return await approve_case(store, case.id, **given)


async def spend(store: RowStore, grant: Grant, **changes: Any) -> None:
    """Record a decision that relies on the grant."""
    entry = {"spend_grant": grant.id, "spend_operations": 3 * OPERATIONS + 1, **changes}
    await store.append(decision_entry(**entry))


async def test_a_case_is_opened_with_what_the_decision_says(store: RowStore) -> None:
    """A case comes back as it was opened, amounts exact."""
    case = await escalate(store)
    opening = case_opening()
    assert case.state is CaseState.OPEN
    assert (case.fingerprint, case.rules, case.decision_ids) == (opening.fingerprint, opening.rules, ("dec_1",))
    assert (case.opened_at, case.due_at, case.high) == (opening.at, opening.due_at, opening.high)
    assert len(case.id) == len("case_") + 32


async def test_a_later_decision_joins_the_open_case(store: RowStore) -> None:
    """Rules add up, severity and amounts rise, and the case is due no later than before."""
    first = await escalate(store)
    worse = await escalate(
        store,
        decision_id="dec_2",
        severity="high",
        rules=("unknown-headquarters",),
        likely=1,
        high=10**27,
        due_at=NOW + timedelta(hours=4),
    )
    milder = await escalate(store, decision_id="dec_3", severity="low", due_at=NOW + timedelta(hours=90))
    assert worse.id == milder.id == first.id
    assert milder.decision_ids == ("dec_1", "dec_2", "dec_3")
    assert milder.rules == ("red-flag-28", "unknown-headquarters")
    assert (milder.severity, milder.likely, milder.high) == ("high", OPERATIONS, 10**27)
    assert milder.due_at == NOW + timedelta(hours=4)


async def test_fifty_at_once_open_one_case(store: RowStore) -> None:
    """Decisions that race on the same request share one case."""
    cases = await asyncio.gather(*[escalate(store, decision_id=f"dec_{number}") for number in range(50)])
    assert len({case.id for case in cases}) == 1
    assert len(await store.fetch_cases()) == 1


@pytest.mark.parametrize("changed", [{"family": "sdn-match"}, {"control_group": "group:lark"}], ids=str)
async def test_another_family_or_group_opens_another_case(store: RowStore, changed: dict[str, str]) -> None:
    """A case is for one family of rules and one control group."""
    assert (await escalate(store)).id != (await escalate(store, **changed)).id


async def test_a_case_names_a_bounded_number_of_decisions(store: RowStore) -> None:
    """The first decision and the newest are named, however many join."""
    for number in range(DECISIONS_A_CASE + 20):
        case = await escalate(store, decision_id=f"dec_{number}")
    assert len(case.decision_ids) == DECISIONS_A_CASE
    assert (case.decision_ids[0], case.decision_ids[-1]) == ("dec_0", f"dec_{DECISIONS_A_CASE + 19}")


async def test_an_unknown_severity_is_refused(store: RowStore) -> None:
    """A severity that has no rank cannot rise; the decision is not recorded."""
    with pytest.raises(InputError, match="`hgih`"):
        await escalate(store, severity="hgih")
    assert [record async for record in store.records()] == []


async def test_cases_are_listed_newest_first_page_by_page(store: RowStore) -> None:
    """Pages follow one another without gap or overlap."""
    opened = [(await escalate(store, family=f"family-{number}")).id for number in range(7)]
    listed: list[str] = []
    before = None
    while page := await store.fetch_cases(CaseQuery(limit=3, after=before)):
        listed += [case.id for case in page]
        before = page[-1].id
    assert listed == opened[::-1]


async def test_cases_are_listed_by_state(store: RowStore) -> None:
    """Only the cases in a state are listed, and a state that there is none of is an error."""
    rejected = await escalate(store)
    await reject_case(store, rejected.id, reviewer="r.okafor", note="", at=NOW)
    waiting = await escalate(store)
    assert [case.id for case in await store.fetch_cases(CaseQuery(state="open"))] == [waiting.id]
    assert [case.id for case in await store.fetch_cases(CaseQuery(state="rejected"))] == [rejected.id]
    assert waiting.id != rejected.id
    with pytest.raises(InputError, match="`opne`"):
        await store.fetch_cases(CaseQuery(state="opne"))


async def test_an_approval_is_a_grant_and_a_record(store: RowStore) -> None:
    """An approval gives a one-use grant with the case's rules and ceiling, and is in the chain."""
    grant = await approved(store, note="spoke to their export office")
    case = await store.fetch_case(grant.case_id)
    assert case is not None
    assert (case.state, case.reviewer, case.grant_id) == (CaseState.APPROVED, "r.okafor", grant.id)
    assert (grant.uses_left, grant.rules, grant.budget) == (1, case.rules, case.high)
    assert await store.fetch_grant(grant.id) == grant
    step = [record async for record in store.records()][-1]
    assert (step["type"], step["reviewer"], step["note"]) == (
        "case.approved",
        "r.okafor",
        "spoke to their export office",
    )
    assert (await store.verify()).records == 2


async def test_a_rejection_is_a_record_and_no_grant(store: RowStore) -> None:
    """A rejection decides the case, is in the chain, and gives nothing."""
    case = await escalate(store)
    rejected = await reject_case(store, case.id, reviewer="r.okafor", note="no end use stated", at=NOW)
    assert (rejected.state, rejected.note, rejected.grant_id) == (CaseState.REJECTED, "no end use stated", None)
    assert [record["type"] async for record in store.records()][-1] == "case.rejected"
    assert await store.find_grant(FINGERPRINT, "group:kestrel", NOW) is None


async def test_a_case_is_decided_once(store: RowStore) -> None:
    """A second step names the state that the case has; the step is not recorded."""
    grant = await approved(store)
    with pytest.raises(CaseError, match=r"is approved already by `r\.okafor`"):
        await reject_case(store, grant.case_id, reviewer="s.lind", note="", at=NOW)
    with pytest.raises(CaseError, match="is approved already"):
        await approve_case(store, grant.case_id, reviewer="s.lind", note="", at=NOW, expires_at=LATER)
    assert (await store.verify()).records == 2


async def test_of_two_reviewers_at_once_one_decides(store: RowStore) -> None:
    """Of twenty simultaneous steps on a case one is taken, the others are told."""
    case = await escalate(store)
    steps = [
        approve_case(store, case.id, reviewer=f"r{number}", note="", at=NOW, expires_at=LATER)
        if number % 2
        else reject_case(store, case.id, reviewer=f"r{number}", note="", at=NOW)
        for number in range(20)
    ]
    taken = await asyncio.gather(*steps, return_exceptions=True)
    assert sum(isinstance(each, CaseError) for each in taken) == 19
    assert (await store.verify()).records == 2


@pytest.mark.parametrize("reviewer", ["", "  "])
async def test_a_step_needs_a_name(store: RowStore, reviewer: str) -> None:
    """Nobody approves or rejects namelessly."""
    case = await escalate(store)
    with pytest.raises(CaseError, match="name the person"):
        await approve_case(store, case.id, reviewer=reviewer, note="", at=NOW, expires_at=LATER)
    with pytest.raises(CaseError, match="name the person"):
        await reject_case(store, case.id, reviewer=reviewer, note="", at=NOW)


async def test_a_case_that_is_not_there(store: RowStore) -> None:
    """A step on an unknown case names it."""
    assert await store.fetch_case("case_0") is None
    with pytest.raises(CaseError, match="no case `case_0`"):
        await reject_case(store, "case_0", reviewer="r.okafor", note="", at=NOW)
    with pytest.raises(CaseError, match="no case `case_0`"):
        await store.fetch_cases(CaseQuery(after="case_0"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"expires_at": NOW}, "never be good", id="expired-from-the-start"),
        pytest.param({"budget": -1}, "`budget` is -1", id="negative"),
        pytest.param({"budget": 10**40}, "`budget`", id="beyond-the-column"),
    ],
)
async def test_a_grant_that_could_not_be_spent_is_refused(store: RowStore, changes: dict[str, Any], says: str) -> None:
    """An approval that makes no sense is an error, and the case stays open."""
    with pytest.raises(InputError, match=says):
        await approved(store, **changes)
    assert len(await store.fetch_cases(CaseQuery(state="open"))) == 1


async def test_the_case_after_a_decided_one_is_new(store: RowStore) -> None:
    """The same request, sent again after its case was rejected, opens another case."""
    first = await escalate(store)
    await reject_case(store, first.id, reviewer="r.okafor", note="", at=NOW)
    assert (await escalate(store)).id != first.id


async def test_a_grant_is_found_for_its_request_until_it_expires(store: RowStore) -> None:
    """A grant is found for its fingerprint and control group alone, and no longer than it is good for."""
    grant = await approved(store)
    assert await store.find_grant(FINGERPRINT, "group:kestrel", NOW) == grant
    assert await store.find_grant(FINGERPRINT, "group:kestrel", LATER) is None
    assert await store.find_grant("e" * 64, "group:kestrel", NOW) is None
    assert await store.find_grant(FINGERPRINT, "group:lark", NOW) is None


async def test_a_grant_is_spent_once(store: RowStore) -> None:
    """Of fifty decisions that rely on one grant, one is recorded; the others leave nothing."""
    grant = await approved(store)
    results = await asyncio.gather(*[spend(store, grant) for _ in range(50)], return_exceptions=True)
    assert sum(isinstance(result, GrantNotSpent) for result in results) == 49
    assert (await store.verify()).records == 3
    assert await store.find_grant(FINGERPRINT, "group:kestrel", NOW) is None
    spent = await store.fetch_grant(grant.id)
    assert spent is not None
    assert spent.uses_left == 0


@pytest.mark.parametrize(
    ("given", "spent"),
    [
        pytest.param({}, {"spend_operations": 3 * OPERATIONS + 2}, id="one-operation-too-many"),
        pytest.param({"budget": 9 * 10**25}, {"spend_operations": 10**26}, id="another-digit"),
        pytest.param({}, {"spend_operations": 10**45}, id="beyond-the-column"),
        pytest.param({}, {"record": {"at": NOW.isoformat(), "request": {"fingerprint": "e" * 64}}}, id="other-request"),
        pytest.param({}, {"record": {"at": LATER.isoformat(), "request": {"fingerprint": FINGERPRINT}}}, id="expired"),
        pytest.param({}, {"record": {"at": NOW.isoformat()}}, id="request-not-stated"),
        pytest.param({}, {"record": {"request": {"fingerprint": FINGERPRINT}}}, id="time-not-stated"),
    ],
)
async def test_a_grant_does_not_stretch(store: RowStore, given: dict[str, Any], spent: dict[str, Any]) -> None:
    """A grant is not spent on more operations, another request or a later time, and stays whole."""
    grant = await approved(store, **given)
    usage = await store.hold(hold_request())
    with pytest.raises(GrantNotSpent):
        await spend(store, grant, hold_id=usage.hold_id, **spent)
    assert await store.fetch_grant(grant.id) == grant
    assert (await store.verify()).records == 2
    held = await store.fetch_usage("group:kestrel", NOW)
    assert held is not None
    assert held.likely == OPERATIONS, "nothing of the entry is written, so its hold stands for the next try"


async def test_a_revoked_grant_is_not_spent(store: RowStore) -> None:
    """A grant can be taken back until it is used; that is a record too."""
    grant = await approved(store)
    revoked = await store.revoke_grant(grant.id, reviewer="s.lind", note="party was listed", at=NOW)
    assert revoked.revoked
    assert await store.find_grant(FINGERPRINT, "group:kestrel", NOW) is None
    with pytest.raises(GrantNotSpent):
        await spend(store, grant)
    with pytest.raises(CaseError, match="revoked already"):
        await store.revoke_grant(grant.id, reviewer="s.lind", note="", at=NOW)
    with pytest.raises(CaseError, match="no grant `grant_0`"):
        await store.revoke_grant("grant_0", reviewer="s.lind", note="", at=NOW)
    assert [record["type"] async for record in store.records()] == ["decision", "case.approved", "grant.revoked"]
