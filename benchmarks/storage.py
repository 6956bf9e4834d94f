"""Durable decisions a second through the store, beside bare SQLite commits of the same bytes, in one run.

Bare SQLite writes the same record with the same settings (write-ahead log, synchronous FULL) from one thread without
asyncio, hash chain or ledger: the floor that no store on this disk gets under. The ratio is to the bare row named. What
the disk's own flush takes stands first, since every other figure rests on it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from kyc_gate.audit.record import body_of
from kyc_gate.model.party import Account
from kyc_gate.model.usage import HoldRequest
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.store import DecisionEntry

SECONDS = 2.0
CALLERS = 64
RECORD_BYTES = 4_000
"""About what a decision's record takes, with request, facts and findings."""

NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Measured(NamedTuple):
    """How often something was done a second, and how long one took."""

    rate: float
    median: float
    slow: float


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        flush = _flush(base / "flush")
        single = _bare(base / "single.db", together=1)
        grouped = _bare(base / "grouped.db", together=CALLERS)
        rows = asyncio.run(_store_rows(base))
    print(
        f"flush of the disk (fdatasync of 4 kB): median {flush.median * 1e6:.0f} us; records of {RECORD_BYTES} bytes\n"
    )
    print(f"{'':44}{'a second':>10}{'median us':>11}{'p99 us':>9}  ratio")
    _print("bare SQLite, a commit for each record", single, None, "")
    _print(f"bare SQLite, a commit for {CALLERS} records", grouped, None, "")
    for title, measured, callers in rows:
        bare = single if callers == 1 else grouped
        _print(title, measured, bare if callers else None, "of a commit each" if callers == 1 else "of grouped")


def _print(title: str, measured: Measured, bare: Measured | None, against: str) -> None:
    ratio = f"  {measured.rate / bare.rate:.2f} {against}" if bare else ""
    print(f"{title:44}{measured.rate:>10,.0f}{measured.median * 1e6:>11,.0f}{measured.slow * 1e6:>9,.0f}{ratio}")


def _flush(file: Path) -> Measured:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT)

    def flush() -> None:
        os.write(descriptor, b"x" * 4096)
        os.fdatasync(descriptor)

    try:
        return _repeated(flush)
    finally:
        os.close(descriptor)


def _bare(file: Path, *, together: int) -> Measured:
    """Measure bare commits of `together` records each."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE records (position INTEGER PRIMARY KEY, body TEXT NOT NULL)")
    body = _body("dec_bare")

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(together):
            connection.execute("INSERT INTO records (body) VALUES (?)", (body,))
        connection.execute("COMMIT")

    measured = _repeated(commit)
    connection.close()
    return Measured(measured.rate * together, measured.median, measured.slow)


def _repeated(work: Callable[[], object]) -> Measured:
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while (started := time.perf_counter()) < end:
        work()
        times.append(time.perf_counter() - started)
    return _measured(times, sum(times))


async def _store_rows(base: Path) -> list[tuple[str, Measured, int]]:
    """Return title, figures and the number of callers to compare (0: none) of each thing that the gate does."""
    works: list[tuple[str, Callable[[SqliteStore], Awaitable[object]], tuple[int, ...]]] = [
        ("append", _append, (1, CALLERS)),
        ("hold, append, settle", _decision, (1, CALLERS)),
        ("hold (answered before its commit)", lambda store: store.hold(_hold()), (0,)),
        ("fetch an account", lambda store: store.fetch_account("aws", "1"), (0,)),
    ]
    rows = []
    for title, work, counts in works:
        for callers in counts:
            store = SqliteStore(base / f"{title[:4]}{callers}.db")
            await store.open()
            await store.save_directory([], [Account(provider="aws", id="1", party_id="kestrel")])
            measured = await _by_callers(store, work, callers or 1)
            await store.close()
            rows.append((f"{title}, {callers} at once" if callers else title, measured, callers))
    return rows


async def _by_callers(store: SqliteStore, work: Callable[[SqliteStore], Awaitable[object]], callers: int) -> Measured:
    end = time.perf_counter() + SECONDS
    times: list[float] = []

    async def caller() -> None:
        while (started := time.perf_counter()) < end:
            await work(store)
            times.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*[caller() for _ in range(callers)])
    return _measured(times, time.perf_counter() - started)


async def _append(store: SqliteStore) -> None:
    await store.append(_entry(None))


async def _decision(store: SqliteStore) -> None:
    usage = await store.hold(_hold())
    await store.append(_entry(usage.hold_id))
    await store.settle(usage.hold_id)


def _entry(hold_id: str | None) -> DecisionEntry:
    decision_id = f"dec_{secrets.token_hex(16)}"
    record: dict[str, object] = {"type": "decision", "decision_id": decision_id, "facts": "x" * RECORD_BYTES}
    return DecisionEntry(decision_id=decision_id, record=record, hold_id=hold_id, keep_hold=hold_id is not None)


def _body(decision_id: str) -> str:
    return body_of({"type": "decision", "decision_id": decision_id, "facts": "x" * RECORD_BYTES})


def _hold() -> HoldRequest:
    return HoldRequest(
        control_group=f"group:{secrets.randbelow(100)}",
        account=f"aws:{secrets.randbelow(1_000)}",
        party_id="kestrel",
        key=secrets.token_hex(16),
        fingerprint="f" * 64,
        likely=10**20,
        high=3 * 10**20,
        at=NOW,
        window_days=365,
    )


def _measured(times: list[float], elapsed: float) -> Measured:
    ranked = sorted(times)
    return Measured(len(ranked) / elapsed, statistics.median(ranked), ranked[int(len(ranked) * 0.99)])


if __name__ == "__main__":
    main()
