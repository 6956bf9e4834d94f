"""Progress on standard error, where a person looks at it; nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


def watched() -> bool:
    """Return whether a person watches standard error."""
    return sys.stderr.isatty()


@contextmanager
def counted(what: str, total: int | None, *, unit: str = "") -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many more are done; a bar shows them to a person who watches."""
    with tqdm(total=total, desc=what, unit=f" {unit}" if unit else "", disable=not watched(), leave=False) as bar:
        yield lambda more: bar.update(more) and None


class Downloads:
    """A bar for each file that arrives."""

    def __init__(self) -> None:
        self._bars: list[tqdm[None]] = []

    def __enter__(self) -> Downloads:
        return self

    def __exit__(self, *_: object) -> None:
        for bar in self._bars:
            bar.close()

    def bar(self, name: str) -> Callable[[int, int | None], None] | None:
        """Return what is told of the bytes of one file, or None where nobody watches."""
        if not watched():
            return None
        bar = tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024, leave=False, position=len(self._bars))
        self._bars.append(bar)

        def told(piece: int, total: int | None) -> None:
            bar.total = total
            bar.update(piece)

        return told
