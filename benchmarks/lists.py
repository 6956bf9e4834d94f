"""Published lists read: rows, entries, names and problems of each file, and what reading costs.

The peer reads the same bytes with the standard library alone and keeps nothing: what no reader can do without.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from kyc_gate.errors import InputError
from kyc_gate.lists.read import ListReading, read_list, read_set
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListEntry
from tests.conftest import data_folder

MILLION = 1_000_000


def main() -> None:
    """Print the coverage of every file at hand, then the cost of the largest."""
    folder = data_folder() / "lists"
    if not folder.is_dir():
        print(f"the published lists are not at {folder}; set KYC_GATE_TEST_DATA")
        return
    print(
        f"{'file':<58} {'format':<21} {'rows':>6} {'entries':>7} {'names':>6} {'problems':>8} {'ms':>7} {'parse':>6} {'ratio':>5}"
    )
    for file in _files(folder):
        _coverage(file, folder)
    _treasury(folder / "us_ofac")
    _memory(folder / "us_csl" / "csl_2026-07-31_api_shape_projection.json.gz")
    _million()


def _files(folder: Path) -> Iterator[Path]:
    yield from (file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != "README.md")


def _coverage(file: Path, folder: Path) -> None:
    data = file.read_bytes()
    label = str(file.relative_to(folder))[-58:]
    try:
        reading, seconds = _timed(lambda: read_list(file.name, data))
    except InputError as error:
        print(f"{label:<58} not a list: {str(error).split(': ', 1)[1][:80]}")
        return
    _, peer = _timed(lambda: _parsed(data))
    names = sum(1 + len(entry.aliases) for entry in reading.entries)
    print(
        f"{label:<58} {reading.format:<21} {reading.rows:>6} {len(reading.entries):>7} {names:>6} {len(reading.problems):>8} "
        f"{seconds * 1e3:>7.1f} {peer * 1e3:>6.1f} {seconds / max(peer, 1e-9):>5.1f}"
    )


def _timed(work: Callable[[], ListReading | int]) -> tuple[ListReading, float]:
    """The best of three, in seconds of processor time: other processes of the machine do not count."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        done = work()
        best = min(best, time.process_time() - start)
    return done, best  # type: ignore[return-value]


def _parsed(data: bytes) -> int:
    """The peer: bytes to the standard library's own rows or tree."""
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return sum(
                1 for name in archive.namelist() if name.endswith(".xml") for _ in ET.fromstring(archive.read(name))
            )
    text = data.decode("utf-8-sig")
    if text.lstrip().startswith("<"):
        return len(ET.fromstring(text.lstrip()))
    if text.lstrip()[:1] in "{[":
        try:
            return len(json.loads(text))
        except json.JSONDecodeError:
            return sum(1 for line in text.splitlines() if json.loads(line))
    csv.field_size_limit(1 << 20)
    return sum(1 for _ in csv.reader(io.StringIO(text, newline="")))


def _treasury(folder: Path) -> None:
    files = {file.name: file.read_bytes() for file in folder.glob("*_2021-07.csv*")}
    reading, seconds = _timed(lambda: read_set(files)[0])
    names = sum(1 + len(entry.aliases) for entry in reading.entries)
    print(
        f"\nTreasury's four files joined: {len(reading.entries)} entries, {names} names in {seconds * 1e3:.0f} ms; problems: {reading.problems}"
    )


def _memory(file: Path) -> None:
    data = file.read_bytes()
    tracemalloc.start()
    reading = read_list(file.name, data)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    snapshot, seconds = _timed_merge(reading)
    print(
        f"the whole CSL: {kept / 2**20:.1f} MB kept, {peak / 2**20:.1f} MB at most; merged in {seconds * 1e3:.0f} ms to {snapshot[:12]}"
    )


def _timed_merge(reading: ListReading) -> tuple[str, float]:
    start = time.process_time()
    digest = merge([reading]).digest
    return digest, time.process_time() - start


def _million() -> None:
    """A million entries of one name: what the records themselves take."""
    tracemalloc.start()
    entries = tuple(
        ListEntry(list="EL", id=str(number), name=f"Sealed Machinery Works {number}") for number in range(MILLION)
    )
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"a million entries of one name: {kept / 2**20:.0f} MB")
    _, seconds = _timed_merge(ListReading(name="million", format="made", entries=entries))
    print(f"merged in {seconds:.1f} s")


if __name__ == "__main__":
    main()
