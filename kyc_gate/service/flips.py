"""A backtest of screening: every party of a book that two snapshots, sets of lines or scorers answer differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from kyc_gate.model.match import Screening, ScreeningOutcome
from kyc_gate.model.party import Party
from kyc_gate.model.record import Record
from kyc_gate.names.scorer import SCORER_VERSION
from kyc_gate.screening.screener import Screener
from kyc_gate.service.gather import screen_with_owners


class Side(Record):
    """What one side says of a party: the outcome, the best match, and every list with a match or a possible one."""

    outcome: str
    lists: tuple[str, ...] = ()
    score: float | None = None
    list: str | None = None
    entry_id: str | None = None
    listed: str | None = None


class Answer(Record):
    """What one version of the screening said of a party, kept so that a later version can be held against it."""

    party: str
    side: Side
    scorer: str
    snapshot: str


NOT_KEPT = "not_kept"
"""The outcome of a party of whom no earlier answer was kept: whatever is said of it now is new."""


class Flip(Record):
    """A party whose outcome, or whose lists, differ between the sides."""

    party: str
    name: str
    old: Side
    new: Side


class FlipCount(Record):
    """How many parties were compared, how many flip, from which outcome to which, and on which lists."""

    parties: int
    flips: int
    outcomes: dict[str, int]
    gained: dict[str, int]
    lost: dict[str, int]
    old: str
    new: str
    old_scorer: str = SCORER_VERSION
    scorer: str = SCORER_VERSION


class Backtest:
    """Compares a screener over a book with an older one, or with the answers that were kept of one, a party at a time.

    Answers compare two scorers: a version answers the book, and the next is held against what it said.
    `count` holds after all were compared.
    """

    def __init__(
        self, old: Screener | Mapping[str, Answer], new: Screener, parties: Mapping[str, Party] | None = None
    ) -> None:
        self._old = old
        self._new = new
        self._parties = parties or {}
        self._seen = self._flips = 0
        self._outcomes: Counter[str] = Counter()
        self._gained: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()

    def flips(self, book: Iterable[Party]) -> Iterator[tuple[Answer, Flip | None]]:
        """Yield, for each party, what the new side says, and its flip: None where both sides agree."""
        for party in book:
            self._seen += 1
            old, new = self._old_side(party), _side(screen_with_owners(party, self._parties, self._new))
            answer = Answer(party=party.id, side=new, scorer=SCORER_VERSION, snapshot=self._new.snapshot.digest)
            if (old.outcome, old.lists) == (new.outcome, new.lists):
                yield answer, None
                continue
            self._flips += 1
            self._outcomes[f"{old.outcome} to {new.outcome}"] += 1
            self._gained.update(set(new.lists) - set(old.lists))
            self._lost.update(set(old.lists) - set(new.lists))
            yield answer, Flip(party=party.id, name=party.name, old=old, new=new)

    def _old_side(self, party: Party) -> Side:
        if isinstance(self._old, Screener):
            return _side(screen_with_owners(party, self._parties, self._old))
        kept = self._old.get(party.id)
        return kept.side if kept is not None else Side(outcome=NOT_KEPT)

    @property
    def count(self) -> FlipCount:
        """The sums so far."""
        kept = () if isinstance(self._old, Screener) else self._old.values()
        return FlipCount(
            parties=self._seen,
            flips=self._flips,
            outcomes=dict(sorted(self._outcomes.items())),
            gained=dict(sorted(self._gained.items())),
            lost=dict(sorted(self._lost.items())),
            old=self._old.snapshot.digest if isinstance(self._old, Screener) else _all_of(a.snapshot for a in kept),
            new=self._new.snapshot.digest,
            old_scorer=SCORER_VERSION if isinstance(self._old, Screener) else _all_of(a.scorer for a in kept),
        )


def _all_of(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(values)))


def _side(found: Screening) -> Side:
    if found.outcome is ScreeningOutcome.NOT_SCREENED or not found.matches:
        return Side(outcome=found.outcome.value)
    best = found.matches[0]
    return Side(
        outcome=found.outcome.value,
        lists=tuple(sorted({match.list for match in found.matches})),
        score=best.score,
        list=best.list,
        entry_id=best.entry_id,
        listed=best.name,
    )
