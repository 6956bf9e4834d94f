"""Decisions with holds a second, on SQLite and PostgreSQL, beside a raw driver that runs the same statements; and the
cost of a hold as the number of past runs grows.

Raw means: one thread, no asyncio, no store. It records the statements that the store's own thread ran for one decision
(hold, append, settle) and for one commit, and runs those again with fresh keys, for the same number of control groups,
as many decisions to a commit as the store had; what it writes is made before the clock starts. The two take turns of a
second or two; the ratio is of neighbouring turns. Where others use the machine, the processor time is what to compare.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
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
from typing import Any, NamedTuple

from kyc_gate.model.usage import HoldRequest
from kyc_gate.storage import ledger
from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.store import DecisionEntry

SECONDS = 1.5
ROUNDS = 8
CALLERS = 64
GROUPS = 100
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PAST_RUNS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
MANY_ACCOUNTS = (10, 100)
HOLDS_TIMED = 300


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        ours, copy = Path(folder) / "rate.db", Path(folder) / "raw.db"
        stores = SqliteStore(ours, deadline_seconds=20), SqliteStore(copy, deadline_seconds=20)
        _engine("SQLite", *stores, functools.partial(_raw_sqlite, copy))
        with _database() as url:  # each call gives an empty schema
            if url is None:
                print("PostgreSQL is not installed here; it was left out")
            else:
                from kyc_gate.storage.postgres import PostgresStore

                mine, other = url(), url()
                pair = PostgresStore(mine, deadline_seconds=20), PostgresStore(other, deadline_seconds=20)
                _engine("PostgreSQL", *pair, functools.partial(_raw_postgres, other))
        print()
        _growth(Path(folder))


def _engine(name: str, store: RowStore, twin: RowStore, raw: Any) -> None:
    """Print what store and raw driver do, turn by turn, so that a busy disk or machine meets both."""
    rounds = asyncio.run(_rounds(store, twin, raw))
    shares = sorted(each.rate / each.raw for each in rounds)
    batch = round(statistics.median(each.batch for each in rounds))
    processor = statistics.median(each.processor for each in rounds)
    raw_processor = statistics.median(each.raw_processor for each in rounds)
    rate = statistics.median(each.rate for each in rounds)
    print(
        f"{name:11} {rate:>7,.0f} decisions/s through the store ({CALLERS} at once, {batch} to a commit);"
        f" raw driver, same statements: {statistics.median(each.raw for each in rounds):>7,.0f}/s in such commits;"
        f" store/raw {statistics.median(shares):.0%} ({shares[0]:.0%} to {shares[-1]:.0%} over {ROUNDS} rounds);"
        f" raw with a commit each {rounds[0].single:,.0f}/s ({rate / rounds[0].single:.0%});"
        f" processor time of a decision: {processor * 1e6:,.0f} us in the store's thread,"
        f" {raw_processor * 1e6:,.0f} us raw ({raw_processor / processor:.0%})",
        flush=True,
    )


class Round(NamedTuple):
    """Decisions a second, decisions to a commit and processor time of one decision: of the store, and raw."""

    rate: float
    batch: int
    processor: float
    raw: float
    raw_processor: float
    single: float


Statement = tuple[str, Any]


class Recorded(NamedTuple):
    """The statements of one decision, and those of the commit that it shares."""

    decision: list[Statement]
    commit: list[Statement]


async def _rounds(store: RowStore, twin: RowStore, raw: Any) -> list[Round]:
    """Let the store and the raw driver take turns; the driver has the tables and rows of a store of its own."""
    await twin.open()
    for group in range(GROUPS):
        await _decision(twin, group)
    await twin.close()
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

    async def turn() -> tuple[float, int, float]:
        before, begun, done = spent, commits, await _sent(store)
        return done / SECONDS, max(1, round(done / max(commits - begun, 1))), (spent - before) / max(done, 1)

    await turn()  # a file that nobody wrote to yet is faster
    await asyncio.sleep(0.1)
    with raw(statements) as timed:
        single, _ = timed(1)
        found = []
        for _ in range(ROUNDS):
            rate, batch, processor = await turn()
            await asyncio.sleep(0.1)  # until its last transaction is over
            found.append(Round(rate, batch, processor, *timed(batch), single))
    await store.close()
    return found


async def _sent(store: RowStore) -> int:
    """Let callers decide for `SECONDS` and return how many decisions were made."""
    done = 0
    end = time.perf_counter() + SECONDS

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await _decision(store)
            done += 1

    await asyncio.gather(*[caller() for _ in range(CALLERS)])
    return done


async def _statements(store: RowStore, writer: Any) -> Recorded:
    """Return what the thread runs for one decision of group 0, and what it runs before each commit."""
    begun, commit = writer._begun, writer._commit
    of_decision: list[Statement] = []
    of_commit: list[Statement] = []

    class Spy:
        def __init__(self, connection: Any, seen: list[Statement]) -> None:
            self.connection, self._seen = connection, seen

        def execute(self, sql: str, parameters: Any = ()) -> Any:
            self._seen.append((sql, parameters))
            return self.connection.execute(sql, parameters)

        def executemany(self, sql: str, parameters: Any) -> Any:
            return self.connection.executemany(sql, parameters)

    def commit_seen(spy: Any) -> None:
        of_commit.clear()
        commit(Spy(spy.connection, of_commit))

    await _decision(store, 0)
    await asyncio.sleep(0.1)  # until its transaction is over
    writer._begun, writer._commit = lambda deadline: Spy(begun(deadline), of_decision), commit_seen
    await _decision(store, 0)
    await asyncio.sleep(0.1)
    writer._begun, writer._commit = begun, commit
    return Recorded(of_decision, [statement for statement in of_commit if statement[0] != "COMMIT"])


async def _decision(store: RowStore, group: int | None = None) -> None:
    usage = await store.hold(_hold(group))
    decision_id = f"dec_{secrets.token_hex(16)}"
    record: dict[str, object] = {"type": "decision", "decision_id": decision_id, "facts": "x" * 4_000}
    await store.append(DecisionEntry(decision_id=decision_id, record=record, hold_id=usage.hold_id, keep_hold=True))
    await store.settle(usage.hold_id)


def _hold(group: int | None = None, at: datetime = NOW) -> HoldRequest:
    group = secrets.randbelow(GROUPS) if group is None else group
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


_OF_GROUP = re.compile(r"(group:|aws:|party)0")


def _again(statements: list[Statement], number: int, holders: dict[str, int]) -> list[Statement]:
    """Return the statements with ids and keys of their own, the chain's next position, and another control group."""
    names: dict[str, str] = {}
    group = secrets.randbelow(GROUPS)

    def fresh(value: Any) -> Any:
        if not isinstance(value, str) or len(value) > 80:
            return value
        if _ID.fullmatch(value):
            prefix = value[: value.index("_") + 1] if "_" in value else ""
            return names.setdefault(value, prefix + secrets.token_hex(16))
        return _OF_GROUP.sub(rf"\g<1>{group}", value)

    found: list[Statement] = []
    for sql, values in statements:
        if isinstance(values, dict):
            found.append((sql, {name: fresh(value) for name, value in values.items()}))
            continue
        given = [fresh(value) for value in values]
        if sql.startswith(("INSERT INTO records", "INSERT INTO personal")):
            given[0] = 1_000_000 + number
        elif sql.startswith("INSERT INTO holds"):
            given[_HOLDER] = holders[f"aws:{group}"]
        found.append((sql, tuple(given)))
    return found


_HOLDER = 6
"""Where a new hold says whose it is."""


class _Raw:
    """The same statements on a connection, one transaction after another, with ids that go on."""

    def __init__(self, execute: Any, statements: Recorded, begin: tuple[str, ...]) -> None:
        self._execute, self._statements, self._begin = execute, statements, begin
        self._holders = dict(execute("SELECT account, id FROM holders", ()).fetchall())
        self._done = 0

    def __call__(self, together: int) -> tuple[float, float]:
        """Return decisions a second, so many to a commit, and the processor time of one in seconds."""
        first, processor, elapsed = self._done, 0.0, 0.0
        while elapsed < SECONDS:
            prepared = [
                *((sql, ()) for sql in self._begin),
                *(statement for number in range(together) for statement in self._fresh(self._done + number)),
                *self._statements.commit,
            ]
            started, spent = time.perf_counter(), time.thread_time()
            for sql, values in prepared:
                cursor = self._execute(sql, values)
                if sql.startswith("SELECT") or "RETURNING" in sql:
                    cursor.fetchall()
            self._execute("COMMIT", ())
            elapsed += time.perf_counter() - started
            processor += time.thread_time() - spent
            self._done += together
        return (self._done - first) / elapsed, processor / (self._done - first)

    def _fresh(self, number: int) -> list[Statement]:
        return _again(self._statements.decision, number, self._holders)


@contextlib.contextmanager
def _raw_sqlite(path: Path, statements: Recorded) -> Iterator[_Raw]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, cached_statements=256)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        yield _Raw(connection.execute, statements, ("BEGIN IMMEDIATE",))


@contextlib.contextmanager
def _raw_postgres(url: str, statements: Recorded) -> Iterator[_Raw]:
    import psycopg

    from kyc_gate.storage.postgres_rows import _translated

    with psycopg.connect(url, autocommit=True) as connection:

        def execute(sql: str, values: Any) -> Any:
            return connection.execute(_translated(sql), values or None)

        yield _Raw(execute, statements, ("BEGIN", "SELECT beats FROM heartbeat WHERE id = 1 FOR UPDATE"))


@contextlib.contextmanager
def _database() -> Iterator[Any]:
    """Run a server of our own, as the tests do, and yield what makes an empty schema and gives its address."""
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
        yield server.schema


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
