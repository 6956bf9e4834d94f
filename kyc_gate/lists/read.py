"""A published file's bytes to its entries; the format is recognised from the content."""

from __future__ import annotations

import csv
import io
import json
import zlib
from typing import Any

from kyc_gate.errors import InputError
from kyc_gate.lists.csl import read_csl_csv, read_csl_json
from kyc_gate.lists.ofac import COLUMNS as SDN_COLUMNS
from kyc_gate.lists.ofac import END_OF_FILE, read_sdn_csv
from kyc_gate.lists.operator import read_operator_csv, read_operator_lines
from kyc_gate.lists.reading import ListReading

__all__ = ["ListReading", "read_list"]

LARGEST_LIST = 512 * 2**20
"""Bytes after decompression; the whole Consolidated Screening List as JSON has 32 MB."""

LONGEST_CELL = 2**20
"""Characters of one CSV cell; the longest list of addresses has about 20,000."""

_FORMATS = "trade.gov's CSV or JSON, OFAC's SDN.CSV, JSON lines with `id` and `name`, or CSV with `id` and `name`"


def read_list(name: str, data: bytes) -> ListReading:
    """Return the entries of the published file `name`, whose content is `data` (gzip accepted).

    Raises `InputError` for a file that is empty, cut short, not text, of no known format, or without one entry:
    a list that silently became empty would clear everybody. A row that cannot be read is named in `problems`.
    """
    text = _decoded(name, _decompressed(name, data)).rstrip(END_OF_FILE + "\0")
    start = text.lstrip()[:1]
    if not start:
        raise InputError(f"list `{name}`: the file is empty; download it again")
    if start == "<":
        raise InputError(f"list `{name}`: the file is HTML or XML; give {_FORMATS}")
    reading = _read_json(name, text) if start in "{[" else _read_csv(name, text)
    if not reading.entries:
        first = f"; {reading.problems[0]}" if reading.problems else ""
        raise InputError(f"list `{name}`: no entry could be read{first}")
    return reading


def _read_json(name: str, text: str) -> ListReading:
    document = _document(text)
    if isinstance(document, dict) and "results" in document:
        return read_csl_json(name, document)
    if document is None and text.lstrip().startswith(('{"results"', '{"total"', '{"_note"', '{"search_performed_at"')):
        raise InputError(f"list `{name}`: the JSON is cut short; download it again")
    if isinstance(document, list):
        return read_csl_json(name, {"results": document})
    return read_operator_lines(name, text)


def _document(text: str) -> Any:
    """The text as one JSON document, or None when it is not one (JSON lines are many)."""
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None


def _read_csv(name: str, text: str) -> ListReading:
    csv.field_size_limit(LONGEST_CELL)
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        first = next(rows)
    except (StopIteration, csv.Error) as error:
        raise InputError(f"list `{name}`: the first line cannot be read: {error}") from error
    header = [cell.strip().casefold() for cell in first]
    if "source" in header and "name" in header:
        return read_csl_csv(name, rows, header)
    if "id" in header and "name" in header:
        return read_operator_csv(name, rows, header)
    if len(first) == SDN_COLUMNS and first[0].strip().isdigit():
        return read_sdn_csv(name, rows, first)
    raise InputError(f"list `{name}`: the format is not known; give {_FORMATS}")


def _decompressed(name: str, data: bytes) -> bytes:
    if data.startswith(b"PK\x03\x04"):
        raise InputError(f"list `{name}`: the file is a ZIP archive; unpack it first")
    if not data.startswith(b"\x1f\x8b"):
        return _bounded(name, data)
    inflate = zlib.decompressobj(wbits=31)
    try:
        plain = inflate.decompress(data, LARGEST_LIST + 1)
    except zlib.error as error:
        raise InputError(f"list `{name}`: the gzip data are damaged: {error}") from error
    if not inflate.eof and len(plain) <= LARGEST_LIST:
        raise InputError(f"list `{name}`: the gzip data are cut short; download it again")
    return _bounded(name, plain)


def _bounded(name: str, data: bytes) -> bytes:
    if len(data) > LARGEST_LIST:
        raise InputError(f"list `{name}`: larger than {LARGEST_LIST} bytes")
    return data


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"list `{name}`: line {line} is not UTF-8; convert the file or download it again") from error
