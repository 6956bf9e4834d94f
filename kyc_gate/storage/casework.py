"""Cases as rows. Callers hold the transaction.

Each step that is taken is an event of the case and an audit record in the same transaction: no step without its record.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import field
from msgspec.structs import replace

from kyc_gate.audit.retention import Retention
from kyc_gate.audit.seal import seal
from kyc_gate.errors import AccessDenied, CaseError, InputError
from kyc_gate.model.access import Way
from kyc_gate.model.case import (
    SEVERITIES,
    WAITING,
    Case,
    CaseEvent,
    CaseRequest,
    CaseState,
    Disposition,
    Proposal,
)
from kyc_gate.model.case_steps import DISPOSITIONS, Move, Moved, Step, transition
from kyc_gate.model.record import Record, plain
from kyc_gate.storage import clearances, grants, paper_retention
from kyc_gate.storage.case_words import found_by, put_words
from kyc_gate.storage.chain_log import append_record
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.outbox import emit
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.store import CaseOpening, CaseQuery
from kyc_gate.storage.timestamps import micros

DECISIONS_A_CASE = 100
"""How many decisions a case names: the first, and the newest. Every one of them is in the chain all the same."""

_WAITING = ", ".join(f"'{state}'" for state in WAITING)
_UNDECIDED = f"state IN ({_WAITING})"


def open_or_join(connection: Connection, opening: CaseOpening, retention: Retention = Retention.OFAC) -> Case:
    """Return the case that waits for the control group and family, opened now or joined by this decision.

    Its papers are kept as long as the decision's `retention` asks, or that of an earlier one if it is longer.
    """
    case = _opened_or_joined(connection, opening, retention)
    paper_retention.classify(connection, case.id, retention)
    paper_retention.touch(connection, case.id, opening.at)
    return case


def _opened_or_joined(connection: Connection, opening: CaseOpening, retention: Retention) -> Case:
    if opening.severity not in SEVERITIES:
        raise InputError(f"unknown case severity `{opening.severity}`; it is one of {', '.join(SEVERITIES)}")
    row = connection.execute(
        f"SELECT document FROM cases WHERE control_group = ? AND family = ? AND {_UNDECIDED}",
        (opening.control_group, opening.case_family),
    ).fetchone()
    if row is not None:
        case = _case(row[0])
        if case.expires_at is None or case.expires_at > opening.at:
            return _join(connection, case, opening)
        _expire(connection, case, opening.at)
    return _open(connection, opening, retention)


def case_of(connection: Connection, case_id: str) -> Case | None:
    """Return the case with an id."""
    row = connection.execute("SELECT document FROM cases WHERE id = ?", (case_id,)).fetchone()
    return _case(row[0]) if row else None


def case_for(connection: Connection, fingerprint: str) -> Case | None:
    """Return the newest case that a request with this fingerprint waits or waited in."""
    row = connection.execute(
        "SELECT cases.document FROM case_requests JOIN cases ON cases.id = case_requests.case_id"
        " WHERE case_requests.fingerprint = ? ORDER BY case_requests.number DESC LIMIT 1",
        (fingerprint,),
    ).fetchone()
    return _case(row[0]) if row else None


def requests_of(connection: Connection, case: Case) -> tuple[CaseRequest, ...]:
    """Return the requests of a case, those asked for first in front."""
    rows = connection.execute("SELECT document FROM case_requests WHERE case_id = ?", (case.id,))
    found = [_earlier_request(case) if document is None else read(document, CaseRequest) for (document,) in rows]
    return tuple(sorted(found, key=lambda request: (request.at, request.fingerprint)))


def events_of(connection: Connection, case_id: str) -> tuple[CaseEvent, ...]:
    """Return what was done with a case, first to last."""
    rows = connection.execute(
        "SELECT case_events.number, case_events.document, case_event_parts.document FROM case_events"
        " LEFT JOIN case_event_parts ON case_event_parts.number = case_events.number"
        " WHERE case_id = ? ORDER BY case_events.number",
        (case_id,),
    )
    return tuple(_event(int(number), document, parts) for number, document, parts in rows)


class _Parts(Record):
    """What a step says beside who took it and when: kept apart, since it may be erased."""

    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def _event(number: int, document: str, parts: str | None) -> CaseEvent:
    event: CaseEvent = read(document, CaseEvent)
    if parts is None:
        return replace(event, number=number)
    said: _Parts = read(parts, _Parts)
    return replace(event, number=number, note=said.note, details=said.details)


def cases_found(connection: Connection, query: CaseQuery) -> tuple[Case, ...]:
    """Return the cases that `query` asks for. Raises `InputError` and, for an unknown `after`, `CaseError`."""
    where, values = _conditions(connection, query)
    order = _ORDERS[query.order]
    if query.after is None:
        return tuple(_walked(connection, where, values, order, query.limit))
    row = connection.execute("SELECT severity, due_at, number FROM cases WHERE id = ?", (query.after,)).fetchone()
    if row is None:
        raise CaseError(f"there is no case `{query.after}`")
    values |= {"severity": int(row[0]), "due_at": int(row[1]), "number": int(row[2])}
    found: list[Case] = []
    for after in order.after:
        if len(found) < query.limit:
            found += _walked(connection, [*where, after], values, order, query.limit - len(found))
    return tuple(found)


def counts_of(connection: Connection) -> dict[str, int]:
    """Return how many cases stand in each state that waits, and how many of them are overdue."""
    rows = connection.execute("SELECT state, COUNT(*), SUM(overdue) FROM cases WHERE waiting = 1 GROUP BY state")
    found = dict.fromkeys((state.value for state in WAITING), 0) | {"overdue": 0}
    for state, count, overdue in rows:
        found[str(state)] = int(count)
        found["overdue"] += int(overdue)
    return found


def move(connection: Connection, case_id: str, step: Move) -> Moved:
    """Take a step and return what it led to.

    Raises `CaseError` for a step that the case does not allow, `AccessDenied` for a person who may not take it, and
    `InputError` for one that makes no sense.
    """
    # 1. Somebody takes it who has nothing to do with whoever asks.
    if not step.by.strip():
        raise CaseError("`reviewer` is empty: name the person who decides")
    case = case_of(connection, case_id)
    if case is None:
        raise CaseError(f"there is no case `{case_id}`")
    if (refused := _not_a_stranger(connection, case, step.by, step.parties)) is not None:
        raise refused
    # 2. The table has the step, on what was read.
    row = transition(step.step, case.state)
    if row is None:
        raise CaseError(_not_now(case, step.step))
    if step.seen is not None and step.seen != case.version:
        now = f"it is at version {case.version}, and you read {step.seen}"
        raise CaseError(f"the case `{case_id}` changed since you read it: {now}; read it again")
    if case.undecided and case.expires_at is not None and case.expires_at <= step.at and row.permission is not None:
        raise CaseError(f"the case `{case_id}` expired at {case.expires_at.isoformat()}: send the request again")
    # 3. What the step does.
    moved = _done(connection, replace(case, state=row.to or case.state), case, step)
    _save(connection, moved.case)
    _record(connection, moved.case, step, row.said, _told(connection, moved, step))
    return moved


def take_next(
    connection: Connection, *, by: str, at: datetime, parties: Iterable[str] = (), via: Way | None = None
) -> Case | None:
    """Assign the most urgent case that nobody has to a person, and return it; None where there is none for them.

    Cases of what the person or their customer asked for are passed over.
    """
    own = tuple(parties)
    query = CaseQuery(state=CaseState.OPEN, order="urgency")
    while page := cases_found(connection, query):
        for case in page:
            good = case.expires_at is None or case.expires_at > at
            if good and _not_a_stranger(connection, case, by, own) is None:
                return move(connection, case.id, Move(step=Step.TAKE, by=by, at=at, parties=own, via=via)).case
        query = replace(query, after=page[-1].id)
    return None


def sweep(connection: Connection, at: datetime, limit: int = 100) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    """Mark cases that became overdue, end those that expired, and return both; each is told once."""
    late = connection.execute(
        "SELECT document FROM cases WHERE waiting = 1 AND overdue = 0 AND due_at < ? ORDER BY due_at LIMIT ?",
        (micros(at), limit),
    ).fetchall()
    overdue = []
    for (document,) in late:
        case = replace(_case(document), overdue=True)
        _save(connection, case)
        _record(connection, case, Move(step=Step.OVERDUE, by="kyc-gate", at=at), "case.overdue", {})
        overdue.append(case)
    ended = connection.execute(
        "SELECT document FROM cases WHERE waiting = 1 AND expires_at IS NOT NULL AND expires_at <= ? LIMIT ?",
        (micros(at), limit),
    ).fetchall()
    return tuple(overdue), tuple(_expire(connection, _case(document), at) for (document,) in ended)


def note_event(connection: Connection, case: Case, step: Move, said: str, told: dict[str, Any]) -> None:
    """Write a step into the case's history and the chain, for steps that `move` does not know of."""
    _record(connection, case, step, said, told)


# Opening and joining


def _open(connection: Connection, opening: CaseOpening, retention: Retention) -> Case:
    earlier = connection.execute(
        "SELECT id FROM cases WHERE control_group = ? AND family = ? ORDER BY number DESC LIMIT 1",
        (opening.control_group, opening.case_family),
    ).fetchone()
    case = Case(
        id=f"case_{secrets.token_hex(16)}",
        state=CaseState.OPEN,
        severity=opening.severity,
        fingerprint=opening.fingerprint,
        control_group=opening.control_group,
        account=opening.account,
        party_id=opening.party_id,
        operation=opening.operation,
        rules=tuple(sorted(set(opening.rules))),
        decision_ids=(opening.decision_id,),
        opened_at=opening.at,
        due_at=opening.due_at,
        likely=opening.likely,
        high=opening.high,
        outcome=opening.outcome,
        family=opening.case_family,
        four_eyes=opening.four_eyes,
        expires_at=opening.expires_at,
        follows=str(earlier[0]) if earlier else None,
    )
    request = _request(opening, None)
    connection.execute(
        "INSERT INTO cases"
        " (id, state, retention, control_group, family, party_id, severity, due_at, expires_at, subject, document)"
        " VALUES (?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            case.id,
            retention.value,
            case.control_group,
            case.family,
            case.party_id,
            SEVERITIES.index(case.severity),
            micros(case.due_at),
            micros(case.expires_at) if case.expires_at else None,
            " ".join(_searched(case, request)).casefold(),
            written(case),
        ),
    )
    _put_request(connection, case, request)
    return case


def _join(connection: Connection, case: Case, opening: CaseOpening) -> Case:
    """Return the case with the decision joined: rules add up, amounts and severity rise, it is due no later.

    What adds nothing that the reviewer has not seen leaves the version and a proposal as they are. Where a proposal
    lapses, two people decide: nobody may approve alone what another one proposed in part.
    """
    before = _request_of(connection, case, opening.fingerprint)
    request = _request(opening, before)
    first, *others = case.decision_ids
    joined = replace(
        case,
        severity=max(case.severity, opening.severity, key=SEVERITIES.index),
        rules=tuple(sorted({*case.rules, *opening.rules})),
        decision_ids=(first, *others[-(DECISIONS_A_CASE - 2) :], opening.decision_id),
        due_at=min(case.due_at, opening.due_at),
        likely=max(case.likely, opening.likely),
        high=max(case.high, opening.high),
        outcome=max(case.outcome, opening.outcome, key=lambda outcome: outcome.severity),
        four_eyes=case.four_eyes or opening.four_eyes,
        party_ids=tuple(sorted({*case.customers, opening.party_id} - {""})),
    )
    if _news(before, request):
        lapsed = joined.proposal is not None
        joined = replace(joined, version=joined.version + 1, proposal=None, expires_at=opening.expires_at)
        if lapsed:
            joined = replace(joined, state=CaseState.ASSIGNED, four_eyes=True)
            step = Move(step=Step.WITHDRAW, by="kyc-gate", at=opening.at, note="more joined after the proposal")
            _record(connection, joined, step, "case.withdrawn", {"decision_id": opening.decision_id})
    _put_request(connection, joined, request)
    _save(connection, joined)
    return joined


def _request(opening: CaseOpening, before: CaseRequest | None) -> CaseRequest:
    """Return the request of the decision, with what its earlier decisions said: a milder one takes nothing away."""
    return CaseRequest(
        fingerprint=opening.fingerprint,
        account=opening.account,
        operation=opening.operation,
        rules=tuple(sorted({*opening.rules, *(before.rules if before else ())})),
        decision_id=opening.decision_id,
        at=before.at if before else opening.at,
        likely=max(opening.likely, before.likely if before else 0),
        high=max(opening.high, before.high if before else 0),
        outcome=max(opening.outcome, before.outcome if before else opening.outcome, key=lambda each: each.severity),
        run=opening.run,
        party_id=opening.party_id,
        final=opening.final,
    )


def _news(before: CaseRequest | None, now: CaseRequest) -> bool:
    """Return whether a request says more than a reviewer could have read: a new one, new rules, more operations."""
    if before is None:
        return True
    seen = (before.rules, before.outcome, before.high, before.run, before.account, before.party_id)
    return seen != (now.rules, now.outcome, now.high, now.run, now.account, now.party_id)


def _put_request(connection: Connection, case: Case, request: CaseRequest) -> None:
    (number,) = connection.execute("SELECT number FROM cases WHERE id = ?", (case.id,)).fetchone()
    connection.execute(
        "INSERT INTO case_requests (case_id, fingerprint, number, document) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (case_id, fingerprint) DO UPDATE SET document = excluded.document",
        (case.id, request.fingerprint, int(number), written(request)),
    )
    put_words(connection, int(number), _searched(case, request))


def _request_of(connection: Connection, case: Case, fingerprint: str) -> CaseRequest | None:
    row = connection.execute(
        "SELECT document FROM case_requests WHERE case_id = ? AND fingerprint = ?", (case.id, fingerprint)
    ).fetchone()
    if row is None:
        return None
    return _earlier_request(case) if row[0] is None else read(row[0], CaseRequest)


def _earlier_request(case: Case) -> CaseRequest:
    """Return the one request of a case that an earlier schema opened."""
    return CaseRequest(
        fingerprint=case.fingerprint,
        account=case.account,
        operation=case.operation,
        rules=case.rules,
        decision_id=case.decision_ids[-1],
        at=case.opened_at,
        likely=case.likely,
        high=case.high,
        outcome=case.outcome,
        party_id=case.party_id,
    )


# Steps


def _done(connection: Connection, case: Case, before: Case, step: Move) -> Moved:
    """Return the case after the step, and what the step gave."""
    match step.step:
        case Step.TAKE | Step.ASSIGN:
            return Moved(case=replace(case, assignee=step.assignee or step.by))
        case Step.PUT_BACK:
            return Moved(case=replace(case, assignee=None))
        case Step.ASK:
            return Moved(case=replace(case, assignee=case.assignee or step.by))
        case Step.ANSWER if before.undecided:
            lapsed = before.proposal is not None
            four_eyes = case.four_eyes or lapsed
            return Moved(case=replace(case, proposal=None, version=case.version + 1, four_eyes=four_eyes))
        case Step.WITHDRAW:
            return Moved(case=replace(case, proposal=None, version=case.version + 1))
        case Step.PROPOSE:
            made = replace(case, proposal=_proposal(connection, case, step), version=case.version + 1)
            return Moved(case=replace(made, assignee=case.assignee or step.by))
        case Step.APPROVE:
            return _approved(connection, case, before, step)
        case Step.REJECT:
            return Moved(case=_decided(case, step, _disposition(step, Step.REJECT)))
        case _:
            return Moved(case=case)


def _proposal(connection: Connection, case: Case, step: Move) -> Proposal:
    if step.proposes not in DISPOSITIONS:
        raise InputError("`proposes`: a proposal is to `approve` or to `reject`")
    disposition = _disposition(step, step.proposes)
    if step.proposes is Step.APPROVE:
        _approvable(connection, case)
        _require_clearable(step, disposition)
        grants.require_sense(step, waiting=case.waiting)
    return Proposal(
        step=step.proposes,
        by=step.by,
        at=step.at,
        disposition=disposition,
        note=step.note,
        version=case.version,
        budget=step.budget,
        uses=step.uses,
        run=step.run,
        grant_hours=step.grant_hours,
        clear=step.clear,
        clear_days=step.clear_days,
    )


def _approved(connection: Connection, case: Case, before: Case, step: Move) -> Moved:
    """Return the approved case with its grants and clearances.

    INVARIANT: where two people are asked for, the second is not the first; and what they approve is what was proposed.
    """
    proposal = before.proposal
    if proposal is None and (case.four_eyes or step.four_eyes or step.clear):
        raise CaseError(f"two people decide on the case `{case.id}`: propose the approval, and another person approves")
    if proposal is not None:
        if proposal.by.strip().casefold() == step.by.strip().casefold():
            raise CaseError(f"`{step.by}` proposed this; another person approves it")
        if proposal.step != Step.APPROVE:
            raise CaseError(f"`{proposal.by}` proposed to reject the case `{case.id}`; withdraw that, and propose anew")
        step = replace(
            step,
            disposition=proposal.disposition,
            budget=proposal.budget,
            uses=proposal.uses,
            run=proposal.run,
            grant_hours=proposal.grant_hours,
            clear=proposal.clear,
            clear_days=proposal.clear_days,
        )
    disposition = _disposition(step, Step.APPROVE)
    _require_clearable(step, disposition)
    decided = _decided(case, step, disposition)
    given = grants.give(connection, decided, _approvable(connection, case), step)
    cleared = clearances.settle(connection, decided, proposal, step) if proposal and step.clear else ()
    first = given[0].id if given else None
    return Moved(case=replace(decided, grant_id=first), grants=given, clearances=cleared)


def _approvable(connection: Connection, case: Case) -> tuple[CaseRequest, ...]:
    """Return the requests that an approval lets through. Raises `CaseError` where there is none among those waiting."""
    requests = requests_of(connection, case)
    open_ = tuple(request for request in requests if not request.final)
    if requests and not open_:
        raise CaseError(f"no approval lets through what waits in the case `{case.id}`: reject it")
    return open_


def _decided(case: Case, step: Move, disposition: Disposition) -> Case:
    if disposition is Disposition.DUPLICATE and (not step.duplicate_of or step.duplicate_of == case.id):
        raise InputError("`duplicate_of` is missing: name the case that this one repeats")
    return replace(
        case,
        decided_at=step.at,
        reviewer=step.by,
        note=step.note,
        disposition=disposition,
        duplicate_of=step.duplicate_of if disposition is Disposition.DUPLICATE else None,
    )


def _disposition(step: Move, decision: Step) -> Disposition:
    allowed = DISPOSITIONS[decision]
    chosen = step.disposition or allowed[0]
    if chosen not in allowed:
        raise InputError(f"`disposition`: `{chosen}` does not go with `{decision}`; take {', '.join(allowed)}")
    return chosen


def _require_clearable(step: Move, disposition: Disposition) -> None:
    if step.clear and disposition is not Disposition.FALSE_POSITIVE:
        raise InputError("`clear`: only a false positive is cleared; the disposition is " + f"`{disposition}`")
    if step.clear and not step.note.strip() and step.step is Step.PROPOSE:
        raise InputError("`note` is empty: a clearance needs its reason")


def _not_a_stranger(
    connection: Connection, case: Case, by: str, parties: tuple[str, ...]
) -> CaseError | AccessDenied | None:
    """Return why a person may not see to a case; None where they may.

    INVARIANT: who decides asked for none of its requests and belongs to no customer of theirs, whichever came first.
    """
    if not case.customers.isdisjoint(parties):
        return AccessDenied(f"`{by}` belongs to the customer of the case `{case.id}`; another person sees to it")
    names = {case.account, *case.customers}
    for request in requests_of(connection, case):
        names |= {request.account, request.party_id}
    askers = {each.strip().casefold() for name in names for each in (name, name.partition(":")[2])}
    if by.strip().casefold() in askers - {""}:
        return CaseError(f"`{by}` asked for what the case `{case.id}` is about; another person decides")
    return None


def _not_now(case: Case, step: Step) -> str:
    if case.undecided:
        return f"the case `{case.id}` is {case.state}, and `{step}` is not a step from there"
    by = f" by `{case.reviewer}`" if case.reviewer else ""
    wanted = {Step.APPROVE: "approved", Step.REJECT: "rejected"}.get(step)
    end = f"so it cannot be {wanted}" if wanted else f"and `{step}` is not a step from there"
    return f"the case `{case.id}` is {case.state} already{by}, {end}"


def _expire(connection: Connection, case: Case, at: datetime) -> Case:
    ended = replace(case, state=CaseState.EXPIRED, decided_at=at, proposal=None)
    _save(connection, ended)
    _record(connection, ended, Move(step=Step.EXPIRE, by="kyc-gate", at=at), "case.expired", {})
    return ended


def _told(connection: Connection, moved: Moved, step: Move) -> dict[str, Any]:
    """Return what the audit record of a step says besides who, what and when."""
    case = moved.case
    told: dict[str, Any] = plain(step.details)
    if step.step in (Step.APPROVE, Step.REJECT):
        told |= {"disposition": case.disposition, "decision_ids": list(case.decision_ids), "version": case.version}
    if step.step is Step.APPROVE:
        told["grants"] = [plain(grant) for grant in moved.grants]
        told["grant"] = told["grants"][0] if moved.grants else None
        told["clearances"] = [each.id for each in moved.clearances]
        if moved.clearances:
            told["parties"] = {"clearances": [plain(each) for each in moved.clearances]}
    if step.step is Step.PROPOSE:
        proposal = plain(case.proposal)
        proposal.pop("note")  # it is the record's own note, which is sealed
        pairs = proposal.pop("clear")
        told["proposal"] = proposal
        if pairs:
            told["parties"] = {"clear": pairs}
    if step.step is Step.ASSIGN:
        told["assignee"] = case.assignee
    if case.duplicate_of:
        told["duplicate_of"] = case.duplicate_of
    return told


def _record(connection: Connection, case: Case, step: Move, said: str, told: dict[str, Any]) -> None:
    """Write the step into the case's history and into the chain."""
    event = CaseEvent(case_id=case.id, step=step.step, by=step.by, at=step.at)
    (number,) = connection.execute(
        "INSERT INTO case_events (case_id, document) VALUES (?, ?) RETURNING number", (case.id, written(event))
    ).fetchone()
    if step.note or told:
        parts = written(_Parts(note=step.note, details=told))
        connection.execute("INSERT INTO case_event_parts (number, document) VALUES (?, ?)", (number, parts))
    paper_retention.touch(connection, case.id, step.at)
    paper = {name: told.pop(name) for name in ("name", "url") if name in told}
    body = {
        "type": said,
        "at": step.at.isoformat(),
        "case_id": case.id,
        "reviewer": step.by,
        "via": step.via,
        "note": step.note,
        "family": case.family,
        "control_group": case.control_group,
        **told,
        **({"paper": paper} if paper else {}),
    }
    append_record(connection, seal(body), party_id=case.kept_for)
    emit(
        connection,
        said,
        {"case_id": case.id, "severity": case.severity, "state": case.state.value, "rules": list(case.rules)},
        step.at,
    )


def _save(connection: Connection, case: Case) -> None:
    connection.execute(
        "UPDATE cases SET state = ?, severity = ?, due_at = ?, expires_at = ?, assignee = ?, overdue = ?, document = ?"
        " WHERE id = ?",
        (
            case.state,
            SEVERITIES.index(case.severity),
            micros(case.due_at),
            micros(case.expires_at) if case.expires_at else None,
            case.assignee,
            int(case.overdue),
            written(case),
            case.id,
        ),
    )


# Finding


class _Order(NamedTuple):
    """An order of cases, and what follows the case whose `severity`, `due_at` and `number` are given.

    The parts of `after` follow one another, each a stretch of one index: an engine that is given them as one condition
    walks there from the first case.
    """

    by: str
    after: tuple[str, ...]


_ORDERS = {
    "newest": _Order("number DESC", ("number < :number",)),
    "urgency": _Order(
        "severity DESC, due_at, number",
        ("severity = :severity AND (due_at, number) > (:due_at, :number)", "severity < :severity"),
    ),
    "due": _Order("due_at, number", ("(due_at, number) > (:due_at, :number)",)),
}


def _walked(
    connection: Connection, where: Sequence[str], values: Mapping[str, Any], order: _Order, limit: int
) -> list[Case]:
    """Return the first cases that fit. Only those are read: what is put in order is their numbers."""
    text = f" WHERE {' AND '.join(where)}" if where else ""
    rows = connection.execute(
        f"SELECT document FROM cases WHERE number IN (SELECT number FROM cases{text} ORDER BY {order.by} LIMIT :limit)"
        f" ORDER BY {order.by}",
        {**values, "limit": limit},
    )
    return [_case(document) for (document,) in rows]


def _conditions(connection: Connection, query: CaseQuery) -> tuple[list[str], dict[str, Any]]:
    if query.order not in _ORDERS:
        raise InputError(f"unknown order `{query.order}`; it is one of {', '.join(_ORDERS)}")
    where: list[str] = []
    values: dict[str, Any] = {}
    if query.state == "waiting":
        where.append("waiting = 1")
    elif query.state is not None:
        if query.state not in set(CaseState):
            raise InputError(f"unknown case state `{query.state}`; it is one of waiting, {', '.join(CaseState)}")
        where.append("state = :state")
        values["state"] = query.state
    if query.severity is not None:
        if query.severity not in SEVERITIES:
            raise InputError(f"unknown case severity `{query.severity}`; it is one of {', '.join(SEVERITIES)}")
        where.append("severity = :wanted_severity")
        values["wanted_severity"] = SEVERITIES.index(query.severity)
    for column, value in (
        ("assignee", query.assignee),
        ("party_id", query.party_id),
        ("family", query.family),
        ("control_group", query.control_group),
    ):
        if value is not None:
            where.append(f"{column} = :{column}")
            values[column] = value
    if query.overdue:
        where.append("overdue = 1")
    if query.text:
        begun, words = found_by(connection, query.text)
        where.append(begun)
        values |= words
    return where, values


def _searched(case: Case, request: CaseRequest) -> tuple[str, ...]:
    """Return what a case is found by, one of its requests included."""
    about = (case.id, case.control_group, case.account, case.party_id, case.operation, *case.rules)
    return (*about, request.account, request.party_id, request.operation)


def _case(document: str) -> Case:
    return read(document, Case)
