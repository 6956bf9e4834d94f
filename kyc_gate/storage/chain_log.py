"""The audit chain as rows. Callers hold the transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kyc_gate.audit.chain import chained
from kyc_gate.audit.record import AuditRecord
from kyc_gate.audit.retention import Retention
from kyc_gate.audit.seal import Sealed
from kyc_gate.audit.verify import Verified, Walk
from kyc_gate.errors import ChainBroken
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.timestamps import second_of

Head = tuple[int, str]
"""Position and hash of a record."""

NEVER = 2**62
"""A second that no clock reaches."""

_COLUMNS = "SELECT position, previous, hash, body, salt, content FROM records LEFT JOIN personal USING (position)"


def append_record(
    connection: Connection,
    said: str | Sealed,
    decision_id: str | None = None,
    *,
    party_id: str = "",
    retention: Retention = Retention.OFAC,
) -> AuditRecord:
    """Write the record that says `said` at the end of the chain and return it, and its sealed parts beside it.

    The head is read inside the transaction each time: another process may have written since.
    """
    sealed = said if isinstance(said, Sealed) else Sealed(body=said)
    record = chained(head_of(connection), sealed.body)
    connection.execute(
        "INSERT INTO records (position, previous, hash, decision_id, body) VALUES (?, ?, ?, ?, ?)",
        (record.position, record.previous, record.hash, decision_id, record.body),
    )
    if sealed.personal is not None:
        connection.execute(
            "INSERT INTO personal (position, party_id, retention, at, salt, content) VALUES (?, ?, ?, ?, ?, ?)",
            (record.position, party_id, retention.value, _second(sealed.at), sealed.salt, sealed.personal),
        )
    return record


def _second(at: str | None) -> int:
    """Return when a record's sealed parts begin to age: never, where the record does not say when it was."""
    return NEVER if at is None else second_of(datetime.fromisoformat(at))


def head_of(connection: Connection) -> Head | None:
    """Return the position and hash of the last record, or None while the chain is empty."""
    row = connection.execute("SELECT position, hash FROM records ORDER BY position DESC LIMIT 1").fetchone()
    return (int(row[0]), str(row[1])) if row else None


def record_of(connection: Connection, decision_id: str) -> AuditRecord | None:
    """Return the record of a decision."""
    row = connection.execute(_COLUMNS + " WHERE decision_id = ?", (decision_id,)).fetchone()
    return _record(row) if row else None


def records_after(connection: Connection, position: int, count: int) -> list[AuditRecord]:
    """Return up to `count` records that follow `position`."""
    rows = connection.execute(_COLUMNS + " WHERE position > ? ORDER BY position LIMIT ?", (position, count))
    return [_record(row) for row in rows]


def bodies_before(connection: Connection, position: int | None, count: int) -> list[tuple[int, str]]:
    """Return position and text, with sealed parts, of up to `count` records before `position`, newest first.

    None begins with the newest.
    """
    rows = connection.execute(
        _COLUMNS + " WHERE position < ? ORDER BY position DESC LIMIT ?",
        (2**62 if position is None else position, count),
    )
    return [(record.position, record.whole()) for record in map(_record, rows)]


def verify_tail(connection: Connection, count: int, known: Head | None) -> Verified:
    """Verify the last `count` records, and that `known`, the head acknowledged last, is still in its place.

    Raises `ChainBroken`.
    """
    if known is not None:
        position, digest = known
        if _hash_at(connection, position) != digest:
            raise ChainBroken(f"record {position} was acknowledged and is gone: the file was replaced or cut off")
    walk = _walk_from(connection, count)
    for record in _tail(connection, walk.position):
        walk.take(record)
    return walk.end()


def _walk_from(connection: Connection, count: int) -> Walk:
    head = head_of(connection)
    start = max(0, head[0] - count) if head else 0
    if start == 0:
        return Walk()
    digest = _hash_at(connection, start)
    if digest is None:
        raise ChainBroken(f"record {start} is missing")
    return Walk(start, digest)


def _hash_at(connection: Connection, position: int) -> str | None:
    row = connection.execute("SELECT hash FROM records WHERE position = ?", (position,)).fetchone()
    return str(row[0]) if row else None


def _tail(connection: Connection, start: int) -> Iterator[AuditRecord]:
    for row in connection.execute(_COLUMNS + " WHERE position > ? ORDER BY position", (start,)):
        yield _record(row)


def _record(row: tuple[object, ...]) -> AuditRecord:
    position, previous, digest, body, salt, personal = row
    if (
        isinstance(position, int)
        and isinstance(previous, str)
        and isinstance(digest, str)
        and isinstance(body, str)
        and (salt is None or isinstance(salt, str))
        and (personal is None or isinstance(personal, str))
    ):
        return AuditRecord(position=position, previous=previous, hash=digest, body=body, salt=salt, personal=personal)
    raise ChainBroken(f"record {position} holds values of another type: it was written over")
