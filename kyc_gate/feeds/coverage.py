"""The coverage report: lists expected against lists active, and how old each is. No disk and no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from kyc_gate.feeds.generation import Check, Generation, Held, Pointer
from kyc_gate.feeds.source import Source
from kyc_gate.model.coverage import Coverage, ListAge, SourceCoverage, SourceState

AHEAD_HOURS = 0.1
"""A confirmation may lie this far ahead, for clocks that differ; beyond, the clock is wrong and the age unknown."""


def coverage_of(
    sources: Sequence[Source],
    generation: Generation | None,
    pointer: Pointer | None,
    checks: Mapping[str, Check],
    *,
    now: datetime,
    max_age_hours: float,
) -> Coverage:
    """Return where each source stands at `now`: those configured, and those that are active although they are not."""
    held = {each.source: each for each in (generation.held if generation else ())}
    reports = [
        _covered(source, held.get(source.name), checks.get(source.name), now, max_age_hours) for source in sources
    ]
    configured = {source.name for source in sources}
    for name in sorted(held.keys() - configured):
        report = _covered(Source(name=name), held[name], checks.get(name), now, max_age_hours)
        reports.append(_unconfigured(report))
    return Coverage(
        sources=tuple(reports),
        generation=generation.id if generation else None,
        snapshot=generation.snapshot if generation else None,
        activated_at=pointer.activated_at if pointer else None,
    )


def _covered(
    source: Source, held: Held | None, check: Check | None, now: datetime, max_age_hours: float
) -> SourceCoverage:
    confirmed = check.confirmed_at if check else None
    age = _hours(confirmed, now) if held else None
    published = _hours(held.published_at, now) if held else None
    return SourceCoverage(
        source=source.name,
        state=_state(source, held, age, published, max_age_hours),
        title=source.title,
        publisher=source.publisher,
        counts=held.counts if held else {},
        expected=source.lists,
        entries=held.entries if held else 0,
        names=held.names if held else 0,
        unreadable=held.problems if held else 0,
        sha256=held.sha256 if held else None,
        origin=held.origin if held else "",
        signed=held.signed if held else False,
        accepted=held.accepted if held else (),
        published_at=held.published_at if held else None,
        confirmed_at=confirmed if held else None,
        tried_at=check.tried_at if check else None,
        age_hours=age,
        published_hours=published,
        outcome=check.outcome if check else "never",
        problems=check.problems if check else (),
        failures=check.failures if check else 0,
    )


def _unconfigured(report: SourceCoverage) -> SourceCoverage:
    state = SourceState.STALE if report.state is SourceState.STALE else SourceState.UNCONFIGURED
    return SourceCoverage(**{name: getattr(report, name) for name in report.__struct_fields__} | {"state": state})


def _hours(then: datetime | None, now: datetime) -> float | None:
    """Return the age in hours; an age below zero is an unknown age."""
    if then is None:
        return None
    hours = (now - then) / timedelta(hours=1)
    return max(hours, 0.0) if hours > -AHEAD_HOURS else None


def _state(
    source: Source, held: Held | None, age: float | None, published: float | None, max_age_hours: float
) -> SourceState:
    if held is None:
        return SourceState.MISSING
    late = source.publication_hours is not None and (published is None or published > source.publication_hours)
    return SourceState.STALE if late or age is None or age > max_age_hours else SourceState.CURRENT


def list_ages(coverage: Coverage) -> tuple[ListAge, ...]:
    """Return the age of each active list, oldest source first within a list."""
    ages = [
        ListAge(
            list=code,
            source=source.source,
            age_hours=None if source.age_hours is None else round(source.age_hours, 3),
            stale=source.state is SourceState.STALE,
        )
        for source in coverage.sources
        for code in source.counts
    ]
    return tuple(sorted(ages, key=lambda age: (age.list, age.source)))
