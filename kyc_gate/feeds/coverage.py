"""The coverage report: lists expected against lists active, and how old each is. No disk and no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from kyc_gate.feeds.generation import Check, Generation, Held, Pointer
from kyc_gate.feeds.source import Source
from kyc_gate.model.coverage import Coverage, ListClock, SourceCoverage, SourceState


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
        state=_state(source, held, check, now, max_age_hours),
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


def _state(source: Source, held: Held | None, check: Check | None, now: datetime, max_age_hours: float) -> SourceState:
    if held is None:
        return SourceState.MISSING
    stale = any(clock.stale(now) for clock in _clocks(source, held, check, max_age_hours))
    return SourceState.STALE if stale else SourceState.CURRENT


def _unconfigured(report: SourceCoverage) -> SourceCoverage:
    state = SourceState.STALE if report.state is SourceState.STALE else SourceState.UNCONFIGURED
    return replace(report, state=state)


def _hours(then: datetime | None, now: datetime) -> float | None:
    """Return the age in hours; an age below zero is an unknown age."""
    return ListClock(list="", source="", confirmed_at=then, stale_at=None).age_hours(now)


def clocks_of(
    sources: Sequence[Source], generation: Generation | None, checks: Mapping[str, Check], *, max_age_hours: float
) -> tuple[ListClock, ...]:
    """Return the clock of each list of each source, active or expected: what is expected and not held never ran."""
    held = {each.source: each for each in (generation.held if generation else ())}
    known = {source.name: source for source in sources}
    return tuple(
        clock
        for name in dict.fromkeys((*known, *held))
        for clock in _clocks(known.get(name, Source(name=name)), held.get(name), checks.get(name), max_age_hours)
    )


def _clocks(source: Source, held: Held | None, check: Check | None, max_age_hours: float) -> list[ListClock]:
    codes = dict.fromkeys((*(held.counts if held else ()), *source.lists)) or {source.name: None}
    return [
        ListClock.of(
            code,
            source.name,
            confirmed_at=check.confirmed_at if held and check else None,
            max_age_hours=max_age_hours,
            published_at=held.ages_from if held else None,
            publication_hours=source.publication_hours,
        )
        for code in codes
    ]
