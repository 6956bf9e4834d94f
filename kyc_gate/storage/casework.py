"""Cases and grants as rows. Callers hold the transaction.

Each step that a person takes is an audit record in the same transaction: no step without its record.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from msgspec.structs import replace

from kyc_gate.audit.record import body_of
from kyc_gate.errors import CaseError, InputError
from kyc_gate.model.case import Case, CaseState, Grant
from kyc_gate.model.record import plain
from kyc_gate.storage.chain_log import append_record
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.store import CaseOpening
from kyc_gate.storage.timestamps import micros

SEVERITIES = ("low", "medium", "high", "critical")
"""From mildest to severest. A case's severity only rises."""

DECISIONS_A_CASE = 100
"""How many decisions a case names: the first, and the newest. Every one of them is in the chain all the same."""

_BUDGET_DIGITS = 40


def open_or_join(connection: Connection, opening: CaseOpening) -> Case:
    """Return the open case for the fingerprint and control group, opened now or joined by this decision."""
    if opening.severity not in SEVERITIES:
        raise InputError(f"unknown case severity `{opening.severity}`; it is one of {', '.join(SEVERITIES)}")
    row = connection.execute(
        "SELECT document FROM cases WHERE fingerprint = ? AND control_group = ? AND state = 'open'",
        (opening.fingerprint, opening.control_group),
    ).fetchone()
    return _open(connection, opening) if row is None else _join(connection, _case(row[0]), opening)


def case_of(connection: Connection, case_id: str) -> Case | None:
    """Return the case with an id."""
    row = connection.execute("SELECT document FROM cases WHERE id = ?", (case_id,)).fetchone()
    return _case(row[0]) if row else None


def case_for(connection: Connection, fingerprint: str) -> Case | None:
    """Return the newest case for a fingerprint, open or decided."""
    row = connection.execute(
        "SELECT document FROM cases WHERE fingerprint = ? ORDER BY number DESC LIMIT 1", (fingerprint,)
    ).fetchone()
    return _case(row[0]) if row else None


def cases_before(connection: Connection, *, state: str | None, limit: int, before: str | None) -> tuple[Case, ...]:
    """Return up to `limit` cases opened before the case `before`, newest first. Raises `CaseError` if it is none."""
    if state is not None and state not in set(CaseState):
        raise InputError(f"unknown case state `{state}`; it is one of {', '.join(CaseState)}")
    number = 2**63 - 1 if before is None else _number(connection, before)
    rows = connection.execute(
        "SELECT document FROM cases WHERE number < :number AND (CAST(:state AS TEXT) IS NULL OR state = :state)"
        " ORDER BY number DESC LIMIT :limit",
        {"number": number, "state": state, "limit": limit},
    )
    return tuple(_case(document) for (document,) in rows)


def approve(
    connection: Connection,
    case_id: str,
    *,
    reviewer: str,
    note: str,
    at: datetime,
    expires_at: datetime,
    budget: int | None,
) -> Grant:
    """Approve an open case and return its grant. The default budget is the case's ceiling: the same request fits.

    Where no request waits, the grant has no use left: it is the note of an approval, and opens nothing.

    Raises `CaseError`, naming the state, for a case that is not open.
    """
    case = _open_case(connection, case_id, reviewer, "approved")
    if micros(expires_at) <= micros(at):
        raise InputError("`expires_at` is not after `at`: the grant would never be good")
    if budget is not None and not 0 <= budget < 10**_BUDGET_DIGITS:
        raise InputError(f"`budget` is {budget}; it is a number of operations from 0 to 1e{_BUDGET_DIGITS}")
    if not case.waiting and budget:
        raise InputError(f"`budget`: no request waits for the case `{case_id}`, so there is nothing to grant")
    grant = Grant(
        id=f"grant_{secrets.token_hex(16)}",
        case_id=case.id,
        fingerprint=case.fingerprint,
        control_group=case.control_group,
        rules=case.rules,
        budget=case.high if budget is None else budget,
        expires_at=expires_at,
        reviewer=reviewer,
        outcome=case.outcome,
        uses_left=1 if case.waiting else 0,
    )
    connection.execute(
        "INSERT INTO grants (id, fingerprint, control_group, uses_left, revoked, expires_at, budget, document)"
        " VALUES (?, ?, ?, ?, 0, ?, ?, ?)",
        (
            grant.id,
            grant.fingerprint,
            grant.control_group,
            grant.uses_left,
            micros(expires_at),
            _padded(grant.budget),
            written(grant),
        ),
    )
    decided = replace(case, state=CaseState.APPROVED, decided_at=at, reviewer=reviewer, note=note, grant_id=grant.id)
    _decide(connection, decided, "case.approved", at, {"grant": plain(grant)})
    return grant


def reject(connection: Connection, case_id: str, *, reviewer: str, note: str, at: datetime) -> Case:
    """Reject an open case and return it. Raises `CaseError`, naming the state, for a case that is not open."""
    case = _open_case(connection, case_id, reviewer, "rejected")
    decided = replace(case, state=CaseState.REJECTED, decided_at=at, reviewer=reviewer, note=note)
    _decide(connection, decided, "case.rejected", at, {})
    return decided


def revoke(connection: Connection, grant_id: str, *, reviewer: str, note: str, at: datetime) -> Grant:
    """Take back a grant that was not used yet and return it. Raises `CaseError` when there is nothing to take back."""
    _require_reviewer(reviewer)
    grant = grant_of(connection, grant_id)
    if grant is None:
        raise CaseError(f"there is no grant `{grant_id}`")
    if grant.revoked or grant.uses_left == 0:
        raise CaseError(f"the grant `{grant_id}` is {'revoked' if grant.revoked else 'used'} already")
    connection.execute("UPDATE grants SET revoked = 1 WHERE id = ?", (grant_id,))
    step = {
        "type": "grant.revoked",
        "at": at.isoformat(),
        "grant_id": grant_id,
        "case_id": grant.case_id,
        "reviewer": reviewer,
        "note": note,
    }
    append_record(connection, body_of(step))
    return replace(grant, revoked=True)


def grant_of(connection: Connection, grant_id: str) -> Grant | None:
    """Return the grant with an id, as it stands."""
    row = connection.execute("SELECT document, uses_left, revoked FROM grants WHERE id = ?", (grant_id,)).fetchone()
    return _grant(*row) if row else None


def grant_for(connection: Connection, fingerprint: str, control_group: str, at: datetime) -> Grant | None:
    """Return a grant for this very request that can still be spent, the one that expires first."""
    row = connection.execute(
        "SELECT document, uses_left, revoked FROM grants WHERE fingerprint = ? AND control_group = ?"
        " AND uses_left > 0 AND revoked = 0 AND expires_at > ? ORDER BY expires_at LIMIT 1",
        (fingerprint, control_group, micros(at)),
    ).fetchone()
    return _grant(*row) if row else None


def spend(connection: Connection, grant_id: str, *, fingerprint: str, operations: int, at: datetime) -> bool:
    """Spend a grant's one use, and return whether it could be: one conditional update, so it is spent once only."""
    spent = connection.execute(
        "UPDATE grants SET uses_left = uses_left - 1 WHERE id = ? AND fingerprint = ? AND uses_left > 0"
        " AND revoked = 0 AND expires_at > ? AND budget >= ?",
        (grant_id, fingerprint, micros(at), _padded(operations)),
    )
    return spent.rowcount == 1


def unspend(connection: Connection, grant_id: str) -> None:
    """Give back a use that nothing passed on."""
    connection.execute("UPDATE grants SET uses_left = 1 WHERE id = ?", (grant_id,))


def _open(connection: Connection, opening: CaseOpening) -> Case:
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
    )
    connection.execute(
        "INSERT INTO cases (id, state, fingerprint, control_group, document) VALUES (?, 'open', ?, ?, ?)",
        (case.id, case.fingerprint, case.control_group, written(case)),
    )
    return case


def _join(connection: Connection, case: Case, opening: CaseOpening) -> Case:
    """Return the case with the decision joined: rules add up, amounts and severity rise, it is due no later."""
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
    )
    _save(connection, joined)
    return joined


def _open_case(connection: Connection, case_id: str, reviewer: str, wanted: str) -> Case:
    _require_reviewer(reviewer)
    case = case_of(connection, case_id)
    if case is None:
        raise CaseError(f"there is no case `{case_id}`")
    if reviewer.strip().casefold() in _askers(case):
        raise CaseError(f"`{reviewer}` asked for what the case `{case_id}` is about; another person decides")
    if case.state is not CaseState.OPEN:
        raise CaseError(f"the case `{case_id}` is {case.state} already by `{case.reviewer}`, so it cannot be {wanted}")
    return case


def _askers(case: Case) -> set[str]:
    """Return the names under which the one who asked is known: who decides is somebody else."""
    names = {case.party_id, case.account, case.account.partition(":")[2]}
    return {name.strip().casefold() for name in names if name.strip()}


def _require_reviewer(reviewer: str) -> None:
    if not reviewer.strip():
        raise CaseError("`reviewer` is empty: name the person who decides")


def _decide(connection: Connection, case: Case, kind: str, at: datetime, more: dict[str, object]) -> None:
    """Save the decided case and write the step into the chain."""
    _save(connection, case)
    step = {
        "type": kind,
        "at": at.isoformat(),
        "case_id": case.id,
        "reviewer": case.reviewer,
        "note": case.note,
        "fingerprint": case.fingerprint,
        "control_group": case.control_group,
        "decision_ids": list(case.decision_ids),
        **more,
    }
    append_record(connection, body_of(step))


def _save(connection: Connection, case: Case) -> None:
    connection.execute("UPDATE cases SET state = ?, document = ? WHERE id = ?", (case.state, written(case), case.id))


def _number(connection: Connection, case_id: str) -> int:
    row = connection.execute("SELECT number FROM cases WHERE id = ?", (case_id,)).fetchone()
    if row is None:
        raise CaseError(f"there is no case `{case_id}`")
    return int(row[0])


def _padded(operations: int) -> str:
    """Return operations with leading zeros; an amount of too many digits becomes what is greater than any budget."""
    text = f"{operations:0{_BUDGET_DIGITS}d}"
    return text if len(text) == _BUDGET_DIGITS else "~"


def _case(document: str) -> Case:
    return read(document, Case)


def _grant(document: str, uses_left: int, revoked: int) -> Grant:
    return replace(read(document, Grant), uses_left=uses_left, revoked=bool(revoked))
