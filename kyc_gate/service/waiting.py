"""Waiting that ends when it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib


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
