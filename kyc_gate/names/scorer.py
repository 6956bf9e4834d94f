"""Names scored against listed names, given how rare each word is on the lists."""

from __future__ import annotations

import math
from collections.abc import Iterable

from kyc_gate.model.record import Record
from kyc_gate.names.alignment import Alignment, Pair, align
from kyc_gate.names.common_words import ARTICLE_WEIGHT, ARTICLES, is_generic, told_by
from kyc_gate.names.guards import MANY_WORDS, Guard, guard_of
from kyc_gate.names.rarity import rarity_of_words

SCORER_VERSION = "2"
"""Changes whenever the same two names may score otherwise; it goes with every result."""

UNMATCHED_QUERY = 0.6
"""What an unmatched word of the query costs, as a share of its weight: `Huawei Cloud` is still near `Huawei`."""

UNMATCHED_LISTED = 0.3
"""What an unmatched word of the listed name costs: people shorten names more often than they lengthen them."""

SLIP_COST = 1.0
"""What the part of a word that does not agree costs."""

LETTERS_AGREE = 0.975
"""Score of names with the same letters, spaced otherwise."""

SHORTEST_JOINED = 5
"""Letters that two names must share before blanks are disregarded: shorter runs agree by chance."""

WHOLE_NAME = 0.82
"""Score at least of a query that has all of a listed name that tells enough, among other words."""

MOST_ABSENT = 0.75
"""Weight of the generic words that a listed name may have beside those that agree, to be recognised all the same."""

TELLS_ENOUGH = 0.85
"""Weight of the agreed words at which a listed name is recognised among any others."""

SHORTEST_RECOGNISED = 5
"""Letters of the longest word that agrees, where the listed name has more words: `Alfa` alone is not Alfa-Bank."""

NEVER_SURE = 0.06
NEVER_SURE_FALLS = 2.5
"""A name that tells nothing keeps 6 % off 1.0; the doubt falls with what has agreed, so that scores never saturate."""

Words = tuple[str, ...]


class PreparedName(Record):
    """Words in comparison form with what their comparison needs, worked out once."""

    words: Words
    each: frozenset[str]
    weights: dict[str, float]
    total: float
    letters: str
    guessed: bool = False


class Comparison(Record):
    """A score from 0.0 to 1.0, and an explanation that names both strings, in a clause and word by word."""

    score: float
    explanation: str
    pairs: tuple[Pair, ...] = ()
    only_asked: Words = ()
    only_listed: Words = ()
    guard: Guard | None = None
    version: str = SCORER_VERSION


class Scorer:
    """Scores words against words. `cores` are the words of each listed name, legal forms taken out."""

    def __init__(self, cores: Iterable[Words]) -> None:
        self._rarity = rarity_of_words(list(cores))

    def prepare(self, words: Words, *, guessed: bool = False) -> PreparedName:
        """Return the words ready for comparison: once for each listed name, once for each reading of a query."""
        unique = tuple(dict.fromkeys(words))
        weights = {word: self.weight(word) for word in unique}
        return PreparedName(
            words=unique,
            each=frozenset(unique),
            weights=weights,
            total=sum(weights.values()),
            letters="".join(words),
            guessed=guessed,
        )

    def score(self, asked: PreparedName, listed: PreparedName, floor: float = 0.0) -> float:
        """Return how much the names resemble each other, 0.0 to 1.0; below `floor` possibly 0.0 at once."""
        return self._compared(asked, listed)[0]

    def explain(self, asked: PreparedName, listed: PreparedName, *, query: str, target: str) -> Comparison:
        """Return the same score with its explanation; `query` and `target` are what people wrote."""
        score, alignment, guard, said = self._compared(asked, listed)
        return Comparison(
            score=score,
            explanation=f"`{query}` and `{target}`: {said}",
            pairs=alignment.pairs,
            only_asked=alignment.only_asked,
            only_listed=alignment.only_listed,
            guard=guard,
        )

    def weight(self, word: str) -> float:
        """Return how much a word tells, 0 to 1: little where many names share it, on these lists or anywhere."""
        return min(self._rarity.get(word, 1.0), told_by(word))

    def _compared(self, asked: PreparedName, listed: PreparedName) -> tuple[float, Alignment, Guard | None, str]:
        if asked.letters == listed.letters and len(asked.letters) >= SHORTEST_JOINED and asked.each != listed.each:
            pair = Pair(
                asked=" ".join(asked.words), listed=" ".join(listed.words), share=LETTERS_AGREE, how="spaced otherwise"
            )
            whole = Alignment(pairs=(pair,), only_asked=(), only_listed=())
            return (
                self._sure(LETTERS_AGREE, max(listed.total, asked.total)),
                whole,
                None,
                "the same letters, spaced otherwise",
            )
        found = align(asked.words, listed.words)
        agreed = missing = 0.0
        for pair in found.pairs:
            weight = self._told_by_pair(pair, asked, listed)
            agreed += weight * pair.share
            missing += weight * (1 - pair.share) * SLIP_COST
        if not agreed:
            return 0.0, found, None, "no word agrees"
        surplus = sum(asked.weights[word] for word in found.only_asked)
        absent = sum(listed.weights[word] for word in found.only_listed)
        score = agreed / (agreed + missing + UNMATCHED_QUERY * surplus + UNMATCHED_LISTED * absent)
        if surplus and not asked.guessed and self._is_recognised(found, agreed, absent):
            score = max(score, WHOLE_NAME * agreed / (agreed + missing))
        guard = guard_of(found, agreed, score)
        if guard is not None:
            score = min(score, guard.cap)
        return self._sure(score, agreed), found, guard, _said(found, guard)

    def _is_recognised(self, found: Alignment, agreed: float, absent: float) -> bool:
        """Return whether all that tells anything of the listed name agrees, and tells enough among any other words."""
        if any(not is_generic(word) for word in found.only_listed) or absent > MOST_ABSENT:
            return False
        words = [word for pair in found.pairs for word in pair.listed.split() if word not in ARTICLES]
        if absent > ARTICLE_WEIGHT:
            return agreed >= TELLS_ENOUGH and max(map(len, words)) >= SHORTEST_RECOGNISED
        padded = all(is_generic(word) for word in found.only_asked)
        return agreed >= TELLS_ENOUGH or len(words) >= (MANY_WORDS if padded else MANY_WORDS + 1)

    def _sure(self, score: float, agreed: float) -> float:
        return score * (1 - NEVER_SURE * math.exp(-NEVER_SURE_FALLS * agreed))

    def _told_by_pair(self, pair: Pair, asked: PreparedName, listed: PreparedName) -> float:
        """Return how much a pair tells: as its word that tells more, or less where it is a translation."""
        ours = sum(asked.weights[word] for word in pair.asked.split())
        theirs = sum(listed.weights[word] for word in pair.listed.split())
        return min(ours, theirs) if pair.how in {"means", "inflected"} else max(ours, theirs)


def _said(found: Alignment, guard: Guard | None) -> str:
    if not found.only_asked and not found.only_listed and all(pair.how == "same" for pair in found.pairs):
        said = "the same words"
    else:
        said = ", ".join(_paired(pair) for pair in found.pairs)
        if found.only_asked:
            said += f"; only asked: {' '.join(found.only_asked)}"
        if found.only_listed:
            said += f"; only listed: {' '.join(found.only_listed)}"
    return f"{said}; {guard.reason}" if guard else said


def _paired(pair: Pair) -> str:
    return pair.asked if pair.asked == pair.listed else f"{pair.asked} ~ {pair.listed} ({pair.how})"
