"""kill -9 under load: every acknowledged decision has its record, and the chain verifies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from forks import forked, reaped

from kyc_gate.audit.verify import Walk
from kyc_gate.storage.sqlite import SqliteStore

from .samples import decision_entry, hold_request

CALLERS = 8
ID_BYTES = 32


def _load(file: Path, acknowledged: int) -> Callable[[], None]:
    """Return the work of a child: hold, decide and settle without end, writing each id once `append` has returned."""

    async def caller(store: SqliteStore) -> None:
        while True:
            decision_id = os.urandom(ID_BYTES // 2).hex()
            usage = await store.hold(hold_request(control_group=f"group:{decision_id[:2]}", party_id=decision_id[:2]))
            await store.append(decision_entry(decision_id, hold_id=usage.hold_id, keep_hold=True))
            os.write(acknowledged, decision_id.encode())
            await store.settle(usage.hold_id)

    async def load() -> None:
        store = SqliteStore(file)
        await store.open()
        await asyncio.gather(*[caller(store) for _ in range(CALLERS)])

    return lambda: asyncio.run(load())


def killed(file: Path, dice: random.Random) -> list[str]:
    """Kill a process under load at a random moment after its first acknowledgement; return what it acknowledged."""
    reading, writing = os.pipe()
    child = forked(_load(file, writing))
    os.close(writing)
    received = os.read(reading, ID_BYTES)
    time.sleep(dice.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    assert reaped(child) == -signal.SIGKILL
    while more := os.read(reading, 65_536):
        received += more
    os.close(reading)
    return [received[at : at + ID_BYTES].decode() for at in range(0, len(received), ID_BYTES)]


async def _audited(file: Path, known: list[str], walk: Walk) -> None:
    """Open the store as a restarted gate would, verify what was added, and find each acknowledged decision once."""
    store = SqliteStore(file)
    await store.open()
    found: set[str] = set()
    while page := await store._read(lambda connection: _after(connection, walk.position)):
        for record in page:
            walk.take(record)
            found.add(str(record["decision_id"]))
    await store.close()
    assert set(known) <= found


def _after(connection: sqlite3.Connection, position: int) -> list[dict[str, object]]:
    from kyc_gate.storage.chain_log import records_after

    return [record.flat() for record in records_after(connection, position, 1_000)]


def _ledger_is_whole(file: Path, known: list[str]) -> None:
    """Every acknowledged decision's hold counts, and the sums equal the holds."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        held = "SELECT holder, SUM(first_high) FROM holds WHERE state IN ('held', 'settled') GROUP BY holder"
        summed = "SELECT holder, SUM(high) FROM usage_by_day GROUP BY holder"
        assert sorted(connection.execute(held)) == sorted(connection.execute(summed))
        (counting,) = connection.execute("SELECT COUNT(*) FROM holds WHERE state IN ('held', 'settled')").fetchone()
        assert counting >= len(known)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _survives(folder: Path, kills: int, kills_a_file: int = 50) -> None:
    dice = random.Random(9)  # noqa: S311 - any moments will do
    total = 0
    for first in range(0, kills, kills_a_file):
        file = folder / f"{first}.db"
        walk = Walk()
        known: list[str] = []
        for _ in range(min(kills_a_file, kills - first)):
            acknowledged = killed(file, dice)
            asyncio.run(_audited(file, acknowledged, walk))
            known += acknowledged
        assert len(set(known)) == len(known)
        _ledger_is_whole(file, known)
        total += len(known)
        file.unlink()
    assert total >= 5 * kills, f"only {total} decisions were acknowledged: the kills did not meet a load"


def test_forty_kills(tmp_path: Path) -> None:
    """Forty kills at random moments lose nothing that was acknowledged."""
    _survives(tmp_path, 40)


@pytest.mark.long
def test_a_thousand_kills(tmp_path: Path) -> None:
    """A thousand kills at random moments lose nothing that was acknowledged."""
    _survives(tmp_path, 1_000)
