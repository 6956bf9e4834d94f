"""The golden copy in XML: LEI-CDF, RR-CDF and the reporting exceptions format.

The file is cut at the ends of records. A record as the publisher writes it is read by its tags alone; any other goes
to the XML parser, as a small document that declares nothing: a document type, and with it an entity that expands, can
stand nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO, NamedTuple
from xml.etree import ElementTree  # what is read holds no document type, see above

from kyc_gate.errors import InputError
from kyc_gate.ownership.gleif.json_rows import BLOCK_BYTES, LARGEST_RECORD_BYTES
from kyc_gate.ownership.gleif.records import Row, Run
from kyc_gate.ownership.gleif.texts import HEADQUARTERS, LEGAL, entity_of, exception_of, relationship_of
from kyc_gate.ownership.gleif.xml_tags import KINDS, Flat, TagReader, Unusual, flattened

_RECORD = rb"(?:LEIRecord|RelationshipRecord|Exception)"
_START = re.compile(rb"<(?:[\w.-]+:)?" + _RECORD + rb"[\s>]")
_END = re.compile(rb"</(?:[\w.-]+:)?" + _RECORD + rb"\s*>")
_ROOT = re.compile(rb"<(?![?!])([\w.:-]+)[^>]*>")
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([^"']+)["']""")
_CLOSED = re.compile(rb"</(?:[\w.-]+:)?(?:LEIData|RelationshipData|ReportingExceptionData)\s*>\s*\Z")


def read_xml_runs(file: BinaryIO) -> Iterator[Run]:
    """Yield runs of whole records, a block each; what they say is for `XmlRun.rows`. Memory stays at a few blocks.

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
            yield XmlRun(buffer[:cut], opened, closed)
            buffer = buffer[cut:]
        elif len(buffer) > LARGEST_RECORD_BYTES:
            raise InputError(f"a record is longer than {LARGEST_RECORD_BYTES >> 20} MB")
    cut = _last_end(buffer)
    yield XmlRun(buffer[:cut], opened, closed)
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


class XmlRun(NamedTuple):
    """A run of whole records of one file, whose first element starts and ends like this."""

    records: bytes
    opened: bytes
    closed: bytes

    def rows(self) -> Iterator[Row | str]:
        """Yield each record, or in one clause what is wrong with it: by its tags, or by the XML parser."""
        if not self.records.strip():
            return
        tags = _tag_reader(self.opened)
        try:
            pieces, end = tags.records(self.records)
        except Unusual:
            yield from self._parsed_rows(self.records)
            return
        for piece in pieces:
            try:
                flat = tags.flat(piece)
            except Unusual:
                yield from self._parsed_rows(piece + end)
            else:
                yield _row(flat)

    def _parsed_rows(self, records: bytes) -> Iterator[Row | str]:
        """Yield what the XML parser finds; where a run does not parse at once, record by record."""
        try:
            yield from map(_element_row, self._parsed(records))
        except ElementTree.ParseError:
            start = 0
            for match in _END.finditer(records):
                piece, start = records[start : match.end()], match.end()
                try:
                    found = [_element_row(each) for each in self._parsed(piece)]
                except ElementTree.ParseError as error:
                    found = [f"a record that does not parse: {error}"]
                yield from found

    def _parsed(self, records: bytes) -> list[ElementTree.Element]:
        """Return the record elements. Comments and the like between records are no records."""
        whole = ElementTree.fromstring(self.opened + records + self.closed)  # noqa: S314  # it declares nothing
        return list(whole)


@lru_cache(maxsize=4)
def _tag_reader(opened: bytes) -> TagReader:
    """Return the reader of the files that start so: what it learnt of one run serves the next."""
    return TagReader(opened)


def _element_row(record: ElementTree.Element) -> Row | str:
    kind = record.tag.rpartition("}")[2]
    return _row(flattened(record, kind)) if kind in KINDS else f"`{kind}` is no record"


def _row(flat: Flat) -> Row | str:
    if flat.kind == "LEIRecord":
        return entity_of(
            flat.texts,
            names=flat.all("Entity.OtherEntityNames") + flat.all("Entity.TransliteratedOtherEntityNames"),
            legal_lines=flat.all(f"{LEGAL}.lines"),
            headquarters_lines=flat.all(f"{HEADQUARTERS}.lines"),
            successor=next(iter(flat.all("Entity.SuccessorEntity.lei")), None),
        )
    if flat.kind == "RelationshipRecord":
        return relationship_of(flat.texts, flat.periods)
    lei, category = flat.texts
    return exception_of(lei, category, flat.all("reasons"))
