"""Which names have a feature: for each feature the numbers of its names, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]


class Postings:
    """Names by feature. `numbers[starts[f]:starts[f + 1]]` are the names that have feature `f`, in order."""

    __slots__ = ("numbers", "starts")

    def __init__(self, starts: NDArray[np.int64], numbers: Numbers) -> None:
        self.starts = starts
        self.numbers = numbers

    @classmethod
    def of(cls, features: NDArray[np.integer[Any]], owners: Numbers, size: int) -> Postings:
        """Return the postings of `size` features; `features[i]` is a feature of the name `owners[i]`."""
        order = np.argsort(features, kind="stable")
        starts = np.zeros(size + 1, dtype=np.int64)
        np.cumsum(np.bincount(features, minlength=size), out=starts[1:])
        return cls(starts, owners[order])

    def __getitem__(self, feature: int) -> Numbers:
        """Return the names that have the feature."""
        return self.numbers[self.starts[feature] : self.starts[feature + 1]]
