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


class Loading:
    """A bar for each file that is read: the share that was read, and the records so far."""

    def __init__(self) -> None:
        self._bar: tqdm[None] | None = None
        self._name = ""

    def __enter__(self) -> Loading:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def seen(self, name: str, records: int, share: float) -> None:
        """Show how far a file was read."""
        if not watched():
            return
        if self._bar is None or name != self._name:
            self._close()
            self._bar, self._name = tqdm(desc=name, total=100, unit="%", leave=False), name
        self._bar.set_postfix_str(f"{records} records", refresh=False)
        self._bar.update(100 * share - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
