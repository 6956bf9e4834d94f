"""Records of the LEI register as the rows that are stored: made run by run, in this process or in several."""

from __future__ import annotations

import gc
import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import NamedTuple

import msgspec

from kyc_gate.errors import StorageFault
from kyc_gate.ownership.gleif.records import Entity, Kind, Relationship, ReportingException, RowsRun, Run, name_key

WAITING_RUNS = 2
"""Runs for each process that may wait to be read or to be written; each is about a megabyte."""

_ENCODER = msgspec.msgpack.Encoder()


class Rows(NamedTuple):
    """What a run of records says, as rows of the tables, and what could not be read: which record, from 0, and why."""

    entities: list[tuple[str, bytes]]
    names: list[tuple[str, str]]
    relationships: list[tuple[str, str, str, bytes]]
    exceptions: list[tuple[str, bytes]]
    refused: list[tuple[int, str]]

    @property
    def good(self) -> int:
        """How many records could be read."""
        return len(self.entities) + len(self.relationships) + len(self.exceptions)

    @property
    def kinds(self) -> set[Kind]:
        """What the records are."""
        found = zip(Kind, (self.entities, self.relationships, self.exceptions), strict=True)
        return {kind for kind, rows in found if rows}


def rows_of(run: Run) -> Rows:
    """Return the rows of a run. No circle of objects is made, so that none is looked for meanwhile."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _rows_of(run)
    finally:
        if collecting:
            gc.enable()


def _rows_of(run: Run) -> Rows:
    rows, encode = Rows([], [], [], [], []), _ENCODER.encode
    for number, each in enumerate(run.rows()):
        if isinstance(each, Entity):
            lei = each.lei
            rows.entities.append((lei, encode(each)))
            if key := name_key(each.name):
                rows.names.append((key, lei))
            if each.names:
                rows.names.extend((other, lei) for other in _further_keys(each, key))
        elif isinstance(each, Relationship):
            rows.relationships.append((each.start, each.end, each.type, encode(each)))
        elif isinstance(each, ReportingException):
            rows.exceptions.append((each.lei, encode(each)))
        else:
            rows.refused.append((number, each))
    return rows


def _further_keys(entity: Entity, first: str) -> Iterable[str]:
    keys = dict.fromkeys(map(name_key, entity.names))
    return (key for key in keys if key and key != first)


def rows_of_all(runs: Iterator[Run], workers: int) -> Iterator[Rows]:
    """Yield the rows of each run, in order; with more than one worker, made in as many processes.

    A file of a single run, and runs that were read already, need none. Raises `StorageFault` when a process dies.
    """
    first, second = next(runs, None), next(runs, None)
    if first is None:
        return
    if workers < 2 or second is None or isinstance(first, RowsRun):
        yield from map(rows_of, _again(first, second, runs))
        return
    # A process that is started anew has none of the parent's threads and locks.
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    waiting: deque[Future[Rows]] = deque()
    try:
        for run in _again(first, second, runs):
            waiting.append(pool.submit(rows_of, run))
            if len(waiting) > workers * WAITING_RUNS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise StorageFault("a process that reads the register's files ended early; give `--workers 1`") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _again(first: Run, second: Run | None, rest: Iterator[Run]) -> Iterator[Run]:
    yield first
    if second is not None:
        yield second
        yield from rest
