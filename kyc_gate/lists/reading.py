"""What reading one published file gives, and the helpers that its formats share."""

from __future__ import annotations

import hashlib
from datetime import datetime

from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import Alias
from kyc_gate.model.record import Record

MOST_ALIASES = 5_000
"""Aliases of one entry; the longest real entry has 142. More are cut and reported."""


class ListReading(Record):
    """The entries of one file. `problems` names each row that could not be read whole, with its line.

    `as_of` is the publication time that the file states, or None when it states none.
    """

    name: str
    format: str
    entries: tuple[ListEntry, ...]
    problems: tuple[str, ...] = ()
    as_of: datetime | None = None


class RowProblem(ValueError):
    """A row that cannot be read; the message says why."""


def name_id(name: str) -> str:
    """Return a stable id for an entry that its publisher gave none: 16 hexadecimal digits of its folded name.

    trade.gov's own `_id` changes whenever a citation is added to a row, so it is no key.
    """
    return hashlib.sha256(" ".join(name.casefold().split()).encode()).hexdigest()[:16]


def aliases_of(names: list[str], primary: str) -> tuple[Alias, ...]:
    """Return the names as aliases, each once, without the primary name and without blanks."""
    kept = dict.fromkeys(name for name in (name.strip() for name in names) if name and name != primary)
    return tuple(Alias(name=name) for name in kept)


def comparable(name: str) -> bool:
    """Return whether the name has a letter or digit at all; a blank one would match nobody or everybody."""
    return any(char.isalnum() for char in name)
