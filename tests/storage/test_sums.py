"""Sums over windows, read from days and spans of days, are what the runs themselves add up to."""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import postgres
import pytest

from kyc_gate.model.usage import HoldState
from kyc_gate.storage import ledger, postgres_schema, schema
from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.spread import DAY_SECONDS, OPERATIONS_A_UNIT
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.sums import Sums

from .conftest import Maker

TODAY = 20_781
GROUPS = ("group:a", "group:b")
PACES = (1, 10**15, 3 * 10**19 + 7, 10**23 + 1)


@pytest.mark.parametrize("seed", range(6))
async def test_sums_are_those_of_the_runs(any_store: RowStore, seed: int) -> None:
    """Whatever runs begin, end, are given back, change pace or move, each window has exactly what its days have."""
    rng = random.Random(seed)  # noqa: S311

    def scene(connection: Any) -> None:
        _live(connection, rng, 12)
        _compare(connection, rng)

    # A write for each scene: one write has a second, on a busy machine too.
    for _ in range(5):
        await any_store._write(scene)


async def test_runs_of_an_earlier_schema_are_summed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was written before there were spans has the same sums once it is opened."""
    rng = random.Random(7)  # noqa: S311
    path = tmp_path / "old.db"
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:4])
        connection = sqlite3.connect(path, isolation_level=None)
        schema.migrate(connection)
    connection.execute("BEGIN")
    _live(connection, rng, 60)
    connection.execute("COMMIT")
    connection.close()
    await _checked(lambda: SqliteStore(path, deadline_seconds=20.0), rng)


async def test_runs_of_an_earlier_database_are_summed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does a database."""
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed here")
    from kyc_gate.storage.postgres import PostgresStore
    from kyc_gate.storage.postgres_rows import PostgresConnection

    rng = random.Random(8)  # noqa: S311
    url = request.getfixturevalue("database").schema()
    with monkeypatch.context() as patched:
        patched.setattr(postgres_schema, "MIGRATIONS", postgres_schema.MIGRATIONS[:3])
        connection = PostgresConnection(url, seconds=10, application="test")
        postgres_schema.migrate(connection)
    connection.execute("BEGIN")
    _live(connection, rng, 60)
    connection.execute("COMMIT")
    connection.close()
    await _checked(lambda: PostgresStore(url, deadline_seconds=10), rng)


def test_a_window_reads_few_rows(file: Path) -> None:
    """Two years of runs on every day cost a window no more rows than a few dozen a holder."""
    connection = sqlite3.connect(file, isolation_level=None)
    schema.migrate(connection)
    connection.execute("BEGIN")
    holder = _holder(connection, "aws:1", "party", "group:a")
    for day in range(TODAY - 730, TODAY + 1):
        _begin(connection, holder, day * DAY_SECONDS, 3_600, 10**15)
    for since in range(TODAY - 400, TODAY - 300):
        short, long = -(-since // 16) * 16, -(-since // 256) * 256
        (days,) = connection.execute("SELECT COUNT(*) FROM usage_by_day WHERE day >= ? AND day < ?", (since, short))
        (spans,) = connection.execute(
            "SELECT COUNT(*) FROM usage_by_span WHERE days = 16 AND start >= ? AND start < ?", (short, long)
        )
        assert days[0] <= 15
        assert spans[0] <= 15
    (long_ones,) = connection.execute("SELECT COUNT(*) FROM usage_by_span WHERE days = 256")
    assert long_ones[0] <= 4
    connection.close()


def _live(connection: Any, rng: random.Random, steps: int) -> None:
    """Let runs of three accounts in two control groups begin, end, change and move, over three years."""
    for _ in range(steps):
        account = f"aws:{rng.randrange(3)}"
        holder = _holder(connection, account, rng.choice(("p", "q")), rng.choice(GROUPS))
        start = (TODAY - rng.randrange(1_000)) * DAY_SECONDS + rng.randrange(DAY_SECONDS)
        seconds = rng.choice((None, 1, 3_600, 90_000, rng.randrange(1, 400 * DAY_SECONDS)))
        hold_id = _begin(connection, holder, start, seconds, rng.choice(PACES))
        match rng.randrange(6):
            case 0:
                ledger.release(connection, hold_id)
            case 1:
                ledger.settle(connection, hold_id)
            case 2:
                pace = rng.choice(PACES)
                ledger.respread(connection, hold_id, start - 7_200, start + rng.randrange(10**7), pace, 2 * pace)
            case 3:
                connection.execute("UPDATE holders SET control_group = ? WHERE id = ?", (rng.choice(GROUPS), holder))
            case 4:
                ledger.release(connection, hold_id)
                ledger.settle(connection, hold_id)


def _holder(connection: Any, account: str, party: str, group: str) -> int:
    connection.execute(
        "INSERT INTO holders (account, party_id, control_group) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (account, party, group),
    )
    row = connection.execute("SELECT id FROM holders WHERE account = ? AND party_id = ?", (account, party)).fetchone()
    return int(row[0])


def _begin(connection: Any, holder: int, start: int, seconds: int | None, pace: int) -> str:
    (count,) = connection.execute("SELECT COUNT(*) FROM holds").fetchone()
    hold_id = f"hold_{count}"
    ledger.insert_hold(
        connection,
        hold_id=hold_id,
        account="aws:1",
        key=hold_id,
        fingerprint="f",
        control_group="group:a",
        party_id="p",
        holder=holder,
        held_at=start * 1_000_000,
        state=HoldState.HELD,
        started=start,
        end=None if seconds is None else start + seconds,
        likely_rate=pace,
        high_rate=3 * pace,
    )
    return hold_id


def _compare(connection: Any, rng: random.Random) -> None:
    since_days = (0, TODAY - 365, TODAY - 1_100, TODAY + 5, *(TODAY - rng.randrange(1_100) for _ in range(6)))
    for group in GROUPS:
        runs = connection.execute(
            "SELECT h.account, h.party_id, r.first_day, r.last_day, r.first_likely, r.first_high, r.daily_likely,"
            " r.daily_high, r.last_likely, r.last_high FROM holds AS r JOIN holders AS h ON h.id = r.holder"
            " WHERE h.control_group = ? AND r.state IN ('held', 'settled')",
            (group,),
        ).fetchall()
        for since in since_days:
            horizon = (TODAY + 30) * DAY_SECONDS + rng.randrange(DAY_SECONDS)
            found = Sums(connection, group, since, horizon)
            of = [run for run in runs if run[1] == "p"], [run for run in runs if run[0] == "aws:2"]
            assert found.of("p", "aws:2") == (
                *(_added(runs, since, horizon, kind) for kind in (0, 1)),
                *(_added(runs, 0, horizon, kind) for kind in (0, 1)),
                *(_added(some, since, horizon, 0) for some in of),
            )
            for kind in (0, 1):
                assert found.within(kind) == _added(runs, since, horizon, kind)
                assert found.ever(kind) == _added(runs, 0, horizon, kind)
                assert found.within(kind, party_id="p") == _added(
                    [run for run in runs if run[1] == "p"], since, horizon, kind
                )
                assert found.within(kind, account="aws:2") == _added(
                    [run for run in runs if run[0] == "aws:2"], since, horizon, kind
                )
            ends = {run[0] for run in runs if run[3] is None or run[3] >= since}
            assert found.accounts == len(ends)


def _added(runs: list[Any], since: int, horizon: int, kind: int) -> int:
    """Return what the runs take on the days from `since` on, each day by itself."""
    units = Fraction(0)
    for run in runs:
        first_day, last_day, first, daily, last = run[2], run[3], run[4 + kind], run[6 + kind], run[8 + kind]
        units += first if first_day >= since else 0
        if last_day is None:
            units += daily * (Fraction(horizon, DAY_SECONDS) - max(first_day + 1, since))
        elif last_day > first_day:
            units += daily * max(0, last_day - max(first_day + 1, since))
            units += last if last_day >= since else 0
    return max(0, math.ceil(units)) * OPERATIONS_A_UNIT


async def _checked(make: Callable[[], RowStore] | Maker, rng: random.Random) -> None:
    """Compare the sums of a store as it was found, and after more runs."""
    store = make()
    await store.open()

    def scene(connection: Any) -> None:
        _compare(connection, rng)
        _live(connection, rng, 30)
        _compare(connection, rng)

    try:
        await store._write(scene)
    finally:
        await store.close()
