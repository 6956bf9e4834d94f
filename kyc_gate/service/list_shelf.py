"""The configured list sources, where they are kept, and what is active of them."""

from __future__ import annotations

from datetime import datetime

from kyc_gate.errors import FeedFault
from kyc_gate.feeds.coverage import clocks_of, coverage_of
from kyc_gate.feeds.guards import Limits
from kyc_gate.feeds.pull import Pulling
from kyc_gate.feeds.shelf import Shelf
from kyc_gate.feeds.source import Source, chosen_sources
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.coverage import Coverage, ListClock
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.model.record import Record
from kyc_gate.service.config import Configuration
from kyc_gate.service.gather import clocks_of_files


def sources_of(configuration: Configuration) -> tuple[Source, ...]:
    """Return the sources that the configuration asks for. Raises `ConfigurationError`."""
    return chosen_sources(configuration.lists.sources, configuration.lists.source)


def shelf_of(configuration: Configuration) -> Shelf:
    """Return the shelf on which pulled lists are kept."""
    return Shelf(configuration.path(configuration.lists.folder))


class ActiveLists(Record):
    """What a gate screens against: files that are read at start, and what is pulled, merged; and how old each list is.

    `stamp` tells whether the shelf changed since; `problem` says why it could not be read.
    """

    snapshot: ListSnapshot | None
    clocks: tuple[ListClock, ...]
    stamp: tuple[int, ...] = ()
    generation: str | None = None
    problem: str | None = None


def read_active(configuration: Configuration, files: ListSnapshot | None) -> ActiveLists:
    """Return the active lists: `files`, and what is on the shelf for the configured sources.

    A shelf that cannot be read gives no lists and no clock that ran: its sources are missing, and missing escalates.
    What is on the shelf stays active when nobody asks for it any more: a line that fell out of the configuration must
    not take a list away.
    """
    max_age = configuration.lists.max_age_hours
    sources = sources_of(configuration)
    clocks = clocks_of_files(files, max_age_hours=max_age)
    shelf = shelf_of(configuration)
    stamp = shelf.stamp()
    if not sources and not stamp:
        return ActiveLists(snapshot=files, clocks=clocks)
    try:
        generation, checks = shelf.active(), shelf.checks()
        pulled = shelf.snapshot(generation.snapshot) if generation else None
    except FeedFault as error:
        missing = clocks_of(sources, None, {}, max_age_hours=max_age)
        return ActiveLists(snapshot=files, clocks=(*clocks, *missing), stamp=stamp, problem=str(error))
    running = clocks_of(sources, generation, checks, max_age_hours=max_age)
    return ActiveLists(
        snapshot=joined(files, pulled),
        clocks=(*clocks, *running),
        stamp=stamp,
        generation=generation.id if generation else None,
    )


def joined(one: ListSnapshot | None, other: ListSnapshot | None) -> ListSnapshot | None:
    """Return both snapshots as one; the only one as it is."""
    if one is None or other is None:
        return one or other
    parts = [
        ListReading(
            name=part.digest,
            format="snapshot",
            entries=part.entries,
            problems=part.problems,
            as_of=part.as_of,
            notes=part.notes,
        )
        for part in (one, other)
    ]
    return merge(parts)


def pulling_of(configuration: Configuration, *, accept: frozenset[str] = frozenset(), rebuild: bool = False) -> Pulling:
    """Return how the configuration wants lists to be pulled."""
    lists = configuration.lists
    limits = Limits(shrink=lists.max_shrink, growth=lists.max_growth, unreadable=lists.max_unreadable)
    return Pulling(folder=configuration.folder, limits=limits, accept=accept, rebuild=rebuild)


def read_coverage(shelf: Shelf, sources: tuple[Source, ...], *, now: datetime, max_age_hours: float) -> Coverage:
    """Return where the sources stand on the shelf at `now`. Raises `FeedFault` for a damaged shelf."""
    return coverage_of(sources, shelf.active(), shelf.pointer(), shelf.checks(), now=now, max_age_hours=max_age_hours)
