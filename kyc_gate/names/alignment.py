"""Two names aligned: which word of one stands for which of the other, and which stand alone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import chain, pairwise
from typing import NamedTuple

from kyc_gate.names.common_words import ARTICLES, COMMON_WORDS
from kyc_gate.names.contractions import SHORTEST_PIECE, made_of
from kyc_gate.names.similarity import SAME, Likeness, likeness
from kyc_gate.names.skeleton import PARTICLES, skeletons_of

Words = tuple[str, ...]

JOINED = Likeness(0.97, "spaced otherwise")
"""Words that differ only in where their blanks are, such as `Gazprom Bank` and `Gazprombank`."""

AROUND_ARTICLE = 0.9
"""How alike words are that share four consonants or more, where the other name has an article among them."""

ACRONYM = Likeness(0.85, "initials of")
"""A word that is made of the first letters of others."""

MADE_OF = Likeness(0.88, "made of")
"""A word that is made of the beginnings of others, such as `Eximbank` of `Export-Import Bank`."""

LONGEST_ACRONYM = 6
"""Letters of an acronym at most."""

MOST_JOINED = 3
"""Words beside each other that may be one word in the other name."""

SHORTEST_JOINED = 4
"""Letters that joined words have at least: shorter runs agree by chance."""

SHORTEST_SLIPPED = 6
"""Letters of joined words that may also have a slip."""


class Pair(NamedTuple):
    """Words of the query and of the listed name that stand for each other, how alike, and in which way."""

    share: float
    asked: Words
    listed: Words
    how: str


class Alignment(NamedTuple):
    """The best pairs, and the words that are left over on each side."""

    pairs: list[Pair]
    only_asked: list[str]
    only_listed: list[str]


class Runs:
    """The words of a name that stand beside each other, joined. They are joined when a word is first held against them.

    `firsts` are the letters that a run may begin with: most words begin with another, and need not be held against any.
    """

    def __init__(self, words: Words) -> None:
        self._words = words
        self.firsts = "".join([word[0] for word in words[:-1]])
        if not _VOWELS.isdisjoint(self.firsts):
            self.firsts += "aeiou"

    @cached_property
    def _joined(self) -> dict[str, Words]:
        words = self._words
        return {
            joined: words[start : start + length]
            for length in range(2, min(MOST_JOINED, len(words)) + 1)
            for start in range(len(words) - length + 1)
            if len(joined := "".join(words[start : start + length])) >= SHORTEST_JOINED
        }

    @cached_property
    def _around_articles(self) -> list[tuple[str, Words]]:
        """The consonants of the words on both sides of an article: `Abd al-Rahman` has those of `Abdurahman`."""
        words = self._words
        places = [place for place, word in enumerate(words) if word not in PARTICLES]
        runs = [words[one : other + 1] for one, other in pairwise(places) if other - one > 1]
        return [(skeletons_of(run[0] + run[-1])[0], run) for run in runs if run[0].isascii() and run[-1].isascii()]

    def like(self, word: str) -> list[tuple[Words, float]]:
        """Return the runs that are this word, blanks aside, and how alike each is."""
        runs = self._joined
        if word in runs:
            return [(runs[word], JOINED.share)]
        length = len(word)
        if length < SHORTEST_SLIPPED:
            return []
        first = word[0]
        if first in _VOWELS:
            word = _with_one_article(word)
            near = [joined for joined in runs if -2 <= len(joined) - length <= 2 and joined[0] in _VOWELS]
        else:
            near = [joined for joined in runs if -2 <= len(joined) - length <= 2 and joined[0] == first]
        found = [
            (runs[joined], JOINED.share * share)
            for joined in near
            if (share := likeness(_with_one_article(joined), word).share) > 0.8
        ]
        if not found and self._around_articles and word.isascii():
            bone = skeletons_of(word)[0]
            found = [(run, AROUND_ARTICLE) for bones, run in self._around_articles if bones == bone and len(bone) > 3]
        return found


_VOWELS = frozenset("aeiou")


def _with_one_article(word: str) -> str:
    """Return a word that begins with the Arabic article with that article as it is mostly spelled: `elghoul`."""
    return "al" + word[2:] if word[:2] in {"el", "ul", "il"} and len(word) >= SHORTEST_SLIPPED else word


def align(asked: Words, listed: Words, asked_runs: Runs, listed_runs: Runs) -> Alignment:
    """Return the alignment of two lists of words, each word once, taken from the most alike pair on."""
    same = [word for word in asked if word in listed]
    pairs = [Pair(1.0, (word,), (word,), SAME.how) for word in same]
    left = [word for word in asked if word not in same]
    absent = [word for word in listed if word not in same]
    if left and absent:
        found = _alike(left, absent) + _joined(left, absent, asked_runs, listed_runs)
        if len(absent) > 1:
            found += [Pair(MADE_OF.share, (word,), run, MADE_OF.how) for word, run in made_of(left, absent, 1)]
        if len(left) > 1:
            found += [
                Pair(MADE_OF.share, run, (word,), MADE_OF.how) for word, run in made_of(absent, left, SHORTEST_PIECE)
            ]
        for pair in _best(found) if found else ():
            pairs.append(pair)
            left = [word for word in left if word not in pair.asked]
            absent = [word for word in absent if word not in pair.listed]
        if left and len(absent) > 1:
            _take_acronyms(pairs, left, absent, listed)
    return Alignment(pairs, left, absent)


def _alike(left: list[str], absent: list[str]) -> list[Pair]:
    found = []
    for one in left:
        for other in absent:
            share, how = likeness(one, other)
            if share > 0:
                found.append(Pair(share, (one,), (other,), how))
    return found


def _joined(left: list[str], absent: list[str], asked_runs: Runs, listed_runs: Runs) -> list[Pair]:
    """Return the runs of words on one side that are one word on the other."""
    found = []
    for word in absent:
        if word[0] in asked_runs.firsts:
            for run, share in asked_runs.like(word):
                if all(part in left or part in PARTICLES for part in run):
                    found.append(Pair(share, run, (word,), JOINED.how))
    for word in left:
        if word[0] in listed_runs.firsts:
            for run, share in listed_runs.like(word):
                if all(part in absent or part in PARTICLES for part in run):
                    found.append(Pair(share, (word,), run, JOINED.how))
    return found


def _best(found: list[Pair]) -> list[Pair]:
    """Return the pairs that share no word, the most alike first; of equals, the longest, then by letters."""
    if len(found) == 1:
        return found
    found.sort(key=lambda pair: (-pair.share, -len(pair.asked) - len(pair.listed), pair.asked, pair.listed))
    kept: list[Pair] = []
    taken: set[str] = set()
    used: set[str] = set()
    for pair in found:
        if taken.isdisjoint(pair.asked) and used.isdisjoint(pair.listed):
            taken.update(pair.asked)
            used.update(pair.listed)
            kept.append(pair)
    return kept


def _take_acronyms(pairs: list[Pair], left: list[str], absent: list[str], listed: Words) -> None:
    """Move the words that are the initials of a run of the other name's words, such as `DPRK`, to the pairs."""
    for word in [word for word in left if 1 < len(word) <= LONGEST_ACRONYM and word.isascii()]:
        run = _run_of_initials(word, absent) or _rest_of_initials(word, absent, listed)
        if run and (len(word) > 3 or (pairs and _is_all_of(run, absent, len(word)))):
            pairs.append(Pair(ACRONYM.share, (word,), tuple(run), ACRONYM.how))
            left.remove(word)
            absent[:] = [other for other in absent if other not in run]


def _is_all_of(run: list[str], absent: list[str], letters: int) -> bool:
    """Return whether three letters, or two that are all that is left or generic, are enough beside what agrees."""
    return letters > 2 or len(run) == len(absent) or all(word in COMMON_WORDS for word in run)


def _run_of_initials(letters: str, words: list[str]) -> list[str]:
    telling = [word for word in words if word not in ARTICLES]
    for start in range(len(telling) - len(letters) + 1):
        run = telling[start : start + len(letters)]
        if all(word[0] == letter for word, letter in zip(run, letters, strict=True)):
            return run
    return []


def _rest_of_initials(letters: str, absent: list[str], listed: Words) -> list[str]:
    """Return the words that are left where the letters are the initials of the whole name: `HIT Harbin`."""
    telling = [word for word in listed if word not in ARTICLES]
    rest = [word for word in absent if word not in ARTICLES]
    return rest if len(rest) < len(telling) and letters == "".join(word[0] for word in telling) else []


def words_of(pairs: Iterable[Pair]) -> list[str]:
    """Return the words of the listed name that agree."""
    return list(chain.from_iterable(pair.listed for pair in pairs))
