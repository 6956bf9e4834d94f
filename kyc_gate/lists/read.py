"""The bytes of a published file, or of several that belong together, to entries; the content tells the format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

import msgspec

from kyc_gate.errors import InputError
from kyc_gate.lists.formats import (
    bis,
    ca,
    ch,
    csl,
    eu,
    extract,
    ofac_advanced,
    ofac_csv,
    ofac_xml,
    opensanctions,
    operator,
    senzing,
    uk,
    un,
)
from kyc_gate.lists.formats.au import read_au_workbook
from kyc_gate.lists.reading import ListReading, RowProblem
from kyc_gate.lists.rows import first_rows
from kyc_gate.lists.unpack import Document, unpacked
from kyc_gate.lists.xml import root_of

__all__ = ["ListReading", "read_list", "read_set"]

_FORMATS = (
    "trade.gov's CSV or JSON; a list of Treasury, BIS, State, the UK, EU, UN, Australia, Canada or Switzerland; "
    "OpenSanctions or Senzing; JSON lines with `id` and `name`; or CSV with `id` and `name`"
)

Reader = Callable[[str, str], ListReading]

_XML: dict[str, Reader] = {
    ofac_xml.ROOT: ofac_xml.read_ofac_xml, ofac_advanced.ROOT: ofac_advanced.read_ofac_advanced,
    uk.ROOT: uk.read_uk_xml, eu.ROOT: eu.read_eu_xml, un.ROOT: un.read_un_xml, ca.ROOT: ca.read_ca_xml,
    ch.ROOT: ch.read_ch_xml,
}  # fmt: skip

# In this order: the columns of one format may be among those of the next.
_TABLES: tuple[tuple[frozenset[str], Reader], ...] = (
    (frozenset(("source", "alt_names")), csl.read_csl_csv),
    (frozenset(("source", "entity_number")), csl.read_csl_csv),
    (frozenset(("source", "name", "addresses")), csl.read_csl_csv),
    (frozenset(("id", "schema", "dataset")), opensanctions.read_simple_csv),
    (frozenset(("unique id", "name 6")), uk.read_uk_csv),
    (frozenset(("unique id", "regime name")), uk.read_uk_csv),
    (frozenset(("group id", "name 6")), uk.read_ofsi_csv),
    (frozenset(("source list", "alternate name")), bis.read_agency),
    (frozenset(("source list", "federal register notice", "address")), bis.read_agency),
    (frozenset(("source list", "alternative names")), bis.read_nonproliferation),
    (frozenset(("party name", "federal register notice")), bis.read_debarred),
    (frozenset(("debarred party full name and alias",)), bis.read_debarred),
    (frozenset(("type", "name", "alias", "country", "program")), bis.read_intelligence),
    (frozenset(("name", "street_address", "fr_citation")), bis.read_denied),
    (frozenset(("name", "effective_date", "expiration_date")), bis.read_denied),
    (frozenset(("entity_logicalid",)), eu.read_eu_csv),
    (frozenset(("id", "name")), operator.read_operator_csv),
)

_COMPANIONS = {
    "lists": "an index of lists", "datasets": "an index of datasets", "last_export": "an index of datasets",
    "resources": "an index of files", "additions": "a difference of lists", "schemata": "statistics",
    "things": "statistics",
}  # fmt: skip
"""JSON files that lie beside lists and are none, by a key of theirs."""


class NotAList(InputError):
    """A file that lies beside lists and is none: an index, statistics, a schema."""


def read_list(name: str, data: bytes) -> ListReading:
    """Return the entries of the published file `name`, whose content is `data` (gzip and ZIP accepted).

    Raises `InputError` for a file that is empty, cut short, damaged, not text, of no known format, or without an entry:
    a list that silently became empty would clear everybody. A row that cannot be read is named in `problems`.
    """
    readings = _read(name, unpacked(name, data))
    return readings[0] if len(readings) == 1 else _together(name, readings)


def read_set(files: Mapping[str, bytes]) -> tuple[ListReading, ...]:
    """Return a reading of each list in the files, by name; the files of one list (Treasury's CSV set) are one reading.

    Indexes and schemas that lie beside lists are left out, as the notes of the first reading say.
    Raises `InputError` as `read_list` does.
    """
    parts: dict[str, str] = {}
    readings: list[ListReading] = []
    plain = {name for name in files if PurePath(name).name == "names.txt" and _has_index(files, name)}
    beside: list[str] = [f"list `{name}`: names of the lists beside it; it was left out" for name in sorted(plain)]
    for name in sorted(files.keys() - plain):
        try:
            documents = unpacked(name, files[name])
            parts |= {each.name: each.text for each in documents if _is_part(each)}
            readings += [_checked(_document(each)) for each in documents if not _is_part(each)]
        except NotAList as error:
            beside.append(str(error))
    if parts:
        readings.append(_checked(ofac_csv.read_ofac_csv(parts)))
    if not readings and beside:
        raise InputError(beside[0])
    if beside:
        readings[0] = msgspec.structs.replace(readings[0], notes=(*readings[0].notes, *beside))
    return tuple(readings)


def _has_index(files: Mapping[str, bytes], name: str) -> bool:
    """Whether the index beside a file names it among its dataset's resources (OpenSanctions' names.txt)."""
    index = _one(files.get(str(PurePath(name).with_name("index.json")), b"").decode("utf-8", "replace"))
    resources = index.get("resources") if isinstance(index, dict) else None
    found = resources if isinstance(resources, list) else []
    return any(isinstance(each, dict) and each.get("name") == PurePath(name).name for each in found)


def _is_part(document: Document) -> bool:
    return (
        not document.workbook
        and document.text.lstrip()[:1].isdecimal()
        and ofac_csv.ofac_part(document.text) is not None
    )


def _read(name: str, documents: list[Document]) -> list[ListReading]:
    parts = {each.name: each.text for each in documents if _is_part(each)}
    readings = [_checked(_document(each)) for each in documents if not _is_part(each)]
    if parts:
        readings.append(_checked(ofac_csv.read_ofac_csv(parts)))
    return readings


def _together(name: str, readings: list[ListReading]) -> ListReading:
    """The lists of one archive as one reading. It is as old as the oldest of them."""
    times = [reading.as_of for reading in readings]
    known = [time for time in times if time is not None]
    return ListReading(
        name=name,
        format=" + ".join(dict.fromkeys(reading.format for reading in readings)),
        entries=tuple(entry for reading in readings for entry in reading.entries),
        problems=tuple(problem for reading in readings for problem in reading.problems),
        as_of=min(known) if len(known) == len(times) else None,
        notes=tuple(note for reading in readings for note in reading.notes),
        incomplete=tuple(part for reading in readings for part in reading.incomplete),
        rows=sum(reading.rows for reading in readings),
        files=(name,),
    )


def _checked(reading: ListReading) -> ListReading:
    if not reading.entries:
        first = f"; {reading.problems[0]}" if reading.problems else ""
        raise InputError(f"list `{reading.name}`: no entry could be read{first}")
    return reading


def _document(document: Document) -> ListReading:
    name, text = document.name, document.text
    if document.workbook:
        return read_au_workbook(name, document.workbook)
    start = text.lstrip()[:1]
    if start == "<":
        return _read_xml(name, text)
    return _read_json(name, text) if start in "{[" else _read_table(name, text)


def _read_xml(name: str, text: str) -> ListReading:
    front = text.lstrip()[:512].casefold()
    if front.startswith("<!doctype html") or "<html" in front:
        raise InputError(
            f"list `{name}`: an HTML page, not a list; see what its address says, and download the list again"
        )
    root = root_of(name, text).tag
    if root == "schema":
        raise NotAList(f"list `{name}`: a schema, not a list; it was left out")
    if root not in _XML:
        known = ", ".join(sorted(_XML))
        raise InputError(
            f"list `{name}`: the format is not known: the XML's root is `{root[:40]}`; known roots: {known}"
        )
    return _XML[root](name, text)


def _read_json(name: str, text: str) -> ListReading:
    document = _whole(text)
    if isinstance(document, dict) and "results" in document:
        return csl.read_csl_json(name, document)
    if isinstance(document, dict) and "entities" in document and "list_id" in document:
        return extract.read_extract(name, document)
    if isinstance(document, list):
        return _read_array(name, document)
    if isinstance(document, dict):
        for key, words in _COMPANIONS.items():
            if key in document and "id" not in document:
                raise NotAList(f"list `{name}`: {words}, not a list; it was left out")
        return _read_array(name, [document])
    if document is None and _one(text.lstrip().partition("\n")[0]) is None:
        raise InputError(f"list `{name}`: the JSON is cut short or damaged; download it again")
    return _read_lines(name, text)


def _read_array(name: str, document: list[Any]) -> ListReading:
    first = next((row for row in document if isinstance(row, dict)), {})
    if "source" in first:
        return csl.read_csl_json(name, {"results": document})
    return _lines_reader(first)(name, enumerate(document, start=1))


def _read_lines(name: str, text: str) -> ListReading:
    lines = text.split("\n")
    if lines[-1].strip() and _one(lines[-1]) is None:
        raise InputError(f"list `{name}`: cut short in line {len(lines)}; download it again")
    first = next((row for line in lines if line.strip() and isinstance(row := _one(line), dict)), {})
    return _lines_reader(first)(name, _numbered(lines))


def _lines_reader(first: Mapping[str, Any]) -> Callable[[str, Any], ListReading]:
    """The reader for lines such as the first."""
    if "properties" in first and "schema" in first:
        return opensanctions.read_ftm_lines
    if any(key in first for key in senzing.KEYS):
        return senzing.read_senzing_lines
    return operator.read_operator_lines


def _numbered(lines: list[str]) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            value = _one(line)
            yield number, value if value is not None else RowProblem("not JSON")


def _whole(text: str) -> Any:
    """The text as one JSON document, or None when it is not one (JSON lines are many)."""
    return _one(text)


def _one(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None


def _read_table(name: str, text: str) -> ListReading:
    front = text.lstrip()[:4096]
    if "<html" in front.casefold():
        raise InputError(f"list `{name}`: an HTML page, not a list; download the list again")
    for delimiter in (",", "\t", ";"):
        for header in first_rows(text, delimiter, count=2):
            columns = frozenset(cell.strip().casefold() for cell in header)
            for wanted, reader in _TABLES:
                if wanted <= columns:
                    return reader(name, text)
            if columns - {""} == {"country", "name", "address"}:
                return bis.read_unverified(name, text)
    if ofac_csv.ofac_part(text) is not None:
        return ofac_csv.read_ofac_csv({name: text})
    raise InputError(f"list `{name}`: the format is not known; give {_FORMATS}")
