"""A party's names against one list snapshot: candidates, compared word by word, best first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from kyc_gate.model.listing import ListSnapshot
from kyc_gate.model.match import Match, Screening, ScreeningOutcome
from kyc_gate.names.common_words import told_by
from kyc_gate.names.compare import compare_words
from kyc_gate.names.normalize import NormalizedName, normalize_name
from kyc_gate.names.variants import spelled_variants
from kyc_gate.screening.index import GramIndex

POSSIBLE = 0.78
MATCH = 0.92
"""The two lines. `benchmarks/screening.py` measures what they find and what they wrongly flag."""

MOST_MATCHES = 20
"""Matches that a screening names, at most: the best ones."""

WEAK_ALIAS = 0.95
"""What a match with an alias counts that the list itself calls weak."""


class Screener:
    """Screens names against a snapshot. It is built once for a snapshot and may be shared by any number of threads.

    A score of at least `match` is a match, one of at least `possible` a possible match.
    """

    def __init__(self, snapshot: ListSnapshot, *, possible: float = POSSIBLE, match: float = MATCH) -> None:
        if not 0 < possible <= match <= 1:
            raise ValueError(f"thresholds must be 0 < possible <= match <= 1, not {possible} and {match}")
        self.snapshot = snapshot
        self.possible = possible
        self.match = match
        self._names: dict[tuple[str, ...], list[tuple[int, str, bool]]] = {}
        for number, entry in enumerate(snapshot.entries):
            for name, weak in ((entry.name, False), *((alias.name, alias.weak) for alias in entry.aliases)):
                core = normalize_name(name).core
                if core:
                    self._names.setdefault(core, []).append((number, name, weak))
        self._cores = list(self._names)
        self._index = GramIndex(self._cores)
        counts = Counter(word for core in self._cores for word in set(core))
        rarest = math.log1p(len(self._cores)) or 1.0
        self._weights = {word: math.log1p(len(self._cores) / count) / rarest for word, count in counts.items()}

    def screen(self, names: Sequence[str], *, country: str | None = None) -> Screening:
        """Return what the names resemble. `country` is taken for later use and changes no score now.

        A name that cannot be relied on (empty after folding, or cut for its length) leaves the screening incomplete;
        when no name can be used, the party is not screened.
        """
        asked = [(name, normalize_name(name)) for name in names]
        found: dict[tuple[str, str], Match] = {}
        for name, normalized in asked:
            for match in self._matches(name, normalized):
                key = (match.list, match.entry_id)
                if key not in found or match.score > found[key].score:
                    found[key] = match
        matches = tuple(sorted(found.values(), key=lambda match: (-match.score, match.list, match.entry_id)))
        return Screening(
            outcome=self._outcome(matches, asked),
            matches=matches[:MOST_MATCHES],
            snapshot=self.snapshot.digest,
            complete=bool(asked) and all(normalized.problem is None for _, normalized in asked),
        )

    def _outcome(self, matches: Sequence[Match], asked: Sequence[tuple[str, NormalizedName]]) -> ScreeningOutcome:
        if matches and matches[0].score >= self.match:
            return ScreeningOutcome.MATCH
        if matches:
            return ScreeningOutcome.POSSIBLE
        usable = any(normalized.usable for _, normalized in asked)
        return ScreeningOutcome.CLEAR if usable else ScreeningOutcome.NOT_SCREENED

    def _matches(self, name: str, normalized: NormalizedName) -> list[Match]:
        """Return every entry that the name resembles, by any spelling that it may stand for."""
        found = []
        for words in spelled_variants(normalized.core):
            for core in self._candidates(words):
                score, said = compare_words(words, core, self._weight)
                if score >= self.possible:
                    found.extend(self._listed(core, name, score, said))
        return found

    def _candidates(self, words: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [self._cores[number] for number in self._index.nearest((*words, "".join(words)))] if words else []

    def _listed(self, core: tuple[str, ...], name: str, score: float, said: str) -> list[Match]:
        matches = []
        for number, listed, weak in self._names[core]:
            entry = self.snapshot.entries[number]
            counted = score * WEAK_ALIAS if weak else score
            if counted >= self.possible:
                matches.append(
                    Match(
                        list=entry.list,
                        entry_id=entry.id,
                        name=listed,
                        score=round(counted, 4),
                        queried=name,
                        explanation=f"`{name}` and `{listed}`: {said}",
                    )
                )
        return matches

    def _weight(self, word: str) -> float:
        """Return how much a word tells, from 0 to 1: little where many names share it, on these lists or anywhere."""
        return min(self._weights.get(word, 1.0), told_by(word))
