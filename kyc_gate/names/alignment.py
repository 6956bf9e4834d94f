"""Two names aligned: which word of one stands for which of the other, and which stand alone."""

from __future__ import annotations

from collections.abc import Sequence

from kyc_gate.model.record import Record
from kyc_gate.names.common_words import ARTICLES, COMMON_WORDS
from kyc_gate.names.similarity import SAME, Likeness, likeness

Words = tuple[str, ...]

JOINED = Likeness(0.97, "spaced otherwise")
"""Words that differ only in where their blanks are, such as `Gazprom Bank` and `Gazprombank`."""

ACRONYM = Likeness(0.85, "initials of")
"""A word that is made of the first letters of others."""

LONGEST_ACRONYM = 6
"""Letters of an acronym at most."""

MOST_JOINED = 3
"""Words beside each other that may be one word in the other name."""

SHORTEST_JOINED = 4
"""Letters that joined words have at least: shorter runs agree by chance."""


class Pair(Record):
    """Words of the query and of the listed name that stand for each other, how alike, and in which way."""

    asked: str
    listed: str
    share: float
    how: str


class Alignment(Record):
    """The best pairs, and the words that are left over on each side."""

    pairs: tuple[Pair, ...]
    only_asked: Words
    only_listed: Words


def align(asked: Words, listed: Words) -> Alignment:
    """Return the alignment of two lists of words, each word once, taken from the most alike pair on."""
    pairs = [Pair(asked=word, listed=word, share=1.0, how=SAME.how) for word in asked if word in listed]
    same = {pair.asked for pair in pairs}
    left = [word for word in asked if word not in same]
    absent = [word for word in listed if word not in same]
    if left and absent:
        for pair in _best(_candidates(left, absent)):
            pairs.append(pair)
            _take(left, pair.asked)
            _take(absent, pair.listed)
    if left and len(absent) > 1:
        pairs += _acronyms(left, absent, listed)
    return Alignment(pairs=tuple(pairs), only_asked=tuple(left), only_listed=tuple(absent))


def _acronyms(left: list[str], absent: list[str], listed: Words) -> list[Pair]:
    """Take the words that are the initials of a run of the other name's words, such as `DPRK`."""
    found = []
    for word in [word for word in left if 1 < len(word) <= LONGEST_ACRONYM and word.isascii()]:
        run = _run_of_initials(word, absent) or _rest_of_initials(word, absent, listed)
        if run and (len(word) > 2 or all(other in COMMON_WORDS for other in run)):
            found.append(Pair(asked=word, listed=" ".join(run), share=ACRONYM.share, how=ACRONYM.how))
            left.remove(word)
            absent[:] = [other for other in absent if other not in run]
    return found


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


def _take(words: list[str], taken: str) -> None:
    for word in taken.split():
        words.remove(word)


def _candidates(asked: Sequence[str], listed: Sequence[str]) -> list[Pair]:
    found = [
        Pair(asked=one, listed=other, share=alike.share, how=alike.how)
        for one in asked
        for other in listed
        if (alike := likeness(one, other)).share > 0
    ]
    found += [Pair(asked=run, listed=word, share=share, how=JOINED.how) for run, word, share in _joins(asked, listed)]
    found += [Pair(asked=word, listed=run, share=share, how=JOINED.how) for run, word, share in _joins(listed, asked)]
    return found


def _joins(several: Sequence[str], single: Sequence[str]) -> list[tuple[str, str, float]]:
    """Return the runs of words on one side that are one word on the other."""
    found = []
    for length in range(2, MOST_JOINED + 1):
        for start in range(len(several) - length + 1):
            run = several[start : start + length]
            joined = "".join(run)
            if len(joined) >= SHORTEST_JOINED:
                found += [(" ".join(run), word, share) for word in single if (share := _joined(joined, word)) > 0]
    return found


def _joined(joined: str, word: str) -> float:
    if joined == word:
        return JOINED.share
    if abs(len(joined) - len(word)) > 2 or len(word) < 6:
        return 0.0
    alike = likeness(joined, word)
    return JOINED.share * alike.share if alike.share > 0.8 else 0.0


def _best(found: list[Pair]) -> list[Pair]:
    """Return the pairs that share no word, the most alike first; of equals, the longest, then by letters."""
    found.sort(key=lambda pair: (-pair.share, -len(pair.asked) - len(pair.listed), pair.asked, pair.listed))
    kept: list[Pair] = []
    asked: set[str] = set()
    listed: set[str] = set()
    for pair in found:
        ours, theirs = pair.asked.split(), pair.listed.split()
        if asked.isdisjoint(ours) and listed.isdisjoint(theirs):
            asked.update(ours)
            listed.update(theirs)
            kept.append(pair)
    return kept
