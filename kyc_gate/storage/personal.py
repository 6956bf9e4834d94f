"""What records say of people, as rows: erased when its time is over, and not while a legal hold stands.

Callers hold the transaction. Each step is an audit record in it.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from kyc_gate.audit.record import body_of
from kyc_gate.audit.retention import LegalHold, Periods, Retention
from kyc_gate.audit.verify import ERASED
from kyc_gate.errors import InputError
from kyc_gate.storage.catalogue import forget_people
from kyc_gate.storage.chain_log import append_record
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.timestamps import second_of

AT_ONCE = 500
"""Records whose parts are erased in one transaction, so that decisions get their turn between two."""

_HELD = """NOT EXISTS (
    SELECT 1 FROM legal_holds WHERE released = 0
        AND (legal_holds.party_id = '' OR personal.party_id = '' OR legal_holds.party_id = personal.party_id)
)"""
"""A record that names no one party may be of any: every hold that stands keeps it."""

_GOING_ON = """EXISTS (
    SELECT 1 FROM records JOIN holds ON holds.decision_id = records.decision_id
    WHERE records.position = personal.position AND holds.state IN ('held', 'settled')
        AND (holds.last_day IS NULL OR holds.ends_at IS NULL
            OR holds.ends_at >= CASE retention WHEN 'ofac' THEN :ofac ELSE :ear END)
)"""
"""Time counts from the end of the run that was let through (15 CFR 762.6(a)), and never for one that goes on."""

_DUE = f"((retention = 'ofac' AND at < :ofac) OR (retention = 'ear' AND at < :ear)) AND NOT {_GOING_ON}"


def erase_due(connection: Connection, periods: Periods, *, by: str, because: str, at: datetime) -> int:
    """Erase the sealed parts of up to `AT_ONCE` records whose time is over, and return of how many.

    Parts under a legal hold stay. The record of it names every position, so that verification can tell an erasure from
    a loss.
    """
    _require(by, "by")
    rows = connection.execute(
        f"SELECT position FROM personal WHERE {_DUE} AND {_HELD} ORDER BY position LIMIT :most",
        {**_edges(periods, at), "most": AT_ONCE},
    ).fetchall()
    positions = [int(position) for (position,) in rows]
    if not positions:
        return 0
    connection.executemany("DELETE FROM personal WHERE position = ?", [(position,) for position in positions])
    forget_people(connection, positions)
    step = {
        "type": ERASED,
        "at": at.isoformat(),
        "by": by,
        "because": because,
        "erased": [list(each) for each in _ranges(positions)],
        "years": {each.value: periods.years(each) for each in Retention},
    }
    append_record(connection, body_of(step))
    return len(positions)


def count_due(connection: Connection, periods: Periods, at: datetime) -> tuple[int, int]:
    """Return how many records' sealed parts could be erased now, and how many more a legal hold keeps."""
    edges = _edges(periods, at)
    counted = "SELECT COUNT(*) FROM personal WHERE"
    due = int(connection.execute(f"{counted} {_DUE} AND {_HELD}", edges).fetchone()[0])
    held = int(connection.execute(f"{counted} {_DUE} AND NOT {_HELD}", edges).fetchone()[0])
    return due, held


def _edges(periods: Periods, at: datetime) -> dict[str, int]:
    """The seconds before which what is of a class may be erased."""
    return {each.value: second_of(periods.before(each, at)) for each in Retention}


def place_hold(connection: Connection, *, party_id: str, because: str, by: str, at: datetime) -> LegalHold:
    """Place a legal hold on what is on record of a party; of everybody, where `party_id` is empty."""
    _require(by, "by")
    _require(because, "because")
    placed = LegalHold(id=f"keep_{secrets.token_hex(8)}", party_id=party_id, because=because, by=by, placed_at=at)
    connection.execute(
        "INSERT INTO legal_holds (id, party_id, released, document) VALUES (?, ?, 0, ?)",
        (placed.id, party_id, written(placed)),
    )
    _record(connection, "legal_hold.placed", placed, by, at)
    return placed


def release_hold(connection: Connection, id: str, *, by: str, because: str, at: datetime) -> LegalHold:
    """Release a legal hold. Raises `InputError` where there is none, or it was released already."""
    _require(by, "by")
    _require(because, "because")
    row = connection.execute("SELECT document, released FROM legal_holds WHERE id = ?", (id,)).fetchone()
    if row is None or row[1]:
        raise InputError(f"there is no legal hold `{id}`" if row is None else f"the legal hold `{id}` was released")
    found: LegalHold = read(row[0], LegalHold)
    released = LegalHold(
        id=found.id,
        party_id=found.party_id,
        because=found.because,
        by=found.by,
        placed_at=found.placed_at,
        released_at=at,
    )
    connection.execute("UPDATE legal_holds SET released = 1, document = ? WHERE id = ?", (written(released), id))
    _record(connection, "legal_hold.released", released, by, at, because)
    return released


def holds_standing(connection: Connection) -> tuple[LegalHold, ...]:
    """Return the legal holds that stand."""
    rows = connection.execute("SELECT document FROM legal_holds WHERE released = 0 ORDER BY id")
    return tuple(read(document, LegalHold) for (document,) in rows)


def _record(
    connection: Connection, kind: str, hold: LegalHold, by: str, at: datetime, because: str | None = None
) -> None:
    step = {
        "type": kind,
        "at": at.isoformat(),
        "by": by,
        "hold_id": hold.id,
        "party_id": hold.party_id,
        "because": because or hold.because,
    }
    append_record(connection, body_of(step))


def _require(text: str, name: str) -> None:
    if not text.strip():
        raise InputError(f"`{name}` is empty; the record says who did it, and why")


def _ranges(positions: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for position in positions:
        if found and found[-1][1] == position - 1:
            found[-1] = (found[-1][0], position)
        else:
            found.append((position, position))
    return found
