"""Tables by the page: what follows the last row that was shown, whatever was added in the meantime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from kyc_gate.console.visit import Visit, address

T = TypeVar("T")

ROWS = 50
"""Rows on a page."""


class Slice(NamedTuple, Generic[T]):
    """The rows of one page, and the addresses of the next page and the first one; empty where there is none."""

    rows: Sequence[T]
    next: str
    first: str


def sliced(visit: Visit, found: Sequence[T], key: Callable[[T], str], asked: dict[str, str]) -> Slice[T]:
    """Return one page of what was found with `limit=ROWS + 1` after the row that `asked["after"]` names.

    `key` names a row in an address. The other parameters of `asked` stay in the addresses.
    """
    rows = found[:ROWS]
    others = {name: value for name, value in asked.items() if name != "after"}
    more = address(visit.path, {**others, "after": key(rows[-1])}) if len(found) > ROWS else ""
    return Slice(rows=rows, next=more, first=address(visit.path, others) if "after" in asked else "")
