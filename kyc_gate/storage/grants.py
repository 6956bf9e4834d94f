"""Grants as rows. Callers hold the transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from kyc_gate.audit.seal import seal
from kyc_gate.errors import CaseError, InputError
from kyc_gate.model.access import Way
from kyc_gate.model.case import Case, CaseRequest, Grant, run_fingerprint
from kyc_gate.model.case_steps import Move
from kyc_gate.storage.chain_log import append_record
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.timestamps import micros

MOST_USES = 10_000
"""Uses of one grant at most: a bound on what a slip of the finger can give."""

MOST_REQUESTS = 500
"""Requests that one approval covers at most: more than that nobody has looked at."""

_BUDGET_DIGITS = 40

_COLUMNS = "document, uses_left, revoked, budget"


def require_sense(step: Move, *, waiting: bool) -> None:
    """Raise `InputError` for an approval whose grant could never be spent, or could be spent without end."""
    if step.budget is not None and not 0 <= step.budget < 10**_BUDGET_DIGITS:
        raise InputError(f"`budget` is {step.budget}; it is a number of operations from 0 to 1e{_BUDGET_DIGITS}")
    if not 1 <= step.uses <= MOST_USES:
        raise InputError(f"`uses` is {step.uses}; it is a whole number from 1 to {MOST_USES}")
    hours = step.default_grant_hours if step.grant_hours is None else step.grant_hours
    if hours <= 0:
        raise InputError("`grant_hours` is not above 0: the grant would never be good")
    if not waiting and step.budget:
        raise InputError("`budget`: no request waits for the case, so there is nothing to grant")


def give(connection: Connection, case: Case, requests: Sequence[CaseRequest], step: Move) -> tuple[Grant, ...]:
    """Return the grants of an approval: one for each request of the case, or one for the run that they are of.

    The default budget is what the request takes at its ceiling, for each use. Where no request waits, the grant has no
    use left: it is the note of an approval, and opens nothing.
    """
    require_sense(step, waiting=case.waiting)
    hours = step.default_grant_hours if step.grant_hours is None else step.grant_hours
    until = step.at + timedelta(hours=hours)
    if step.run:
        made = [_for_run(case, requests, step, until)]
    else:
        if len(requests) > MOST_REQUESTS:
            raise CaseError(
                f"{len(requests)} requests wait in the case `{case.id}`, and an approval covers {MOST_REQUESTS}"
                " at most; reject it, or approve their run"
            )
        made = [_for_request(case, request, step, until) for request in requests]
    for grant in made:
        connection.execute(
            "INSERT INTO grants"
            " (id, case_id, fingerprint, control_group, uses_left, revoked, expires_at, budget, document)"
            " VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?)",
            (
                grant.id,
                grant.case_id,
                grant.fingerprint,
                grant.control_group,
                grant.uses_left,
                micros(grant.expires_at),
                padded(grant.budget),
                written(grant),
            ),
        )
    return tuple(made)


def _for_request(case: Case, request: CaseRequest, step: Move, until: datetime) -> Grant:
    return Grant(
        id=f"grant_{secrets.token_hex(16)}",
        case_id=case.id,
        fingerprint=request.fingerprint,
        control_group=case.control_group,
        rules=request.rules,
        budget=request.high * step.uses if step.budget is None else step.budget,
        expires_at=until,
        reviewer=step.by,
        outcome=request.outcome,
        uses_left=step.uses if case.waiting else 0,
    )


def _for_run(case: Case, requests: Sequence[CaseRequest], step: Move, until: datetime) -> Grant:
    """Return one grant for the run that every request of the case says it is of, up to a ceiling of operations."""
    runs = {request.run for request in requests}
    run = runs.pop() if len(runs) == 1 else None
    if run is None:
        raise InputError("`run`: the requests of the case do not all say that they make one and the same model")
    if step.budget is None:
        raise InputError("`budget` is missing: a grant for a run needs its ceiling of operations")
    return Grant(
        id=f"grant_{secrets.token_hex(16)}",
        case_id=case.id,
        fingerprint=run_fingerprint(run),
        control_group=case.control_group,
        rules=case.rules,
        budget=step.budget,
        expires_at=until,
        reviewer=step.by,
        outcome=case.outcome,
        uses_left=MOST_USES if step.uses == 1 else step.uses,
        run=run,
    )


def revoke(
    connection: Connection, grant_id: str, *, reviewer: str, note: str, at: datetime, via: Way | None = None
) -> Grant:
    """Take back what is left of a grant and return it. Raises `CaseError` when there is nothing to take back."""
    if not reviewer.strip():
        raise CaseError("`reviewer` is empty: name the person who decides")
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
        "via": via,
        "note": note,
    }
    append_record(connection, seal(step), party_id=_kept_for(connection, grant))
    return replace(grant, revoked=True)


def _kept_for(connection: Connection, grant: Grant) -> str:
    row = connection.execute("SELECT document FROM cases WHERE id = ?", (grant.case_id,)).fetchone()
    case: Case | None = read(row[0], Case) if row else None
    return case.kept_for if case else ""


def grant_of(connection: Connection, grant_id: str) -> Grant | None:
    """Return the grant with an id, as it stands."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM grants WHERE id = ?", (grant_id,)).fetchone()
    return _grant(*row) if row else None


def grants_of(connection: Connection, case_id: str) -> tuple[Grant, ...]:
    """Return the grants of a case, as they stand."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM grants WHERE case_id = ? ORDER BY id", (case_id,))
    return tuple(_grant(*row) for row in rows)


def grant_for(
    connection: Connection, fingerprints: Sequence[str], control_group: str | None, at: datetime
) -> Grant | None:
    """Return a grant that can still be spent on a request or its run (`fingerprints`), the one that expires first.

    Without a control group it is whosever the request is.
    """
    marks = ", ".join("?" * len(fingerprints))
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM grants WHERE fingerprint IN ({marks}) AND (CAST(? AS TEXT) IS NULL"
        " OR control_group = ?) AND uses_left > 0 AND revoked = 0 AND expires_at > ? ORDER BY expires_at LIMIT 1",
        (*fingerprints, control_group, control_group, micros(at)),
    ).fetchone()
    return _grant(*row) if row else None


def spend(connection: Connection, grant_id: str, *, fingerprints: Sequence[str], operations: int, at: datetime) -> bool:
    """Spend one use of a grant and the operations, and return whether they could be: never more than was given.

    The update names what was read, so that of two at once only one is right.
    """
    row = connection.execute("SELECT budget FROM grants WHERE id = ?", (grant_id,)).fetchone()
    if row is None or operations < 0 or int(row[0]) < operations:
        return False
    marks = ", ".join("?" * len(fingerprints))
    spent = connection.execute(
        f"UPDATE grants SET uses_left = uses_left - 1, budget = ? WHERE id = ? AND fingerprint IN ({marks})"
        " AND uses_left > 0 AND revoked = 0 AND expires_at > ? AND budget = ?",
        (padded(int(row[0]) - operations), grant_id, *fingerprints, micros(at), row[0]),
    )
    return spent.rowcount == 1


def unspend(connection: Connection, grant_id: str, operations: int) -> None:
    """Give back a use that nothing passed on, and its operations."""
    row = connection.execute("SELECT budget FROM grants WHERE id = ?", (grant_id,)).fetchone()
    connection.execute(
        "UPDATE grants SET uses_left = uses_left + 1, budget = ? WHERE id = ?",
        (padded(int(row[0]) + operations), grant_id),
    )


def padded(operations: int) -> str:
    """Return operations as the column holds them, with leading zeros. Raises `InputError` for too many digits."""
    text = f"{operations:0{_BUDGET_DIGITS}d}"
    if len(text) != _BUDGET_DIGITS:
        raise InputError(f"`budget` is {operations}; it is a number of operations from 0 to 1e{_BUDGET_DIGITS}")
    return text


def _grant(document: str, uses_left: int, revoked: int, budget: str) -> Grant:
    grant: Grant = read(document, Grant)
    return replace(grant, uses_left=uses_left, revoked=bool(revoked), spent=grant.budget - int(budget))
