"""What a log line costs, and a record beside a raw commit of the same bytes, in one run.

    python -m benchmarks record

Lines go to a file of memory, so that only making them is measured. Records are appended by sixteen tasks at once, as
decisions come, and the raw side commits the same texts in the same groups with the same durability.
"""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import structlog

from kyc_gate.audit.checkpoint import new_signer
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.store import DecisionEntry
from kyc_gate.telemetry.line import KEYS
from kyc_gate.telemetry.sink import configure_logging

TASKS = 16
TURNS = 5
LINES = 20_000
FACTS = {"customer": {"name": "Northwind Robotics"}, "filler": "x" * 4_000}


def _lines() -> tuple[float, float]:
    """Return microseconds for a decision's line, and for the JSON of its fields alone."""
    fields: dict[str, object] = dict.fromkeys(KEYS)
    fields |= {
        "decision_id": "dec_0123456789abcdef0123456789abcdef",
        "outcome": "escalate",
        "rules": ["red-flag-28", "frontier-over-time"],
        "policies": ["us-in-force@1", "us-ai-diffusion@3"],
        "projected": 31 * 10**24,
        "threshold": 10**26,
        "share": 0.31,
        "milliseconds": 1.2,
    }
    before, sys.stderr = sys.stderr, io.StringIO()
    try:
        configure_logging("json")
        log = structlog.get_logger("benchmark")
        started = time.perf_counter()
        for _ in range(LINES):
            log.info("decision.made", **fields)
        ours = time.perf_counter() - started
        started = time.perf_counter()
        for _ in range(LINES):
            json.dumps(fields)
        return ours / LINES * 1e6, (time.perf_counter() - started) / LINES * 1e6
    finally:
        sys.stderr = before


def _entry(number: int) -> DecisionEntry:
    id = f"dec_{number:032x}"
    record = {
        "type": "decision",
        "decision_id": id,
        "at": datetime.now(UTC).isoformat(),
        "outcome": "allow",
        "request": {"fingerprint": "f" * 64},
        "facts": FACTS,
        "decision": {"outcome": "allow", "findings": []},
    }
    return DecisionEntry(decision_id=id, record=record)


async def _appended(store: SqliteStore, first: int, count: int) -> float:
    """Return seconds for `count` records, by sixteen tasks at once."""
    numbers = iter(range(first, first + count))

    async def work() -> None:
        for number in numbers:
            await store.append(_entry(number))

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(TASKS)))
    return time.perf_counter() - started


def _committed(file: Path, count: int) -> float:
    """Return seconds for the same texts in plain SQLite, sixteen in a commit, with synchronous=FULL."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS raw (position INTEGER PRIMARY KEY, body TEXT)")
    body = json.dumps(_entry(0).record)
    started = time.perf_counter()
    for _ in range(count // TASKS):
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(TASKS):
            connection.execute("INSERT INTO raw (body) VALUES (?)", (body,))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


async def _records(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = SqliteStore(folder / "gate.db", deadline_seconds=30)
        await store.open()
        ours, raw = [], []
        for turn in range(TURNS):
            ours.append(await _appended(store, turn * count, count) / count * 1e6)
            raw.append(await asyncio.to_thread(_committed, folder / "raw.db", count) / count * 1e6)
        total = count * TURNS
        started = time.perf_counter()
        made = await store.sign_checkpoint(new_signer("benchmark"))
        signing = time.perf_counter() - started
        assert made is not None
        started = time.perf_counter()
        await store.prove_inclusion(total // 3, made.size)
        proving = time.perf_counter() - started
        started = time.perf_counter()
        await store.verify(checkpoints=[made])
        verifying = time.perf_counter() - started
        await store.close()
    best, least = min(ours), min(raw)
    print(
        f"record      {best:8.1f} us each, least of {TURNS} turns; raw commit {least:.1f} us; {best / least:.1f} times"
    )
    print(f"checkpoint  {signing * 1e3:8.1f} ms for the first over {total:,} records")
    print(f"inclusion   {proving * 1e3:8.1f} ms")
    print(f"verify      {verifying / total * 1e6:8.1f} us a record")


def main() -> None:
    """Print the figures."""
    ours, alone = _lines()
    print(f"log line    {ours:8.1f} us; JSON alone {alone:.1f} us; {ours / alone:.1f} times")
    asyncio.run(_records(1_600))


if __name__ == "__main__":
    main()
