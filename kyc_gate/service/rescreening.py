"""Parties screened again: after the lists changed, against what changed; after a party changed, against all lists."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime

from kyc_gate.errors import FeedFault, StorageFault
from kyc_gate.feeds.difference import difference
from kyc_gate.feeds.screened_book import Screened, ScreenedBook
from kyc_gate.model.case import RESCREENING
from kyc_gate.model.decision import Outcome
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.model.match import Match, ScreeningOutcome
from kyc_gate.model.party import Party
from kyc_gate.model.record import Record, digest, plain
from kyc_gate.names.scorer import SCORER_VERSION
from kyc_gate.ownership.directory import Directory
from kyc_gate.screening.screener import Screener
from kyc_gate.service.clearing import form_of
from kyc_gate.service.gather import screen_with_owners
from kyc_gate.service.settings import Settings
from kyc_gate.storage.store import CaseOpening, DecisionEntry, Store

RULE = RESCREENING
"""The rule that a case of a rescreening names: no request waits for it, a person does."""

BATCH = 256
"""Parties after which progress is saved: a second or less of work is done again after a crash."""

Opens = Callable[[tuple["Resemblance", ...]], Awaitable[int | None]]

Snapshots = Callable[[str], ListSnapshot | None]
"""Finds an earlier snapshot by its digest; None where it is no longer kept."""


class Resemblance(Record):
    """A party of the book that resembles a list entry. `cause` is `list` (the entry is new or changed) or `party`.

    `key` is the same for the same party and entry in the same form: settled once, it is settled until either changes.
    """

    key: str
    party: str
    name: str
    list: str
    entry_id: str
    listed: str
    score: float
    outcome: str
    queried: str
    explanation: str
    cause: str
    snapshot: str
    scorer: str


class Rescreener:
    """Screens a book against one snapshot, each party only as far as something changed since the last time."""

    def __init__(
        self, screener: Screener, book: ScreenedBook, earlier: Snapshots, parties: Mapping[str, Party] | None = None
    ) -> None:
        self._screener = screener
        self._book = book
        self._earlier = earlier
        self._parties = Directory.of(parties or {})
        self._narrowed: dict[str, Screener | None] = {}
        self._entries = {(entry.list, entry.id): entry for entry in screener.snapshot.entries}

    def screen(self, parties: Iterable[Party]) -> Generator[tuple[Party, tuple[Resemblance, ...]]]:
        """Yield each party with what it newly resembles.

        A party is noted as screened only after whoever reads this came back for more, so that what they did with the
        resemblances is done: a crash repeats at most `BATCH` parties.
        """
        done: list[tuple[str, Screened]] = []
        for party in parties:
            now = Screened(party=form_of(party), snapshot=self._screener.snapshot.digest, scorer=SCORER_VERSION)
            before = self._book.of(party.id)
            if before == now:
                yield party, ()
                continue
            yield party, self._resembled(party, before, now)
            done.append((party.id, now))
            if len(done) >= BATCH:
                self._book.note(done)
                done = []
        self._book.note(done)

    def _resembled(self, party: Party, before: Screened | None, now: Screened) -> tuple[Resemblance, ...]:
        changed_only = before is not None and (before.party, before.scorer) == (now.party, now.scorer)
        screener = self._since(before.snapshot) if before is not None and changed_only else self._screener
        if screener is None:
            return ()
        found = screen_with_owners(party, self._parties, screener)
        cause = "party" if screener is self._screener else "list"
        # What a policy's lower line names is clear to everybody else, and no reason for a case.
        told = (match for match in found.matches if match.outcome is not ScreeningOutcome.CLEAR)
        return tuple(self._resemblance(party, match, cause) for match in told)

    def _since(self, snapshot: str) -> Screener | None:
        """Return a screener over what changed since `snapshot`, None where nothing did; over all if it is not kept."""
        if snapshot not in self._narrowed:
            if len(self._narrowed) > 4:
                self._narrowed.clear()
            earlier = self._earlier(snapshot)
            if earlier is None:
                return self._screener
            entries = difference(earlier, self._screener.snapshot).to_screen
            self._narrowed[snapshot] = self._screener.narrowed(entries) if entries else None
        return self._narrowed[snapshot]

    def _resemblance(self, party: Party, match: Match, cause: str) -> Resemblance:
        entry = self._entries[match.list, match.entry_id]
        return Resemblance(
            key=digest([party.id, form_of(party), form_of(entry)]),
            party=party.id,
            name=party.name,
            list=match.list,
            entry_id=match.entry_id,
            listed=match.name,
            score=match.score,
            outcome=match.outcome.value,
            queried=match.queried,
            explanation=match.explanation,
            cause=cause,
            snapshot=self._screener.snapshot.digest,
            scorer=SCORER_VERSION,
        )


def entry_of(found: Resemblance, *, at: datetime, settings: Settings) -> DecisionEntry:
    """Return the audit record of a resemblance, and the case of its party that it opens or joins.

    The decision's id follows from the resemblance, so that the store holds it once, whatever became of the case.
    """
    urgent = found.outcome == ScreeningOutcome.MATCH
    return DecisionEntry(
        decision_id=decision_id_of(found),
        record={"type": RULE, "decision_id": decision_id_of(found), "at": at.isoformat(), "resemblance": plain(found)},
        case=CaseOpening(
            severity="high" if urgent else "medium",
            fingerprint=f"{RULE}:{found.party}",
            control_group=f"party:{found.party}",
            account="",
            party_id=found.party,
            operation=RULE,
            rules=(RULE,),
            decision_id=decision_id_of(found),
            at=at,
            due_at=settings.due_at(at, urgent=urgent),
            expires_at=None,
            family=RULE,
            likely=0,
            high=0,
            outcome=Outcome.ESCALATE,
        ),
        party_id=found.party,
    )


def decision_id_of(found: Resemblance) -> str:
    """Return the id under which a resemblance is recorded."""
    return f"rsc_{found.key[:32]}"


def kept_snapshots(read: Callable[[str], ListSnapshot]) -> Snapshots:
    """Return what finds earlier snapshots with `read`, and gives None for those that are no longer kept."""

    def found(digest: str) -> ListSnapshot | None:
        try:
            return read(digest)
        except FeedFault:
            return None

    return found


QUIET = 3.0
"""How many times longer than it worked a rescreening in the background rests: a quarter of one core at most."""

STRETCH_SECONDS = 0.02
"""How long the background works at a stretch."""


async def rescreen_gently(rescreener: Rescreener, parties: Iterable[Party], opens: Opens) -> int:
    """Screen `parties` again on a thread that rests most of the time, and return how many cases were opened.

    `opens` opens cases, and returns None when the work should be broken off: newer lists are active.
    """
    walk = rescreener.screen(parties)
    opened = 0
    try:
        while (stretch := await asyncio.to_thread(_stretch, walk)) is not None:
            found, seconds = stretch
            more = await opens(found)
            if more is None:
                break
            opened += more
            await asyncio.sleep(seconds * QUIET)
    finally:
        await asyncio.to_thread(walk.close)
    return opened


def _stretch(walk: Iterator[tuple[Party, tuple[Resemblance, ...]]]) -> tuple[tuple[Resemblance, ...], float] | None:
    """Go on to the next party that resembles something, or for a while; None at the end of the book."""
    started = time.monotonic()
    for _, found in walk:
        seconds = time.monotonic() - started
        if found or seconds > STRETCH_SECONDS:
            return found, seconds
    return None


async def open_cases(store: Store, found: Iterable[Resemblance], *, at: datetime, settings: Settings) -> int:
    """Record each resemblance that the store does not hold yet, and return how many cases they opened or joined.

    A party has one open case, which every resemblance joins: a name like that of a listed group is one question.
    """
    cases = set()
    for each in found:
        if await store.fetch_decision(decision_id_of(each)) is not None:
            continue
        entry = entry_of(each, at=at, settings=settings)
        try:
            receipt = await store.append(entry)
        except StorageFault:
            # Whoever else goes over the book, in this process or another, may have recorded it a moment ago; a write of
            # our own makes sure that what they wrote can be read.
            await store.ready()
            if await store.fetch_decision(decision_id_of(each)) is None:
                raise
        else:
            cases.add(receipt.case_id)
    return len(cases)
