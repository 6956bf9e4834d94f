"""Migrations: numbered, taken once, refused when newer."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kyc_gate.errors import StorageFault
from kyc_gate.storage import schema
from kyc_gate.storage.files import connect, use_write_ahead_log
from kyc_gate.storage.sqlite import SqliteStore

from .samples import decision_entry


async def test_a_newer_schema_is_refused(store: SqliteStore, file: Path) -> None:
    """A file that a later release wrote is not touched, and the message says what to do."""
    await store.close()
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StorageFault, match=r"schema 99, and this release knows \d+; run the release that"):
        await store.open()


async def test_a_later_step_keeps_what_is_there(
    store: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of an earlier schema takes the steps that it lacks, and keeps its records."""
    await store.append(decision_entry("dec_1"))
    await store.close()
    step = "CREATE TABLE novelty (a TEXT); INSERT INTO novelty VALUES ('b;c');"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    await store.open()
    assert await store.fetch_decision("dec_1") is not None
    found = await store._read(lambda connection: connection.execute("SELECT a FROM novelty").fetchall())
    assert found == [("b;c",)]


async def test_a_step_that_fails_leaves_nothing(
    store: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step is taken whole or not at all, and the message names it."""
    await store.close()
    step = "CREATE TABLE novelty (a TEXT); CREATE TABLE records (a TEXT);"
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
        with pytest.raises(StorageFault, match=r"schema step \d+ failed: .*records already exists"):
            await store.open()
    await store.open()
    tables = await store._read(lambda connection: connection.execute("SELECT name FROM sqlite_schema").fetchall())
    assert ("novelty",) not in tables


def test_processes_that_start_together_take_each_step_once(file: Path) -> None:
    """Eight openings at once of a file that is not there yet all succeed."""

    def start(_: int) -> int:
        connection = connect(file, wait_seconds=5)
        assert use_write_ahead_log(connection, wait_seconds=5) == "wal"
        schema.migrate(connection)
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.close()
        return version

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(start, range(8))) == [len(schema.MIGRATIONS)] * 8
