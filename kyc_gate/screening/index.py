"""Which listed names are worth comparing with a query: those that share its rarest runs of letters."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence

KEPT = 60
"""Candidates that are compared word by word, at most."""

UNSEEN_SHARE = 0.45
"""A listed name that was never met shares less than this part of what the query's letters tell."""

MOST_POSTINGS = 120_000
"""Postings that one query may read, some 10 ms: a bound against names made of common letters only."""


def grams_of(words: Iterable[str]) -> frozenset[str]:
    """Return the runs of three letters of each word, ends marked; in other scripts, single letters and pairs."""
    found: set[str] = set()
    for word in words:
        if word.isascii():
            padded = f"^{word}$"
            found.update(padded[start : start + 3] for start in range(len(padded) - 2))
        else:
            found.update(word)
            found.update(word[start : start + 2] for start in range(len(word) - 1))
    return frozenset(found)


class GramIndex:
    """Names by their grams. The position of a name is its number."""

    def __init__(self, names: Sequence[Sequence[str]]) -> None:
        postings: dict[str, array[int]] = {}
        told: list[float] = []
        sets = [grams_of(words) for words in names]
        for number, grams in enumerate(sets):
            for gram in grams:
                postings.setdefault(gram, array("I")).append(number)
        total = max(len(names), 1)
        self._postings = postings
        self._weights = {gram: math.log1p(total / len(found)) for gram, found in postings.items()}
        self._unseen = math.log1p(total)
        told.extend(sum(self._weights[gram] for gram in grams) for grams in sets)
        self._told = told

    def nearest(self, words: Sequence[str]) -> list[int]:
        """Return the numbers of up to `KEPT` names that share most with the words, rarest grams first.

        Reading stops once a name that was never met could share no more than `UNSEEN_SHARE` of the query.
        """
        grams = grams_of(words)
        weights = sorted(((self._weights.get(gram, self._unseen), gram) for gram in grams), reverse=True)
        left = whole = sum(weight for weight, _ in weights)
        shared: dict[int, float] = {}
        read = 0
        for weight, gram in weights:
            found = self._postings.get(gram)
            admits = left >= UNSEEN_SHARE * whole
            left -= weight
            if found is None:
                continue
            read += len(found)
            if read > MOST_POSTINGS:
                break
            if admits:
                for number in found:
                    shared[number] = shared.get(number, 0.0) + weight
            else:
                for number in found:
                    if number in shared:
                        shared[number] += weight
        told = self._told
        ranked = sorted(
            shared,
            key=lambda number: shared[number] * (1.2 / (whole + told[number]) + 0.4 / min(whole, told[number])),
            reverse=True,
        )
        return ranked[:KEPT]
