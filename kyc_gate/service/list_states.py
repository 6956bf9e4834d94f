"""Where each list of restricted parties stands, as one record: what is active, how old it is, and what comes next."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from kyc_gate.errors import FeedFault
from kyc_gate.model.coverage import Coverage, SourceCoverage
from kyc_gate.model.record import Record

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate


FILES = "files"
"""The source of lists that are read from files and asked of nobody."""


class ListState(StrEnum):
    """A list is active and current, active and too old, or not there. Only the first is sound; the others escalate."""

    ACTIVE = "active"
    STALE = "stale"
    NOT_READY = "not_ready"


class OneList(Record):
    """A list by its code: its state, how old it is, from when on it is stale, and its rows.

    `age_hours` is None where nobody ever confirmed it, `stale_at` where it is stale already for that.
    """

    code: str
    source: str
    state: ListState
    age_hours: float | None
    confirmed_at: datetime | None
    stale_at: datetime | None
    rows: int | None


class ListStates(Record):
    """All lists at one moment. `coverage` is that of the shelf; None where lists are read from files only.

    `problem` says why the shelf cannot be read. `pulls` is when each source is asked next. `generations` are what is
    kept to compare with, the newest first. `problems` and `notes` are what could not be read of the active lists.
    """

    lists: tuple[OneList, ...]
    snapshot: str | None
    as_of: datetime | None
    entries: int
    max_age_hours: float
    coverage: Coverage | None = None
    problem: str | None = None
    pulls: dict[str, datetime] = msgspec.field(default_factory=dict)
    generations: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether there is a list, and every one of them is active and current."""
        return bool(self.lists) and all(each.state is ListState.ACTIVE for each in self.lists) and not self.problem


def list_states(gate: Gate, now: datetime) -> ListStates:
    """Return where the lists of `gate` stand at `now`. It reads small files."""
    coverage, problem = None, None
    generations: tuple[str, ...] = ()
    keeper = gate.keeper
    if keeper is not None:
        try:
            coverage = keeper.coverage(now)
            generations = tuple(reversed(keeper.generations()))
        except FeedFault as error:
            problem = str(error)
    snapshot = gate.snapshot
    rows = _rows(coverage)
    active = Counter(entry.list for entry in snapshot.entries) if snapshot else Counter[str]()
    return ListStates(
        lists=tuple(
            OneList(
                code=clock.list,
                source=clock.source,
                state=_state(gate, clock.list, stale=clock.stale(now)),
                age_hours=clock.age_hours(now),
                confirmed_at=clock.confirmed_at,
                stale_at=clock.stale_at,
                rows=rows.get((clock.source, clock.list), active[clock.list] if clock.source == FILES else None),
            )
            for clock in sorted(gate.lists.clocks, key=lambda clock: (clock.list, clock.source))
        ),
        snapshot=snapshot.digest if snapshot else None,
        as_of=snapshot.as_of if snapshot else None,
        entries=len(snapshot.entries) if snapshot else 0,
        max_age_hours=gate.settings.max_age_hours,
        coverage=coverage,
        problem=problem,
        pulls=_pulls(coverage, keeper.interval) if keeper is not None and coverage is not None else {},
        generations=generations,
        problems=snapshot.problems if snapshot else (),
        notes=snapshot.notes if snapshot else (),
    )


def _state(gate: Gate, code: str, *, stale: bool) -> ListState:
    if gate.snapshot is None or code not in gate.snapshot.lists:
        return ListState.NOT_READY
    return ListState.STALE if stale else ListState.ACTIVE


def _rows(coverage: Coverage | None) -> dict[tuple[str, str], int]:
    sources: tuple[SourceCoverage, ...] = coverage.sources if coverage else ()
    return {(source.source, code): count for source in sources for code, count in source.counts.items()}


def _pulls(coverage: Coverage, interval: timedelta) -> dict[str, datetime]:
    """Return about when each source is asked next: an interval after the last time; a gate spreads them by a tenth."""
    return {source.source: source.tried_at + interval for source in coverage.sources if source.tried_at is not None}
