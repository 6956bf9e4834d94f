"""Senzing's entity specification as JSON lines: `DATA_SOURCE`, `RECORD_ID` and features, in lists or flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kyc_gate.lists.dates import iso_date
from kyc_gate.lists.draft import Collector, Draft
from kyc_gate.lists.labels import add_fact
from kyc_gate.lists.reading import ListReading, RowProblem
from kyc_gate.model.party import PartyKind

KEYS = ("DATA_SOURCE", "RECORD_ID")

_KINDS = {"PERSON": PartyKind.PERSON, "ORGANIZATION": PartyKind.COMPANY}
_FULL = ("NAME_FULL", "NAME_ORG")
_PERSON = ("NAME_FIRST", "NAME_MIDDLE", "NAME_LAST", "NAME_SUFFIX")
_NUMBERS = {
    "PASSPORT_NUMBER": ("Passport", "PASSPORT_COUNTRY"), "TAX_ID_NUMBER": ("Tax ID", "TAX_ID_COUNTRY"),
    "NATIONAL_ID_NUMBER": ("National ID", "NATIONAL_ID_COUNTRY"), "SSN_NUMBER": ("SSN", ""), "LEI_NUMBER": ("LEI", ""),
    "DUNS_NUMBER": ("D-U-N-S", ""), "OTHER_ID_NUMBER": ("", "OTHER_ID_COUNTRY"), "TRUSTED_ID_NUMBER": ("", ""),
    "DRIVERS_LICENSE_NUMBER": ("Driver's License", "DRIVERS_LICENSE_STATE"), "WEBSITE_ADDRESS": ("Website", ""),
    "EMAIL_ADDRESS": ("Email", ""), "PHONE_NUMBER": ("Phone", ""),
}  # fmt: skip


def read_senzing_lines(name: str, rows: Iterable[tuple[int, object]]) -> ListReading:
    """Return the entries of Senzing's JSON lines. The list's code is the record's `DATA_SOURCE`."""
    collector = Collector(name, "senzing")
    for line, row in rows:
        place = f"line {line}"
        try:
            collector.add(place, _draft(row))
        except RowProblem as problem:
            collector.refuse(place, problem)
    return collector.reading()


def _draft(row: object) -> Draft:
    if isinstance(row, RowProblem):
        raise row
    if not isinstance(row, dict):
        raise RowProblem("each line must be an object")
    draft = Draft(code=str(row.get("DATA_SOURCE") or "SENZING"), name="", id=str(row.get("RECORD_ID") or ""))
    for feature in _features(row):
        _add(draft, feature)
    draft.source_url = str(row.get("URL") or "")
    return draft


def _features(row: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    """The record itself, then each object in its lists; flat attributes carry prefixes (`PRIMARY_NAME_ORG`)."""
    flat = {key: str(value) for key, value in row.items() if isinstance(value, str | int) and value != ""}
    yield _unprefixed(flat)
    for value in row.values():
        if isinstance(value, list):
            for each in value:
                if isinstance(each, dict):
                    yield {str(key): str(text) for key, text in each.items() if isinstance(text, str | int)}


def _unprefixed(flat: dict[str, str]) -> dict[str, str]:
    found = dict(flat)
    for key, value in flat.items():
        for known in (*_FULL, *_PERSON, "DATE_OF_BIRTH", "ADDR_FULL", *_NUMBERS):
            if key.endswith(f"_{known}"):
                found.setdefault(known, value)
    return found


def _add(draft: Draft, feature: Mapping[str, str]) -> None:
    draft.kind = _KINDS.get(feature.get("RECORD_TYPE", "").upper(), draft.kind)
    names = [feature[key] for key in _FULL if feature.get(key)]
    names += [" ".join(filter(None, (feature.get(part, "") for part in _PERSON)))]
    for text in filter(None, names):
        if not draft.name or (feature.get("NAME_TYPE") == "PRIMARY" and not draft.aliases and not draft.name):
            draft.name = text
        else:
            draft.alias(text, feature.get("NAME_TYPE", "").casefold())
    if born := feature.get("DATE_OF_BIRTH"):
        draft.birth_dates.append(iso_date(born) or born)
    draft.birth_places.append(feature.get("PLACE_OF_BIRTH", ""))
    draft.nationalities += [feature.get("NATIONALITY", ""), feature.get("CITIZENSHIP", "")]
    draft.countries += [
        feature.get("COUNTRY_OF_ASSOCIATION", ""),
        feature.get("REGISTRATION_COUNTRY", ""),
        feature.get("COUNTRY", ""),
    ]
    street = feature.get("ADDR_FULL") or feature.get("ADDR_LINE1", "")
    parts = [feature.get(f"ADDR_{part}", "") for part in ("CITY", "STATE", "POSTAL_CODE", "COUNTRY")]
    if street or any(parts):
        draft.address(street, *parts)
    for key, (label, place) in _NUMBERS.items():
        if value := feature.get(key):
            said = label or feature.get("OTHER_ID_TYPE") or feature.get("TRUSTED_ID_TYPE") or "identifier"
            add_fact(draft, said, value, feature.get(place, ""))
