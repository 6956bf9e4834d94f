"""Australia's consolidated list, an XLSX workbook: a row for each name, `7`, `7a`, `7b` being one party."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, datetime

import msgspec

from kyc_gate.errors import InputError
from kyc_gate.lists.countries import country
from kyc_gate.lists.dates import iso_date, utc_time
from kyc_gate.lists.draft import ORIGINAL_SCRIPT, Collector, Draft, tidy
from kyc_gate.lists.grouping import Row, grouped
from kyc_gate.lists.labels import add_fact
from kyc_gate.lists.reading import ListReading
from kyc_gate.model.party import PartyKind

COLUMNS = ("reference", "name of individual or entity", "type", "name type")

MOST_COLUMNS = 64
"""Columns that are read; the list has twelve, and its sheets claim hundreds."""

MOST_ROWS = 1_000_000
"""Rows that are read; the list has ten thousand."""

_KINDS = {"individual": PartyKind.PERSON, "entity": PartyKind.COMPANY}
_NAME_KINDS = {
    "formerly known as": "fka",
    "previously listed as": "fka",
    "aka": "aka",
    "original script": ORIGINAL_SCRIPT,
}
_PRIMARY = frozenset(("primary name",))
_PARTY = re.compile(r"(\d+)(?:[a-z]+\d*)?\s*\.?$", re.IGNORECASE)
"""The number in a reference: `7`, `7a` and `7b2` are one party."""

_LISTED_PARTS = re.compile(r"(?:^|\s)[a-z]\)\s*")
_ASIDE = re.compile(r"\s*\([^()]*\)\s*$")
"""Said behind a country: `Iraq (possible alternative location as at Aug. 2015)`."""

_NOTHING = frozenset(("", "na", "n/a", "-"))
_LISTED = re.compile(r"\d{1,2}(?:st|nd|rd|th)? [A-Z][a-z]{2,8}\.? \d{4}")


def read_au_workbook(name: str, data: bytes) -> ListReading:
    """Return the entries of the workbook. Type and name type are read in any case and with blanks around them.

    Raises `InputError` when the workbook cannot be read or lacks a column.
    """
    collector = Collector(name, "au-xlsx")
    rows = _rows(name, data)
    columns = [_text(cell).casefold() for cell in next(rows, (0, ()))[1]]
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise InputError(
            f"list `{name}`: the workbook lacks the column `{missing[0]}`; only Australia's list is published so"
        )
    dates: list[str] = []

    def numbered() -> Iterator[tuple[int, dict[str, str]]]:
        for line, cells in rows:
            row = dict(zip(columns, map(_text, cells), strict=False))
            if any(row.values()):
                found = _PARTY.match(row.get("reference", ""))
                row["party"] = found[1] if found else row.get("reference", "")
                dates.append(row.get("control date", ""))
                yield line, row

    reading = grouped(collector, numbered(), ("party",), _begin, _add, _PRIMARY)
    return msgspec.structs.replace(reading, as_of=utc_time(max(dates, default="")))


def _rows(name: str, data: bytes) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Rows of the first sheet, one at a time. openpyxl raises whatever its parts raise, so any of it is bad input."""
    from openpyxl import load_workbook  # a quarter of a second, which every start of a command would take

    try:
        workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheet = workbook.worksheets[0]
        rows = sheet.iter_rows(max_col=MOST_COLUMNS, max_row=MOST_ROWS, values_only=True)
        yield from enumerate(rows, start=1)
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(
            f"list `{name}`: the workbook is damaged or cut short: {type(error).__name__}; download it again"
        ) from error


def _begin(row: Row) -> Draft:
    draft = Draft(code="AU", name="", id=row["party"])
    draft.kind = _KINDS.get(row["type"].casefold(), PartyKind.UNKNOWN)
    draft.subject = "" if draft.kind is not PartyKind.UNKNOWN else row["type"]
    draft.programs = [row["committees"]]
    draft.remarks = [row["additional information"], row["listing information"]]
    listed = _LISTED.search(row["listing information"])
    draft.start_date = iso_date(listed[0]) if listed else iso_date(row["control date"])
    return draft


def _add(draft: Draft, row: Row) -> None:
    kind = row["name type"].casefold()
    weak = row["alias strength"].casefold() in {"weak", "low", "low quality"}
    draft.alias(row["name of individual or entity"], _NAME_KINDS.get(kind, kind), weak=weak)
    add_fact(draft, "IMO number", row["imo number"])
    draft.birth_dates += [iso_date(part, day_first=True) or part for part in _parts(row["date of birth"])]
    draft.birth_places += _parts(row["place of birth"])
    for part in _parts(row["citizenship"]):
        draft.nationalities += part.replace(" and ", ",").replace(";", ",").split(",")
    for part in _parts(row["address"]):
        place = country(_ASIDE.sub("", part).rpartition(",")[2].strip(" ."))
        draft.address(part, place=place if len(place) == 2 else "")


def _parts(text: str) -> list[str]:
    """`a) 1955 b) 1956` as two texts; nothing for `NA`."""
    return [part.strip(" ;,") for part in _LISTED_PARTS.split(text) if part.strip(" ;,").casefold() not in _NOTHING]


def _text(cell: object) -> str:
    """A cell as text: a reference of `2.0` is 2, a date its ISO form."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return tidy("" if cell is None else str(cell))
