"""Lists published as notices (1260H, UFLPA, the Entity List's supplement), extracted to JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kyc_gate.errors import InputError
from kyc_gate.lists.countries import country
from kyc_gate.lists.dates import day_start, iso_date
from kyc_gate.lists.draft import Collector, Draft, tidy
from kyc_gate.lists.formats.bis import with_aliases
from kyc_gate.lists.inner_names import alias_parts
from kyc_gate.lists.labels import add_fact
from kyc_gate.lists.reading import ListReading, RowProblem
from kyc_gate.lists.sources import EXTRACTS
from kyc_gate.model.party import PartyKind

_PARTS = re.compile(r"[;,] and (?=.)")
_SEE_OTHERS = re.compile(r"\s*\(See (?:also )?alternate address(?:es)? [^)]*\)\.?", re.IGNORECASE)
_COMPANIES = frozenset(("1260H", "CMIC", "EO14032", "UFLPA", "FCC", "MEU", "1286"))
"""Lists of organisations only, by the law that they stand on."""

LONGEST_NOTES = 4_000
"""Characters of notes that are looked into for facts; all are kept."""

_FACT = re.compile(r"(USCC|Website|Registration Number|Date of birth|Program): ([^;|]+?)(?: \(([^)]+)\))?(?=[;|]|$)")


def read_extract(name: str, document: Mapping[str, Any]) -> ListReading:
    """Return the entries of an extract; rows that share name and address but stand under several countries are one.

    Raises `InputError` when it says that it has more entries than it has.
    """
    entities = document.get("entities")
    listed = document.get("list_id")
    if not isinstance(entities, list) or not isinstance(listed, str):
        raise InputError(f"list `{name}`: `list_id` must be a text and `entities` a list")
    stated = document.get("count")
    if isinstance(stated, int) and stated > len(entities):
        raise InputError(f"list `{name}`: says that it has {stated} entries and has {len(entities)}; download it whole")
    collector = Collector(name, "extract-json")
    extracted = document.get("extracted")
    collector.as_of = day_start(extracted) if isinstance(extracted, str) else None
    code = EXTRACTS.get(listed, listed.upper())
    for number, row in enumerate(entities, start=1):
        place = f"entity {number}"
        try:
            collector.add(place, _draft(code, row))
        except RowProblem as problem:
            collector.refuse(place, problem)
    return collector.reading()


def _draft(code: str, row: object) -> Draft:
    if not isinstance(row, dict):
        raise RowProblem(f"an entry must be an object, not `{str(row)[:40]}`")
    draft = with_aliases(code, _text(row, "name"))
    draft.kind = PartyKind.COMPANY if code in _COMPANIES else PartyKind.UNKNOWN
    aliases = row.get("aliases") or []
    if not isinstance(aliases, list):
        raise RowProblem("`aliases` must be a list of names")
    for alias in aliases:
        for name, kind in alias_parts(str(alias)):
            draft.alias(name, kind)
    place = _text(row, "country")
    draft.countries.append(place)
    for part in _PARTS.split(_SEE_OTHERS.sub("", tidy(_text(row, "address")))):
        # An entry under China may have addresses in Hong Kong.
        tail = country(part.rpartition(",")[2].strip(" ."))
        draft.address(part.strip(" ."), place=tail if len(tail) == 2 else place)
    draft.start_date = iso_date(_text(row, "effective_date"))
    draft.citation = _text(row, "federal_register")
    _add_notes(draft, _text(row, "notes"))
    draft.remarks.append(_text(row, "status"))
    return draft


def _add_notes(draft: Draft, notes: str) -> None:
    """The Entity List's notes are its licence requirement; others hold labelled facts."""
    if draft.code == "EL":
        draft.license_requirement = notes
        return
    draft.remarks.append(notes)
    for label, value, place in _FACT.findall(notes[:LONGEST_NOTES]):
        if label == "Date of birth":
            draft.birth_dates.append(iso_date(value) or value)
        elif label == "Program":
            draft.programs.append(value)
        else:
            add_fact(draft, "Unified Social Credit Code" if label == "USCC" else label, value, place)


def _text(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RowProblem(f"`{field}` must be a text, not `{str(value)[:40]}`")
    return str(value)
