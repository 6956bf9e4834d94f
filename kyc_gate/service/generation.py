"""The lists that decisions are made with: one snapshot, its screener and its standing, swapped as one."""

from __future__ import annotations

from msgspec.structs import replace

from kyc_gate.model.coverage import ListClock
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.screening.screener import MATCH, POSSIBLE, Screener
from kyc_gate.service.gather import ListStanding
from kyc_gate.service.settings import Settings


class Generation:
    """One snapshot and everything that depends on it. Nothing in it changes once it is made.

    A decision takes one generation when it begins and uses no other: INVARIANT: no decision mixes two snapshots.
    """

    __slots__ = ("lists", "screener", "snapshot")

    def __init__(self, snapshot: ListSnapshot | None, screener: Screener | None, lists: ListStanding) -> None:
        self.snapshot = snapshot
        self.screener = screener
        self.lists = lists

    @classmethod
    def of(
        cls,
        snapshot: ListSnapshot | None,
        settings: Settings,
        clocks: tuple[ListClock, ...] | None = None,
        *,
        floor: float = 1.0,
    ) -> Generation:
        """Return the generation of `snapshot`, indexed with the configured lines; None means that no list is active.

        What scores `floor` is kept, however the operator's lines are drawn: a policy may draw lower ones.
        Indexing takes up to seconds on large lists: call it away from the event loop.
        """
        lists = ListStanding.of(snapshot, max_age_hours=settings.max_age_hours, clocks=clocks)
        return cls(snapshot, _screener(snapshot, settings, floor), lists)

    def confirmed(self, clocks: tuple[ListClock, ...]) -> Generation:
        """Return the same lists with newer clocks: a publisher said that they are current."""
        return Generation(self.snapshot, self.screener, replace(self.lists, clocks=clocks))

    @property
    def match_threshold(self) -> float:
        """The score from which on a resemblance is a match."""
        return self.screener.match if self.screener else 1.0


def _screener(snapshot: ListSnapshot | None, settings: Settings, floor: float) -> Screener | None:
    if snapshot is None:
        return None
    possible = POSSIBLE if settings.possible is None else settings.possible
    match = MATCH if settings.match is None else settings.match
    screener = Screener(snapshot, possible=possible, match=match, floor=floor, remember=True)
    screener.warm()
    return screener
