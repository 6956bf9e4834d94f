"""The LEI register at its real size: a million records of each kind, in each format, as they are published."""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from benchmarks.gleif import golden_copy, lei, name_of
from kyc_gate.storage.gleif import GleifRegister, load_register

RECORDS = 1_000_000
MOST_MEMORY_MB = 500
PLAIN = 20_000
"""Records that `json.load` reads, as a measure of how fast this machine is."""


def apart(work: str, file: Path, store: Path) -> tuple[float, float, int]:
    """Return seconds of processor time, peak memory in MB and records, of work in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit({"load": load, "plain": plain}[work], file, store).result()


def load(file: Path, store: Path) -> tuple[float, float, int]:
    start = time.process_time()
    rows = load_register(store, [file]).sources[0].rows
    return time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, rows


def plain(file: Path, store: Path) -> tuple[float, float, int]:
    start = time.process_time()
    with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as opened:
        rows = len(json.load(opened)["records"])
    return time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, rows


@pytest.mark.long
@pytest.mark.parametrize("form", ["json", "csv", "xml"])
@pytest.mark.parametrize("kind", ["lei2", "rr", "repex"])
def test_a_million_records(tmp_path: Path, form: str, kind: str) -> None:
    """They load within 500 MB, in about the time that `json.load` parses as many, and are found in a millisecond."""
    per_record = apart("plain", golden_copy(tmp_path, "json", PLAIN), tmp_path)[0] / PLAIN
    store = tmp_path / "r.db"
    busy, peak, rows = apart("load", golden_copy(tmp_path, form, RECORDS, kind), store)
    assert rows == RECORDS
    assert peak < MOST_MEMORY_MB
    assert busy < 1.5 * RECORDS * per_record
    register, took = GleifRegister(store), []
    for number in range(0, RECORDS, RECORDS // 2_000):
        start = time.perf_counter()
        if kind == "lei2":
            found = register.entity(lei(number))
            assert found is not None
            assert found in register.named(name_of(number).upper())
        elif kind == "rr":
            assert [each.end for each in register.above(lei(number))] == [lei(number // 7)]
        else:
            assert register.exceptions(lei(number))
        took.append(time.perf_counter() - start)
    assert statistics.median(took) < 0.001
