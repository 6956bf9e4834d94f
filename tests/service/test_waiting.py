"""Waiting that ends when it is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from kyc_gate.service.waiting import set_within


async def test_an_event_is_told_and_cleared() -> None:
    """What was set before or while somebody waits is told once; without it, the time ends the wait."""
    event = asyncio.Event()
    event.set()
    assert await set_within(event, 5)
    assert not await set_within(event, 0.01)
    asyncio.get_running_loop().call_later(0.01, event.set)
    assert await set_within(event, 5)
    assert not event.is_set()


@pytest.mark.parametrize("steps", range(5))
async def test_a_cancellation_that_comes_as_the_event_does_is_not_forgotten(steps: int) -> None:
    """A loop that waits ends when it is cancelled, however many steps after the event that is."""
    event = asyncio.Event()

    async def waits() -> None:
        while True:
            await set_within(event, 60)

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    event.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=2)
    assert task.cancelled()
