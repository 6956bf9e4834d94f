"""A published file, zipped or not, to records: which format it has is seen, whatever its name says."""

from __future__ import annotations

import gzip
import io
import itertools
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from kyc_gate.errors import InputError
from kyc_gate.ownership.gleif.api_rows import read_api_rows
from kyc_gate.ownership.gleif.csv_rows import read_csv_runs
from kyc_gate.ownership.gleif.json_rows import read_json_runs
from kyc_gate.ownership.gleif.records import Row, RowsRun, Run
from kyc_gate.ownership.gleif.xml_rows import read_xml_runs

HEAD_BYTES = 4096
"""Bytes by which a format is told."""

ROWS_AT_ONCE = 1_000
"""Rows of the interface in a run; an answer has 200 at most."""

_API = re.compile(rb'\s*\{\s*"(?:meta|data|links|jsonapi)"\s*:')
_DELTA = re.compile(r"delta|intra-?day|last-?(?:day|week|month)", re.IGNORECASE)
_MOMENT = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?:[-T](\d\d)(\d\d))?(?!\d)")


def holds_changes(file: BinaryIO, name: str) -> bool:
    """Return whether a file holds only some records: its name says so, or it is an answer of the LEI interface."""
    if _DELTA.search(name):
        return True
    start = file.tell()
    head = file.read(HEAD_BYTES)
    file.seek(start)
    return _API.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def moment_of(name: str) -> str | None:
    """Return the moment that a file's name gives, in ISO 8601: `20240505-0000-gleif-goldencopy-lei2.json.zip`."""
    found = _MOMENT.search(name)
    if found is None:
        return None
    year, month, day, hour, minute = found.groups()
    return f"{year}-{month}-{day}T{hour or '00'}:{minute or '00'}:00Z"


def read_rows(file: BinaryIO) -> Iterator[Row | str]:
    """Yield each record of a file that can be sought in, or in one clause what is wrong with it.

    Raises `InputError` as `read_runs` does.
    """
    for run in read_runs(file):
        yield from run.rows()


def read_runs(file: BinaryIO) -> Iterator[Run]:
    """Yield the records of a file that can be sought in, a run at a time; each run may be read in another process.

    Raises `InputError` for a file of no known format, one that is cut short, and an archive that is damaged.
    """
    try:
        with unpacked(file) as plain:
            yield from _format(plain)
    except (zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"the archive is damaged: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"the file is not UTF-8: {error.reason} at byte {error.start}") from error


def unpacked(file: BinaryIO) -> io.BufferedReader:
    """Return the file's content, out of the one member of a zip archive or out of gzip where it is in one."""
    magic = file.read(4)
    file.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=file)), HEAD_BYTES)
    if magic == b"PK\x03\x04":
        archive = zipfile.ZipFile(file)
        members = [
            each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX")
        ]
        if len(members) != 1:
            raise InputError(f"the archive holds {len(members)} files; a golden copy holds one")
        return io.BufferedReader(cast("io.RawIOBase", archive.open(members[0])), HEAD_BYTES)
    return io.BufferedReader(cast("io.RawIOBase", _Borrowed(file)), HEAD_BYTES)


class _Borrowed(io.RawIOBase):
    """A file that belongs to the caller, who closes it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(target))
        target[: len(data)] = data
        return len(data)


def _format(plain: io.BufferedReader) -> Iterator[Run]:
    head = plain.peek(HEAD_BYTES)[:HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        raise InputError("the file is empty")
    if head.startswith(b"<"):
        return read_xml_runs(plain)
    if head.startswith((b"{", b"[")):
        return _in_runs(read_api_rows(plain)) if _API.match(head) else read_json_runs(plain)
    return read_csv_runs(plain)


def _in_runs(rows: Iterator[Row | str]) -> Iterator[Run]:
    while some := tuple(itertools.islice(rows, ROWS_AT_ONCE)):
        yield RowsRun(some)
