"""Decisions with holds a second, on SQLite and PostgreSQL, beside a raw driver that runs the same statements; and the
cost of a hold as the number of past runs grows.

Raw means: one thread, no asyncio, no store. It records the statements that the store's own thread ran for one decision
(hold, append, settle) and runs those again with fresh keys, as many decisions to a commit as the store had.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import re
import secrets
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kyc_gate.model.usage import HoldRequest
from kyc_gate.storage import ledger
from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.store import DecisionEntry

SECONDS = 4.0
CALLERS = 64
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PAST_RUNS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
MANY_ACCOUNTS = (10, 100)
HOLDS_TIMED = 300


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        _engine("SQLite", SqliteStore(Path(folder) / "rate.db", deadline_seconds=20), _raw_sqlite(Path(folder)))
        with _database() as url:
            if url is None:
                print("PostgreSQL is not installed here; it was left out")
            else:
                from kyc_gate.storage.postgres import PostgresStore

                _engine("PostgreSQL", PostgresStore(url(), deadline_seconds=20), _raw_postgres(url()))
        print()
        _growth(Path(folder))


def _engine(name: str, store: RowStore, raw: Any) -> None:
    rate, batch, processor, statements = asyncio.run(_rate(store))
    (single, _), (grouped, raw_processor) = raw(statements, 1), raw(statements, batch)
    print(
        f"{name:11} {rate:>7,.0f} decisions/s through the store ({CALLERS} at once, {batch} to a commit);"
        f" raw driver, same statements: {grouped:>7,.0f}/s in such commits ({rate / grouped:.0%}),"
        f" {single:>6,.0f}/s with a commit each ({rate / single:.0%});"
        f" processor time of a decision: {processor * 1e6:,.0f} us in the store's thread,"
        f" {raw_processor * 1e6:,.0f} us raw ({raw_processor / processor:.0%})"
    )


Statement = tuple[str, Any]


async def _rate(store: RowStore) -> tuple[float, int, float, list[Statement]]:
    """Return decisions a second, decisions to a commit, the writing thread's processor time of one in seconds, and the
    statements of one decision."""
    await store.open()
    writer: Any = store._writer
    commits, spent = 0, 0.0
    commit = writer._commit

    def counted(connection: Any) -> None:
        nonlocal commits, spent
        commits += 1
        commit(connection)
        spent = time.thread_time()

    writer._commit = counted
    statements = await _statements(store, writer)
    done, commits, before = 0, 0, spent
    end = time.perf_counter() + SECONDS

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await _decision(store)
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*[caller() for _ in range(CALLERS)])
    elapsed = time.perf_counter() - started
    await store.close()
    return done / elapsed, max(1, round(done / max(commits, 1))), (spent - before) / max(done, 1), statements


async def _statements(store: RowStore, writer: Any) -> list[Statement]:
    """Return what the thread runs for one decision, without the transaction's own statements."""
    begun, seen = writer._begun, []

    class Spy:
        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def execute(self, sql: str, parameters: Any = ()) -> Any:
            seen.append((sql, parameters))
            return self._connection.execute(sql, parameters)

        def executemany(self, sql: str, parameters: Any) -> Any:
            return self._connection.executemany(sql, parameters)

    await _decision(store, 1)
    await asyncio.sleep(0.1)  # until its transaction is over
    writer._begun = lambda deadline: Spy(begun(deadline))
    await _decision(store, 1)
    await asyncio.sleep(0.1)
    writer._begun = begun
    return [(sql, values) for sql, values in seen if sql != "COMMIT"]


async def _decision(store: RowStore, group: int | None = None) -> None:
    usage = await store.hold(_hold(group))
    decision_id = f"dec_{secrets.token_hex(16)}"
    record: dict[str, object] = {"type": "decision", "decision_id": decision_id, "facts": "x" * 4_000}
    await store.append(DecisionEntry(decision_id=decision_id, record=record, hold_id=usage.hold_id, keep_hold=True))
    await store.settle(usage.hold_id)


def _hold(group: int | None = None, at: datetime = NOW) -> HoldRequest:
    group = secrets.randbelow(100) if group is None else group
    return HoldRequest(
        control_group=f"group:{group}",
        account=f"aws:{group}",
        party_id=f"party{group}",
        key=secrets.token_hex(16),
        fingerprint="f" * 64,
        likely=10**20,
        high=3 * 10**20,
        at=at,
        window_days=365,
        seconds=86_400,
    )


_ID = re.compile(r"(hold|dec)_[0-9a-f]{32}|[0-9a-f]{32}")


def _again(statements: list[Statement], number: int) -> list[Statement]:
    """Return the statements with ids and keys of their own, and the chain's next position."""
    names: dict[str, str] = {}

    def fresh(value: Any) -> Any:
        if isinstance(value, str) and len(value) < 80 and _ID.fullmatch(value):
            prefix = value[: value.index("_") + 1] if "_" in value else ""
            return names.setdefault(value, prefix + secrets.token_hex(16))
        return value

    found = []
    for sql, values in statements:
        if isinstance(values, dict):
            found.append((sql, values))
            continue
        given = [fresh(value) for value in values]
        if sql.startswith("INSERT INTO records"):
            given[0] = 1_000_000 + number
        found.append((sql, tuple(given)))
    return found


def _timed(execute: Any, statements: list[Statement], together: int, begin: tuple[str, ...]) -> tuple[float, float]:
    """Return decisions a second, and the processor time of one in seconds."""
    done, processor = 0, 0.0
    prepared = [_again(statements, number) for number in range(together)]
    elapsed = 0.0
    while elapsed < SECONDS:
        started, spent = time.perf_counter(), time.thread_time()
        for statement in begin:
            execute(statement, ())
        for each in prepared:
            for sql, values in each:
                cursor = execute(sql, values)
                if sql.startswith("SELECT") or "RETURNING" in sql:
                    cursor.fetchall()
        execute("COMMIT", ())
        elapsed += time.perf_counter() - started
        processor += time.thread_time() - spent
        done += together
        prepared = [_again(statements, done + number) for number in range(together)]
    return done / elapsed, processor / done


def _raw_sqlite(folder: Path) -> Any:
    def raw(statements: list[Statement], together: int) -> tuple[float, float]:
        # A copy of the file as the store left it: the same tables, indexes and rows.
        source = sqlite3.connect(folder / "rate.db")
        path = folder / f"raw{together}.db"
        copy = sqlite3.connect(path, isolation_level=None)
        source.backup(copy)
        source.close()
        copy.execute("PRAGMA journal_mode = WAL")
        copy.execute("PRAGMA synchronous = FULL")
        rate = _timed(copy.execute, statements, together, ("BEGIN IMMEDIATE",))
        copy.close()
        return rate

    return raw


def _raw_postgres(url: str) -> Any:
    def raw(statements: list[Statement], together: int) -> tuple[float, float]:
        import psycopg

        from kyc_gate.storage.postgres_rows import _translated

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DELETE FROM schema_steps WHERE step < 0")
            (last,) = connection.execute("SELECT COALESCE(MAX(position), 0) FROM records").fetchone() or (0,)
            offset = int(last)

            def execute(sql: str, values: Any) -> Any:
                if sql.startswith("INSERT INTO records"):
                    values = (values[0] + offset, *values[1:])
                return connection.execute(_translated(sql), values or None)

            return _timed(
                execute, statements, together, ("BEGIN", "SELECT beats FROM heartbeat WHERE id = 1 FOR UPDATE")
            )

    return raw


@contextlib.contextmanager
def _database() -> Iterator[Any]:
    """Run a server of our own, as the tests do, and yield a function that gives the address of an empty schema."""
    path = Path(__file__).parents[1] / "tests" / "postgres.py"
    spec = importlib.util.spec_from_file_location("postgres_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    if module.programs() is None:
        yield None
        return
    with module.server() as server:
        address = server.schema()
        yield lambda: address


def _growth(folder: Path) -> None:
    """Print what a hold costs, in processor time, as a control group's past runs grow, over two years of days.

    Usage is read from rows of days and spans of days: at most some thirty for each account, whatever is behind them.
    """
    print("accounts   past runs of the control group   rows of days   median us of a hold   p99 us   file MB")
    first: float | None = None
    for accounts, wanted in ((2, each) for each in PAST_RUNS):
        first = _grown(folder, accounts, wanted, first)
    for accounts in MANY_ACCOUNTS:
        _grown(folder, accounts, 100_000, first)


def _grown(folder: Path, accounts: int, wanted: int, first: float | None) -> float:
    """Print and return what a hold costs in a new store with so many runs of so many accounts, in seconds."""
    path = folder / f"growth-{accounts}-{wanted}.db"
    asyncio.run(_opened(SqliteStore(path, deadline_seconds=60)))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    _fill(connection, accounts, wanted)
    times = []
    for _ in range(HOLDS_TIMED):
        request = _hold(1)
        started = time.thread_time()
        connection.execute("BEGIN IMMEDIATE")
        ledger.hold(connection, request)
        times.append(time.thread_time() - started)
        connection.execute("ROLLBACK")
    median = statistics.median(times)
    (rows,) = connection.execute("SELECT COUNT(*) FROM usage_by_day").fetchone()
    slow = sorted(times)[int(len(times) * 0.99)]
    print(
        f"{accounts:>8}{wanted:>33,}{rows:>15,}{median * 1e6:>22,.0f}{slow * 1e6:>9,.0f}"
        f"{path.stat().st_size / 1e6:>10,.0f}   {median / (first or median):.2f} of the first",
        flush=True,
    )
    connection.close()
    path.unlink()
    return first or median


async def _opened(store: SqliteStore) -> None:
    await store.open()
    await store.close()


# Runs of an hour to a month at 10**15 operations a second, so that their parts are whole units, begun over two years.
_RUNS = """
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < :wanted - 1),
times AS (SELECT n, :now - (n * 7919) % (730 * 86400) AS start, 3600 * (1 + n % 700) AS seconds FROM numbers),
days AS (SELECT n, start, start + seconds AS ends, start / 86400 AS first, (start + seconds - 1) / 86400 AS last
         FROM times)
INSERT INTO holds (id, account, key, fingerprint, control_group, party_id, holder, likely, high, day, held_at, state,
    started_at, ends_at, likely_rate, high_rate, first_day, first_likely, first_high, daily_likely, daily_high,
    last_day, last_likely, last_high)
SELECT printf('hold_%032x', n), 'aws:' || n % :accounts, n, 'f', 'group:1', 'party1', n % :accounts + 1, 0, 0, first,
    start * 1000000, 'settled', start, ends, '1000000000000000', '3000000000000000', first, head, 3 * head,
    daily, 3 * daily, last, tail, 3 * tail
FROM (SELECT *, CASE WHEN last = first THEN ends - start ELSE (first + 1) * 86400 - start END * 1000 AS head,
    CASE WHEN last > first + 1 THEN 86400000 ELSE 0 END AS daily,
    CASE WHEN last > first THEN ends - last * 86400 ELSE 0 END * 1000 AS tail FROM days)
"""
_DAYS = """
INSERT INTO usage_by_day
SELECT holder, day, SUM(likely), SUM(high), SUM(turn_likely), SUM(turn_high), SUM(runs) FROM (
    SELECT holder, first_day AS day, first_likely AS likely, first_high AS high, 0 AS turn_likely, 0 AS turn_high,
        last_day = first_day AS runs FROM holds
    UNION ALL SELECT holder, first_day + 1, 0, 0, daily_likely, daily_high, 0 FROM holds WHERE daily_likely > 0
    UNION ALL SELECT holder, last_day, last_likely, last_high, -daily_likely, -daily_high, 1 FROM holds
        WHERE last_day > first_day
) GROUP BY holder, day
"""


def _fill(connection: sqlite3.Connection, accounts: int, wanted: int) -> None:
    """Write runs in one statement, without the trigger that counts each, and count them all at once after that."""
    connection.execute("PRAGMA cache_size = -2000000")
    (counting,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'hold_taken'").fetchone()
    connection.execute("BEGIN")
    connection.execute("DROP TRIGGER hold_taken")
    for number in range(accounts):
        connection.execute(
            "INSERT INTO holders (account, party_id, control_group) VALUES (?, 'party1', 'group:1')", (f"aws:{number}",)
        )
    connection.execute(_RUNS, {"accounts": accounts, "wanted": wanted, "now": int(NOW.timestamp())})
    connection.execute(_DAYS)
    connection.execute(counting)
    connection.execute("COMMIT")
    connection.execute("PRAGMA cache_size = -2000")  # SQLite's own, as the store has it
    (asked,) = connection.execute("SELECT SUM(ends_at - started_at) * 1000 FROM holds").fetchone()
    usage = ledger.usage_since(connection, "group:1", NOW - timedelta(days=800), NOW)
    if usage is None or usage.likely != asked * ledger.OPERATIONS_A_UNIT:
        raise SystemExit(f"the sums do not hold what was written: {usage} against {asked} units")


if __name__ == "__main__":
    main()
