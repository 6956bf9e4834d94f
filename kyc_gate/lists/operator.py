"""The operator's own list: JSON lines, or a CSV with `id` and `name`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from typing import Any

from kyc_gate.lists.reading import MOST_ALIASES, ListReading, RowProblem, comparable, name_id
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import Alias, PartyKind

OPERATOR_LIST = "OPERATOR"
"""The code of entries that do not say which list they are from."""

_KINDS = {
    "company": PartyKind.COMPANY, "organisation": PartyKind.COMPANY, "organization": PartyKind.COMPANY,
    "entity": PartyKind.COMPANY, "person": PartyKind.PERSON, "individual": PartyKind.PERSON, "government": PartyKind.GOVERNMENT,
}  # fmt: skip
_WEAK = frozenset(("weak", "low", "low quality"))


def read_operator_lines(name: str, text: str) -> ListReading:
    """Return the entries of JSON lines: `{"id","name","aliases"?,"country"?,"kind"?,"list"?}`; other fields are allowed."""
    entries: list[ListEntry] = []
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entries.append(_entry(_object(line)))
        except RowProblem as problem:
            problems.append(f"{name}, line {number}: {problem}")
    return ListReading(name=name, format="operator-jsonl", entries=tuple(entries), problems=tuple(problems))


def read_operator_csv(name: str, rows: Iterator[list[str]], header: list[str]) -> ListReading:
    """Return the entries of a CSV with the columns `id` and `name`, and perhaps `aliases` (parted by `; `), `country`,
    `kind` and `list`."""
    entries: list[ListEntry] = []
    problems: list[str] = []
    while True:
        try:
            row = next(rows)
            if any(cell.strip() for cell in row):
                entries.append(_entry(_cells(header, row)))
        except StopIteration:
            break
        except (RowProblem, csv.Error) as problem:
            problems.append(f"{name}, line {getattr(rows, 'line_num', 0)}: {problem}")
    return ListReading(name=name, format="operator-csv", entries=tuple(entries), problems=tuple(problems))


def _cells(header: list[str], row: list[str]) -> dict[str, Any]:
    if len(row) > len(header):
        raise RowProblem(f"{len(row)} cells where the header has {len(header)}")
    cells: dict[str, Any] = {column: cell.strip() for column, cell in zip(header, row, strict=False) if cell.strip()}
    if "aliases" in cells:
        cells["aliases"] = cells["aliases"].split("; ")
    return cells


def _object(line: str) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise RowProblem(f"not JSON: {str(error).splitlines()[0]}") from error
    if not isinstance(value, dict):
        raise RowProblem("each line must be an object")
    return value


def _entry(row: Mapping[str, Any]) -> ListEntry:
    name = _text(row, "name").strip()
    if not comparable(name):
        raise RowProblem("`name` is missing or blank")
    aliases = row.get("aliases") or []
    if not isinstance(aliases, list) or len(aliases) > MOST_ALIASES:
        raise RowProblem(f"`aliases` must be a list of at most {MOST_ALIASES} names")
    country = _text(row, "country")
    return ListEntry(
        list=(_text(row, "list") or OPERATOR_LIST).strip(),
        id=_text(row, "id").strip() or name_id(name),
        name=name,
        aliases=tuple(alias for alias in map(_alias, aliases) if comparable(alias.name)),
        kind=_KINDS.get(_text(row, "kind").casefold(), PartyKind.UNKNOWN),
        countries=(country,) if country else (),
    )


def _alias(value: object) -> Alias:
    if isinstance(value, str):
        return Alias(name=value.strip())
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        kind = value.get("kind")
        said = kind if isinstance(kind, str) else ""
        return Alias(name=value["name"].strip(), kind=said, weak=said.casefold() in _WEAK)
    raise RowProblem(f"`{json.dumps(value)[:40]}` is not an alias: give a text, or an object with `name`")


def _text(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RowProblem(f"`{field}` must be a text, not `{json.dumps(value)[:40]}`")
    return str(value)
