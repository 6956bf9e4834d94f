"""One timer for many deadlines."""

from __future__ import annotations

import asyncio
import time

from kyc_gate.errors import StorageFault
from kyc_gate.storage.deadlines import Deadlines


async def test_each_fails_at_its_own_time() -> None:
    """Futures added one after another fail in that order, none before its deadline, and one that is done is left."""
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop, 0.05)
    begun = time.monotonic()
    futures: list[asyncio.Future[str]] = [loop.create_future() for _ in range(4)]
    failed: list[tuple[int, float]] = []
    for number, future in enumerate(futures):
        future.add_done_callback(lambda done, number=number: failed.append((number, time.monotonic() - begun)))  # type: ignore[misc]
        deadlines.add(future, begun + 0.05 * (number + 1))
    futures[1].set_result("in time")
    done = await asyncio.wait_for(asyncio.gather(*futures, return_exceptions=True), 5)
    assert [type(each) for each in done] == [StorageFault, str, StorageFault, StorageFault]
    assert [number for number, _ in failed] == [1, 0, 2, 3]
    assert all(at >= 0.05 * (number + 1) for number, at in failed if number != 1)
    assert str(done[0]) == "the store did not answer within 0.05 s"


async def test_what_comes_after_a_quiet_time_has_its_deadline_too() -> None:
    """When every future was answered and the timer is over, the next one sets it again."""
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop, 0.01)
    first: asyncio.Future[str] = loop.create_future()
    deadlines.add(first, time.monotonic() + 0.01)
    first.set_result("in time")
    await asyncio.sleep(0.03)
    second: asyncio.Future[str] = loop.create_future()
    deadlines.add(second, time.monotonic() + 0.01)
    done = await asyncio.wait_for(asyncio.gather(second, return_exceptions=True), 5)
    assert isinstance(done[0], StorageFault)


async def test_results_are_not_kept() -> None:
    """What was answered is forgotten at once, and not only when its deadline comes."""
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop, 60)
    for _ in range(3):
        future: asyncio.Future[str] = loop.create_future()
        deadlines.add(future, time.monotonic() + 60)
        future.set_result("in time")
    deadlines.drop_done()
    assert not deadlines._futures
