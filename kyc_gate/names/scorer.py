"""Names scored against listed names, given how rare each word is on the lists."""

from __future__ import annotations

import math
from collections.abc import Iterable

from kyc_gate.model.record import Record
from kyc_gate.names.alignment import Alignment, Pair, Runs, align, runs_of, words_of
from kyc_gate.names.bones import HOW, align_bones
from kyc_gate.names.common_words import ARTICLE_WEIGHT, ARTICLES, COMMON_WORDS, is_generic, is_known, told_by
from kyc_gate.names.comparison import Comparison, pairs_as_data, said_of
from kyc_gate.names.guards import MANY_WORDS, Guard, guard_of
from kyc_gate.names.skeleton import is_abjad
from kyc_gate.names.word_rarity import rarity_of_words

SCORER_VERSION = "4"
"""Changes whenever the same two names may score otherwise; it goes with every result."""

UNMATCHED_QUERY = 0.6
"""What an unmatched word of the query costs, as a share of its weight: `Huawei Cloud` is still near `Huawei`."""

UNMATCHED_LISTED = 0.3
"""What an unmatched word of the listed name costs: people shorten names more often than they lengthen them."""

SWAPPED = 3.2
"""What it costs on top that each side has words which the other has not: `Ali Hassan` is not short for `Ali Omar`."""

SWAPPED_SCRIPTS = 2.2
"""The same where only consonants are compared: too few of them agree for the words left over to tell as much."""

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

COINED_TELLS = 0.6
"""Weight at which a listed name that is no everyday word is recognised among generic words: `DJI Europe`."""

SHORTEST_COINED = 3
"""Letters of such a name at least."""

CONSONANTS_FROM = 0.79
"""Score below which consonants alone say less, the lower the less: names of Arabic script read alike by chance."""

SHORTEST_RECOGNISED = 5
"""Letters of the longest word that agrees, where the listed name has more words: `Alfa` alone is not Alfa-Bank."""

GUESSED = 0.88
"""What a score keeps where the query was read from a script in which other names read the same."""

NEVER_SURE = 0.06
NEVER_SURE_FALLS = 2.5
"""A name that tells nothing keeps 6 % off 1.0; the doubt falls with what has agreed, so that scores never saturate."""

MOST_WEIGHTS = 1 << 17
"""Weights of words that are kept at hand."""

Words = tuple[str, ...]


class PreparedName(Record):
    """Words in comparison form with what their comparison needs, worked out once."""

    words: Words
    each: frozenset[str]
    weights: dict[str, float]
    letters: str
    runs: Runs
    abjad: bool = False
    guessed: bool = False


class Scorer:
    """Scores words against words. `cores` are the words of each listed name, legal forms taken out."""

    def __init__(self, cores: Iterable[Words]) -> None:
        self._rarity = rarity_of_words(list(cores))
        self._weights: dict[str, float] = {}

    def prepare(self, words: Words, *, guessed: bool = False) -> PreparedName:
        """Return the words ready for comparison: once for each listed name, once for each reading of a query."""
        unique = tuple(dict.fromkeys(words))
        return PreparedName(
            words=unique,
            each=frozenset(unique),
            weights={word: self.weight(word) for word in unique},
            letters="".join(words),
            runs=runs_of(unique),
            abjad=any(map(is_abjad, unique)),
            guessed=guessed,
        )

    def score(self, asked: PreparedName, listed: PreparedName, floor: float = 0.0) -> float:
        """Return how much the names resemble each other, 0.0 to 1.0; below `floor` possibly 0.0 at once."""
        return self._compared(asked, listed, floor)[0]

    def explain(self, asked: PreparedName, listed: PreparedName, *, query: str, target: str) -> Comparison:
        """Return the same score with its explanation; `query` and `target` are what people wrote."""
        score, found, guard = self._compared(asked, listed)
        return Comparison(
            score=score,
            explanation=f"`{query}` and `{target}`: {said_of(found, guard)}",
            pairs=pairs_as_data(found),
            only_asked=tuple(found.only_asked),
            only_listed=tuple(found.only_listed),
            guard=guard,
            version=SCORER_VERSION,
        )

    def weight(self, word: str) -> float:
        """Return how much a word tells, 0 to 1: little where many names share it, on these lists or anywhere."""
        known = self._weights.get(word)
        if known is None:
            if len(self._weights) >= MOST_WEIGHTS:
                self._weights = {}
            told = told_by(word)
            known = self._weights[word] = min(self._rarity.get(word, told), told)
        return known

    def _compared(
        self, asked: PreparedName, listed: PreparedName, floor: float = 0.0
    ) -> tuple[float, Alignment, Guard | None]:
        if asked.letters == listed.letters and asked.each != listed.each and len(asked.letters) >= SHORTEST_JOINED:
            whole = Alignment([Pair(LETTERS_AGREE, asked.words, listed.words, "spaced otherwise")], [], [])
            return self._sure(LETTERS_AGREE, max(map(self._told, (asked.words, listed.words))), asked), whole, None
        if asked.abjad is listed.abjad:
            found = align(asked.words, listed.words, asked.runs, listed.runs)
        else:
            found = align_bones(asked.words, listed.words)
        agreed = missing = 0.0
        for pair in found.pairs:
            weight = self._told_by_pair(pair)
            agreed += weight * pair.share
            missing += weight * (1 - pair.share)
        if not agreed:
            return 0.0, found, None
        surplus, absent = self._told(found.only_asked), self._told(found.only_listed)
        costs = SWAPPED if asked.abjad is listed.abjad else SWAPPED_SCRIPTS
        swapped = costs * self._swapped(found) if surplus and absent else 0.0
        score = agreed / (agreed + missing + swapped + UNMATCHED_QUERY * surplus + UNMATCHED_LISTED * absent)
        if surplus and score < WHOLE_NAME and not asked.guessed and self._is_recognised(found, agreed, absent):
            score = max(score, WHOLE_NAME * agreed / (agreed + missing))
        if listed.abjad and not asked.abjad and score < CONSONANTS_FROM:
            score *= (score / CONSONANTS_FROM) ** 2
        if score < floor:
            return 0.0, found, None
        guard = guard_of(found, agreed)
        if guard is not None:
            score = min(score, guard.cap)
        return self._sure(score, agreed, asked), found, guard

    def _is_recognised(self, found: Alignment, agreed: float, absent: float) -> bool:
        """Return whether all that tells anything of the listed name agrees, and tells enough among any other words."""
        if absent > MOST_ABSENT or not all(map(is_generic, found.only_listed)):
            return False
        words = [word for word in words_of(found.pairs) if word not in ARTICLES]
        padded = all(map(is_generic, found.only_asked))
        if not padded and sum(not is_generic(word) for word in words) < 2 and len(words) < MANY_WORDS - 1:
            return False
        if not padded and len(words) < MANY_WORDS and all(map(is_known, words)):
            return False
        if absent > ARTICLE_WEIGHT:
            return agreed >= TELLS_ENOUGH and max(map(len, words)) >= SHORTEST_RECOGNISED
        if padded and agreed >= COINED_TELLS and _is_coined(found):
            return True
        return agreed >= TELLS_ENOUGH or len(words) >= (MANY_WORDS if padded else MANY_WORDS + 1)

    def _sure(self, score: float, agreed: float, asked: PreparedName) -> float:
        sure = score * (1 - NEVER_SURE * math.exp(-NEVER_SURE_FALLS * agreed))
        return sure * GUESSED if asked.guessed else sure

    def _swapped(self, found: Alignment) -> float:
        """Return what the words tell that each side has instead of the other's, common words aside."""
        return min(self._told(_uncommon(found.only_asked)), self._told(_uncommon(found.only_listed)))

    def _told(self, words: Iterable[str]) -> float:
        return sum(map(self.weight, words))

    def _told_by_pair(self, pair: Pair) -> float:
        """Return how much a pair tells: as its side that tells more, or less where it is a translation."""
        if pair.how == "same":
            return self.weight(pair.asked[0])
        sides = self._told(pair.asked), self._told(pair.listed)
        return min(sides) if pair.how in _LESSER or is_known(pair.asked[0]) else max(sides)


_LESSER = frozenset({"means", "inflected", HOW})
"""Ways to agree in which the word that tells less says how much."""


def _is_coined(found: Alignment) -> bool:
    """Return whether the words agree exactly, and one is no everyday word."""
    if any(pair.how != "same" for pair in found.pairs):
        return False
    return any(len(word) >= SHORTEST_COINED and not is_known(word) for word in words_of(found.pairs))


def _uncommon(words: Iterable[str]) -> list[str]:
    return [word for word in words if word not in COMMON_WORDS and word not in ARTICLES]
