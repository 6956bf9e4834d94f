"""What a new file must look like beside what is held: every objection at once, none of them silent."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from kyc_gate.feeds.generation import Held
from kyc_gate.feeds.source import Source
from kyc_gate.lists.reading import ListReading
from kyc_gate.model.record import Record

AHEAD = timedelta(hours=26)
"""How far a date may lie ahead: the last time zone is 14 hours before UTC, the first 12 behind; beyond, it is wrong."""

FEW = 50
"""Below this many entries a list may shrink or grow by any share: one delisting of three is no accident."""


class Limits(Record):
    """How much a list may change in one step. Shares of the entries held.

    The defaults refuse a list that lost a tenth (in a month of 2026 the whole Consolidated Screening List changed by
    less than one in a hundred) or that more than doubled.
    """

    shrink: float = 0.10
    growth: float = 1.0
    unreadable: float = 0.02


class Objection(Record):
    """Why a file is not used. An operator may overrule it for that very file, by its code."""

    code: str
    says: str

    def __str__(self) -> str:
        return f"{self.code}: {self.says}"


OVERRULED = (
    "shrunk", "grew", "rolled-back", "dated-ahead", "unreadable-rows", "too-few", "too-many", "list-missing",
    "incomplete", "canary",
)  # fmt: skip
"""The guards that an operator may overrule. A file that cannot be read, or whose checksum is wrong, is never used."""


def counts_of(reading: ListReading) -> dict[str, int]:
    """Return the entries of each list in a file."""
    return dict(sorted(Counter(entry.list for entry in reading.entries).items()))


def names_of(reading: ListReading) -> int:
    """Return how many names a file holds, aliases included."""
    return sum(1 + len(entry.aliases) for entry in reading.entries)


def objections(
    source: Source,
    reading: ListReading,
    held: Held | None,
    *,
    published_at: datetime | None,
    dated_by: str,
    now: datetime,
    limits: Limits,
) -> tuple[Objection, ...]:
    """Return everything that speaks against using `reading` in place of what is held."""
    found = [
        *_size(source, len(reading.entries)),
        *_coverage(source, reading, held, limits),
        *(Objection(code="incomplete", says=part) for part in reading.incomplete),
        *_rows(reading, limits),
        *_date(held, published_at, dated_by, now),
    ]
    if held is not None:
        found += _step("the file", len(reading.entries), held.entries, limits)
    return tuple(found)


def _size(source: Source, entries: int) -> list[Objection]:
    if entries < source.least:
        return [Objection(code="too-few", says=f"{entries} entries, and `{source.name}` has at least {source.least}")]
    if entries > source.most:
        return [Objection(code="too-many", says=f"{entries} entries, and `{source.name}` has at most {source.most}")]
    return []


def _coverage(source: Source, reading: ListReading, held: Held | None, limits: Limits) -> list[Objection]:
    """Compare list by list: a file may keep its size while one of its lists falls away."""
    counts = counts_of(reading)
    before = held.counts if held else {}
    expected = dict.fromkeys((*source.lists, *(code for code, count in before.items() if count >= FEW)))
    missing = [code for code in expected if code not in counts]
    found = [Objection(code="list-missing", says=f"no entry of {code}") for code in missing]
    for code, count in counts.items():
        if code in before:
            found += _step(code, count, before[code], limits)
    return found


def _step(what: str, now: int, before: int, limits: Limits) -> list[Objection]:
    if before >= FEW and now < before * (1 - limits.shrink):
        return [Objection(code="shrunk", says=f"{what} has {now} entries and had {before}")]
    if now >= FEW and now > max(before, FEW) * (1 + limits.growth):
        return [Objection(code="grew", says=f"{what} has {now} entries and had {before}")]
    return []


def _rows(reading: ListReading, limits: Limits) -> list[Objection]:
    rows = len(reading.entries) + len(reading.problems)
    if not reading.problems or len(reading.problems) <= limits.unreadable * rows:
        return []
    says = f"{len(reading.problems)} of {rows} rows could not be read; the first: {reading.problems[0]}"
    return [Objection(code="unreadable-rows", says=says)]


def _date(held: Held | None, published_at: datetime | None, dated_by: str, now: datetime) -> list[Objection]:
    """Dates are compared with dates of the same origin: what a file says of itself, or what a server says of it."""
    if published_at is None:
        return []
    if published_at > now + AHEAD:
        return [Objection(code="dated-ahead", says=f"dated {published_at.isoformat()}, which has not come yet")]
    before = held.published_at if held and held.dated_by == dated_by else None
    if before is not None and published_at < before:
        says = f"dated {published_at.isoformat()}, older than what is held, of {before.isoformat()}"
        return [Objection(code="rolled-back", says=says)]
    return []
