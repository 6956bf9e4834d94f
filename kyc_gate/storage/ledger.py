"""The compute ledger as rows: holds, and what they add up to. Callers hold the transaction.

Operations run to 1e26 and more, the engines' integers to 9.2e18, so amounts are kept in units of 10**12 operations,
each rounded up: the ledger errs on the strict side by less than 10**12 operations a run and day. One account can hold
up to 9.2e30 operations a day; more is refused, never wrapped around.

A window begins with a whole UTC day: it errs on the strict side by less than a day.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from kyc_gate.errors import IdempotencyConflict, InputError, StorageFault
from kyc_gate.model.usage import DayUsage, HoldRequest, HoldState, Usage
from kyc_gate.storage import links
from kyc_gate.storage.rows import CONTRADICTIONS, Connection
from kyc_gate.storage.spread import OPERATIONS_A_UNIT as OPERATIONS_A_UNIT
from kyc_gate.storage.spread import Spread, pace, spread
from kyc_gate.storage.sums import Sums
from kyc_gate.storage.timestamps import DAY_MICROS, date_of, day_of, micros, second_of

MAXIMUM_UNITS = 2**63 - 1

REPLAY_SECONDS = 86_400
"""How long a key stands for its first request. EC2 keeps a client token for at least 24 hours, and so do payment APIs.

A key that comes back later may start new machines upstream, so it takes a hold of its own.
"""

_HELD = HoldState.HELD.value
_COUNTING = (_HELD, HoldState.SETTLED.value)


def hold(connection: Connection, request: HoldRequest) -> Usage:
    """Take a hold, or find the one that the key already has, and return usage with it.

    Raises `IdempotencyConflict`, and `InputError` for an amount that the ledger cannot hold.
    """
    _check(request)
    at = micros(request.at)
    day, second = at // DAY_MICROS, at // 1_000_000
    since, horizon = day - request.window_days, second + request.horizon_seconds
    earlier = _earlier(connection, request, at)
    holder = _holder(connection, request)
    pieces = links.pieces_of(
        connection, request, since, lambda group: Sums(connection, group, since, horizon).within(0)
    )
    try:
        if earlier is None:
            hold_id = _take(connection, request, holder, at, second)
            links.note(connection, request, holder, day)
        else:
            hold_id = earlier
            _raise(connection, request, earlier)
    except CONTRADICTIONS as error:
        raise _too_much(request.high) from error
    # The sums are read last: they include this hold.
    found = Sums(connection, request.control_group, since, horizon)
    likely, high, total_likely, total_high, party, account = found.of(request.party_id, request.account)
    return Usage(
        hold_id=hold_id,
        control_group=request.control_group,
        likely=likely,
        high=high,
        accounts=found.accounts,
        replayed=earlier is not None,
        total_likely=total_likely,
        total_high=total_high,
        party=party,
        account=account,
        running=found.running,
        pieces=pieces,
    )


def peek(connection: Connection, request: HoldRequest) -> Usage:
    """Return the usage that `hold` would return, with an empty `hold_id`. Raises what `hold` raises."""
    connection.execute("SAVEPOINT peek")
    try:
        usage = hold(connection, request)
    finally:
        connection.execute("ROLLBACK TO SAVEPOINT peek")
        connection.execute("RELEASE SAVEPOINT peek")
    return replace(usage, hold_id="")


def settle(connection: Connection, hold_id: str) -> None:
    """Make a hold real. One that was given back counts again: the upstream did accept."""
    connection.execute("UPDATE holds SET state = 'settled' WHERE id = ? AND state <> 'settled'", (hold_id,))


def release(connection: Connection, hold_id: str, decision_id: str | None = None) -> None:
    """Give a hold back, unless another decision than `decision_id` relies on it; None: unless any decision does.

    A retry of the call, through another replica, may have passed on the same hold in the meantime. One that is settled
    stays: the upstream accepted it once.
    """
    connection.execute(
        "UPDATE holds SET state = 'released' WHERE id = ? AND state = 'held'"
        " AND (decision_id IS NULL OR decision_id = ?)",
        (hold_id, decision_id),
    )


def expire(connection: Connection, hold_id: str) -> bool:
    """Let a hold lapse whose outcome nobody will ever know, and return whether it was waiting. Operators only."""
    changed = connection.execute("UPDATE holds SET state = 'expired' WHERE id = ? AND state = 'held'", (hold_id,))
    return changed.rowcount == 1


def rely_on(connection: Connection, hold_id: str, decision_id: str, *, replays: bool = False) -> None:
    """Note the decision that lets the hold's run through: of several calls that share the hold, a retry's.

    INVARIANT: where a retry (`replays`) relies on a hold, its decision stands there, whichever was recorded first. So
    the call that took the hold, which alone may give it back, does so by its own decision only while no other relies.
    Raises `StorageFault` when the hold does not count: what it reserved is lost, and nothing may pass on it.
    """
    noted = "?" if replays else "COALESCE(decision_id, ?)"
    relied = connection.execute(
        f"UPDATE holds SET decision_id = {noted} WHERE id = ? AND state IN ('held', 'settled')",
        (decision_id, hold_id),
    )
    if relied.rowcount != 1:
        row = connection.execute("SELECT state FROM holds WHERE id = ?", (hold_id,)).fetchone()
        state = row[0] if row else "not on file"
        raise StorageFault(
            f"the hold `{hold_id}` is {state}: its reservation was lost before the decision was recorded"
        )


def usage_since(
    connection: Connection,
    control_group: str,
    since: datetime,
    until: datetime,
    names: Sequence[tuple[str, str]] = (),
) -> Usage | None:
    """Return the usage of a control group since a day, with open-ended runs up to `until`.

    With `names`, links of a request, it says who else shares them. None when nothing was ever held for the group.
    """
    first, last = day_of(since), second_of(until)
    found = Sums(connection, control_group, first, last)
    if not found.seen:
        return None
    shared = links.linked_of(
        connection, control_group, names, first, lambda group: Sums(connection, group, first, last).within(0)
    )
    return Usage(
        hold_id="",
        control_group=control_group,
        likely=found.within(0),
        high=found.within(1),
        accounts=found.accounts,
        total_likely=found.ever(0),
        total_high=found.ever(1),
        running=found.running,
        pieces=shared if names else None,
    )


def daily_usage(
    connection: Connection, control_group: str, since: datetime, until: datetime | None = None
) -> tuple[DayUsage, ...]:
    """Return what falls on each day since a day on which the control group uses anything, first to last.

    Runs with an end count on each day up to it, planned days included; open-ended runs up to the day of `until`.
    """
    rows = connection.execute(
        "SELECT u.day, SUM(u.likely), SUM(u.high), SUM(u.turn_likely), SUM(u.turn_high)"
        " FROM holders AS h JOIN usage_by_day AS u ON u.holder = h.id WHERE h.control_group = ?"
        " GROUP BY u.day ORDER BY u.day",
        (control_group,),
    ).fetchall()
    if not rows:
        return ()
    by_day = {int(day): tuple(int(value) for value in values) for day, *values in rows}
    last = max(*by_day, day_of(until or since))
    found, likely_pace, high_pace = [], 0, 0
    for day in range(min(by_day), last + 1):
        likely, high, turn_likely, turn_high = by_day.get(day, (0, 0, 0, 0))
        likely_pace, high_pace = likely_pace + turn_likely, high_pace + turn_high
        amounts = (likely + likely_pace) * OPERATIONS_A_UNIT, (high + high_pace) * OPERATIONS_A_UNIT
        if any(amounts) and day >= day_of(since):
            found.append(DayUsage(day=date_of(day), likely=amounts[0], high=amounts[1]))
    return tuple(found)


def groups_with_usage(connection: Connection) -> tuple[str, ...]:
    """Return every control group that anything was held for, by name."""
    rows = connection.execute("SELECT DISTINCT control_group FROM holders ORDER BY control_group")
    return tuple(str(group) for (group,) in rows)


def group_of_party(connection: Connection, party_id: str) -> str | None:
    """Return the control group under which the party's usage stands."""
    row = connection.execute(
        "SELECT control_group FROM holders WHERE party_id = ? ORDER BY id DESC LIMIT 1", (party_id,)
    ).fetchone()
    return str(row[0]) if row else None


def _check(request: HoldRequest) -> None:
    for name, operations in (("likely", request.likely), ("high", request.high)):
        if operations < 0:
            raise InputError(f"`{name}` operations are {operations}: operations cannot be negative")
    if request.seconds < 1:
        raise InputError(f"`seconds` are {request.seconds}: a run takes at least one second")


def _too_much(operations: int) -> InputError:
    return InputError(f"{operations} operations are more than the ledger can hold for one account (9.2e30 a day)")


def spread_of(started: int, end: int | None, likely_rate: int, high_rate: int) -> Spread:
    """Return the spread of a run. Raises `InputError` for amounts that do not fit."""
    found = spread(started, end, likely_rate, high_rate)
    if found.greatest > MAXIMUM_UNITS:
        raise _too_much(found.greatest * OPERATIONS_A_UNIT)
    return found


def _earlier(connection: Connection, request: HoldRequest, at: int) -> str | None:
    """Return the id of the counting hold that the request's key already has, within the time that keys are kept."""
    row = connection.execute(
        "SELECT id, fingerprint, state FROM holds WHERE account = ? AND key = ? AND held_at > ?"
        " ORDER BY state IN ('held', 'settled') DESC, held_at DESC LIMIT 1",
        (request.account, request.key, at - REPLAY_SECONDS * 1_000_000),
    ).fetchone()
    if row is None:
        return None
    hold_id, fingerprint, state = row
    if fingerprint != request.fingerprint:
        raise IdempotencyConflict("the idempotency token was used with another request; send a new token")
    return str(hold_id) if state in _COUNTING else None


def _holder(connection: Connection, request: HoldRequest) -> int:
    """Return the holder for the request's account and party, in its control group as of now.

    What the account used before anybody was on file for it follows the party that it turns out to be. What callers
    without any account used stays where it is: they are not one.
    """
    mine = (request.party_id,) if request.account.endswith(":") else (request.party_id, "")
    rows = connection.execute(
        "SELECT id, party_id, control_group FROM holders WHERE account = ?", (request.account,)
    ).fetchall()
    found = None
    for id, party_id, group in rows:
        if party_id == request.party_id:
            found = int(id)
        if party_id in mine and group != request.control_group:
            connection.execute("UPDATE holders SET control_group = ? WHERE id = ?", (request.control_group, id))
    if found is None:
        row = connection.execute(
            "INSERT INTO holders (account, party_id, control_group) VALUES (?, ?, ?) RETURNING id",
            (request.account, request.party_id, request.control_group),
        ).fetchone()
        found = int(row[0])
    return found


def _take(connection: Connection, request: HoldRequest, holder: int, at: int, started: int) -> str:
    hold_id = f"hold_{secrets.token_hex(16)}"
    insert_hold(
        connection,
        hold_id=hold_id,
        account=request.account,
        key=request.key,
        fingerprint=request.fingerprint,
        control_group=request.control_group,
        party_id=request.party_id,
        holder=holder,
        held_at=at,
        state=_HELD,
        started=started,
        end=None if request.open_ended else started + request.seconds,
        likely_rate=pace(request.likely, request.seconds),
        high_rate=pace(request.high, request.seconds),
    )
    return hold_id


def insert_hold(
    connection: Connection,
    *,
    hold_id: str,
    account: str,
    key: str,
    fingerprint: str,
    control_group: str,
    party_id: str,
    holder: int,
    held_at: int,
    state: str,
    started: int,
    end: int | None,
    likely_rate: int,
    high_rate: int,
    finished: bool = False,
    decision_id: str | None = None,
) -> None:
    """Write a hold with its spread."""
    found = spread_of(started, end, likely_rate, high_rate)
    connection.execute(
        "INSERT INTO holds (id, account, key, fingerprint, control_group, party_id, holder, likely, high, day, held_at,"
        " state, started_at, ends_at, likely_rate, high_rate, first_day, first_likely, first_high, daily_likely,"
        " daily_high, last_day, last_likely, last_high, finished, decision_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            hold_id,
            account,
            key,
            fingerprint,
            control_group,
            party_id,
            holder,
            found.first_day,
            held_at,
            state,
            started,
            end,
            str(likely_rate),
            str(high_rate),
            found.first_day,
            found.first_likely,
            found.first_high,
            found.daily_likely,
            found.daily_high,
            found.last_day,
            found.last_likely,
            found.last_high,
            int(finished),
            decision_id,
        ),
    )


def respread(
    connection: Connection, hold_id: str, started: int, end: int | None, likely_rate: int, high_rate: int
) -> None:
    """Write a hold's run anew: another start, end or pace."""
    found = spread_of(started, end, likely_rate, high_rate)
    connection.execute(
        "UPDATE holds SET started_at = ?, ends_at = ?, likely_rate = ?, high_rate = ?, first_day = ?, first_likely = ?,"
        " first_high = ?, daily_likely = ?, daily_high = ?, last_day = ?, last_likely = ?, last_high = ? WHERE id = ?",
        (
            started,
            end,
            str(likely_rate),
            str(high_rate),
            found.first_day,
            found.first_likely,
            found.first_high,
            found.daily_likely,
            found.daily_high,
            found.last_day,
            found.last_likely,
            found.last_high,
            hold_id,
        ),
    )


def _raise(connection: Connection, request: HoldRequest, hold_id: str) -> None:
    """Let a replay raise its hold where the same request is now known to ask for more."""
    started, likely_rate, high_rate, end = connection.execute(
        "SELECT started_at, likely_rate, high_rate, ends_at FROM holds WHERE id = ?", (hold_id,)
    ).fetchone()
    likely, high = pace(request.likely, request.seconds), pace(request.high, request.seconds)
    if likely > int(likely_rate) or high > int(high_rate):
        respread(connection, hold_id, started, end, max(likely, int(likely_rate)), max(high, int(high_rate)))
