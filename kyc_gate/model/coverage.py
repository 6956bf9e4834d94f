"""Which lists ought to be active, which are, and how old each of them is."""

from __future__ import annotations

from datetime import datetime
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


class ListAge(Record):
    """How old one active list is, as a decision keeps it. None is an unknown age."""

    list: str
    source: str
    age_hours: float | None
    stale: bool


def _reason(source: SourceCoverage) -> str:
    if source.state is SourceState.MISSING:
        return f"the list source `{source.source}` is missing"
    if source.state is SourceState.UNCONFIGURED:
        return f"the list source `{source.source}` is active and no longer configured"
    return f"the list source `{source.source}` is stale"
