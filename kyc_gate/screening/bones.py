"""Names by their consonants: for queries in scripts that leave vowels out, and listed names in such a script."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from kyc_gate.names.skeleton import is_abjad, skeleton_keys
from kyc_gate.screening.grams import Words
from kyc_gate.screening.postings import Postings

KEPT = 40
"""Names of the same consonants that are compared, at most. Nineteen in twenty true ones are among the first ten."""

LEAST_SHARED = 0.4
"""Share of what a Latin query's keys tell that a name in a script without vowels must have to be compared.

Of 93 UN names in original script that are found by their Latin spelling, each shares more.
"""


class SkeletonIndex:
    """Numbered names by consonant keys. A key tells log(1 + names / names with the key)."""

    def __init__(self, names: Iterable[tuple[int, Words]]) -> None:
        # Arrays, and not lists: a million names have some ten million keys.
        keys, owners = array("q"), array("i")
        self._size = 0
        for number, words in names:
            self._size += 1
            own = _keys(words)
            keys.extend(own)
            owners.extend(repeat(number, len(own)))
        self._keys, features = np.unique(np.array(keys, dtype=np.int64), return_inverse=True)
        self._postings = Postings.of(features, np.array(owners, dtype=np.int32), len(self._keys))
        self._tells = np.log1p(max(self._size, 1) / np.maximum(np.diff(self._postings.starts), 1))
        self._told = np.zeros(max(owners, default=-1) + 1)
        np.add.at(self._told, np.array(owners, dtype=np.int64), self._tells[features])

    def nearest(self, words: Sequence[str], least: float = 0.0) -> list[int]:
        """Return the numbers of up to `KEPT` names that share most keys by what they tell, at least `least`."""
        asked = np.array(_keys(words), dtype=np.int64)
        places = np.searchsorted(self._keys, asked)
        known = [place for place, key in zip(places, asked, strict=True) if self._has(place, key)]
        if not known:
            return []
        numbers = np.concatenate([self._postings[place] for place in known])
        told = np.repeat(self._tells[known], [len(self._postings[place]) for place in known])
        found, where = np.unique(numbers, return_inverse=True)
        shared = np.bincount(where, weights=told)
        whole = float(self._tells[known].sum())
        if least:
            enough = shared >= least * (whole + (len(asked) - len(known)) * np.log1p(self._size))
            found, shared = found[enough], shared[enough]
        rank = shared / (whole + self._told[found])
        best: NDArray[np.int64] = np.argsort(-rank, kind="stable")[:KEPT]
        return [int(number) for number in found[best]]

    def _has(self, place: int, key: int) -> bool:
        return place < len(self._keys) and bool(self._keys[place] == key)


def in_abjad(words: Iterable[str]) -> bool:
    """Return whether a word is written in a script that leaves vowels out."""
    return any(not word.isascii() and is_abjad(word) for word in words)


def _keys(words: Sequence[str]) -> list[int]:
    # crc32 and not hash(): the same in every process. Two keys that fall together only add a candidate.
    return [zlib.crc32(key.encode("utf-8", "replace")) for key in skeleton_keys(words)]
