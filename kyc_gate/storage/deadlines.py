"""The deadlines of one event loop's operations: one timer for all of them.

A timer of its own for each operation, which is nearly always answered in time, took a fifth of what the loop does.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from kyc_gate.errors import StorageFault


class Deadlines:
    """Futures in the order of their deadlines; each that is not done by then gets a `StorageFault`.

    Everything here runs in the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._futures: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._set = False

    def add(self, future: asyncio.Future[Any], deadline: float) -> None:
        """Give a future a deadline, on the clock of `time.monotonic`, no earlier than those before it."""
        self._futures.append((deadline, future))
        if not self._set:
            self._set = True
            self._loop.call_later(deadline - time.monotonic(), self._look)

    def drop_done(self) -> None:
        """Forget the first futures that are done, so that their results are not kept until the timer's turn."""
        futures = self._futures
        while futures and futures[0][1].done():
            futures.popleft()

    def _look(self) -> None:
        self.drop_done()
        now = time.monotonic()
        while self._futures and self._futures[0][0] <= now:
            expire(self._futures.popleft()[1], self._seconds)
            self.drop_done()
        self._set = bool(self._futures)
        if self._set:
            self._loop.call_later(self._futures[0][0] - now, self._look)


def expire(future: asyncio.Future[Any], seconds: float) -> None:
    """Tell whoever still waits that no answer came in time."""
    if not future.done():
        future.set_exception(StorageFault(f"the store did not answer within {seconds:g} s"))
