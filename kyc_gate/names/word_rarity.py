"""How rare each word is on the lists, beside how much it tells anywhere."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from kyc_gate.names.common_words import is_generic, is_known

RARE = 3
"""Names that may share a word before it tells less."""

FALL = 0.12
"""What a word loses each time that twice as many names share it."""

LEAST = 0.3
"""What a word keeps, however many names share it."""

BRAND = 0.5
"""Share of its names in which a word stands beside other names: a brand stands among generic words."""

BRAND_KEEPS = 0.9
"""What a brand keeps: a group with a hundred listed firms is no less itself."""


def rarity_of_words(names: Iterable[Iterable[str]]) -> dict[str, float]:
    """Return how much its frequency on the lists leaves of what a word tells, 0 to 1; rare words are left out."""
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    found, lengths = array("i"), array("i")
    for name in names:
        once = set(name)
        found.extend(map(numbers.__getitem__, once))
        lengths.append(len(once))
    words = list(numbers)
    each = np.array(found)
    counts = np.bincount(each, minlength=len(words))
    beside = _beside(words, each, np.array(lengths), counts > RARE)
    return {
        words[number]: _left(words[number], int(counts[number]), int(beside[number]) / int(counts[number]))
        for number in np.flatnonzero(counts > RARE).tolist()
    }


def _beside(
    words: Sequence[str], each: NDArray[np.int32], lengths: NDArray[np.int32], often: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return for each frequent word in how many names it stands beside another word that tells who somebody is.

    `each` are the numbers of the words of every name, one name after the other; `lengths` how many each name has.
    """
    telling = ~np.fromiter(map(is_generic, words), dtype=np.bool_, count=len(words))
    owners = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    told = np.bincount(owners[telling[each]], minlength=len(lengths))
    return np.bincount(each[(telling & often)[each] & (told[owners] > 1)], minlength=len(words))


def _left(word: str, count: int, beside: float) -> float:
    left = max(LEAST, 1 - FALL * math.log2(count / RARE))
    return max(left, BRAND_KEEPS) if beside < BRAND and not is_known(word) else left
