"""A store on each engine: a SQLite file, and a schema of a PostgreSQL server that the tests start themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import postgres
import pytest
from memory import memory

from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.sqlite import SqliteStore

PATIENT = {"deadline_seconds": 10.0}
"""No test of what a store does fails for the machine's being slow; those of its deadline set their own."""

S = TypeVar("S", bound=RowStore)

Maker = Callable[..., RowStore]
"""Makes another store over the same state, as another process would open it."""


@pytest.fixture(scope="session")
def database() -> Iterator[postgres.Server]:
    """A PostgreSQL server for the whole session."""
    with postgres.server(memory()) as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a SQLite store is."""
    return tmp_path / "state.db"


@pytest.fixture(params=["sqlite", "postgres"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Maker:
    """Return a function that makes a store over this test's state, on either engine."""
    if request.param == "sqlite":
        return lambda **limits: SqliteStore(tmp_path / "state.db", **PATIENT | limits)
    from kyc_gate.storage.postgres import PostgresStore

    url = request.getfixturevalue("database").schema()
    return lambda **limits: PostgresStore(url, **PATIENT | limits)


@pytest.fixture
async def any_store(make_store: Maker) -> AsyncIterator[RowStore]:
    """An open store on either engine; it is closed in the end whatever happened."""
    async with _opened(make_store()) as opened:
        yield opened


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqliteStore]:
    """An open store in a file; it is closed in the end whatever happened."""
    async with _opened(SqliteStore(file, **PATIENT)) as opened:
        yield opened


@pytest.fixture
async def prompt(file: Path) -> AsyncIterator[SqliteStore]:
    """The same with the deadline that gates have."""
    async with _opened(SqliteStore(file)) as opened:
        yield opened


@asynccontextmanager
async def _opened(store: S) -> AsyncIterator[S]:
    await store.open()
    try:
        yield store
    finally:
        await store.close()
