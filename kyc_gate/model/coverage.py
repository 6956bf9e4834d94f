"""Which lists ought to be active, which are, and how old each of them is."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from kyc_gate.model.record import Record


class SourceState(StrEnum):
    """Where a source stands. Only `CURRENT` is sound: the others escalate.

    `MISSING` was asked for and never became active. `STALE` was not confirmed within the age allowed, or its
    publication is older than it may be. `UNCONFIGURED` is active although nobody asks for it any more.
    """

    CURRENT = "current"
    STALE = "stale"
    MISSING = "missing"
    UNCONFIGURED = "unconfigured"


class SourceCoverage(Record):
    """One source: what it holds and how old that is.

    `age_hours` counts from when the publisher last confirmed that this is what it publishes; `published_hours` from
    the publication itself. `outcome` and `problems` are those of the last pull. `counts` are entries of each list.
    """

    source: str
    state: SourceState
    title: str = ""
    publisher: str = ""
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    expected: tuple[str, ...] = ()
    entries: int = 0
    names: int = 0
    unreadable: int = 0
    sha256: str | None = None
    origin: str = ""
    signed: bool = False
    accepted: tuple[str, ...] = ()
    published_at: datetime | None = None
    confirmed_at: datetime | None = None
    tried_at: datetime | None = None
    age_hours: float | None = None
    published_hours: float | None = None
    outcome: str = "never"
    problems: tuple[str, ...] = ()
    failures: int = 0


class Coverage(Record):
    """All sources together, at one moment."""

    sources: tuple[SourceCoverage, ...]
    generation: str | None = None
    snapshot: str | None = None
    activated_at: datetime | None = None

    @property
    def sound(self) -> bool:
        """Whether every list that ought to be active is, and is current."""
        return bool(self.sources) and all(source.state is SourceState.CURRENT for source in self.sources)

    @property
    def missing_lists(self) -> tuple[str, ...]:
        """Codes of lists that a source ought to hold and no active one does."""
        active = {code for source in self.sources for code in source.counts}
        return tuple(sorted({code for source in self.sources for code in source.expected} - active))

    def reasons(self) -> tuple[str, ...]:
        """Return, a line each, why the lists are not sound."""
        return tuple(_reason(source) for source in self.sources if source.state is not SourceState.CURRENT)


_HOUR = timedelta(hours=1)

AHEAD = timedelta(minutes=6)
"""A confirmation may lie this far ahead, for clocks that differ; beyond, the clock is wrong and the age unknown."""


class ListClock(Record):
    """When one list was confirmed as current, and from when on it is stale. None: never, and so it is stale."""

    list: str
    source: str
    confirmed_at: datetime | None
    stale_at: datetime | None

    @classmethod
    def of(
        cls,
        code: str,
        source: str,
        *,
        confirmed_at: datetime | None,
        max_age_hours: float,
        published_at: datetime | None = None,
        publication_hours: float | None = None,
    ) -> ListClock:
        """Return the clock of a list that is stale `max_age_hours` after it was confirmed.

        With `publication_hours` it is stale so long after its publication, too, and at once when that is not known.
        """
        ends = [None if confirmed_at is None else confirmed_at + max_age_hours * _HOUR]
        if publication_hours is not None:
            ends.append(None if published_at is None else published_at + publication_hours * _HOUR)
        known = [end for end in ends if end is not None]
        stale_at = min(known) if len(known) == len(ends) else None
        return cls(list=code, source=source, confirmed_at=confirmed_at, stale_at=stale_at)

    def age_hours(self, now: datetime) -> float | None:
        """Return the hours since the list was confirmed; None when it never was, or is said to have been in future."""
        if self.confirmed_at is None or self.confirmed_at > now + AHEAD:
            return None
        return max((now - self.confirmed_at) / _HOUR, 0.0)

    def stale(self, now: datetime) -> bool:
        """Return whether the list is too old at `now`, or of unknown age."""
        return self.stale_at is None or now > self.stale_at or self.age_hours(now) is None


def _reason(source: SourceCoverage) -> str:
    if source.state is SourceState.MISSING:
        return f"the list source `{source.source}` is missing"
    if source.state is SourceState.UNCONFIGURED:
        return f"the list source `{source.source}` is active and no longer configured"
    return f"the list source `{source.source}` is stale"
