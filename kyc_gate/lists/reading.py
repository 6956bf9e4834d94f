"""What reading one published file gives, and the problems met on the way."""

from __future__ import annotations

import hashlib
from datetime import datetime

from kyc_gate.model.listing import ListEntry
from kyc_gate.model.record import Record

MOST_ALIASES = 5_000
"""Aliases of one entry; the longest real entry has 142. More are cut and reported."""

LONGEST_NAME = 2_000
"""Characters of one name; the longest real one has 358. What is beyond is cut off and reported."""

MOST_PROBLEMS = 10_000
"""Problems of one file that are kept word for word; more are counted."""


class ListReading(Record):
    """The entries of one file, or of several files that belong together.

    `problems` names each row that could not be read whole, with its line; `notes` what else a reader of the list should
    know. `incomplete` says what of the list itself is not there, such as the file of aliases: who is listed under those
    names is not found. `rows` counts the rows or records that held something. `files` are the
    names that the reading came from. `as_of` is the publication time that the file states, or None when it states none.
    """

    name: str
    format: str
    entries: tuple[ListEntry, ...]
    problems: tuple[str, ...] = ()
    as_of: datetime | None = None
    notes: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    rows: int = 0
    files: tuple[str, ...] = ()


class RowProblem(ValueError):
    """A row that cannot be read; the message says why."""


class Problems:
    """The problems of one file, each with its place; after `MOST_PROBLEMS` they are counted only."""

    def __init__(self, name: str) -> None:
        """Start without problems, for the file `name`."""
        self.name = name
        self._lines: list[str] = []
        self._more = 0

    def add(self, place: str, problem: object) -> None:
        """Note what is wrong at `place` (`line 7`)."""
        if len(self._lines) < MOST_PROBLEMS:
            self._lines.append(f"{self.name}, {place}: {problem}")
        else:
            self._more += 1

    def all(self) -> tuple[str, ...]:
        """Return every problem, and how many more there are."""
        more = (f"{self.name}: {self._more} more rows with problems",) if self._more else ()
        return (*self._lines, *more)


def name_id(name: str) -> str:
    """Return a stable id for an entry that its publisher gave none: 16 hexadecimal digits of its folded name.

    trade.gov's own `_id` changes whenever a citation is added to a row, so it is no key.
    """
    return hashlib.sha256(" ".join(name.casefold().split()).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def comparable(name: str) -> bool:
    """Return whether the name has a letter or digit at all; a blank one would match nobody or everybody."""
    return any(char.isalnum() for char in name)
