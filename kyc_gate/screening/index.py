"""Which listed names are worth comparing with a query, and a true bound on what was left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kyc_gate.screening.grams import GRAMS, Words, grams_of, grams_of_all
from kyc_gate.screening.postings import Numbers, Postings

KEPT = 16
"""Candidates that are compared word by word, as a rule."""

MOST_KEPT = 48
"""Candidates that are compared at most, where so many share `SHARE` of the query."""

SHARE = 0.45
"""Every listed name that shares this part of what a query's grams tell is compared, if `MOST_KEPT` allows."""

RANKED = 0.25
"""A listed name that shares this part is ranked, and is compared if it comes among the first `KEPT`."""

LEAST_MET = 0.08
"""A name that was met with less than this, among the grams that were read, is not ranked."""

MET = 0.15
"""Reading of postings ends when a listed name that was never met shares less than this part."""

CHEAP = 40_000
"""Postings that may be read for names that share less than `SHARE`: a quarter of a millisecond."""

MOST_RANKED = 3_000
"""Names whose share is worked out exactly, at most: the best by what was read. The others raise the bound."""

LEAST_WEIGHT = 0.4
"""What the letters of a word tell at least: a common word misspelt is letters that no listed name has.

With it, 4 of 1,383 resemblances were lost to a search among all names; without weights 21, without a least weight 22.
"""

MOST_READ = 2_000_000
"""Postings that one query may read, some 20 ms: a limit for names made of common letters only."""

Floats = NDArray[np.float32]
Array = NDArray[np.generic]
Arrays = Mapping[str, Array]


class Candidates(NamedTuple):
    """Numbers of names worth comparing, best first, and what part (0 to 1) of the query each shares.

    `missed` is more than any other name shares.
    """

    numbers: list[int]
    shares: list[float]
    missed: float

    def bound(self, compared: int) -> float | None:
        """Return the recall bound when only the first `compared` were compared.

        Every listed name that shares at least this part of what the query's grams tell is among them. None says that
        no such thing is true: names that share everything were left out.
        """
        return _next_above(max(self.missed, *self.shares[compared:], 0.0))


class GramIndex:
    """Names by their grams. The position of a name is its number. Read-only, so that threads and processes share it.

    A gram tells log(1 + names / names with the gram), times the weight of the query's word that it stands in: of the
    weightiest where it stands in several, and `LEAST_WEIGHT` at least. What a name shares with a query is the part of
    the query's grams, by what they tell, that the name has too.
    """

    def __init__(self, arrays: Arrays) -> None:
        self._ids: NDArray[np.int32] = arrays["gram_ids"]  # type: ignore[assignment]
        self._tells: Floats = arrays["gram_tells"]  # type: ignore[assignment]
        self._postings = Postings(arrays["posting_starts"], arrays["postings"])  # type: ignore[arg-type]
        self._starts: NDArray[np.int64] = arrays["forward_starts"]  # type: ignore[assignment]
        self._forward: NDArray[np.uint16] | NDArray[np.int32] = arrays["forward"]  # type: ignore[assignment]
        self._told: Floats = arrays["told"]  # type: ignore[assignment]
        self._unseen = math.log1p(len(self._told))
        self._spare: list[Floats] = []
        self._places: list[Numbers] = []

    @staticmethod
    def arrays_of(names: Sequence[Words]) -> dict[str, Array]:
        """Return the arrays of an index over `names`; they may be kept in a file."""
        grams, counts = grams_of_all(names)
        met = np.bincount(grams, minlength=GRAMS)
        used = np.flatnonzero(met)
        ids = np.full(GRAMS, -1, dtype=np.int32)
        ids[used] = np.arange(len(used), dtype=np.int32)
        narrow = len(used) <= np.iinfo(np.uint16).max
        forward: NDArray[np.integer[Any]] = ids[grams].astype(np.uint16 if narrow else np.int32)
        tells = np.log1p(max(len(names), 1) / met[used]).astype(np.float32)
        starts = np.zeros(len(names) + 1, dtype=np.int64)
        np.cumsum(counts, out=starts[1:])
        owners = np.repeat(np.arange(len(names), dtype=np.int32), counts)
        postings = Postings.of(forward, owners, len(used))
        return {
            "gram_ids": ids,
            "gram_tells": tells,
            "posting_starts": postings.starts,
            "postings": postings.numbers,
            "forward_starts": starts,
            "forward": forward,
            "told": _sums(tells[forward], starts),
        }

    def nearest(
        self, words: Mapping[str, float], *, share: float = SHARE, ranked: float = RANKED, met: float = MET
    ) -> Candidates:
        """Return the names that share most with the words, given with their weights: all that share at least `share`.

        Postings are read rarest gram first, until a name that was never met shares less than `met`.
        """
        known, unknown = self._told_by(words)
        whole = sum(told for told, _ in known) + unknown
        if not known:
            return Candidates([], [], 0.0 if words else 1.0)
        found, partly, left = self._scan(known[::-1], whole, share, met)
        likely, ceiling = self._at_least(found, partly + left, max(ranked * whole, left + LEAST_MET * whole))
        shared = self._shared(likely, known) / whole
        # A name that was not met shares less than what was left to read; one that was met and dropped, its ceiling.
        return self._ranked(likely, shared, self._size(known, words), share, max(left, ceiling) / whole)

    def _told_by(self, words: Mapping[str, float]) -> tuple[list[tuple[float, int]], float]:
        """Return what each gram of the words tells, with its number, and what the grams tell that no name has."""
        weights: dict[int, float] = {}
        for word, given in words.items():
            weight = max(given, LEAST_WEIGHT)
            for gram in grams_of((word,)):
                weights[gram] = max(weight, weights.get(gram, 0.0))
        numbers = [(int(self._ids[gram]), weight) for gram, weight in weights.items()]
        known = sorted((float(self._tells[number]) * weight, number) for number, weight in numbers if number >= 0)
        return known, self._unseen * sum(weight for number, weight in numbers if number < 0)

    def _size(self, known: list[tuple[float, int]], words: Mapping[str, float]) -> float:
        """Return what the grams of the query tell without weights, to compare with what the whole listed name tells."""
        strange = max(len(grams_of(words)) - len(known), 0)
        return float(self._tells[[number for _, number in known]].sum()) + self._unseen * strange

    def _scan(
        self, known: list[tuple[float, int]], whole: float, share: float, met: float
    ) -> tuple[NDArray[np.intp], Floats, float]:
        """Return the names met, what they share of the grams read, and what the grams not read tell together."""
        sums = self._spare.pop() if self._spare else np.zeros(len(self._told), dtype=np.float32)
        left = sum(told for told, _ in known)
        read: list[NDArray[np.intp]] = []
        count = 0
        for told, gram in known:
            numbers = self._postings[gram]
            dear = left < share * whole and count + len(numbers) > CHEAP
            if dear or left < met * whole or count > MOST_READ:
                break
            # As indices of the machine's own width once: numpy would convert them for each use.
            places = numbers.astype(np.intp)
            np.add.at(sums, places, np.float32(told))
            read.append(places)
            count += len(numbers)
            left -= told
        every = np.concatenate(read) if read else np.zeros(0, dtype=np.intp)
        partly = sums.take(every)
        sums[every] = 0
        self._spare.append(sums)
        return every, partly, max(left, 0.0)

    def _at_least(self, numbers: NDArray[np.intp], ceilings: Floats, least: float) -> tuple[NDArray[np.intp], float]:
        """Return the names that may reach `least`, each once, and the highest ceiling among the others."""
        reach = ceilings >= least
        likely = numbers[reach]
        if len(likely) > MOST_RANKED:
            high = ceilings[reach]
            reach = ceilings >= np.partition(high, len(high) - MOST_RANKED)[len(high) - MOST_RANKED]
            likely = numbers[reach]
        highest = float(np.where(reach, np.float32(0), ceilings).max()) if len(ceilings) > len(likely) else 0.0
        # Each name keeps the last of its places: without sorting, which would cost more than all the rest.
        last = self._places.pop() if self._places else np.empty(len(self._told), dtype=np.int32)
        places = np.arange(len(likely), dtype=np.int32)
        last[likely] = places
        likely = likely[last[likely] == places]
        self._places.append(last)
        return likely, highest

    def _shared(self, numbers: NDArray[np.intp], known: list[tuple[float, int]]) -> Floats:
        """Return what each name shares with the query, exactly."""
        asked = np.zeros(len(self._tells), dtype=np.float32)
        for told, gram in known:
            asked[gram] = told
        starts, ends = self._starts[numbers], self._starts[numbers + 1]
        lengths = ends - starts
        bounds = np.zeros(len(numbers) + 1, dtype=np.int64)
        np.cumsum(lengths, out=bounds[1:])
        places = np.arange(bounds[-1]) + np.repeat(starts - bounds[:-1], lengths)
        return _sums(asked.take(self._forward.take(places)), bounds)

    def _ranked(
        self, numbers: NDArray[np.intp], shared: Floats, size: float, share: float, missed: float
    ) -> Candidates:
        """Return the best names: all that share `share`, up to `MOST_KEPT`; and `KEPT` in any case.

        The rank is a mean of the share and of Dice's coefficient, so that among names that contain the query the
        shorter ones come first.
        """
        if not len(numbers):
            return Candidates([], [], missed)
        told = self._told[numbers]
        rank = shared * (0.4 + 1.2 * size / (size + told))
        kept = min(max(KEPT, int((shared >= share).sum())), MOST_KEPT, len(rank))
        # Only those that may be among the best are put in order; equals at the end are in `first` too.
        first = np.flatnonzero(rank >= np.partition(rank, len(rank) - kept)[len(rank) - kept])
        order = first[np.lexsort((numbers[first], -rank[first]))][:kept]
        dropped = np.delete(shared, order)
        missed = max(missed, float(dropped.max()) if len(dropped) else 0.0)
        return Candidates(numbers[order].tolist(), shared[order].tolist(), missed)


def _sums(values: Floats, starts: NDArray[np.int64]) -> Floats:
    """Return the sum of each run of values that begins at `starts`; an empty run sums to 0."""
    if not len(values):
        return np.zeros(len(starts) - 1, dtype=np.float32)
    totals = np.add.reduceat(np.append(values, np.float32(0)), starts[:-1])
    totals[starts[:-1] == starts[1:]] = 0
    return totals.astype(np.float32)


def _next_above(shared: float) -> float | None:
    """Return a bound above `shared`, in ten-thousandths and whatever rounding of sums hides; None when above 1."""
    bound = math.floor(shared * 10_000 + 1.5) / 10_000
    return bound if bound <= 1 else None


def higher(one: float | None, other: float | None) -> float | None:
    """Return the bound that is true of two searches together."""
    return None if one is None or other is None else max(one, other)
