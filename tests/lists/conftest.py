"""Published lists as the agencies wrote them, read once for all tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from kyc_gate.lists.read import ListReading, read_list
from kyc_gate.model.listing import ListEntry

Read = Callable[[str], ListReading]


@pytest.fixture(scope="session")
def published(shared_data: Path) -> Path:
    """The folder of published lists."""
    return shared_data / "lists"


@pytest.fixture(scope="session")
def read(published: Path) -> Read:
    """Read a published file by its path below the folder, once."""

    @lru_cache(maxsize=64)
    def reading(path: str) -> ListReading:
        file = published / path
        return read_list(file.name, file.read_bytes())

    return reading


def entry_of(reading: ListReading, key: str) -> ListEntry:
    """The one entry with this id or name."""
    found = [entry for entry in reading.entries if key in {entry.id, entry.name}]
    assert len(found) == 1, [entry.name for entry in found]
    return found[0]


def names_of(entry: ListEntry) -> list[str]:
    """All names of an entry."""
    return [entry.name, *(alias.name for alias in entry.aliases)]
