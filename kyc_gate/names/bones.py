"""Names of two scripts aligned by their consonants, whatever their blanks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz.distance import OSA

from kyc_gate.names.alignment import MOST_JOINED, Alignment, Pair, Words
from kyc_gate.names.common_words import canonical, is_english
from kyc_gate.names.skeleton import PARTICLES, single, skeletons_of

HOW = "same consonants"
MEANS = "means"
MEANT = 0.98

SHARES = {1: 0.6, 2: 0.85}
LONG_SHARE = 0.92
"""How alike words are that share one, two, or more consonants and no vowel is written."""

ENOUGH = 5
FEW = 0.8
"""Consonants that agree in all, below which many names do, and what is left of each pair then."""

NEAR_SHARE = 0.7
"""The same with one consonant that differs, of four or more."""

LATIN_ASKED = 0.9
"""What consonants count for a Latin query: the list has the Latin spelling too, and it was not alike."""

KNOWN_WORD = 0.6
"""What they count for an English word, which was not meant to stand for another script."""


def align_bones(asked: Words, listed: Words) -> Alignment:
    """Return the alignment of two names of which one is in a script without vowels; runs of words may stand for one."""
    ours, theirs = _runs(asked), _runs(listed)
    found = [
        (len(bone), Pair(share * _credible(own), own, other, HOW))
        for bone, own in ours
        for bones, other in theirs
        # Most pairs differ in length: seen here, they cost no call.
        if (bone == bones or (len(bone) > 3 and -2 < len(bone) - len(bones) < 2)) and (share := _alike(bone, bones)) > 0
    ]
    meant = _meant(asked, listed)
    found += [(0, pair) for pair in meant]
    found.sort(key=lambda one: (-one[1].share, -one[0], one[1].asked, one[1].listed))
    pairs: list[Pair] = []
    left = [word for word in asked if word not in PARTICLES]
    absent = [word for word in listed if word not in PARTICLES]
    told = 0
    for letters, pair in found:
        if all(word in left for word in pair.asked) and all(word in absent for word in pair.listed):
            pairs.append(pair)
            left = [word for word in left if word not in pair.asked]
            absent = [word for word in absent if word not in pair.listed]
            told += letters
    if told < ENOUGH and not (meant and not left and not absent):
        pairs = [pair._replace(share=pair.share * FEW) for pair in pairs]
    return Alignment(pairs, left, absent)


def _meant(asked: Words, listed: Words) -> list[Pair]:
    """Return the words of business that say the same in the two scripts: `ایر` and `Air`."""
    return [
        Pair(MEANT, (one,), (other,), MEANS)
        for one in asked
        for other in listed
        if one.isascii() is not other.isascii() and canonical(one) == canonical(other)
    ]


@lru_cache(maxsize=1 << 12)
def _runs(words: Words) -> list[tuple[str, Words]]:
    # Kept, since one query is held against dozens of names.
    telling = [word for word in words if word not in PARTICLES]
    found = []
    for length in range(1, MOST_JOINED + 1):
        for start in range(len(telling) - length + 1):
            run = tuple(telling[start : start + length])
            found += [(bone, run) for bone in _joined(run) if bone]
    return found


@lru_cache(maxsize=1 << 14)
def _joined(run: Words) -> tuple[str, ...]:
    if len(run) == 1:
        return skeletons_of(run[0])
    readings = [skeletons_of(word) for word in run]
    return tuple(dict.fromkeys(single("".join(bones[place % len(bones)] for bones in readings)) for place in (0, 1)))


def _alike(one: str, other: str) -> float:
    if one == other:
        return SHARES.get(len(one), LONG_SHARE)
    if len(one) < 4 or abs(len(one) - len(other)) > 1:
        return 0.0
    return NEAR_SHARE if OSA.distance(one, other, score_cutoff=1) == 1 else 0.0


def _credible(run: Sequence[str]) -> float:
    if not run[0].isascii():
        return 1.0
    return KNOWN_WORD if any(map(is_english, run)) else LATIN_ASKED
