"""Steps of a case: who may take them, where they lead, and what two people are needed for."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from kyc_gate.audit.retention import Periods, Retention
from kyc_gate.errors import AccessDenied, CaseError, InputError
from kyc_gate.model.case import WAITING, Case, CaseState, Disposition
from kyc_gate.model.case_steps import DISPOSITIONS, TRANSITIONS, Move, Moved, Step, transition
from kyc_gate.model.clearance import Pair
from kyc_gate.model.questionnaire import Questionnaire
from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.store import CaseOpening, CaseQuery, GrantNotSpent

from .samples import NOW, OPERATIONS, case_opening, decision_entry, hold_request

PAIR = Pair(
    party_id="kestrel",
    list="SDN",
    entry_id="7",
    queried="Kestrel",
    listed="KESTREL TRADING",
    party_form="p" * 64,
    entry_form="e" * 64,
)


@pytest.fixture
def store(any_store: RowStore) -> RowStore:
    """Every behaviour here is proved on each engine."""
    return any_store


async def escalate(store: RowStore, number: int = 1, **changes: Any) -> Case:
    """Record a decision that opens or joins a case, and return the case."""
    entry = decision_entry(f"dec_{number}", case=case_opening(f"dec_{number}", **changes))
    receipt = await store.append(entry)
    case = await store.fetch_case(receipt.case_id or "")
    assert case is not None
    return case


async def move(store: RowStore, case: Case, step: Step, by: str = "ana", **of: Any) -> Moved:
    """Take a step."""
    return await store.move_case(case.id, Move(step=step, by=by, at=NOW, **of))


def test_every_state_and_step_is_in_the_table() -> None:
    """Each step has one permission, one leads out of every state that waits, and none out of a decision."""
    assert {row.step for row in TRANSITIONS} == set(Step)
    assert all(len({row.permission for row in TRANSITIONS if row.step is step}) == 1 for step in Step)
    for state in CaseState:
        leads = {row.to for step in Step if (row := transition(step, state)) and row.to is not None}
        assert bool(leads - {state}) is (state in WAITING), state
    assert set(DISPOSITIONS[Step.APPROVE]) | set(DISPOSITIONS[Step.REJECT]) == set(Disposition)


async def test_requests_of_a_family_share_a_case_and_each_gets_its_grant(store: RowStore) -> None:
    """Two requests of a control group wait in one case; an approval covers each with what was seen of it."""
    await escalate(store, 1)
    case = await escalate(store, 2, fingerprint="e" * 64, rules=("frontier-training",), high=7)
    assert [request.fingerprint[0] for request in await store.fetch_case_requests(case.id)] == ["e", "f"]
    grants = (await move(store, case, Step.APPROVE)).grants
    assert {(grant.fingerprint[0], grant.rules, grant.budget) for grant in grants} == {
        ("f", ("red-flag-28",), 3 * OPERATIONS + 1),
        ("e", ("frontier-training",), 7),
    }
    later = await escalate(store, 3)
    assert (later.id != case.id, later.follows) == (True, case.id)


async def test_take_next_gives_everybody_another_case(store: RowStore) -> None:
    """Ten people who ask at once get ten cases, the most urgent first; who belongs to the customer gets none of it."""
    for number in range(10):
        await escalate(store, number, family=f"family-{number}", due_at=NOW + timedelta(hours=number + 1))
    urgent = await escalate(store, 11, family="urgent", severity="high", party_id="lark")
    own = await store.take_next_case(by="zoe", at=NOW, parties=("lark",))
    assert own is not None
    assert own.id != urgent.id
    taken = await asyncio.gather(*(store.take_next_case(by=f"p{number}", at=NOW) for number in range(11)))
    ids = [case.id for case in taken if case is not None]
    assert (len(ids), len(set(ids)), urgent.id in ids) == (10, 10, True)
    assert await store.take_next_case(by="late", at=NOW) is None
    mine = await store.fetch_cases(CaseQuery(assignee="zoe"))
    assert [(case.id, case.state) for case in mine] == [(own.id, CaseState.ASSIGNED)]


async def test_two_people_approve_where_the_policy_asks_for_two(store: RowStore) -> None:
    """One person cannot approve, the proposer cannot approve, and the second one gives what was proposed."""
    case = await escalate(store, four_eyes=True)
    with pytest.raises(CaseError, match="two people"):
        await move(store, case, Step.APPROVE)
    proposed = await move(store, case, Step.PROPOSE, proposes=Step.APPROVE, note="licence D123", budget=5, uses=2)
    assert (proposed.case.state, proposed.case.assignee) == (CaseState.PROPOSED, "ana")
    with pytest.raises(CaseError, match="another person"):
        await move(store, case, Step.APPROVE, by=" ANA ")
    moved = await move(store, case, Step.APPROVE, by="bo", budget=10**30, uses=99)
    assert [(grant.budget, grant.uses_left, grant.reviewer) for grant in moved.grants] == [(5, 2, "bo")]
    steps = [event.step for event in await store.fetch_case_events(case.id)]
    kinds = [record["type"] async for record in store.records()]
    assert (steps, kinds[-2:]) == (["propose", "approve"], ["case.proposed", "case.approved"])


async def test_what_joins_after_a_proposal_takes_it_back(store: RowStore) -> None:
    """An approval never covers what the proposer did not see; the same request sent again changes nothing."""
    case = await escalate(store)
    case = (await move(store, case, Step.PROPOSE, proposes=Step.APPROVE, note="known")).case
    again = await escalate(store, 2)
    assert (again.state, again.version) == (CaseState.PROPOSED, case.version)
    more = await escalate(store, 3, fingerprint="e" * 64)
    assert (more.state, more.proposal, more.version) == (CaseState.ASSIGNED, None, case.version + 1)
    with pytest.raises(CaseError, match="changed since you read it"):
        await move(store, case, Step.APPROVE, by="bo", seen=case.version)
    with pytest.raises(CaseError, match="two people"):
        await move(store, case, Step.APPROVE, by="bo", seen=more.version)
    again = (await move(store, case, Step.PROPOSE, by="bo", proposes=Step.APPROVE, seen=more.version)).case
    assert len((await move(store, case, Step.APPROVE, seen=again.version)).grants) == 2


async def test_a_proposal_is_approved_by_whoever_read_it(store: RowStore) -> None:
    """What was read before the proposal, or before another took its place, approves nothing."""
    case = await escalate(store)
    small = (await move(store, case, Step.PROPOSE, proposes=Step.APPROVE, note="known", budget=5)).case
    await move(store, case, Step.WITHDRAW)
    large = (await move(store, case, Step.PROPOSE, proposes=Step.APPROVE, note="known", budget=10**30)).case
    for read in (case, small):
        with pytest.raises(CaseError, match="changed since you read it"):
            await move(store, case, Step.APPROVE, by="bo", seen=read.version)
    (grant,) = (await move(store, case, Step.APPROVE, by="bo", seen=large.version)).grants
    assert grant.budget == 10**30


async def test_a_rejection_that_was_proposed_is_not_approved(store: RowStore) -> None:
    """What one person would reject needs a new proposal before it can be approved."""
    case = await escalate(store)
    await move(store, case, Step.PROPOSE, proposes=Step.REJECT, note="no licence")
    with pytest.raises(CaseError, match="proposed to reject"):
        await move(store, case, Step.APPROVE, by="bo")
    await move(store, case, Step.WITHDRAW)
    assert (await move(store, case, Step.APPROVE, by="bo")).case.state is CaseState.APPROVED


async def test_nobody_sees_to_their_own_customer(store: RowStore) -> None:
    """A person of the customer takes no step, not even a note."""
    case = await escalate(store)
    with pytest.raises(AccessDenied, match="belongs to the customer"):
        await move(store, case, Step.NOTE, parties=("kestrel",), note="fine")


@pytest.mark.parametrize("own_first", [True, False], ids=["first", "second"])
async def test_who_asked_decides_on_nothing_whichever_came_first(store: RowStore, own_first: bool) -> None:
    """A person of any customer in the case, or behind any request of it, takes no step, and others do."""
    theirs = {"fingerprint": "e" * 64, "party_id": "kestrel-eu", "account": "aws:carol"}
    await escalate(store, 1, **(theirs if own_first else {}))
    case = await escalate(store, 2, **({} if own_first else theirs))
    assert {request.party_id for request in await store.fetch_case_requests(case.id)} == {"kestrel", "kestrel-eu"}
    for party in ("kestrel", "kestrel-eu"):
        with pytest.raises(AccessDenied, match="belongs to the customer"):
            await move(store, case, Step.APPROVE, by="dan", parties=(party,))
    for by in ("Carol", "aws:carol", "111122223333", "kestrel-eu"):
        with pytest.raises(CaseError, match="asked for"):
            await move(store, case, Step.APPROVE, by=by)
    assert len((await move(store, case, Step.APPROVE, by="dan", parties=("lark",))).grants) == 2


async def test_a_request_sent_again_by_another_is_news(store: RowStore) -> None:
    """The same request under another account or party changes the version, and keeps out the first customer too."""
    await escalate(store, 1)
    case = await escalate(store, 2, party_id="kestrel-eu", account="aws:carol")
    assert case.version == 2
    for party in ("kestrel", "kestrel-eu"):
        with pytest.raises(AccessDenied):
            await move(store, case, Step.NOTE, by="dan", parties=(party,), note="fine")


async def test_take_next_passes_over_what_one_may_not_see_to(store: RowStore) -> None:
    """The most urgent case is of the asker or joined by their customer: they get the next one, and not an error."""
    asked = await escalate(store, 1, family="asked", severity="critical", account="aws:ana")
    await escalate(store, 2, family="joined", severity="high")
    joined = await escalate(store, 3, family="joined", severity="high", fingerprint="e" * 64, party_id="lark")
    for number in range(4, 7):
        await escalate(store, number, family=f"gone-{number}", severity="high", expires_at=NOW)
    plain = await escalate(store, 7, family="plain", severity="low", party_id="finch")
    taken = await store.take_next_case(by="ana", at=NOW, parties=("lark",))
    assert taken is not None
    assert taken.id == plain.id
    assert await store.take_next_case(by="ana", at=NOW, parties=("lark",)) is None
    others = [await store.take_next_case(by="bo", at=NOW) for _ in range(2)]
    assert [case.id for case in others if case] == [asked.id, joined.id]


async def test_a_legal_hold_keeps_what_people_said_of_the_party(store: RowStore) -> None:
    """Notes, proposals, clearances, revocations and steps of a shared case stay under the hold; others' are erased."""
    await store.place_hold(party_id="kestrel", because="BIS letter", by="root", at=NOW)
    case = await escalate(store)
    await move(store, case, Step.NOTE, note="it is for the ministry")
    await move(
        store,
        case,
        Step.PROPOSE,
        proposes=Step.APPROVE,
        note="a lens maker",
        disposition=Disposition.FALSE_POSITIVE,
        clear=(PAIR,),
    )
    moved = await move(store, case, Step.APPROVE, by="bo", note="seen")
    await store.revoke_grant(moved.grants[0].id, reviewer="bo", note="taken back", at=NOW)
    await store.end_clearance(moved.clearances[0].id, by="bo", at=NOW, because="they merged")
    await escalate(store, 2, control_group="two", party_id="finch")
    shared = await escalate(store, 3, control_group="two", fingerprint="e" * 64)
    await move(store, shared, Step.NOTE, note="of both")
    other = await escalate(store, 4, control_group="other", party_id="lark")
    await move(store, other, Step.NOTE, note="of a lark")
    await store.append(decision_entry("dec_5", party_id="kestrel"))
    late = NOW + timedelta(days=3700)
    await store.erase_due(Periods(), by="root", because="time is over", at=late)
    kept = [record async for record in store.records() if "note" in record]
    said = {"it is for the ministry", "a lens maker", "seen", "taken back", "they merged", "of both"}
    assert {record["note"] for record in kept} == said
    assert any("pair" in record.get("parties", {}) for record in kept)  # type: ignore[attr-defined]
    record = await store.fetch_decision("dec_5")
    assert record is not None
    assert "request" in record


@pytest.mark.parametrize(
    ("of", "says"),
    [
        pytest.param(
            {"step": Step.APPROVE, "disposition": Disposition.DUPLICATE}, "does not go with", id="disposition"
        ),
        pytest.param({"step": Step.REJECT, "disposition": Disposition.DUPLICATE}, "`duplicate_of`", id="duplicate"),
        pytest.param({"step": Step.APPROVE, "uses": 0}, "`uses` is 0", id="uses"),
        pytest.param({"step": Step.APPROVE, "run": True}, "`run`", id="no-run"),
        pytest.param({"step": Step.PROPOSE, "proposes": Step.NOTE}, "`proposes`", id="proposes"),
    ],
)
async def test_a_step_that_makes_no_sense_is_refused(store: RowStore, of: dict[str, Any], says: str) -> None:
    """The error names the field, and the case stays as it was."""
    case = await escalate(store)
    with pytest.raises(InputError, match=says):
        await store.move_case(case.id, Move(by="ana", at=NOW, **of))
    assert await store.fetch_case(case.id) == case


async def test_a_case_that_expired_is_not_decided(store: RowStore) -> None:
    """An approval after the end is refused, before and after the sweep; what comes next opens another case."""
    case = await escalate(store, expires_at=NOW - timedelta(hours=1))
    with pytest.raises(CaseError, match="expired"):
        await move(store, case, Step.APPROVE)
    overdue, ended = await store.sweep_cases(NOW)
    assert (overdue, [each.id for each in ended]) == ((), [case.id])
    with pytest.raises(CaseError, match="expired already"):
        await move(store, case, Step.APPROVE)
    assert (await escalate(store, 2)).id != case.id


async def test_an_overdue_case_is_told_once(store: RowStore) -> None:
    """The sweep marks it, records it, and finds it no second time."""
    case = await escalate(store, due_at=NOW - timedelta(hours=1))
    assert [[each.id for each in part] for part in await store.sweep_cases(NOW)] == [[case.id], []]
    assert await store.sweep_cases(NOW) == ((), ())
    assert [each.id for each in await store.fetch_cases(CaseQuery(overdue=True))] == [case.id]
    assert (await store.count_cases())["overdue"] == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("KESTREL", 1, id="part-of-a-party"),
        pytest.param("%", 0, id="wildcard"),
        pytest.param("_ed-flag", 0, id="one-character"),
        pytest.param("' UNION SELECT 1--", 0, id="statement"),
    ],
)
async def test_a_search_is_for_the_text_as_it_stands(store: RowStore, text: str, found: int) -> None:
    """No character of a search means anything but itself."""
    await escalate(store)
    assert len(await store.fetch_cases(CaseQuery(text=text))) == found


async def test_orders_page_without_gap(store: RowStore) -> None:
    """Pages by urgency follow one another; an order that there is none of is an error."""
    for number in range(7):
        severity = ("low", "high")[number % 2]
        await escalate(store, number, family=f"f{number}", severity=severity, due_at=NOW + timedelta(hours=9 - number))
    every = await store.fetch_cases(CaseQuery(order="urgency"))
    assert [case.severity for case in every] == ["high"] * 3 + ["low"] * 4
    paged: list[str] = []
    while page := await store.fetch_cases(CaseQuery(order="urgency", limit=2, after=paged[-1] if paged else None)):
        paged += [case.id for case in page]
    assert paged == [case.id for case in every]
    with pytest.raises(InputError, match="`password`"):
        await store.fetch_cases(CaseQuery(order="password"))


async def test_a_budgeted_grant_is_spent_to_its_last_operation(store: RowStore) -> None:
    """Uses share one budget, a withdrawn use gives its operations back, and nothing goes beyond it."""
    case = await escalate(store)
    (grant,) = (await move(store, case, Step.APPROVE, budget=10, uses=3)).grants
    await store.append(decision_entry("dec_2", spend_grant=grant.id, spend_operations=7))
    with pytest.raises(GrantNotSpent):
        await store.append(decision_entry("dec_3", spend_grant=grant.id, spend_operations=4))
    await store.append(decision_entry("dec_4", spend_grant=grant.id, spend_operations=3))
    spent = await store.fetch_grant(grant.id)
    assert spent is not None
    assert (spent.uses_left, spent.spent, spent.left) == (1, 10, 0)


async def test_a_grant_for_a_run_covers_its_requests_up_to_the_ceiling(store: RowStore) -> None:
    """Any request of the control group that makes the model is covered, and none that makes another."""
    case = await escalate(store, run="Kestrel 2")
    (grant,) = (await move(store, case, Step.APPROVE, run=True, budget=100)).grants
    assert grant.run == "Kestrel 2"
    assert await store.find_grant("e" * 64, "group:kestrel", NOW, run="kestrel  2") == grant
    assert await store.find_grant("e" * 64, "group:kestrel", NOW, run="Kestrel 3") is None
    assert await store.find_grant("e" * 64, "group:lark", NOW, run="Kestrel 2") is None

    def asks(model: str) -> dict[str, object]:
        return {"at": NOW.isoformat(), "request": {"fingerprint": "e" * 64, "lineage": {"model": model}}}

    await store.append(decision_entry("dec_2", record=asks("KESTREL 2"), spend_grant=grant.id, spend_operations=60))
    for number, model, operations in ((3, "Kestrel 2", 41), (4, "Kestrel 3", 1)):
        with pytest.raises(GrantNotSpent):
            await store.append(
                decision_entry(f"dec_{number}", record=asks(model), spend_grant=grant.id, spend_operations=operations)
            )


async def test_papers_are_kept_by_their_hash(store: RowStore) -> None:
    """An attachment is found under its SHA-256, is told in the history, and the history cannot be changed."""
    case = await escalate(store)
    digest = await store.attach_to_case(case.id, Move(step=Step.ATTACH, by="ana", at=NOW), b"licence")
    assert digest == hashlib.sha256(b"licence").hexdigest()
    assert await store.fetch_attachment(digest) == b"licence"
    (event,) = await store.fetch_case_events(case.id)
    assert (event.step, event.details["sha256"], event.details["bytes"]) == ("attach", digest, 7)
    for change in ("UPDATE case_events SET case_id = 'x'", "DELETE FROM case_events"):
        with pytest.raises(Exception, match="never"):
            await store._write(lambda connection, change=change: connection.execute(change))  # type: ignore[misc]


async def test_a_questionnaire_is_answered_once_and_in_time(store: RowStore) -> None:
    """The case waits for the answers and goes back to whoever asked; the chain holds their digest only."""
    case = await escalate(store)
    asked = Questionnaire(
        id="ask_1",
        case_id=case.id,
        digest="d" * 64,
        sent_by="ana",
        sent_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    sent = await store.send_questionnaire(asked, Move(step=Step.ASK, by="ana", at=NOW))
    assert (sent.case.state, sent.case.assignee) == (CaseState.ASKED, "ana")
    with pytest.raises(CaseError, match="no longer"):
        await store.answer_questionnaire("d" * 64, {"end_use": "weather"}, NOW + timedelta(days=2))
    await store.answer_questionnaire("d" * 64, {"end_use": "weather"}, NOW)
    with pytest.raises(CaseError, match="already"):
        await store.answer_questionnaire("d" * 64, {"end_use": "war"}, NOW)
    (kept,) = await store.fetch_questionnaires(case.id)
    assert kept.answers == {"end_use": "weather"}
    answered = await store.fetch_case(case.id)
    assert answered is not None
    assert answered.state is CaseState.ASSIGNED
    assert "weather" not in str([record async for record in store.records()])


async def test_a_clearance_takes_two_people_and_ends(store: RowStore) -> None:
    """It is proposed as a false positive, approved by another, stands for 180 days, and can be ended."""
    case = await escalate(store)
    false = {"disposition": Disposition.FALSE_POSITIVE, "clear": (PAIR,)}
    with pytest.raises(CaseError, match="two people"):
        await move(store, case, Step.APPROVE, note="another firm", **false)
    with pytest.raises(InputError, match="`note` is empty"):
        await move(store, case, Step.PROPOSE, proposes=Step.APPROVE, **false)
    await move(store, case, Step.PROPOSE, proposes=Step.APPROVE, note="another firm", **false)
    (clearance,) = (await move(store, case, Step.APPROVE, by="bo")).clearances
    assert (clearance.proposed_by, clearance.approved_by, clearance.reason) == ("ana", "bo", "another firm")
    assert clearance.expires_at == NOW + timedelta(days=180)
    soon = NOW + timedelta(days=190)
    assert await store.fetch_clearances(NOW, until=soon, party_id="kestrel") == (clearance,)
    assert await store.fetch_clearances(NOW, until=NOW + timedelta(days=10)) == ()
    assert await store.fetch_clearances(soon) == ()
    await store.end_clearance(clearance.id, by="cy", at=NOW, because="they merged")
    assert await store.fetch_clearances(NOW) == ()
    with pytest.raises(CaseError, match="ended already"):
        await store.end_clearance(clearance.id, by="cy", at=NOW, because="again")


async def test_papers_of_a_case_are_erased_in_their_time(any_store: RowStore) -> None:
    """After five years for the EAR's, ten for OFAC's, and not while a hold stands or what it let through goes on."""
    store = any_store
    opening = case_opening("dec_1", party_id="kestrel", control_group="group:kestrel")
    case = await recorded(store, "dec_1", opening, Retention.EAR)
    listed = await recorded(
        store, "dec_2", case_opening("dec_2", party_id="lark", control_group="lark"), Retention.OFAC
    )
    digest = await store.attach_to_case(case, note_of("of Kay Estrel"), b"a passport")
    shared = await store.attach_to_case(case, note_of("shared"), b"a register")
    assert await store.attach_to_case(listed, note_of("of Lee Ark"), b"a register") == shared
    asked = Questionnaire(
        id="ask_1", case_id=case, digest="d" * 64, sent_by="ana", sent_at=NOW, expires_at=NOW + timedelta(days=9)
    )
    await store.send_questionnaire(asked, note_of("please"))
    await store.answer_questionnaire("d" * 64, {"end_users": "Kay Estrel"}, NOW)
    for each in (case, listed):
        await store.move_case(each, Move(step=Step.REJECT, by="bo", at=NOW, note="says Kay Estrel"))
    text = str([record async for record in store.records()])
    assert "passport.pdf" in text
    assert "passport.pdf" not in str([body async for body in bodies_alone(store)])

    usage = await store.hold(hold_request(open_ended=True))
    await store.ready()  # a hold is answered before it is committed
    early, late, ten = (NOW + timedelta(days=366 * years) for years in (4, 6, 11))
    assert await store.count_due_papers(Periods(), early) == (0, 0)
    assert await store.count_due_papers(Periods(), late) == (0, 0), "a run of the group goes on"
    await store.release(usage.hold_id)
    await store.ready()
    kept = await store.place_hold(party_id="kestrel", because="BIS letter", by="root", at=late)
    assert await store.count_due_papers(Periods(), late) == (0, 1)
    assert await store.erase_papers(Periods(), by="dpo", because="over", at=late) == 0
    await store.release_hold(kept.id, by="root", because="closed", at=late)
    assert await store.erase_papers(Periods(), by="dpo", because="over", at=late) == 1
    assert await store.erase_papers(Periods(), by="dpo", because="over", at=late) == 0

    assert await store.fetch_attachment(digest) is None
    assert await store.fetch_attachment(shared) == b"a register", "another case keeps it"
    assert [each.answers for each in await store.fetch_questionnaires(case)] == [{}]
    events = await store.fetch_case_events(case)
    assert [event.step for event in events] == ["attach", "attach", "ask", "answer", "reject"]
    assert {(event.note, str(event.details)) for event in events} == {("", "{}")}
    gone = await store.fetch_case(case)
    assert gone is not None
    assert (gone.note, gone.disposition) == ("", Disposition.TRUE_POSITIVE)
    assert "says Kay Estrel" in str(await store.fetch_case_events(listed))
    told = [record async for record in store.records() if record["type"] == "papers.erased"]
    assert [(each["cases"], each["attachments"]) for each in told] == [([case], [digest])]
    assert await store.erase_papers(Periods(), by="dpo", because="over", at=ten) == 1
    assert await store.fetch_attachment(shared) is None
    assert "Estrel" not in str([await store.fetch_case_events(each) for each in (case, listed)])
    await store.verify()


async def recorded(store: RowStore, id: str, opening: CaseOpening, retention: Retention) -> str:
    """Append a decision of a class with its case, and return the case's id."""
    entry = decision_entry(id, case=opening, party_id=opening.party_id, retention=retention)
    return str((await store.append(entry)).case_id)


def note_of(note: str) -> Move:
    """A step by somebody, with a paper."""
    return Move(step=Step.ATTACH, by="ana", at=NOW, note=note, details={"name": "passport.pdf"})


async def bodies_alone(store: RowStore) -> AsyncIterator[str]:
    """What records say without their sealed parts."""
    position = 0
    while (record := await store.fetch_record(position := position + 1)) is not None:
        yield record.body
