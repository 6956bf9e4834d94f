"""Which names have a feature: for each feature the numbers of its names, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]


_CHUNK = 100_000
"""Names whose features are put in order at once."""


class Postings:
    """Names by feature. `numbers[starts[f]:starts[f + 1]]` are the names that have feature `f`, in order."""

    __slots__ = ("_start_of", "numbers", "starts")

    def __init__(self, starts: NDArray[np.int64], numbers: Numbers) -> None:
        self.starts = starts
        self.numbers = numbers
        self._start_of = memoryview(starts)  # type: ignore[arg-type]

    @classmethod
    def of(cls, features: NDArray[np.integer[Any]], owners: Numbers, size: int) -> Postings:
        """Return the postings of `size` features; `features[i]` is a feature of the name `owners[i]`."""
        order = np.argsort(features, kind="stable")
        starts = np.zeros(size + 1, dtype=np.int64)
        np.cumsum(np.bincount(features, minlength=size), out=starts[1:])
        return cls(starts, owners[order])

    @classmethod
    def of_runs(
        cls, features: NDArray[np.integer[Any]], starts: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> Postings:
        """Return the postings of names whose features stand one name after the other, each name's from `starts` on.

        `counts` says how many names have each feature. It takes the memory of its result and of one chunk.
        """
        ends = np.zeros(len(counts) + 1, dtype=np.int64)
        np.cumsum(counts, out=ends[1:])
        numbers = np.empty(len(features), dtype=np.int32)
        free = ends[:-1].copy()
        for first in range(0, len(starts) - 1, _CHUNK):
            last = min(first + _CHUNK, len(starts) - 1)
            own = features[starts[first] : starts[last]]
            owners = np.repeat(np.arange(first, last, dtype=np.int32), np.diff(starts[first : last + 1]))
            order = np.argsort(own, kind="stable")
            met = np.bincount(own, minlength=len(counts))
            before = np.zeros(len(counts), dtype=np.int64)
            np.cumsum(met[:-1], out=before[1:])
            numbers[np.repeat(free - before, met) + np.arange(len(own))] = owners[order]
            free += met
        return cls(ends, numbers)

    def __getitem__(self, feature: int) -> Numbers:
        """Return the names that have the feature."""
        return self.numbers[self._start_of[feature] : self._start_of[feature + 1]]
