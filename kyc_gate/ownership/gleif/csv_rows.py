"""The golden copy in CSV: a header of dotted names, one record a line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import BinaryIO, NamedTuple

from kyc_gate.errors import InputError
from kyc_gate.ownership.gleif.json_rows import BLOCK_BYTES, FORMER
from kyc_gate.ownership.gleif.records import Row, Run, said
from kyc_gate.ownership.gleif.texts import (
    ENTITY_FIELDS,
    HEADQUARTERS,
    LEGAL,
    RELATIONSHIP_FIELDS,
    Period,
    entity_of,
    exception_of,
    relationship_of,
)

LONGEST_FIELD = 1 << 20
"""Characters in one field; what is longer is an open quote, not a name."""

MOST_BYTES_UNCUT = 4 << 20
"""Bytes without the end of a record outside of quotes; what is longer has a quote that nobody closes."""

Columns = Mapping[str, int]
Cells = list[str]
"""The cells of a line, and after them an empty one, which stands for every column that is not there."""

Reader = Callable[[Cells], Row | str]
Header = tuple[str, ...]


class CsvRun(NamedTuple):
    """A run of whole lines of a file with this header."""

    lines: bytes
    header: Header

    def rows(self) -> Iterator[Row | str]:
        """Yield each record, or in one clause what is wrong with it. Columns are found by name."""
        csv.field_size_limit(LONGEST_FIELD)
        lines = csv.reader(io.StringIO(self.lines.decode(), newline=""), strict=True)
        read, width = _reader(self.header), len(self.header)
        while True:
            try:
                for cells in lines:
                    if len(cells) == width:
                        cells.append("")
                        yield read(cells)
                    elif cells:
                        yield f"{len(cells)} fields instead of {width}"
            except csv.Error as error:
                yield str(error)
            else:
                return


def read_csv_runs(file: BinaryIO) -> Iterator[Run]:
    """Yield runs of whole lines, a block each; what they say is for `CsvRun.rows`. Memory stays at a few blocks.

    Raises `InputError` for a header that is of none of the three files, and `UnicodeDecodeError` for bytes that are
    not UTF-8.
    """
    buffer = file.read(BLOCK_BYTES).removeprefix(b"\xef\xbb\xbf")
    first, _, buffer = buffer.partition(b"\n")
    header = _header(first.decode())
    block = buffer
    while block or buffer:
        cut = _last_end(buffer) if block else len(buffer)
        lines, buffer = buffer[:cut], buffer[cut:]
        if lines:
            lines.decode()
            yield CsvRun(lines, header)
        block = file.read(BLOCK_BYTES)
        buffer += block


def _header(line: str) -> Header:
    try:
        header = tuple(name.strip() for name in next(csv.reader([line], strict=True), []))
    except csv.Error as error:
        raise InputError(f"this is no golden copy in CSV: its header cannot be read: {error}") from error
    _reader(header)
    return header


def _last_end(buffer: bytes) -> int:
    """Return where the last whole line ends, 0 where none does: a line ends where no quote is open.

    Where a quote seems to be open for longer than any record is, it is a mistake, and each line ends a record.
    """
    within = buffer.count(b'"') % 2
    end = len(buffer)
    while (start := buffer.rfind(b"\n", 0, end)) >= 0:
        within ^= buffer.count(b'"', start, end) % 2
        if not within:
            return start + 1
        end = start
    return buffer.rfind(b"\n") + 1 if len(buffer) > MOST_BYTES_UNCUT else 0


@lru_cache(maxsize=4)
def _reader(header: Header) -> Reader:
    """Return what reads a line under this header."""
    columns = {name: at for at, name in enumerate(header)}
    if "Relationship.StartNode.NodeID" in columns:
        return _relationships(columns)
    if "LEI" in columns and "Exception.Category" in columns:
        return _exceptions(columns)
    if "LEI" in columns and "Entity.LegalName" in columns:
        return _entities(columns)
    raise InputError("this is no golden copy in CSV: the header names neither entities, relationships nor exceptions")


def _at(columns: Columns, name: str) -> int:
    return columns.get(name, -1)


def _texts(cells: Iterable[str]) -> list[str | None]:
    # Nearly every text takes the short way; a million records have twenty millions of them.
    return [text if text and text[0] > " " and text[-1] > " " and text != "NULL" else said(text) for text in cells]


def _lists(cells: Cells, places: Iterable[int]) -> list[str]:
    return [text for at in places if cells[at] and (text := said(cells[at]))]


def _matching(columns: Columns, pattern: str) -> list[tuple[str, int]]:
    return sorted((name, at) for name, at in columns.items() if re.fullmatch(pattern, name))


def _entities(columns: Columns) -> Reader:
    get = itemgetter(*(_at(columns, name) for name in ENTITY_FIELDS))
    legal, headquarters = _lines(columns, LEGAL), _lines(columns, HEADQUARTERS)
    successors = [at for _, at in _matching(columns, r"Entity\.SuccessorEntity\.(?:\d+\.)?SuccessorLEI")]
    others = [
        (at, _at(columns, f"{title}.type"))
        for title, at in _matching(columns, r"Entity\.(?:Transliterated)?OtherEntityNames\.\w+\.\d+")
    ]

    def read(cells: Cells) -> Row | str:
        return entity_of(
            _texts(get(cells)),
            names=[text for at, kind in others if cells[at] and cells[kind] != FORMER and (text := said(cells[at]))],
            legal_lines=_lists(cells, legal),
            headquarters_lines=_lists(cells, headquarters),
            successor=next(iter(_lists(cells, successors)), None),
        )

    return read


def _lines(columns: Columns, under: str) -> list[int]:
    found = [
        at for _, at in _matching(columns, re.escape(under) + r"\.(?:FirstAddressLine|AdditionalAddressLine(?:\.\d+)?)")
    ]
    first = columns.get(f"{under}.FirstAddressLine")
    return sorted(found, key=lambda at: (at != first, at))


def _relationships(columns: Columns) -> Reader:
    get = itemgetter(*(_at(columns, name) for name in RELATIONSHIP_FIELDS))
    periods = [
        itemgetter(*(_at(columns, f"{name.removesuffix('periodType')}{part}") for part in _PERIOD))
        for name, _ in _matching(columns, r"Relationship\.Period\.\d+\.periodType")
    ]

    def read(cells: Cells) -> Row | str:
        return relationship_of(_texts(get(cells)), (_period(*_texts(each(cells))) for each in periods))

    return read


_PERIOD = ("periodType", "startDate", "endDate")


def _period(kind: str | None, start: str | None, end: str | None) -> Period:
    return kind, start, end


def _exceptions(columns: Columns) -> Reader:
    get = itemgetter(columns["LEI"], columns["Exception.Category"])
    reasons = [at for _, at in _matching(columns, r"Exception\.Reason(?:\.\d+)?")]

    def read(cells: Cells) -> Row | str:
        lei, category = _texts(get(cells))
        return exception_of(lei, category, _lists(cells, reasons))

    return read
