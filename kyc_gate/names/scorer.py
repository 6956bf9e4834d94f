"""Names scored against listed names, given how rare each word is on the lists."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from kyc_gate.model.record import Record
from kyc_gate.names.common_words import told_by
from kyc_gate.names.compare import Comparison, compare_words

SCORER_VERSION = "2"
"""Changes whenever the same two names may score otherwise; it goes with every result."""

Words = tuple[str, ...]


class PreparedName(Record):
    """Words in comparison form with what their comparison needs, worked out once."""

    words: Words


class Scorer:
    """Scores words against words. `cores` are the words of each listed name, legal forms taken out."""

    def __init__(self, cores: Iterable[Words]) -> None:
        names = list(cores)
        counts = Counter(word for core in names for word in set(core))
        rarest = math.log1p(len(names)) or 1.0
        self._rarity = {word: math.log1p(len(names) / count) / rarest for word, count in counts.items()}

    def prepare(self, words: Words) -> PreparedName:
        """Return the words ready for comparison: once for each listed name, once for each query."""
        return PreparedName(words=words)

    def score(self, asked: PreparedName, listed: PreparedName, floor: float = 0.0) -> float:
        """Return how much the names resemble each other, 0.0 to 1.0; below `floor` possibly 0.0 at once."""
        return compare_words(asked.words, listed.words, self.weight)[0]

    def explain(self, asked: PreparedName, listed: PreparedName, *, query: str, target: str) -> Comparison:
        """Return the same score with its explanation; `query` and `target` are what people wrote."""
        score, said = compare_words(asked.words, listed.words, self.weight)
        return Comparison(score=score, explanation=f"`{query}` and `{target}`: {said}")

    def weight(self, word: str) -> float:
        """Return how much a word tells, 0 to 1: little where many names share it, on these lists or anywhere."""
        return min(self._rarity.get(word, 1.0), told_by(word))
