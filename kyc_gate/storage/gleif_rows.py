"""Records of the LEI register as the rows that are stored: made run by run, in this process or in several."""

from __future__ import annotations

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
    """What a run of records says, as rows of the tables, and what could not be read of it."""

    entities: list[tuple[str, bytes]]
    names: list[tuple[str, str]]
    relationships: list[tuple[str, str, str, bytes]]
    exceptions: list[tuple[str, bytes]]
    refused: list[str]

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
    """Return the rows of a run."""
    rows, encode = Rows([], [], [], [], []), _ENCODER.encode
    for each in run.rows():
        if isinstance(each, Entity):
            rows.entities.append((each.lei, encode(each)))
            rows.names.extend((key, each.lei) for key in _keys(each))
        elif isinstance(each, Relationship):
            rows.relationships.append((each.start, each.end, each.type, encode(each)))
        elif isinstance(each, ReportingException):
            rows.exceptions.append((each.lei, encode(each)))
        else:
            rows.refused.append(each)
    return rows


def _keys(entity: Entity) -> Iterable[str]:
    keys = {name_key(entity.name), *map(name_key, entity.names)} if entity.names else (name_key(entity.name),)
    return (key for key in keys if key)


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
