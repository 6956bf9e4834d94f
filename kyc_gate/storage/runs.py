"""Runs in the ledger: under which names the provider knows them, when they end, and which go on.

A run that ends is an audit record in the same transaction: nothing is taken off the ledger without its record.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from kyc_gate.audit.record import body_of
from kyc_gate.errors import InputError
from kyc_gate.model.usage import HoldState, MeteredRun, RunEnd
from kyc_gate.storage import ledger
from kyc_gate.storage.chain_log import append_record
from kyc_gate.storage.ledger import insert_hold, respread
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.timestamps import moment, second_of

SINGULAR = frozenset({"instance", "notebook-instance", "slurm-job"})
"""Kinds of references that name one machine or job: when it starts anew, what it ran before is over."""

EARLY_START = timedelta(days=366)
"""How long before its hold a run may have started: after that it is a date mistaken."""

LATE_END = timedelta(minutes=5)
"""How far ahead of this machine's clock an end may lie: clocks differ."""

_RUN = (
    "SELECT holds.id, holds.account, holds.party_id, holders.control_group, holds.fingerprint, holds.state,"
    " holds.started_at, holds.ends_at, holds.finished, holds.likely_rate, holds.high_rate, holds.decision_id"
    " FROM holds JOIN holders ON holders.id = holds.holder"
)


def attach(connection: Connection, hold_id: str, account: str, references: Sequence[str], at: datetime) -> None:
    """Note under which names the provider knows what the hold runs.

    A machine that now runs for this hold runs for no earlier one any more.
    """
    for reference in references:
        connection.execute(
            "INSERT INTO run_references (account, reference, hold_id) VALUES (?, ?, ?)"
            " ON CONFLICT (account, reference, hold_id) DO NOTHING",
            (account, reference, hold_id),
        )
        if reference.partition(":")[0] in SINGULAR:
            end = RunEnd(ended_at=at, at=at, source="call", account=account, reference=reference)
            for earlier in _live_holds(connection, account, reference):
                if earlier != hold_id:
                    _end_reference(connection, earlier, end)


def finish(connection: Connection, end: RunEnd) -> tuple[MeteredRun, ...]:
    """End the runs that `end` names, and return each as it stands now; empty where there is no such run.

    Of a hold of several machines only the share of the one that ended is over. A call ends only what goes on; an event
    or the platform also corrects an end that was planned or told before. Raises `InputError` for a time that cannot be.
    """
    if end.ended_at > end.at + LATE_END:
        raise InputError(f"`ended_at` {end.ended_at.isoformat()} lies ahead; tell the end once it is there")
    if end.hold_id is not None:
        run = run_of(connection, end.hold_id)
        return (_end_whole(connection, run, end),) if run else ()
    if end.account is None or end.reference is None:
        raise InputError("name the run by `hold_id`, or by `account` and `reference`")
    holds = _live_holds(connection, end.account, end.reference)
    if end.source == "event":  # what ended before a run began ended an earlier one
        began = {hold_id: run_of(connection, hold_id) for hold_id in holds}
        holds = [hold_id for hold_id, run in began.items() if run and run.started_at <= end.ended_at]
    found = [_end_reference(connection, hold_id, end) for hold_id in holds]
    return tuple(run for run in found if run is not None)


def expire(connection: Connection, hold_id: str, *, by: str, because: str, at: datetime) -> bool:
    """Let a hold lapse whose outcome nobody will ever know, with its record; return whether it was waiting."""
    run = run_of(connection, hold_id)
    if run is None or not ledger.expire(connection, hold_id):
        return False
    step = {
        "type": "hold.expired",
        "at": at.isoformat(),
        "hold_id": hold_id,
        "decision_id": run.decision_id,
        "account": run.account,
        "control_group": run.control_group,
        "by": by,
        "because": because,
    }
    append_record(connection, body_of(step))
    return True


def run_of(connection: Connection, hold_id: str) -> MeteredRun | None:
    """Return the run of a hold."""
    row = connection.execute(f"{_RUN} WHERE holds.id = ?", (hold_id,)).fetchone()
    return _run(connection, row) if row else None


def runs_named(connection: Connection, account: str, reference: str) -> tuple[MeteredRun, ...]:
    """Return the counting runs that are known under the reference and were not told to have ended."""
    found = [run_of(connection, hold_id) for hold_id in _live_holds(connection, account, reference)]
    counting = (HoldState.HELD, HoldState.SETTLED)
    return tuple(run for run in found if run is not None and run.state in counting and not run.finished)


def hold_of_decision(connection: Connection, decision_id: str) -> str | None:
    """Return the hold whose run a decision let through."""
    row = connection.execute("SELECT id FROM holds WHERE decision_id = ?", (decision_id,)).fetchone()
    return str(row[0]) if row else None


def open_runs(connection: Connection, *, after: str, limit: int) -> tuple[MeteredRun, ...]:
    """Return up to `limit` counting runs without an end, by id, those after the id `after`."""
    rows = connection.execute(
        f"{_RUN} WHERE holds.last_day IS NULL AND holds.state IN ('held', 'settled') AND holds.id > ?"
        " ORDER BY holds.id LIMIT ?",
        (after, limit),
    ).fetchall()
    return tuple(_run(connection, row) for row in rows)


def runs_of_group(
    connection: Connection, control_group: str, *, limit: int, at: datetime | None = None
) -> tuple[MeteredRun, ...]:
    """Return up to `limit` counting runs of a control group, those that began last first; only those going on `at`."""
    going: str = ""
    values: list[object] = [control_group]
    if at is not None:
        going = " AND holds.started_at <= ? AND (holds.ends_at IS NULL OR (holds.finished = 0 AND holds.ends_at > ?))"
        values += [second_of(at), second_of(at)]
    rows = connection.execute(
        f"{_RUN} WHERE holders.control_group = ? AND holds.state IN ('held', 'settled'){going}"
        " ORDER BY holds.started_at DESC, holds.id LIMIT ?",
        (*values, limit),
    ).fetchall()
    return tuple(_run(connection, row) for row in rows)


def follow_group(connection: Connection, account: str, party_id: str, control_group: str) -> bool:
    """Put what an account used for a party into the control group, and return whether that changed anything."""
    moved = connection.execute(
        "UPDATE holders SET control_group = ? WHERE account = ? AND party_id IN (?, '') AND control_group <> ?",
        (control_group, account, party_id, control_group),
    )
    return moved.rowcount > 0


_MEMBERS_AT_ONCE = 500


def join_group(connection: Connection, party_ids: Sequence[str], control_group: str) -> None:
    """Put what the parties used, through whatever account, into the control group that they are found to be."""
    for start in range(0, len(party_ids), _MEMBERS_AT_ONCE):
        some = party_ids[start : start + _MEMBERS_AT_ONCE]
        places = ", ".join("?" * len(some))
        connection.execute(
            f"UPDATE holders SET control_group = ? WHERE control_group <> ? AND party_id IN ({places})",
            (control_group, control_group, *some),
        )


def _live_holds(connection: Connection, account: str, reference: str) -> list[str]:
    rows = connection.execute(
        "SELECT hold_id FROM run_references WHERE account = ? AND reference = ? AND ended = 0 ORDER BY hold_id",
        (account, reference),
    ).fetchall()
    return [str(hold_id) for (hold_id,) in rows]


def _end_reference(connection: Connection, hold_id: str, end: RunEnd) -> MeteredRun | None:
    """End the share of one machine in a hold: all of it when no other machine of the hold is left."""
    run = run_of(connection, hold_id)
    if run is None:
        return None
    left = connection.execute(
        "SELECT COUNT(*) FROM run_references WHERE hold_id = ? AND ended = 0", (hold_id,)
    ).fetchone()[0]
    connection.execute(
        "UPDATE run_references SET ended = 1 WHERE account = ? AND reference = ? AND hold_id = ?",
        (end.account, end.reference, hold_id),
    )
    if int(left) <= 1:
        return _end_whole(connection, run, end)
    return _end_whole(connection, _split_off(connection, run, int(left)), end)


def _split_off(connection: Connection, run: MeteredRun, machines: int) -> MeteredRun:
    """Return a new run of one machine's share, taken out of the hold. Both are rounded up."""
    share = [-(-rate // machines) for rate in (run.likely_rate, run.high_rate)]
    rest = [-(-rate * (machines - 1) // machines) for rate in (run.likely_rate, run.high_rate)]
    started, end = second_of(run.started_at), None if run.ends_at is None else second_of(run.ends_at)
    holder, key, held_at, group = connection.execute(
        "SELECT holder, key, held_at, control_group FROM holds WHERE id = ?", (run.hold_id,)
    ).fetchone()
    hold_id = f"hold_{secrets.token_hex(16)}"
    insert_hold(
        connection,
        hold_id=hold_id,
        account=run.account,
        key=f"{key}/{hold_id}",
        fingerprint=run.fingerprint,
        control_group=group,
        party_id=run.party_id,
        holder=holder,
        held_at=held_at,
        state=run.state.value,
        started=started,
        end=end,
        likely_rate=share[0],
        high_rate=share[1],
    )
    respread(connection, run.hold_id, started, end, rest[0], rest[1])
    part = run_of(connection, hold_id)
    assert part is not None  # noqa: S101 - it was written a few lines above
    return part


def _end_whole(connection: Connection, run: MeteredRun, end: RunEnd) -> MeteredRun:
    """Write the end of a run, with its record. What is over is over: a call does not end it again."""
    if end.source == "call" and (run.finished or run.state in (HoldState.RELEASED, HoldState.EXPIRED)):
        return run
    started = end.started_at or run.started_at
    if started < run.started_at - EARLY_START or started > end.at + LATE_END:
        raise InputError(f"`started_at` {started.isoformat()} is not near the run's own {run.started_at.isoformat()}")
    begin, stop = second_of(started), _second_after(end.ended_at)
    if stop < begin:
        raise InputError(f"`ended_at` {end.ended_at.isoformat()} lies before the start {started.isoformat()}")
    if (run.finished, run.started_at, run.ends_at) == (True, moment(begin), moment(stop)):
        return run
    respread(connection, run.hold_id, begin, stop, run.likely_rate, run.high_rate)
    connection.execute("UPDATE run_references SET ended = 1 WHERE hold_id = ?", (run.hold_id,))
    connection.execute("UPDATE holds SET finished = 1, state = 'settled' WHERE id = ?", (run.hold_id,))
    over = run_of(connection, run.hold_id)
    assert over is not None  # noqa: S101 - it was there a few lines above
    append_record(connection, body_of(_step(run, over, end)))
    return over


def _step(before: MeteredRun, over: MeteredRun, end: RunEnd) -> dict[str, object]:
    return {
        "type": "run.finished",
        "at": end.at.isoformat(),
        "hold_id": over.hold_id,
        "decision_id": before.decision_id,
        "account": over.account,
        "control_group": over.control_group,
        "reference": end.reference,
        "source": end.source,
        "started_at": over.started_at.isoformat(),
        "ended_at": end.ended_at.isoformat(),
        "planned_end": before.ends_at.isoformat() if before.ends_at else None,
        "likely": over.operations(over.ends_at or end.at)[0],
        "high": over.operations(over.ends_at or end.at)[1],
    }


def _second_after(at: datetime) -> int:
    """Return the second up to which a run counts that ended at `at`."""
    second = second_of(at)
    return second if moment(second) == at else second + 1


def _run(connection: Connection, row: tuple[object, ...]) -> MeteredRun:
    (hold_id, account, party_id, group, fingerprint, state, started, ends, finished, likely, high, decision_id) = row
    references = connection.execute(
        "SELECT reference FROM run_references WHERE hold_id = ? ORDER BY reference", (hold_id,)
    ).fetchall()
    return MeteredRun(
        hold_id=str(hold_id),
        account=str(account),
        party_id=str(party_id),
        control_group=str(group),
        fingerprint=str(fingerprint),
        state=HoldState(str(state)),
        started_at=moment(int(str(started))),
        ends_at=None if ends is None else moment(int(str(ends))),
        finished=bool(finished),
        likely_rate=int(str(likely)),
        high_rate=int(str(high)),
        decision_id=None if decision_id is None else str(decision_id),
        references=tuple(str(reference) for (reference,) in references),
    )
