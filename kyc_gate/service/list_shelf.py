"""The configured list sources, where they are kept, and what is active of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from kyc_gate.feeds.coverage import coverage_of
from kyc_gate.feeds.guards import Limits
from kyc_gate.feeds.pull import Pulling
from kyc_gate.feeds.shelf import Shelf
from kyc_gate.feeds.source import Source, chosen_sources
from kyc_gate.model.coverage import Coverage
from kyc_gate.service.config import Configuration


def sources_of(configuration: Configuration) -> tuple[Source, ...]:
    """Return the sources that the configuration asks for. Raises `ConfigurationError`."""
    return chosen_sources(configuration.lists.sources, configuration.lists.source)


def shelf_of(configuration: Configuration) -> Shelf:
    """Return the shelf on which pulled lists are kept."""
    return Shelf(configuration.path(configuration.lists.folder))


def pulling_of(configuration: Configuration, *, accept: frozenset[str] = frozenset(), rebuild: bool = False) -> Pulling:
    """Return how the configuration wants lists to be pulled."""
    lists = configuration.lists
    limits = Limits(shrink=lists.max_shrink, growth=lists.max_growth, unreadable=lists.max_unreadable)
    return Pulling(folder=Path(configuration.folder), limits=limits, accept=accept, rebuild=rebuild)


def read_coverage(shelf: Shelf, sources: tuple[Source, ...], *, now: datetime, max_age_hours: float) -> Coverage:
    """Return where the sources stand on the shelf at `now`. Raises `FeedFault` for a damaged shelf."""
    return coverage_of(sources, shelf.active(), shelf.pointer(), shelf.checks(), now=now, max_age_hours=max_age_hours)
