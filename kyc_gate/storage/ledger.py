"""The compute ledger as rows: holds, and what they add up to. Callers hold the transaction.

Operations run to 1e26 and more, SQLite's integers to 9.2e18, so amounts are kept in units of 10**12 operations, each
hold rounded up: the ledger errs on the strict side by less than 10**12 operations a hold. One control group can hold up
to 9.2e30 operations a day; more is refused, never wrapped around.

The window is counted in whole UTC days, the first one in full: it errs on the strict side by less than a day.
"""

from __future__ import annotations

import secrets
import sqlite3
from datetime import datetime

from kyc_gate.errors import IdempotencyConflict, InputError, StorageFault
from kyc_gate.model.usage import DayUsage, HoldRequest, HoldState, Usage
from kyc_gate.storage.timestamps import date_of, day_of, micros

OPERATIONS_A_UNIT = 10**12
MAXIMUM_UNITS = 2**63 - 1

REPLAY_SECONDS = 86_400
"""How long a key stands for its first request. EC2 keeps a client token for at least 24 hours, and so do payment APIs.

A key that comes back later may start new machines upstream, so it takes a hold of its own.
"""

_SPLIT = 10**6
"""Sums are taken of quotient and remainder apart: a plain sum over many days could leave 64 bits."""

_COUNTING = (HoldState.HELD, HoldState.SETTLED)


def hold(connection: sqlite3.Connection, request: HoldRequest) -> Usage:
    """Take a hold, or find the one that the key already has, and return usage with it.

    Raises `IdempotencyConflict`, and `InputError` for an amount that the ledger cannot hold.
    """
    likely, high = _amounts(request)
    earlier = _earlier(connection, request)
    try:
        if earlier is None:
            hold_id = _take(connection, request, likely, high)
        else:
            hold_id = earlier
            _raise(connection, request, earlier, likely, high)
    except sqlite3.IntegrityError as error:
        raise InputError(f"the ledger cannot hold {request.high} operations more for this control group") from error
    return usage_of(connection, request, hold_id, replayed=earlier is not None)


def peek(connection: sqlite3.Connection, request: HoldRequest) -> Usage:
    """Return the usage that `hold` would return, with an empty `hold_id`. Raises what `hold` raises."""
    connection.execute("SAVEPOINT peek")
    try:
        usage = hold(connection, request)
    finally:
        connection.execute("ROLLBACK TO peek")
        connection.execute("RELEASE peek")
    return Usage(
        hold_id="",
        control_group=usage.control_group,
        likely=usage.likely,
        high=usage.high,
        accounts=usage.accounts,
        replayed=usage.replayed,
    )


def settle(connection: sqlite3.Connection, hold_id: str) -> None:
    """Make a hold real. One that was given back counts again: the upstream did accept."""
    connection.execute("UPDATE holds SET state = 'settled' WHERE id = ? AND state <> 'settled'", (hold_id,))


def release(connection: sqlite3.Connection, hold_id: str) -> None:
    """Give a hold back. One that is settled stays: the upstream accepted it once."""
    connection.execute("UPDATE holds SET state = 'released' WHERE id = ? AND state = 'held'", (hold_id,))


def expire(connection: sqlite3.Connection, hold_id: str) -> bool:
    """Let a hold lapse whose outcome nobody will ever know, and return whether it was waiting. Operators only."""
    changed = connection.execute("UPDATE holds SET state = 'expired' WHERE id = ? AND state = 'held'", (hold_id,))
    return changed.rowcount == 1


def require_hold(connection: sqlite3.Connection, hold_id: str) -> None:
    """Raise `StorageFault` when the hold does not count: what it reserved is lost, and nothing may pass on it."""
    row = connection.execute("SELECT state FROM holds WHERE id = ?", (hold_id,)).fetchone()
    if row is None or row[0] not in _COUNTING:
        state = row[0] if row else "not on file"
        raise StorageFault(
            f"the hold `{hold_id}` is {state}: its reservation was lost before the decision was recorded"
        )


def usage_of(connection: sqlite3.Connection, request: HoldRequest, hold_id: str, *, replayed: bool) -> Usage:
    """Return the usage of the request's control group over the request's window."""
    since = day_of(request.at) - request.window_days
    likely, high, accounts, _ = _sums(connection, request.control_group, since)
    return Usage(
        hold_id=hold_id,
        control_group=request.control_group,
        likely=likely,
        high=high,
        accounts=accounts,
        replayed=replayed,
    )


def usage_since(connection: sqlite3.Connection, control_group: str, since: datetime) -> Usage | None:
    """Return the usage of a control group since a day, or None when nothing was ever held for it since then."""
    likely, high, accounts, days = _sums(connection, control_group, day_of(since))
    if days == 0:
        return None
    return Usage(hold_id="", control_group=control_group, likely=likely, high=high, accounts=accounts)


def daily_usage(connection: sqlite3.Connection, control_group: str, since: datetime) -> tuple[DayUsage, ...]:
    """Return the days since a day on which the control group has operations that count, first to last."""
    rows = connection.execute(
        "SELECT day, likely, high FROM usage_by_day"
        " WHERE control_group = ? AND day >= ? AND (likely > 0 OR high > 0) ORDER BY day",
        (control_group, day_of(since)),
    )
    return tuple(
        DayUsage(day=date_of(day), likely=likely * OPERATIONS_A_UNIT, high=high * OPERATIONS_A_UNIT)
        for day, likely, high in rows
    )


def _amounts(request: HoldRequest) -> tuple[int, int]:
    """Return likely and high in units, rounded up."""
    units = []
    for name, operations in (("likely", request.likely), ("high", request.high)):
        if operations < 0:
            raise InputError(f"`{name}` operations are {operations}: operations cannot be negative")
        units.append(-(-operations // OPERATIONS_A_UNIT))
    if max(units) > MAXIMUM_UNITS:
        raise InputError(f"{max(request.likely, request.high)} operations are more than the ledger can hold (9.2e30)")
    return units[0], units[1]


def _earlier(connection: sqlite3.Connection, request: HoldRequest) -> str | None:
    """Return the id of the counting hold that the request's key already has, within the time that keys are kept."""
    row = connection.execute(
        "SELECT id, fingerprint, state FROM holds WHERE account = ? AND key = ? AND held_at > ?"
        " ORDER BY state IN ('held', 'settled') DESC, held_at DESC LIMIT 1",
        (request.account, request.key, micros(request.at) - REPLAY_SECONDS * 1_000_000),
    ).fetchone()
    if row is None:
        return None
    hold_id, fingerprint, state = row
    if fingerprint != request.fingerprint:
        raise IdempotencyConflict("the idempotency token was used with another request; send a new token")
    return str(hold_id) if state in _COUNTING else None


def _take(connection: sqlite3.Connection, request: HoldRequest, likely: int, high: int) -> str:
    hold_id = f"hold_{secrets.token_hex(16)}"
    connection.execute(
        "INSERT INTO holds (id, account, key, fingerprint, control_group, party_id, likely, high, day, held_at, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'held')",
        (
            hold_id,
            request.account,
            request.key,
            request.fingerprint,
            request.control_group,
            request.party_id,
            likely,
            high,
            day_of(request.at),
            micros(request.at),
        ),
    )
    return hold_id


def _raise(connection: sqlite3.Connection, request: HoldRequest, hold_id: str, likely: int, high: int) -> None:
    """Let a replay raise its hold where the same request is now known to ask for more, and follow its control group."""
    connection.execute(
        "UPDATE holds SET likely = MAX(likely, :likely), high = MAX(high, :high), control_group = :control_group"
        " WHERE id = :id AND (likely < :likely OR high < :high OR control_group <> :control_group)",
        {"likely": likely, "high": high, "control_group": request.control_group, "id": hold_id},
    )


def _sums(connection: sqlite3.Connection, control_group: str, since: int) -> tuple[int, int, int, int]:
    """Return likely and high operations, counting accounts, and days with a row, since a day."""
    row = connection.execute(
        "SELECT COUNT(*), SUM(likely / :split), SUM(likely % :split), SUM(high / :split), SUM(high % :split),"
        " (SELECT COUNT(*) FROM usage_by_account WHERE control_group = :control_group AND last_day >= :since)"
        " FROM usage_by_day WHERE control_group = :control_group AND day >= :since",
        {"split": _SPLIT, "control_group": control_group, "since": since},
    ).fetchone()
    days, likely, likely_rest, high, high_rest, accounts = (int(value or 0) for value in row)
    return (
        (likely * _SPLIT + likely_rest) * OPERATIONS_A_UNIT,
        (high * _SPLIT + high_rest) * OPERATIONS_A_UNIT,
        accounts,
        days,
    )
