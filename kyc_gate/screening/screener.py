"""A party's names against one list snapshot: candidates, compared word by word, best first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.model.match import Band, Lines, Match, Screening, ScreeningOutcome
from kyc_gate.names.normalize import NormalizedName, normalize_name
from kyc_gate.names.scorer import SCORER_VERSION, PreparedName, Scorer
from kyc_gate.names.variants import spelled_variants
from kyc_gate.screening.grams import Words
from kyc_gate.screening.index import Arrays, GramIndex, higher
from kyc_gate.screening.listed import ListedName, ListedNames, listed_arrays

POSSIBLE = 0.78
MATCH = 0.92
"""The two lines. `benchmarks/screening.py` measures what they find and what they wrongly flag."""

MOST_MATCHES = 20
"""Matches that a screening names, at most, besides the best one of each list and kind."""

WEAK_ALIAS = 0.95
"""What a match with an alias counts that the list itself calls weak."""

_PREPARED = 20_000
"""Listed names that are kept ready for comparison, at most: some 10 MB."""


class _Found(NamedTuple):
    """A listed name with its score, and what it takes to explain it."""

    score: float
    entry: ListEntry
    listed: ListedName
    number: int
    queried: str
    asked: PreparedName


class Screener:
    """Screens names against a snapshot. It is built once for a snapshot and may be shared by any number of threads.

    A score of at least `match` is a match, one of at least `possible` a possible match; `lines` says so for each list
    and kind. `arrays` is an index of the same snapshot that was made before, by `index_arrays`.
    """

    def __init__(
        self,
        snapshot: ListSnapshot,
        *,
        possible: float = POSSIBLE,
        match: float = MATCH,
        lines: Lines | None = None,
        arrays: Arrays | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.lines = lines or Lines(default=Band(possible=possible, match=match))
        self.possible = self.lines.default.possible
        self.match = self.lines.default.match
        arrays = index_arrays(snapshot) if arrays is None else arrays
        self._names = ListedNames(snapshot, arrays)
        self._index = GramIndex(arrays)
        self._scorer = Scorer(self._names.all_words())
        self._prepared: dict[int, PreparedName] = {}

    def screen(self, names: Sequence[str], *, country: str | None = None) -> Screening:
        """Return what the names resemble. `country` is taken for later use and changes no score now.

        A name that cannot be relied on (empty after folding, or cut for its length) leaves the screening incomplete;
        when no name can be used, the party is not screened.
        """
        asked = [(name, normalize_name(name)) for name in names]
        found: dict[tuple[str, str], _Found] = {}
        bound: float | None = 0.0
        for name, normalized in asked:
            for words in spelled_variants(normalized.core) if normalized.usable else ():
                bound = higher(bound, self._search(name, words, found))
        matches = self._matches(found.values())
        return Screening(
            outcome=self._outcome(matches, asked),
            matches=matches,
            snapshot=self.snapshot.digest,
            complete=bool(asked) and all(normalized.problem is None for _, normalized in asked),
            recall_bound=bound if any(normalized.usable for _, normalized in asked) else None,
            scorer=SCORER_VERSION,
            as_of=self.snapshot.as_of,
        )

    def _outcome(self, matches: Sequence[Match], asked: Sequence[tuple[str, NormalizedName]]) -> ScreeningOutcome:
        if any(match.outcome is ScreeningOutcome.MATCH for match in matches):
            return ScreeningOutcome.MATCH
        if matches:
            return ScreeningOutcome.POSSIBLE
        usable = any(normalized.usable for _, normalized in asked)
        return ScreeningOutcome.CLEAR if usable else ScreeningOutcome.NOT_SCREENED

    def _search(self, name: str, words: Words, found: dict[tuple[str, str], _Found]) -> float | None:
        """Add every entry that the words resemble to `found`, where it scores best, and return the recall bound."""
        candidates = self._index.nearest(words)
        asked, floor, score = self._scorer.prepare(words), self.lines.lowest, self._scorer.score
        for number in candidates.numbers:
            scored = score(asked, self._ready(number), floor)
            if scored >= floor:
                for listed in self._names.names(number):
                    _keep_best(_Found(_counted(scored, listed), listed.entry, listed, number, name, asked), found)
        return candidates.bound

    def _ready(self, number: int) -> PreparedName:
        prepared = self._prepared.get(number)
        if prepared is None:
            prepared = self._scorer.prepare(self._names.words(number))
            if len(self._prepared) >= _PREPARED:
                self._prepared = {}
            self._prepared[number] = prepared
        return prepared

    def _matches(self, found: Iterable[_Found]) -> tuple[Match, ...]:
        """Return the matches, best first: `MOST_MATCHES`, and the best of each list and kind in any case."""
        ranked = sorted(
            (each for each in found if each.score >= self._band(each.entry).possible),
            key=lambda each: (-each.score, each.entry.list, each.entry.id),
        )
        best = {(each.entry.list, each.entry.kind): place for place, each in reversed(list(enumerate(ranked)))}
        named = set(best.values())
        return tuple(self._match(each) for place, each in enumerate(ranked) if place < MOST_MATCHES or place in named)

    def _match(self, found: _Found) -> Match:
        listed = found.listed
        explained = self._scorer.explain(
            found.asked, self._ready(found.number), query=found.queried, target=listed.name
        )
        return Match(
            list=found.entry.list,
            entry_id=found.entry.id,
            name=listed.name,
            score=found.score,
            queried=found.queried,
            explanation=explained.explanation,
            kind=found.entry.kind,
            weak=listed.weak,
            outcome=self._band(found.entry).outcome(found.score),
        )

    def _band(self, entry: ListEntry) -> Band:
        return self.lines.of(entry.list, entry.kind)


def index_arrays(snapshot: ListSnapshot) -> Arrays:
    """Return the index of `snapshot` as arrays, which a file may keep and several processes may share."""
    cores, arrays = listed_arrays(snapshot)
    return {**arrays, **GramIndex.arrays_of(cores)}


def _counted(score: float, listed: ListedName) -> float:
    return round(score * WEAK_ALIAS if listed.weak else score, 4)


def _keep_best(found: _Found, best: dict[tuple[str, str], _Found]) -> None:
    """Keep the better of two names of one entry; of equals the first in alphabet, whatever order they came in."""
    key = (found.entry.list, found.entry.id)
    other = best.get(key)
    if other is None or (-found.score, found.listed.name) < (-other.score, other.listed.name):
        best[key] = found
