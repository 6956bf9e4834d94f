"""The Consolidated Screening List of trade.gov, as CSV (with and without `_id`) and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from kyc_gate.errors import InputError
from kyc_gate.lists.dates import iso_date, utc_time
from kyc_gate.lists.draft import Collector, Draft, tidy
from kyc_gate.lists.inner_names import alias_parts, parted
from kyc_gate.lists.labels import add_fact, is_label
from kyc_gate.lists.reading import ListReading, RowProblem
from kyc_gate.lists.rows import Table, split_list
from kyc_gate.lists.sources import list_code
from kyc_gate.model.party import PartyKind

COLUMNS = ("source", "entity_number", "type", "programs", "name", "addresses", "alt_names")
"""Columns without which a file is not this list: a renamed column must not pass for an empty one."""

_KINDS = {"individual": PartyKind.PERSON, "entity": PartyKind.COMPANY}
_NULLS = frozenset(("", "-0-"))
_ADDRESS_END = re.compile(r"(?:^|, )([A-Z]{2})$")
_CODE = re.compile("[A-Z]{2}")
_CONGO = ("CG", "CD")
"""trade.gov writes `CG` for both Congos, so neither may be ruled out."""


def read_csl_csv(name: str, text: str) -> ListReading:
    """Return the entries of trade.gov's CSV. Raises `InputError` when a column is missing."""
    collector = Collector(name, "csl-csv")
    table = Table(name, text, collector.problems)
    table.require(*COLUMNS)
    for line, row in table.rows():
        place = f"line {line}"
        try:
            collector.add(place, _row(row))
        except RowProblem as problem:
            collector.refuse(place, problem)
    return collector.reading()


def _row(row: Mapping[str, str]) -> Draft:
    """One row, as far as it goes: a row cut short still names somebody."""
    draft = _draft(row.get("source", ""), row.get("name", ""), row.get("entity_number", ""), row.get("type", ""))
    _add_aliases(draft, split_list(row.get("alt_names", ""), "; "))
    draft.programs = split_list(row.get("programs", ""), "; ")
    _csv_addresses(draft, row.get("addresses", ""))
    draft.nationalities = [
        *split_list(row.get("nationalities", ""), "; "),
        *split_list(row.get("citizenships", ""), "; "),
    ]
    draft.birth_dates = _dates(split_list(row.get("dates_of_birth", ""), "; "))
    draft.birth_places = split_list(row.get("places_of_birth", ""), "; ")
    for fact in split_list(row.get("ids", ""), "; "):
        _csv_fact(draft, fact)
    _common(draft, row)
    return draft


def _csv_addresses(draft: Draft, text: str) -> None:
    """Addresses joined by `; `. The Entity List has `; and` inside one: a part without a country goes with the next."""
    waiting: list[str] = []
    for part in text.split("; "):
        waiting.append(part)
        if found := _ADDRESS_END.search(part):
            whole = "; ".join(waiting)
            _address(draft, whole[: len(whole) - len(found[0])], place=found[1])
            waiting = []
    if waiting:
        draft.address("; ".join(waiting))


def _csv_fact(draft: Draft, text: str) -> None:
    """`Passport, 836238033, KP` of today, or `US, 80-0890696, Tax ID No.` of 2019."""
    parts = [part.strip() for part in text.split(", ")]
    if len(parts) > 2 and _CODE.fullmatch(parts[0]):
        add_fact(draft, parts[-1], ", ".join(parts[1:-1]), parts[0])
    elif len(parts) > 2 and _CODE.fullmatch(parts[-1]):
        add_fact(draft, parts[0], ", ".join(parts[1:-1]), parts[-1])
    elif len(parts) > 1 and is_label(parts[-1]) and not is_label(parts[0]):
        add_fact(draft, parts[-1], ", ".join(parts[:-1]))
    elif len(parts) > 1:
        add_fact(draft, parts[0], ", ".join(parts[1:]))


def read_csl_json(name: str, document: Mapping[str, Any]) -> ListReading:
    """Return the entries of trade.gov's JSON envelope. `as_of` is the oldest import time that it states."""
    results = document["results"]
    if not isinstance(results, list):
        raise InputError(f"list `{name}`: `results` must be a list of entries")
    collector = Collector(name, "csl-json")
    for number, result in enumerate(results, start=1):
        place = f"result {number}"
        try:
            collector.add(place, _result(result))
        except RowProblem as problem:
            collector.refuse(place, problem)
    total = document.get("total")
    if isinstance(total, int) and total > len(results):
        raise InputError(f"list `{name}`: says that it has {total} entries and has {len(results)}; download it whole")
    collector.as_of = min(_times(document), default=None)
    return collector.reading()


def _times(document: Mapping[str, Any]) -> list[Any]:
    sources = document.get("sources_used")
    stated = (
        [source.get("last_imported") for source in sources if isinstance(source, dict)]
        if isinstance(sources, list)
        else []
    )
    return [time for text in stated if isinstance(text, str) and (time := utc_time(text)) is not None]


def _result(result: object) -> Draft:
    if not isinstance(result, dict):
        raise RowProblem(f"an entry must be an object, not `{str(result)[:40]}`")
    draft = _draft(*(_text(result.get(field)) for field in ("source", "name", "entity_number", "type")))
    _add_aliases(draft, _texts(result.get("alt_names")))
    draft.programs = _texts(result.get("programs"))
    for address in _objects(result, "addresses"):
        _address(draft, *(_text(address.get(part)) for part in ("address", "city", "state", "postal_code", "country")))
    draft.nationalities = [*_texts(result.get("nationalities")), *_texts(result.get("citizenships"))]
    draft.birth_dates = _dates(_texts(result.get("dates_of_birth")))
    draft.birth_places = _texts(result.get("places_of_birth"))
    for fact in _objects(result, "ids"):
        add_fact(draft, _text(fact.get("type")), _text(fact.get("number")), _text(fact.get("country")))
    _common(draft, {key: _text(result.get(key)) for key in _COMMON})
    return draft


_COMMON = (
    "federal_register_notice", "start_date", "end_date", "license_requirement", "license_policy", "remarks", "title",
    "source_list_url", "type", "vessel_flag", "vessel_owner", "call_sign",
)  # fmt: skip


def _draft(source: str, name: str, number: str, word: str) -> Draft:
    code = list_code(source)
    if code is None:
        raise RowProblem(f"`{source[:60]}` is not a list that is known")
    bare = number.strip()
    folded = word.strip().casefold()
    draft = Draft(code=code, name=name, id="" if bare in _NULLS else bare, kind=_KINDS.get(folded, PartyKind.UNKNOWN))
    if not draft.id:  # the agencies without numbers are also those that write aliases into names
        draft.name, others = parted(name)
        for other, kind in others:
            draft.alias(other, kind)
    return draft


def _add_aliases(draft: Draft, aliases: list[str]) -> None:
    for alias in aliases:
        if draft.id:
            draft.alias(alias)
        else:
            for name, kind in alias_parts(alias):
                draft.alias(name, kind)


def _common(draft: Draft, row: Mapping[str, str]) -> None:
    draft.citation = row.get("federal_register_notice", "")
    draft.start_date = iso_date(row.get("start_date", ""))
    draft.end_date = iso_date(row.get("end_date", ""))
    draft.license_requirement = row.get("license_requirement", "")
    draft.license_policy = row.get("license_policy", "")
    draft.remarks.append(row.get("remarks", ""))
    draft.title = row.get("title", "")
    draft.source_url = row.get("source_list_url", "")
    kind = row.get("type", "").strip().casefold()
    draft.subject = "" if kind in _KINDS else kind
    draft.countries.append(row.get("vessel_flag", ""))
    draft.parents += [row.get("vessel_owner", ""), *linked_to(row.get("remarks", ""))]


_LINKED = re.compile(r"Linked To: ([^);]+)")


def linked_to(remarks: str) -> list[str]:
    """Return the names after each `Linked To:` of Treasury's remarks."""
    return [found.strip(" .") for found in _LINKED.findall(remarks)]


def _address(
    draft: Draft, street: str, city: str = "", region: str = "", postal_code: str = "", place: str = ""
) -> None:
    draft.address(street, city, region, postal_code, place)
    if place.strip() == "CG":
        draft.countries += _CONGO


def _dates(texts: Iterable[str]) -> list[str]:
    return [iso_date(text) or tidy(text) for text in texts]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RowProblem(f"`{str(value)[:40]}` stands where a text belongs")
    return str(value)


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise RowProblem(f"`{str(value)[:40]}` stands where a list of texts belongs")
    return [_text(item) for item in value]


def _objects(row: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    value = row.get(field) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RowProblem(f"`{field}` must be a list of objects")
    return value
