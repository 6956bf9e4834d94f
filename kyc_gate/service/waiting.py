"""Waiting that ends when it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator

import structlog

log = structlog.get_logger("kyc_gate")

_TURN_SECONDS = sys.getswitchinterval()
"""How long a thread computes before another has its turn, as this process began."""


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Return whether `event` was set within so many seconds, and clear it.

    Not `asyncio.wait_for`: Python 3.11's forgets a cancellation that comes as the event does, and whoever waits in a
    loop then never ends.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    found = event.is_set()
    event.clear()
    return found


async def again_and_again(look: Callable[[], Awaitable[object]], *, seconds: float, failed: str) -> None:
    """Look, wait, and look again, until cancelled.

    Whatever a look raises, the next one comes: a watch that ended would leave its gate behind in silence. The first of
    several failures is told as the event `failed`.
    """
    failing = False
    while True:
        try:
            await look()
            failing = False
        except Exception as error:
            if not failing:
                log.error(failed, exc_info=error, kind=type(error).__name__)
            failing = True
        await asyncio.sleep(seconds)


@contextlib.contextmanager
def short_turns() -> Iterator[None]:
    """Have threads take turns ten times as often as usual, while one of them computes for long.

    The loop waits for its turn whenever a thread has answered it: ten turns of 5 ms in each decision, by default.
    """
    sys.setswitchinterval(_TURN_SECONDS / 10)
    try:
        yield
    finally:
        sys.setswitchinterval(_TURN_SECONDS)
