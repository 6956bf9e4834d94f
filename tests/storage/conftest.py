"""A store in a file of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kyc_gate.storage.sqlite import SqliteStore


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "state.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqliteStore]:
    """An open store; it is closed in the end whatever happened."""
    opened = SqliteStore(file)
    await opened.open()
    yield opened
    await opened.close()
