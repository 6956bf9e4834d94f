"""The tables of `data/`, as they were published; `data/NOTICE` says by whom."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_DATA = files("kyc_gate.names").joinpath("data")


@cache
def lines_of(table: str) -> tuple[str, ...]:
    """Return the lines of a table, such as `words`."""
    return tuple(_DATA.joinpath(f"{table}.txt").read_text("utf-8").splitlines())


@cache
def words_of(table: str) -> frozenset[str]:
    """Return the lines of a table as a set."""
    return frozenset(_DATA.joinpath(f"{table}.txt").read_text("utf-8").split())


@cache
def letters_of(table: str) -> dict[int, int]:
    """Return a table of two lines of letters as a translation, each letter of the first to that of the second."""
    before, after = lines_of(table)
    return str.maketrans(before, after)
