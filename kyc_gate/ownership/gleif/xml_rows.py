"""The golden copy in XML: LEI-CDF, RR-CDF and the reporting exceptions format.

The file is cut at the ends of records, and each run of records is read as a small document of its own that declares
nothing: a document type, and with it an entity that expands, can stand nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO
from xml.etree import ElementTree  # what is read holds no document type, see above

from kyc_gate.errors import InputError
from kyc_gate.ownership.gleif.json_rows import BLOCK_BYTES, FORMER, LARGEST_RECORD_BYTES
from kyc_gate.ownership.gleif.records import Address, Entity, Relationship, ReportingException, Row, said

_RECORD = rb"(?:LEIRecord|RelationshipRecord|Exception)"
_START = re.compile(rb"<(?:[\w.-]+:)?" + _RECORD + rb"[\s>]")
_END = re.compile(rb"</(?:[\w.-]+:)?" + _RECORD + rb"\s*>")
_ROOT = re.compile(rb"<(?![?!])([\w.:-]+)[^>]*>")
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([^"']+)["']""")
_CLOSED = re.compile(rb"</(?:[\w.-]+:)?(?:LEIData|RelationshipData|ReportingExceptionData)\s*>\s*\Z")


def read_xml_rows(file: BinaryIO) -> Iterator[Row | str]:
    """Yield each record of the file, or in one clause what is wrong with it. Memory stays at a few blocks.

    Raises `InputError` for a file that is not of this format, declares a document type, or ends too early.
    """
    buffer = _header(file)
    root = _ROOT.search(buffer)
    first = _START.search(buffer)
    if root is None:
        raise InputError("this is no golden copy in XML: it has no element")
    if first is None:
        if _CLOSED.search(buffer):
            return
        raise InputError("this is no golden copy in XML: it holds neither LEIRecord, RelationshipRecord nor Exception")
    opened, closed = root[0], b"</" + root[1] + b">"
    buffer = buffer[first.start() :]
    while block := file.read(BLOCK_BYTES):
        buffer += block
        cut = _last_end(buffer)
        if cut:
            yield from _rows(buffer[:cut], opened, closed)
            buffer = buffer[cut:]
        elif len(buffer) > LARGEST_RECORD_BYTES:
            raise InputError(f"a record is longer than {LARGEST_RECORD_BYTES >> 20} MB")
    cut = _last_end(buffer)
    yield from _rows(buffer[:cut], opened, closed)
    if not _CLOSED.search(buffer[cut:]):
        raise InputError("the file ends in the middle of a record")


def _header(file: BinaryIO) -> bytes:
    """Return the start of the file up to its first records. Raises `InputError` for what must not stand there."""
    buffer = b""
    while block := file.read(BLOCK_BYTES):
        buffer += block
        if _START.search(buffer) or len(buffer) > LARGEST_RECORD_BYTES:
            break
    if b"<!DOCTYPE" in buffer or b"<!ENTITY" in buffer:
        raise InputError("the file declares a document type, which no golden copy does")
    encoding = _ENCODING.search(buffer[:1024])
    if encoding is not None and encoding[1].lower().replace(b"-", b"") not in (b"utf8", b"usascii"):
        raise InputError(f"the file is in `{encoding[1].decode('latin-1')}`; write it in UTF-8")
    return buffer


def _last_end(buffer: bytes) -> int:
    """Return where the last whole record ends, searched from the end backwards; 0 where there is none."""
    reach = 1 << 14
    while True:
        start = max(0, len(buffer) - reach)
        end = 0
        for match in _END.finditer(buffer, start):
            end = match.end()
        if end or start == 0:
            return end
        reach *= 8


def _rows(records: bytes, opened: bytes, closed: bytes) -> Iterator[Row | str]:
    """Yield what a run of whole records says; where it does not parse at once, record by record."""
    if not records.strip():
        return
    try:
        yield from map(_row, _parsed(records, opened, closed))
    except ElementTree.ParseError:
        start = 0
        for match in _END.finditer(records):
            piece, start = records[start : match.end()], match.end()
            try:
                found = [_row(each) for each in _parsed(piece, opened, closed)]
            except ElementTree.ParseError as error:
                found = [f"a record that does not parse: {error}"]
            yield from found


def _parsed(records: bytes, opened: bytes, closed: bytes) -> list[ElementTree.Element]:
    """Return the record elements. Comments and the like between records are no records."""
    whole = ElementTree.fromstring(opened + records + closed)  # noqa: S314  # it cannot declare anything
    return list(whole)


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _parts(element: ElementTree.Element | None) -> dict[str, ElementTree.Element]:
    """Return the first child of each name, without its namespace."""
    found: dict[str, ElementTree.Element] = {}
    for child in element if element is not None else ():
        found.setdefault(child.tag.rpartition("}")[2], child)
    return found


def _texts(element: ElementTree.Element | None) -> dict[str, str]:
    """Return what each child says, by name; the first one where a name repeats."""
    found: dict[str, str] = {}
    for child in element if element is not None else ():
        text = said(child.text)
        if text is not None:
            found.setdefault(child.tag.rpartition("}")[2], text)
    return found


def _row(record: ElementTree.Element) -> Row | str:
    kind = _local(record)
    if kind == "LEIRecord":
        return _entity(record)
    if kind == "RelationshipRecord":
        return _relationship(record)
    if kind == "Exception":
        return _exception(record)
    return f"`{kind}` is no record"


def _entity(record: ElementTree.Element) -> Row | str:
    parts = _parts(record)
    entity, texts = _parts(parts.get("Entity")), _texts(parts.get("Entity"))
    lei = said(parts["LEI"].text) if "LEI" in parts else None
    if lei is None:
        return "a record without an LEI"
    if "LegalName" not in texts:
        return f"LEI {lei} has no legal name"
    registration = _texts(parts.get("Registration"))
    form = _texts(entity.get("LegalForm"))
    return Entity(
        lei=lei,
        name=texts["LegalName"],
        names=tuple(_names(entity)),
        legal_address=_address(entity.get("LegalAddress")),
        headquarters_address=_address(entity.get("HeadquartersAddress")),
        jurisdiction=texts.get("LegalJurisdiction"),
        category=texts.get("EntityCategory"),
        legal_form=form.get("EntityLegalFormCode") or form.get("OtherLegalForm"),
        status=texts.get("EntityStatus"),
        registration=registration.get("RegistrationStatus"),
        created=texts.get("EntityCreationDate"),
        updated=registration.get("LastUpdateDate"),
        renewal=registration.get("NextRenewalDate"),
        registered_as=_texts(entity.get("RegistrationAuthority")).get("RegistrationAuthorityEntityID"),
        successor=_texts(entity.get("SuccessorEntity")).get("SuccessorLEI"),
    )


def _names(entity: dict[str, ElementTree.Element]) -> Iterable[str]:
    for holder in ("OtherEntityNames", "TransliteratedOtherEntityNames"):
        for each in entity.get(holder, ()):
            if each.get("type") != FORMER and (name := said(each.text)):
                yield name


def _address(address: ElementTree.Element | None) -> Address:
    texts = _texts(address)
    lines = [
        line
        for each in (address if address is not None else ())
        if _local(each) in ("FirstAddressLine", "AdditionalAddressLine", "Line1", "Line2", "Line3", "Line4")
        and (line := said(each.text))
    ]
    return Address(
        lines=tuple(lines),
        city=texts.get("City"),
        region=texts.get("Region"),
        country=texts.get("Country"),
        postal_code=texts.get("PostalCode"),
    )


def _relationship(record: ElementTree.Element) -> Row | str:
    parts = _parts(record)
    found, texts = _parts(parts.get("Relationship")), _texts(parts.get("Relationship"))
    start, end = (_texts(found.get(node)).get("NodeID") for node in ("StartNode", "EndNode"))
    kind = texts.get("RelationshipType")
    if start is None or end is None or kind is None:
        return "a relationship without both ends or without a type"
    registration = _texts(parts.get("Registration"))
    periods = [_texts(each) for each in found.get("RelationshipPeriods", ())]
    period = next((each for each in periods if each.get("PeriodType") == "RELATIONSHIP_PERIOD"), dict[str, str]())
    return Relationship(
        start=start,
        end=end,
        type=kind,
        status=texts.get("RelationshipStatus"),
        registration=registration.get("RegistrationStatus"),
        since=period.get("StartDate"),
        until=period.get("EndDate"),
        updated=registration.get("LastUpdateDate"),
        validated=registration.get("ValidationSources"),
    )


def _exception(record: ElementTree.Element) -> Row | str:
    texts = _texts(record)
    if "LEI" not in texts or "ExceptionCategory" not in texts:
        return "an exception without an LEI or a category"
    reasons = tuple(reason for each in record if _local(each) == "ExceptionReason" and (reason := said(each.text)))
    return ReportingException(lei=texts["LEI"], category=texts["ExceptionCategory"], reasons=reasons)
