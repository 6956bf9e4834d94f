"""Which listed names are worth comparing with a query, and a true bound on what was left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kyc_gate.screening.grams import GRAMS, grams_of, grams_of_all
from kyc_gate.screening.postings import Numbers, Postings

KEPT = 24
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

_MOST_UNITS = np.iinfo(np.uint16).max

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


class _Asked(NamedTuple):
    """The grams of a query that listed names have, those that tell most first, and what each tells.

    `whole` is what all its grams tell, also those that no name has; `size` the same without the weights of its words,
    to compare with what the whole listed name tells.
    """

    told: list[float]
    grams: NDArray[np.intp]
    whole: float
    size: float


class _Scan(NamedTuple):
    """Names that were met, once for each gram, and what each shares of the grams read: `units` times `unit` at most,
    and less by no more than a unit for each of the `grams`. `left` is what the grams not read tell together.
    """

    numbers: NDArray[np.intp]
    units: NDArray[np.uint16]
    unit: float
    grams: int
    left: float


class GramIndex:
    """Names by their grams. The position of a name is its number. Read-only, so that threads and processes share it.

    A gram tells log(1 + names / names with the gram), times the weight of the query's word that it stands in: of the
    weightiest where it stands in several, and `LEAST_WEIGHT` at least. What a name shares with a query is the part of
    the query's grams, by what they tell, that the name has too.
    """

    def __init__(self, arrays: Arrays) -> None:
        # Views give plain numbers one by one at half the cost of arrays.
        self._ids: memoryview = memoryview(arrays["gram_ids"])  # type: ignore[arg-type]
        self._tells: Floats = arrays["gram_tells"]  # type: ignore[assignment]
        self._tells_of: memoryview = memoryview(arrays["gram_tells"])  # type: ignore[arg-type]
        self._postings = Postings(arrays["posting_starts"], arrays["postings"])  # type: ignore[arg-type]
        self._starts: NDArray[np.int64] = arrays["forward_starts"]  # type: ignore[assignment]
        self._forward: NDArray[np.uint16] | NDArray[np.int32] = arrays["forward"]  # type: ignore[assignment]
        self._told: Floats = arrays["told"]  # type: ignore[assignment]
        self._unseen = math.log1p(len(self._told))
        self._spare: list[NDArray[np.uint16]] = []
        self._places: list[Numbers] = []

    @staticmethod
    def arrays_of(names: Sequence[str]) -> dict[str, Array]:
        """Return the arrays of an index over `names`, words joined by blanks; they may be kept in a file."""
        parts = list(grams_of_all(names))
        met = sum((np.bincount(grams, minlength=GRAMS) for grams, _ in parts), np.zeros(GRAMS, dtype=np.int64))
        used = np.flatnonzero(met)
        ids = np.full(GRAMS, -1, dtype=np.int32)
        ids[used] = np.arange(len(used), dtype=np.int32)
        kind = np.uint16 if len(used) <= np.iinfo(np.uint16).max else np.int32
        tells = np.log1p(max(len(names), 1) / met[used]).astype(np.float32)
        starts = np.zeros(len(names) + 1, dtype=np.int64)
        np.cumsum(np.concatenate([np.zeros(0, dtype=np.int64), *(counts for _, counts in parts)]), out=starts[1:])
        forward: NDArray[np.integer[Any]] = np.empty(starts[-1], dtype=kind)
        end = 0
        while parts:
            grams, _ = parts.pop(0)
            forward[end : end + len(grams)] = ids[grams]
            end += len(grams)
        postings = Postings.of_runs(forward, starts, met[used])
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
        asked = self._asked(words)
        if not len(asked.grams):
            return Candidates([], [], 0.0 if words else 1.0)
        scan = self._scan(asked, share, met)
        least = max(ranked * asked.whole, min(scan.left + LEAST_MET * asked.whole, share * asked.whole), scan.left)
        likely, missed = self._likely(scan, asked, least, share)
        shared = self._shared(likely, asked) / asked.whole
        return self._ranked(likely, shared, asked.size, share, missed / asked.whole)

    def _asked(self, words: Mapping[str, float]) -> _Asked:
        weights: dict[int, float] = {}
        for word, given in words.items():
            weight = max(given, LEAST_WEIGHT)
            for gram in grams_of((word,)):
                weights[gram] = max(weight, weights.get(gram, 0.0))
        numbers = [(self._ids[gram], weight) for gram, weight in weights.items()]
        known = sorted(
            ((self._tells_of[number] * weight, number) for number, weight in numbers if number >= 0), reverse=True
        )
        strange = self._unseen * sum(weight for number, weight in numbers if number < 0)
        grams = np.array([number for _, number in known], dtype=np.intp)
        return _Asked(
            told=[told for told, _ in known],
            grams=grams,
            whole=sum(told for told, _ in known[::-1]) + strange,
            size=float(self._tells[grams[::-1]].sum()) + self._unseen * (len(numbers) - len(known)),
        )

    def _scan(self, asked: _Asked, share: float, met: float) -> _Scan:
        """Return the names met, once for each gram read, with what each shares of the grams read."""
        left = sum(asked.told)
        read: list[Numbers] = []
        count = 0
        for told, gram in zip(asked.told, asked.grams.tolist(), strict=True):
            numbers = self._postings[gram]
            dear = left < share * asked.whole and count + len(numbers) > CHEAP
            if dear or left < met * asked.whole or count > MOST_READ:
                break
            read.append(numbers)
            count += len(numbers)
            left -= told
        # As indices of the machine's own width once: numpy would convert them for each use.
        every = np.concatenate(read, dtype=np.intp) if read else np.zeros(0, dtype=np.intp)
        # Sums of small whole numbers stay in the processor's cache where a million others would not; they are rounded
        # up, so that a name never shares more than its sum says.
        unit = sum(asked.told[: len(read)]) / (_MOST_UNITS - len(read)) or 1.0
        units = np.array([math.ceil(told / unit) for told in asked.told[: len(read)]], dtype=np.uint16)
        sums = self._spare.pop() if self._spare else np.zeros(len(self._told), dtype=np.uint16)
        np.add.at(sums, every, np.repeat(units, list(map(len, read))))
        partly = sums.take(every)
        sums[every] = 0
        self._spare.append(sums)
        return _Scan(numbers=every, units=partly, unit=unit, grams=len(read), left=max(left, 0.0))

    def _likely(self, scan: _Scan, asked: _Asked, least: float, share: float) -> tuple[NDArray[np.intp], float]:
        """Return the names that may be among the best, each once, and more than any other name shares."""
        # A name that was not met shares less than what was left to read; one that was met and dropped, `least`.
        missed = least
        places = np.flatnonzero(scan.units >= math.floor((least - scan.left) / scan.unit))
        likely, units = scan.numbers.take(places), scan.units.take(places)
        if len(likely) > MOST_RANKED:
            lowest = np.partition(units, len(units) - MOST_RANKED)[len(units) - MOST_RANKED]
            missed = max(missed, float(lowest) * scan.unit + scan.left)
            places = np.flatnonzero(units >= lowest)
            likely, units = likely.take(places), units.take(places)
        once = self._once(likely)
        likely, units = likely.take(once), units.take(once)
        if len(likely) <= MOST_KEPT:
            return likely, missed
        ceilings = units * scan.unit + scan.left
        favour = _favour(self._told.take(likely), asked.size)
        surely = (ceilings - (scan.left + scan.unit * scan.grams)) * favour
        best = np.partition(surely, len(surely) - MOST_KEPT)[len(surely) - MOST_KEPT]
        above = (ceilings * favour >= best) | (ceilings >= share * asked.whole)
        return likely[above], max(missed, float(ceilings[~above].max(initial=0.0)))

    def _once(self, numbers: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return where each number stands last: without sorting, which would cost more than all the rest."""
        last = self._places.pop() if self._places else np.empty(len(self._told), dtype=np.int32)
        places = np.arange(len(numbers), dtype=np.int32)
        last[numbers] = places
        once = np.flatnonzero(last.take(numbers) == places)
        self._places.append(last)
        return once

    def _shared(self, numbers: NDArray[np.intp], asked: _Asked) -> Floats:
        """Return what each name shares with the query, exactly."""
        told = np.zeros(len(self._tells), dtype=np.float32)
        told[asked.grams] = asked.told
        starts = self._starts[numbers]
        lengths = self._starts[numbers + 1] - starts
        bounds = np.zeros(len(numbers) + 1, dtype=np.int64)
        np.cumsum(lengths, out=bounds[1:])
        places = np.arange(bounds[-1])
        places += np.repeat(starts - bounds[:-1], lengths)
        return _sums(told.take(self._forward.take(places)), bounds)

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
        rank = shared * _favour(told, size)
        kept = min(max(KEPT, int((shared >= share).sum())), MOST_KEPT, len(rank))
        # Only those that may be among the best are put in order; equals at the end are in `first` too.
        first = np.flatnonzero(rank >= np.partition(rank, len(rank) - kept)[len(rank) - kept])
        order = first[np.lexsort((numbers[first], -rank[first]))][:kept]
        shares = shared[order].tolist()
        shared[order] = 0
        return Candidates(numbers[order].tolist(), shares, max(missed, float(shared.max())))


def _favour(told: Floats, size: float) -> Floats:
    """Return what a share counts in a name that tells so much, beside a query that tells `size`."""
    return 0.4 + 1.2 * size / (size + told)


def _sums(values: Floats, starts: NDArray[np.int64]) -> Floats:
    """Return the sum of each run of values that begins at `starts`; an empty run sums to 0."""
    if not len(values):
        return np.zeros(len(starts) - 1, dtype=np.float32)
    empty = starts[:-1] == starts[1:]
    if not empty.any():
        return np.add.reduceat(values, starts[:-1])
    totals = np.add.reduceat(np.append(values, np.float32(0)), starts[:-1])
    totals[empty] = 0
    return totals


def _next_above(shared: float) -> float | None:
    """Return a bound above `shared`, in ten-thousandths and whatever rounding of sums hides; None when above 1."""
    bound = math.floor(shared * 10_000 + 1.5) / 10_000
    return bound if bound <= 1 else None


def higher(one: float | None, other: float | None) -> float | None:
    """Return the bound that is true of two searches together."""
    return None if one is None or other is None else max(one, other)
