"""What waits to be told, as rows: written with what it tells of, and kept until each receiver has it or gave up.

Callers hold the transaction. An event that is rolled back was never there; one that is committed is told.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from kyc_gate.model.outbox import Backlog, Delivery, Event
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.timestamps import second_of

RETRY_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Waits after each failure, some three days in all: Standard Webhooks, "Retries". Then the event is a dead letter."""


def emit(
    connection: Connection, name: str, data: Mapping[str, object], at: datetime, traceparent: str | None = None
) -> Event:
    """Write an event, and return it."""
    event = Event(id=f"evt_{secrets.token_hex(16)}", name=name, at=at, data=dict(data), traceparent=traceparent)
    connection.execute(
        "INSERT INTO outbox (id, name, at, document) VALUES (?, ?, ?, ?)",
        (event.id, name, second_of(at), written(event)),
    )
    return event


def spread(connection: Connection, receivers: Sequence[str], now: datetime) -> None:
    """Give each receiver what happened since it was last looked at. A new one begins with what comes next."""
    newest = int(connection.execute("SELECT COALESCE(MAX(number), 0) FROM outbox").fetchone()[0])
    for receiver in receivers:
        row = connection.execute("SELECT event FROM outbox_marks WHERE receiver = ?", (receiver,)).fetchone()
        if row is not None and int(row[0]) < newest:
            connection.execute(
                "INSERT INTO deliveries (event, receiver, state, tries, due_at, said)"
                " SELECT number, CAST(? AS TEXT), 'waiting', 0, ?, '' FROM outbox WHERE number > ? AND number <= ?",
                (receiver, second_of(now), int(row[0]), newest),
            )
        if row is None or int(row[0]) < newest:
            connection.execute(
                "INSERT INTO outbox_marks (receiver, event) VALUES (?, ?)"
                " ON CONFLICT (receiver) DO UPDATE SET event = excluded.event",
                (receiver, newest),
            )


def claim(connection: Connection, receiver: str, now: datetime, lease_seconds: int) -> Delivery | None:
    """Return the receiver's oldest event where it is due, and put it out of others' reach for a while.

    The next event waits until this one was sent or gave up, so that a receiver sees them in order.
    """
    row = connection.execute(
        "SELECT deliveries.event, tries, due_at, document FROM deliveries JOIN outbox ON outbox.number = event"
        " WHERE receiver = ? AND state = 'waiting' ORDER BY event LIMIT 1",
        (receiver,),
    ).fetchone()
    if row is None or int(row[2]) > second_of(now):
        return None
    number, tries, _, document = row
    connection.execute(
        "UPDATE deliveries SET due_at = ? WHERE receiver = ? AND event = ?",
        (second_of(now) + lease_seconds, receiver, number),
    )
    return Delivery(number=int(number), receiver=receiver, tries=int(tries), event=read(document, Event))


def sent(connection: Connection, delivery: Delivery) -> None:
    """Note that a receiver has an event."""
    connection.execute(
        "UPDATE deliveries SET state = 'sent', tries = tries + 1, said = '' WHERE receiver = ? AND event = ?",
        (delivery.receiver, delivery.number),
    )


def failed(connection: Connection, delivery: Delivery, said: str, now: datetime, *, final: bool) -> bool:
    """Note that an event did not arrive, and return whether it is a dead letter now."""
    dead = final or delivery.tries >= len(RETRY_SECONDS)
    due = second_of(now) + (0 if dead else RETRY_SECONDS[delivery.tries])
    connection.execute(
        "UPDATE deliveries SET state = ?, tries = tries + 1, due_at = ?, said = ? WHERE receiver = ? AND event = ?",
        ("dead" if dead else "waiting", due, said[:300], delivery.receiver, delivery.number),
    )
    return dead


def replay(connection: Connection, receiver: str, now: datetime) -> int:
    """Put the dead letters of a receiver on their way again, and return how many."""
    again = connection.execute(
        "UPDATE deliveries SET state = 'waiting', tries = 0, due_at = ? WHERE receiver = ? AND state = 'dead'",
        (second_of(now), receiver),
    )
    return again.rowcount


def backlogs(connection: Connection) -> tuple[Backlog, ...]:
    """Return what each receiver does not have yet, by name; those that have all are left out."""
    waiting = connection.execute(
        "SELECT receiver, COUNT(*), MIN(at) FROM deliveries JOIN outbox ON outbox.number = event"
        " WHERE state = 'waiting' GROUP BY receiver"
    ).fetchall()
    dead = connection.execute("SELECT receiver, COUNT(*) FROM deliveries WHERE state = 'dead' GROUP BY receiver")
    found = {
        str(receiver): Backlog(
            receiver=str(receiver), waiting=int(count), oldest=datetime.fromtimestamp(int(oldest), tz=UTC)
        )
        for receiver, count, oldest in waiting
    }
    for receiver, count in dead:
        before = found.get(str(receiver), Backlog(receiver=str(receiver)))
        found[str(receiver)] = replace(before, dead=int(count))
    return tuple(found[name] for name in sorted(found))
