"""Names scored against listed names, given how rare each word is on the lists."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kyc_gate.names.alignment import LONGEST_ACRONYM, Alignment, Pair, Runs, align, words_of
from kyc_gate.names.bones import HOW, align_bones
from kyc_gate.names.common_words import ARTICLE_WEIGHT, ARTICLES, COMMON_WORDS, is_generic, is_known, told_by
from kyc_gate.names.comparison import Comparison, pairs_as_data, said_of
from kyc_gate.names.guards import MANY_WORDS, Guard, guard_of, initials
from kyc_gate.names.skeleton import is_abjad
from kyc_gate.names.word_rarity import rarity_of_words

SCORER_VERSION = "7"
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

COINED_TELLS = 0.5
"""Weight at which a listed name that is no everyday word is recognised among generic words: `DJI Europe`."""

COINED_ALONE = 0.83
NOBODY_ELSE = 0.95
SHORTEST_ALONE = 6
"""Score at least of a single word of which two-word name, what it tells at least, and its letters at least: `Pasdaran`
of `Sepah Pasdaran`."""

SHORTEST_COINED = 3
"""Letters of such a name at least."""

CONSONANTS_FROM = 0.79
"""Score below which consonants alone say less, the lower the less: names of Arabic script read alike by chance."""

SHORTEST_ACRONYM = 3
"""Letters by which a name abbreviates itself, at least."""

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


class PreparedName(NamedTuple):
    """Words in comparison form with what their comparison needs, worked out once."""

    words: Words
    letters: str
    runs: Runs
    abjad: bool = False
    guessed: bool = False


class Scored(NamedTuple):
    """A score from 0.0 to 1.0, with the alignment that it comes from and the guard that held."""

    score: float
    found: Alignment
    guard: Guard | None


class _Weights(dict[str, float]):
    """How much each word tells, worked out when it is first asked for."""

    def __init__(self, rarity: Mapping[str, float]) -> None:
        self._rarity = rarity

    def __missing__(self, word: str) -> float:
        if len(self) >= MOST_WEIGHTS:
            self.clear()
        told = told_by(word)
        weight = self[word] = min(self._rarity.get(word, told), told)
        return weight


class Scorer:
    """Scores words against words. `rarity` is what its frequency on the lists leaves of what a word tells."""

    def __init__(self, rarity: Mapping[str, float]) -> None:
        # A dict's own subscription calls `__missing__`, and is a third of the cost of a method of ours.
        self.weight = _Weights(rarity).__getitem__

    @classmethod
    def of_names(cls, cores: Iterable[Words]) -> Scorer:
        """Return a scorer for lists of these names, given as their words, legal forms taken out."""
        return cls(rarity_of_words(cores))

    def prepare(self, words: Words, *, guessed: bool = False) -> PreparedName:
        """Return the words ready for comparison: once for each listed name, once for each reading of a query."""
        unique = tuple(dict.fromkeys(words))
        letters = "".join(words)
        abjad = not letters.isascii() and any(map(is_abjad, unique))
        return PreparedName(unique, letters, Runs(unique), abjad, guessed)

    def weights_of(self, words: Words) -> dict[str, float]:
        """Return how much each word tells, 0 to 1: little where many names share it, on these lists or anywhere."""
        return {word: self.weight(word) for word in words}

    def score(self, asked: PreparedName, listed: PreparedName, floor: float = 0.0) -> float:
        """Return how much the names resemble each other, 0.0 to 1.0; below `floor` possibly 0.0 at once."""
        return self.compare(asked, listed, floor).score

    def explain(self, scored: Scored, *, query: str, target: str) -> Comparison:
        """Return a score with its explanation; `query` and `target` are what people wrote."""
        score, found, guard = scored
        return Comparison(
            score=score,
            explanation=f"`{query}` and `{target}`: {said_of(found, guard)}",
            pairs=pairs_as_data(found),
            only_asked=tuple(found.only_asked),
            only_listed=tuple(found.only_listed),
            guard=guard,
            version=SCORER_VERSION,
        )

    def compare(self, asked: PreparedName, listed: PreparedName, floor: float = 0.0) -> Scored:
        """Return the score of two names and where it comes from; below `floor` possibly 0.0 at once."""
        same_letters = asked.letters == listed.letters and len(asked.letters) >= SHORTEST_JOINED
        if same_letters and set(asked.words) != set(listed.words):
            return self._spaced_otherwise(asked, listed)
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
            return Scored(0.0, found, None)
        surplus = self._told(_but_own_letters(found.only_asked, asked.words))
        absent = self._told(_but_own_letters(found.only_listed, listed.words))
        costs = SWAPPED if asked.abjad is listed.abjad else SWAPPED_SCRIPTS
        swapped = costs * self._swapped(found) if surplus and absent else 0.0
        score = agreed / (agreed + missing + swapped + UNMATCHED_QUERY * surplus + UNMATCHED_LISTED * absent)
        if surplus and score < WHOLE_NAME and not asked.guessed and self._is_recognised(found, agreed, absent):
            score = max(score, WHOLE_NAME * agreed / (agreed + missing))
        if listed.abjad and not asked.abjad and score < CONSONANTS_FROM:
            score *= (score / CONSONANTS_FROM) ** 2
        if not surplus and absent and score < COINED_ALONE and self._is_coined_alone(found, agreed):
            score = COINED_ALONE
        begun = bool(surplus) and not absent and _begins_with(asked.words, listed.words)
        if begun:
            score = max(score, WHOLE_NAME)
        if score < floor:
            return Scored(0.0, found, None)
        guard = None if begun else guard_of(found, agreed)
        if guard is not None:
            score = min(score, guard.cap)
        return Scored(self._sure(score, agreed, asked), found, guard)

    def _spaced_otherwise(self, asked: PreparedName, listed: PreparedName) -> Scored:
        whole = Alignment([Pair(LETTERS_AGREE, asked.words, listed.words, "spaced otherwise")], [], [])
        agreed = max(map(self._told, (asked.words, listed.words)))
        return Scored(self._sure(LETTERS_AGREE, agreed, asked), whole, None)

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

    def _is_coined_alone(self, found: Alignment, agreed: float) -> bool:
        """Return whether one long word agrees that nobody else has, and one other word is left over."""
        if len(found.pairs) != 1 or found.pairs[0].how != "same" or agreed < NOBODY_ELSE:
            return False
        word = found.pairs[0].listed[0]
        return len(found.only_listed) == 1 and len(word) >= SHORTEST_ALONE and not is_known(word)

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


def _begins_with(asked: Words, listed: Words) -> bool:
    """Return whether a query is a listed name of two words or more, one of which tells something, and generic words."""
    rest = asked[len(listed) :]
    if len(listed) < 2 or asked[: len(listed)] != listed or not all(map(is_generic, rest)):
        return False
    return not all(map(is_generic, listed))


def _is_coined(found: Alignment) -> bool:
    """Return whether the words agree exactly, and one is no everyday word."""
    if any(pair.how != "same" for pair in found.pairs):
        return False
    return any(len(word) >= SHORTEST_COINED and not is_known(word) for word in words_of(found.pairs))


def _but_own_letters(alone: list[str], words: Words) -> list[str]:
    """Return the words that stand alone, but for what abbreviates the name itself: `Rajah Solaiman Movement (RSM)`."""
    if len(words) <= SHORTEST_ACRONYM or not any(SHORTEST_ACRONYM <= len(word) <= LONGEST_ACRONYM for word in alone):
        return alone
    return [word for word in alone if not _abbreviates(word, words)]


def _abbreviates(word: str, words: Words) -> bool:
    others = tuple(other for other in words if other != word)
    return SHORTEST_ACRONYM <= len(word) <= LONGEST_ACRONYM and word in initials(others)


def _uncommon(words: Iterable[str]) -> list[str]:
    return [word for word in words if word not in COMMON_WORDS and word not in ARTICLES]
