"""The operator's own list: JSON lines, or a CSV with `id` and `name`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from kyc_gate.errors import InputError
from kyc_gate.lists.dates import iso_date
from kyc_gate.lists.draft import Collector, Draft
from kyc_gate.lists.labels import identifier
from kyc_gate.lists.reading import ListReading, RowProblem
from kyc_gate.lists.rows import Table, split_list
from kyc_gate.model.party import PartyKind

OPERATOR_LIST = "OPERATOR"
"""The code of entries that do not say which list they are from."""

FIELDS = (
    "id", "name", "aliases", "country", "countries", "kind", "list", "programs", "website", "address", "lei", "registration",
    "birth_date", "start_date", "end_date", "remarks",
)  # fmt: skip
"""What is read of a line; other fields are allowed, but not one that looks like a misspelling of these."""

_KINDS = {
    "company": PartyKind.COMPANY, "organisation": PartyKind.COMPANY, "organization": PartyKind.COMPANY,
    "entity": PartyKind.COMPANY, "person": PartyKind.PERSON, "individual": PartyKind.PERSON, "government": PartyKind.GOVERNMENT,
}  # fmt: skip
_WEAK = frozenset(("weak", "low", "low quality"))


def read_operator_lines(name: str, rows: Iterable[tuple[int, object]]) -> ListReading:
    """Return the entries of lines `{"id","name","aliases"?,"country"?,"kind"?,"list"?}`, which may say more.

    A `RowProblem` among the lines is reported where it stands.
    """
    collector = Collector(name, "operator-jsonl")
    for number, value in rows:
        place = f"line {number}"
        try:
            collector.add(place, _draft(_object(value)))
        except RowProblem as problem:
            collector.refuse(place, problem)
    return collector.reading()


def read_operator_csv(name: str, text: str) -> ListReading:
    """Return the entries of a CSV with the columns `id` and `name`, and perhaps `aliases` (parted by `; `), `country`,
    `kind`, `list` and others of `FIELDS`. Raises `InputError` for a column that looks like a misspelled one of them.
    """
    collector = Collector(name, "operator-csv")
    table = Table(name, text, collector.problems)
    _check_columns(name, table.columns)
    for line, row in table.rows():
        place = f"line {line}"
        cells: dict[str, Any] = {column: cell.strip() for column, cell in row.items() if cell.strip()}
        for column in ("aliases", "countries", "programs"):
            if column in cells:
                cells[column] = split_list(cells[column])
        try:
            collector.add(place, _draft(cells))
        except RowProblem as problem:
            collector.refuse(place, problem)
    return collector.reading()


def _check_columns(name: str, columns: list[str]) -> None:
    """A renamed `aliases` would be read by nobody, and would clear whoever goes by an alias."""
    for column in columns:
        if column and column not in FIELDS:
            near = difflib.get_close_matches(
                column, [field for field in FIELDS if field not in columns], n=1, cutoff=0.75
            )
            if near or column in {"aka", "alt_names", "alternative names"}:
                raise InputError(
                    f"list `{name}`: unknown column `{column}`; did you mean `{(near or ['aliases'])[0]}`?"
                )


def _object(value: object) -> Mapping[str, Any]:
    if isinstance(value, RowProblem):
        raise value
    if not isinstance(value, dict):
        raise RowProblem("each line must be an object")
    return value


def _draft(row: Mapping[str, Any]) -> Draft:
    draft = Draft(code=(_text(row, "list") or OPERATOR_LIST).strip(), name=_text(row, "name"), id=_text(row, "id"))
    if not draft.name.strip():
        raise RowProblem("`name` is missing or blank")
    for alias in _list(row, "aliases"):
        _add_alias(draft, alias)
    draft.kind = _KINDS.get(_text(row, "kind").strip().casefold(), PartyKind.UNKNOWN)
    draft.countries = [_text(row, "country"), *(str(each) for each in _list(row, "countries"))]
    draft.programs = [str(each) for each in _list(row, "programs")]
    draft.websites = [_text(row, "website")]
    for kind in ("lei", "registration"):
        if value := _text(row, kind):
            draft.identifiers.append(identifier(kind, value))
    if address := _text(row, "address"):
        draft.address(address)
    draft.birth_dates = [iso_date(born) or born] if (born := _text(row, "birth_date")) else []
    draft.start_date, draft.end_date = iso_date(_text(row, "start_date")), iso_date(_text(row, "end_date"))
    draft.remarks = [_text(row, "remarks")]
    return draft


def _add_alias(draft: Draft, value: object) -> None:
    if isinstance(value, str):
        draft.alias(value)
    elif isinstance(value, dict) and isinstance(value.get("name"), str):
        kind = value.get("kind")
        said = kind if isinstance(kind, str) else ""
        draft.alias(value["name"], said, weak=said.casefold() in _WEAK)
    else:
        raise RowProblem(f"`{str(value)[:40]}` is not an alias: give a text, or an object with `name`")


def _list(row: Mapping[str, Any], field: str) -> list[Any]:
    value = row.get(field)
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        raise RowProblem(f"`{field}` must be a list, not `{str(value)[:40]}`")
    return value


def _text(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RowProblem(f"`{field}` must be a text, not `{str(value)[:40]}`")
    return str(value)
