"""Tables with a row for each name and address of a party: rows that belong together become one entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kyc_gate.lists.draft import Collector, Draft, tidy
from kyc_gate.lists.reading import ListReading

Row = Mapping[str, str]


class _Row(dict[str, str]):
    """Cells by column; a column that the row does not reach is empty."""

    def __missing__(self, column: str) -> str:
        return ""


def grouped(
    collector: Collector,
    rows: Iterable[tuple[int, dict[str, str]]],
    key: tuple[str, ...],
    begin: Callable[[Row], Draft],
    more: Callable[[Draft, Row], None],
    primary: frozenset[str] | None = None,
) -> ListReading:
    """Return the reading in which rows that agree in the `key` columns are one entry, begun by the first of them.

    `more` adds what each row says, the first included. With `primary`, names are added as aliases only, and the first
    of those kinds becomes the entry's name. A row whose key is blank is an entry of its own, and a problem.
    """
    drafts: dict[tuple[str, ...], tuple[int, Draft]] = {}
    count = 0
    for line, cells in rows:
        row = _Row(cells)
        count += 1
        number = tuple(tidy(row[column]).casefold() for column in key)
        if not any(number):
            collector.problems.add(f"line {line}", f"`{key[0]}` is blank, so the row belongs to no other")
            number = (f"line {line}",)
        found = drafts.get(number) or drafts.setdefault(number, (line, begin(row)))
        more(found[1], row)
    for line, draft in drafts.values():
        if primary is not None:
            promote(draft, primary)
        collector.add(f"line {line}", draft)
    collector.rows = count
    return collector.reading()


def promote(draft: Draft, primary: frozenset[str]) -> None:
    """Make the first alias of a primary kind the draft's name, or else the first alias that is not weak."""
    aliases = draft.aliases
    chosen = next((alias for alias in aliases if alias.kind.casefold() in primary), None)
    chosen = chosen or next((alias for alias in aliases if not alias.weak), None) or next(iter(aliases), None)
    if chosen is not None:
        draft.name = chosen.name
    draft.aliases = []
    for alias in aliases:
        draft.alias(alias.name, "" if alias.kind.casefold() in primary else alias.kind, weak=alias.weak)
