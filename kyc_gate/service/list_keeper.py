"""Keeps the lists of a running gate current: pulls on a schedule, and takes up what anybody activated on the shelf."""

from __future__ import annotations

import asyncio
import contextlib
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from kyc_gate.errors import FeedFault
from kyc_gate.feeds.child import pull_apart
from kyc_gate.feeds.screened_book import ScreenedBook
from kyc_gate.model.coverage import Coverage
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.service.config import Configuration
from kyc_gate.service.list_shelf import ActiveLists, pulling_of, read_active, read_coverage, shelf_of, sources_of
from kyc_gate.service.rescreening import (
    Rescreener,
    Resemblance,
    kept_snapshots,
    open_cases,
    rescreen_gently,
)
from kyc_gate.service.waiting import set_within

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

WATCH_SECONDS = 1.0
"""Between two looks at the shelf: two calls of `stat`."""

JITTER = 0.1
"""Share by which the time between pulls varies, so that many gates do not ask a publisher at once."""


class ListKeeper:
    """Works beside a gate for as long as it is open. `files` is what was read at start besides the sources."""

    def __init__(self, configuration: Configuration, files: ListSnapshot | None, active: ActiveLists) -> None:
        self._configuration = configuration
        self._files = files
        self._active = active
        self._sources = sources_of(configuration)
        self._shelf = shelf_of(configuration)
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()

    async def keep(self, gate: Gate) -> None:
        """Watch and pull until cancelled."""
        if not self._sources and not self._active.stamp:
            return
        self._tell_coverage(gate)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(gate))
            if self._sources:
                tasks.create_task(self._pull())
            tasks.create_task(self._rescreen(gate))

    def coverage(self, now: datetime) -> Coverage:
        """Return where each source stands at `now`. Raises `FeedFault` when the shelf is damaged."""
        max_age = self._configuration.lists.max_age_hours
        return read_coverage(self._shelf, self._sources, now=now, max_age_hours=max_age)

    def generations(self) -> tuple[str, ...]:
        """Return the ids of what is kept to compare with, the oldest first."""
        return self._shelf.generations()

    def kept(self, generation: str) -> ListSnapshot:
        """Return the snapshot of a kept generation. Raises `FeedFault`."""
        return self._shelf.snapshot(self._shelf.generation(generation).snapshot)

    def _tell_coverage(self, gate: Gate) -> None:
        """Log what is expected and not active, stale, or active and not expected: at every start."""
        with contextlib.suppress(FeedFault):  # a damaged shelf is told by whoever reads it
            coverage = self.coverage(gate.now())
            problems = [*coverage.reasons(), *(f"no entry of list {code}" for code in coverage.missing_lists)]
            if problems:
                log.warning("lists.coverage", problems=problems)

    def look_again(self) -> None:
        """Pull now: another gate has lists that this one has not."""
        self._wanted.set()

    # Taking up

    async def _watch(self, gate: Gate) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                if await asyncio.to_thread(self._shelf.stamp) != self._active.stamp:
                    await self.take_up(gate)
            except Exception as error:
                # A watch that ended would let lists age in silence; whatever it was, it is told and tried again.
                log.error("lists.unreadable", exc_info=error, error=str(error))

    async def take_up(self, gate: Gate) -> None:
        """Read the shelf and put what is active there in the place of the gate's lists, without a pause.

        A shelf that cannot be read changes nothing: the gate's lists stay, and age.
        """
        found = await asyncio.to_thread(read_active, self._configuration, self._files)
        self._active = found
        if found.problem is not None or found.snapshot is None:
            log.error("lists.unreadable", error=found.problem or "nothing is on the shelf any more")
            return
        if gate.snapshot is not None and found.snapshot.digest == gate.snapshot.digest:
            gate.confirm(found.clocks)
            return
        await gate.activate(found.snapshot, found.clocks)
        self._changed.set()

    # Screening again

    async def _rescreen(self, gate: Gate) -> None:
        """Screen the parties on file again whenever other lists are active, and now and then for those that changed."""
        seconds = self._configuration.lists.rescreen_minutes * 60
        while True:
            try:
                await self.rescreen(gate)
            except Exception as error:
                # As above. What was not screened is screened the next time.
                log.error("rescreening.failed", exc_info=error, error=str(error))
            await set_within(self._changed, seconds)

    async def rescreen(self, gate: Gate) -> None:
        """Open a case for each party on file that newly resembles an entry of the active lists."""
        screener = gate.screener
        if screener is None:
            return
        parties = {party.id: party for party in await gate.store.fetch_parties()}

        async def opens(found: tuple[Resemblance, ...]) -> int | None:
            opened = await open_cases(gate.store, found, at=gate.now(), settings=gate.settings)
            return opened if gate.screener is screener else None

        with ScreenedBook(self._shelf.folder / "screened.db", "store") as book:
            rescreener = await asyncio.to_thread(
                Rescreener, screener, book, kept_snapshots(self._shelf.snapshot), parties
            )
            opened = await rescreen_gently(rescreener, parties.values(), opens)
        if opened:
            log.warning("rescreening.opened", cases=opened, snapshot=screener.snapshot.digest[:12])

    # Pulling

    async def _pull(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait(datetime.now(UTC))):
                    await self._wanted.wait()
                    await asyncio.sleep(random.uniform(0.0, 1.0))  # noqa: S311 - so that many gates do not ask at once
            self._wanted.clear()
            try:
                await pull_apart(self._shelf, self._sources, pulling_of(self._configuration))
            except Exception as error:  # noqa: BLE001 - as above: the schedule goes on
                log.error("lists.pull-failed", error=str(error), kind=type(error).__name__)
                await asyncio.sleep(min(60.0, self.interval.total_seconds()))

    @property
    def interval(self) -> timedelta:
        """About how long after one pull the next one is due."""
        return timedelta(minutes=self._configuration.lists.refresh_minutes)

    def _wait(self, now: datetime) -> float:
        """Return the seconds until the next pull is due; another process may have pulled in the meantime."""
        spread = 1 + random.uniform(-JITTER, JITTER)  # noqa: S311 - jitter
        tried: list[datetime] = []
        with contextlib.suppress(FeedFault):
            checks = self._shelf.checks()
            tried = [checks[source.name].tried_at for source in self._sources if source.name in checks]
        if len(tried) < len(self._sources):
            return random.uniform(0.0, 1.0)  # noqa: S311 - jitter
        due = min(tried) + self.interval * spread
        return max((due - now).total_seconds(), 0.05)
