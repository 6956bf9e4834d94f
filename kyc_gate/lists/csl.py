"""The Consolidated Screening List of trade.gov, as CSV (with and without `_id`) and as JSON."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kyc_gate.errors import InputError
from kyc_gate.lists.reading import MOST_ALIASES, ListReading, RowProblem, aliases_of, comparable, name_id
from kyc_gate.lists.sources import list_code
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import PartyKind

COLUMNS = frozenset(("source", "entity_number", "type", "programs", "name", "addresses", "alt_names"))
"""Columns without which a file is not this list: a renamed column must not pass for an empty one."""

_KINDS = {"individual": PartyKind.PERSON, "entity": PartyKind.COMPANY}
_SUCCESSORS = re.compile(r";? and any successor.*$", re.IGNORECASE)
"""Legal boilerplate that every name of the ISN list carries."""

_COUNTRY = re.compile(r"(?:^|, )([A-Z]{2})$")
_NULLS = frozenset(("", "-0-"))


def read_csl_csv(name: str, rows: Iterator[list[str]], header: list[str]) -> ListReading:
    """Return the entries of trade.gov's CSV below its `header`. Raises `InputError` when a column is missing."""
    missing = sorted(COLUMNS - set(header))
    if missing:
        raise InputError(f"list `{name}`: the header lacks the column `{missing[0]}`; download the file again")
    entries: list[ListEntry] = []
    problems: list[str] = []
    while True:
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            problems.append(f"{name}, line {_line(rows)}: {error}")
            continue
        _add(name, f"line {_line(rows)}", row, header, entries, problems)
    return ListReading(name=name, format="csl-csv", entries=tuple(entries), problems=tuple(problems))


def _line(reader: object) -> int:
    return int(getattr(reader, "line_num", 0))


def _add(
    name: str, place: str, row: Sequence[str], header: Sequence[str], entries: list[ListEntry], problems: list[str]
) -> None:
    if not row or all(not cell.strip() for cell in row):
        return
    if len(row) != len(header):
        problems.append(f"{name}, {place}: {len(row)} cells where the header has {len(header)}")
    try:
        entries.append(_entry(dict(zip(header, row, strict=False))))
    except RowProblem as problem:
        problems.append(f"{name}, {place}: {problem}")


def _entry(row: Mapping[str, str]) -> ListEntry:
    """One row, as far as it goes: a row cut short still names somebody."""
    return _listed(
        source=row.get("source", ""),
        name=row.get("name", ""),
        number=row.get("entity_number", ""),
        kind=row.get("type", ""),
        aliases=row.get("alt_names", "").split("; "),
        programs=row.get("programs", "").split("; "),
        countries=[found[1] for part in row.get("addresses", "").split("; ") if (found := _COUNTRY.search(part))],
    )


def read_csl_json(name: str, document: Mapping[str, Any]) -> ListReading:
    """Return the entries of trade.gov's JSON envelope. `as_of` is the oldest import time that it states."""
    results = document["results"]
    if not isinstance(results, list):
        raise InputError(f"list `{name}`: `results` must be a list of entries")
    entries: list[ListEntry] = []
    problems: list[str] = []
    for number, result in enumerate(results, start=1):
        try:
            entries.append(_result(result))
        except RowProblem as problem:
            problems.append(f"{name}, result {number}: {problem}")
    total = document.get("total")
    if isinstance(total, int) and total != len(results):
        problems.append(f"{name}: says that it has {total} entries and has {len(results)}")
    return ListReading(
        name=name, format="csl-json", entries=tuple(entries), problems=tuple(problems), as_of=_as_of(document)
    )


def _result(result: object) -> ListEntry:
    if not isinstance(result, dict):
        raise RowProblem(f"an entry must be an object, not `{json.dumps(result)[:40]}`")
    addresses = result.get("addresses") or []
    if not isinstance(addresses, list):
        raise RowProblem("`addresses` must be a list")
    return _listed(
        source=_text(result.get("source")),
        name=_text(result.get("name")),
        number=_text(result.get("entity_number")),
        kind=_text(result.get("type")),
        aliases=_texts(result.get("alt_names")),
        programs=_texts(result.get("programs")),
        countries=[_text(address.get("country")) for address in addresses if isinstance(address, dict)],
    )


def _listed(
    *, source: str, name: str, number: str, kind: str, aliases: list[str], programs: list[str], countries: list[str]
) -> ListEntry:
    code = list_code(source)
    if code is None:
        raise RowProblem(f"`{source[:60]}` is not a list that is known")
    bare = _SUCCESSORS.sub("", name.strip())
    if not comparable(bare):
        raise RowProblem("the name is blank")
    kept = [_SUCCESSORS.sub("", alias) for alias in aliases if comparable(alias)]
    if len(kept) > MOST_ALIASES:
        raise RowProblem(f"`{bare[:40]}` has {len(kept)} aliases, more than {MOST_ALIASES}")
    return ListEntry(
        list=code,
        id=number.strip() if number.strip() not in _NULLS else name_id(bare),
        name=bare,
        aliases=aliases_of(kept, bare),
        kind=_KINDS.get(kind.strip().casefold(), PartyKind.UNKNOWN),
        countries=tuple(dict.fromkeys(country for country in countries if country)),
        programs=tuple(program for program in (program.strip() for program in programs) if program),
    )


def _as_of(document: Mapping[str, Any]) -> datetime | None:
    sources = document.get("sources_used")
    if not isinstance(sources, list):
        return None
    stated = [source.get("last_imported") for source in sources if isinstance(source, dict)]
    times = [time for text in stated if isinstance(text, str) and (time := _time(text)) is not None]
    return min(times, default=None)


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int):
        raise RowProblem(f"`{json.dumps(value)[:40]}` stands where a text belongs")
    return str(value)


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise RowProblem(f"`{json.dumps(value)[:40]}` stands where a list of texts belongs")
    return [_text(item) for item in value]
