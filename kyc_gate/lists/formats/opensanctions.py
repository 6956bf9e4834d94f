"""The bulk files of OpenSanctions: targets.simple.csv, targets.nested.json and entities.ftm.json (both JSON lines)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from typing import Any

from kyc_gate.lists.dates import iso_date
from kyc_gate.lists.draft import Collector, Draft
from kyc_gate.lists.labels import add_fact
from kyc_gate.lists.reading import ListReading, RowProblem
from kyc_gate.lists.rows import Table, split_list
from kyc_gate.model.party import PartyKind

SIMPLE = ("id", "schema", "name", "aliases", "countries", "identifiers", "dataset")
COLLECTION = "OPENSANCTIONS"
"""The code of an entry that several datasets hold; they are then its programmes."""

_KINDS = {
    "Person": PartyKind.PERSON, "Company": PartyKind.COMPANY, "Organization": PartyKind.COMPANY, "PublicBody": PartyKind.GOVERNMENT,
}  # fmt: skip
_NAMED = frozenset(
    (
        "Person",
        "Company",
        "Organization",
        "LegalEntity",
        "PublicBody",
        "Vessel",
        "Airplane",
        "Vehicle",
        "CryptoWallet",
        "Asset",
        "Security",
    )
)
_ALIASES = {"name": "", "alias": "", "previousName": "fka", "weakAlias": "weak", "abbreviation": "weak"}
_FACTS = {
    "leiCode": "LEI", "swiftBic": "SWIFT/BIC", "imoNumber": "IMO", "mmsi": "MMSI", "registrationNumber": "Registration number",
    "ogrnCode": "OGRN", "innCode": "INN", "kppCode": "KPP", "okpoCode": "OKPO", "uscCode": "Unified Social Credit Code",
    "taxNumber": "Tax number", "vatCode": "VAT", "passportNumber": "Passport", "idNumber": "National ID", "dunsCode": "D-U-N-S",
    "isinCode": "ISIN", "ticker": "Equity ticker", "publicKey": "Digital currency address", "wikidataId": "wikidata",
    "uniqueEntityId": "UEI", "cageCode": "CAGE", "permId": "PermID", "website": "Website", "email": "Email", "phone": "Phone",
}  # fmt: skip


def read_simple_csv(name: str, text: str) -> ListReading:
    """Return the entries of targets.simple.csv, of 15 columns or, since 2025, of 16."""
    collector = Collector(name, "opensanctions-simple")
    table = Table(name, text, collector.problems)
    table.require(*SIMPLE)
    for line, row in table.rows():
        draft = Draft(code=_code(_split(row.get("dataset", ""))), name=row.get("name", ""), id=row.get("id", ""))
        _set_schema(draft, row.get("schema", ""))
        for alias in _split(row.get("aliases", "")):
            draft.alias(alias)
        draft.countries = _split(row.get("countries", ""))
        draft.programs = _split(row.get("program_ids", "")) or _split(row.get("dataset", ""))
        draft.birth_dates = _split(row.get("birth_date", ""))
        for number in _split(row.get("identifiers", "")):
            add_fact(draft, "identifier", number)
        for address in _split(row.get("addresses", "")):
            draft.address(address)
        draft.emails, draft.phones = _split(row.get("emails", "")), _split(row.get("phones", ""))
        collector.add(f"line {line}", draft)
    return collector.reading()


def read_ftm_lines(name: str, rows: Iterable[tuple[int, object]]) -> ListReading:
    """Return the entries of targets.nested.json or entities.ftm.json: what is a target, and has a name of its own.

    Addresses, positions and relations stand in the same file; they are counted as rows and give no entry.
    """
    collector = Collector(name, "opensanctions-ftm")
    others = 0
    for line, row in rows:
        place = f"line {line}"
        try:
            draft = _entity(row)
        except RowProblem as problem:
            collector.refuse(place, problem)
            continue
        if draft is None:
            others += 1
        else:
            collector.add(place, draft)
    if others:
        collector.notes.append(f"{name}: {others} records are not targets and were left out")
    collector.rows += others
    return collector.reading()


def _entity(row: object) -> Draft | None:
    if isinstance(row, RowProblem):
        raise row
    if not isinstance(row, dict) or not isinstance(row.get("properties"), dict):
        raise RowProblem("each line must be an object with `properties`")
    schema, found = str(row.get("schema", "")), row["properties"]
    if row.get("target") is False or (schema not in _NAMED and "target" not in row):
        return None
    datasets = [str(each) for each in row.get("datasets") or []]
    names = _values(found, "name")
    draft = Draft(code=_code(datasets), id=str(row.get("id", "")), name=str(row.get("caption") or (names or [""])[0]))
    _set_schema(draft, schema)
    for prop, kind in _ALIASES.items():
        for text in _values(found, prop):
            draft.alias(text, "" if kind == "weak" else kind, weak=kind == "weak")
    draft.countries = [
        text for prop in ("country", "jurisdiction", "mainCountry", "flag") for text in _values(found, prop)
    ]
    draft.nationalities = [*_values(found, "nationality"), *_values(found, "citizenship")]
    draft.birth_dates = [iso_date(text) or text for text in _values(found, "birthDate")]
    draft.birth_places = _values(found, "birthPlace")
    draft.programs = _values(found, "programId") or datasets
    for prop, label in _FACTS.items():
        for text in _values(found, prop):
            add_fact(draft, label, text)
    for text in _values(found, "address"):
        draft.address(text)
    for address in _nested(found, "addressEntity"):
        draft.address(
            *(" ".join(_values(address, part)) for part in ("full", "city", "region", "postalCode", "country"))
        )
    draft.remarks, draft.title = _values(found, "notes"), "; ".join(_values(found, "position"))
    return draft


def _split(text: str) -> list[str]:
    """The parts of a cell, `;` between them; one that holds a quotation mark or a semicolon is quoted in itself."""
    if '"' not in text:
        return split_list(text)
    cells = next(csv.reader([text.replace("\n", " ")], delimiter=";"), [])
    return [part for part in map(str.strip, cells) if part]


def _set_schema(draft: Draft, schema: str) -> None:
    draft.kind = _KINDS.get(schema, PartyKind.UNKNOWN)
    draft.subject = "" if schema in _KINDS or schema == "LegalEntity" else schema


def _code(datasets: list[str]) -> str:
    return datasets[0] if len(datasets) == 1 else COLLECTION


def _values(properties: Mapping[str, Any], name: str) -> list[str]:
    values = properties.get(name)
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _nested(properties: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    values = properties.get(name)
    if not isinstance(values, list):
        return []
    return [
        value["properties"] for value in values if isinstance(value, dict) and isinstance(value.get("properties"), dict)
    ]
