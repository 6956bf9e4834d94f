"""The result of comparing a party with the lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from kyc_gate.model.party import PartyKind
from kyc_gate.model.record import Record


class ScreeningOutcome(StrEnum):
    """`NOT_SCREENED` is not `CLEAR`: no list was active, or the name could not be used."""

    CLEAR = "clear"
    POSSIBLE = "possible"
    MATCH = "match"
    NOT_SCREENED = "not_screened"


class Band(Record):
    """The two lines: from `possible` on a resemblance is a possible match, from `match` on a match."""

    possible: float
    match: float

    def __post_init__(self) -> None:
        """Raise `ValueError` for lines that are out of range or in the wrong order."""
        if not 0 < self.possible <= self.match <= 1:
            raise ValueError(f"lines must be 0 < possible <= match <= 1, not {self.possible} and {self.match}")

    def outcome(self, score: float) -> ScreeningOutcome:
        """Return the side of the lines on which `score` lies."""
        if score >= self.match:
            return ScreeningOutcome.MATCH
        return ScreeningOutcome.POSSIBLE if score >= self.possible else ScreeningOutcome.CLEAR


class Lines(Record):
    """The lines for every list and kind of entry; the most specific ones count.

    A pair of list and kind is `SDN/person`. Where a list and a kind both have lines, the list's count.
    """

    default: Band
    lists: Mapping[str, Band] = {}
    kinds: Mapping[str, Band] = {}
    pairs: Mapping[str, Band] = {}

    def of(self, list: str, kind: PartyKind) -> Band:
        """Return the lines for entries of this kind on this list."""
        return (
            self.pairs.get(f"{list}/{kind.value}") or self.lists.get(list) or self.kinds.get(kind.value) or self.default
        )

    @property
    def lowest(self) -> float:
        """The score below which nothing is even a possible match, on any list."""
        every = (self.default, *self.lists.values(), *self.kinds.values(), *self.pairs.values())
        return min(band.possible for band in every)


class WordPair(Record):
    """Words of the query and of the listed name that stand for each other, how alike (0.0 to 1.0), and in which way."""

    asked: str
    listed: str
    share: float
    how: str


class Contribution(Record):
    """What one fact beside the name adds to the log-odds of a match, or takes from them, and why."""

    of: str
    log_odds: float
    said: str


class Match(Record):
    """A compared pair with its score (0.0 to 1.0) and an explanation that names both strings compared.

    `words`, `only_asked` and `only_listed` are the same explanation word by word; `guard` names the reason why what
    agrees counts for less. `evidence` is what was known beside the name. `clean_per_million` is about how many clean
    parties in a million score as high; `treasury` what Treasury's own search would show, 0 to 100, for the record.
    `outcome` is the side of the lines on which it lies; `kind` and `weak` are the entry's kind and the list's own
    word that the alias is a poor identifier.
    """

    list: str
    entry_id: str
    name: str
    score: float
    queried: str
    explanation: str
    kind: PartyKind = PartyKind.UNKNOWN
    weak: bool = False
    outcome: ScreeningOutcome = ScreeningOutcome.POSSIBLE
    words: tuple[WordPair, ...] = ()
    only_asked: tuple[str, ...] = ()
    only_listed: tuple[str, ...] = ()
    guard: str | None = None
    evidence: tuple[Contribution, ...] = ()
    clean_per_million: float | None = None
    treasury: int | None = None


class Screening(Record):
    """What a party resembles, best match first, in the snapshot with this digest, as old as `as_of`.

    `complete` is false when a name among those asked about could not be screened, or shares nearly everything with
    more listed names than could be compared.
    `recall_bound` (0 to 1): every listed name that shares at least this part of what a query's letters tell was
    scored. None where nothing was screened, or where more names share everything than can be scored. `scorer` is the
    version of the scores.
    """

    outcome: ScreeningOutcome
    matches: tuple[Match, ...] = ()
    snapshot: str | None = None
    complete: bool = True
    recall_bound: float | None = None
    scorer: str | None = None
    as_of: datetime | None = None
