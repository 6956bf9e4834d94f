"""Two jobs that together cross the limit are never both allowed, whoever holds for them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from forks import forked, reaped

from kyc_gate.model.usage import Usage
from kyc_gate.storage.sqlite import SqliteStore

from .samples import NOW, OPERATIONS, decision_entry, hold_request

LIMIT = OPERATIONS
SHARE = 6 * LIMIT // 10
"""One job is within the limit, two are not."""


async def allowed(store: SqliteStore, trial: int, account: str) -> bool:
    """Hold, decide by the usage that came back, record, and say whether the job was let through: what the gate does."""
    request = hold_request(
        control_group=f"group:{trial}", party_id=f"party:{trial}", account=account, likely=SHARE, high=SHARE
    )
    usage = await store.hold(request)
    passes = usage.high <= LIMIT
    await asyncio.sleep(0)
    await store.append(decision_entry(hold_id=usage.hold_id, keep_hold=passes))
    if passes:
        await store.settle(usage.hold_id)
    return passes


async def held(store: SqliteStore, trial: int) -> Usage:
    """Return what the trial's control group holds in the end."""
    usage = await store.fetch_usage(f"group:{trial}", NOW)
    assert usage is not None
    return usage


async def test_tasks_race(store: SqliteStore) -> None:
    """Five hundred races in one event loop: never both, and what was refused does not count."""
    for trial in range(500):
        results = await asyncio.gather(*[allowed(store, trial, f"account:{number}") for number in range(2)])
        assert sum(results) <= 1
        assert (await held(store, trial)).high == SHARE * sum(results)


async def test_thirty_two_race(store: SqliteStore) -> None:
    """Thirty-two jobs of 7 against a limit of 1,000 with 142 of them admitted at most: the sum never crosses."""
    unit = LIMIT // 1_000

    async def job(number: int) -> bool:
        usage = await store.hold(hold_request(likely=7 * unit, high=7 * unit, account=f"account:{number % 5}"))
        if usage.high > 1_000 * unit:
            await store.release(usage.hold_id)
            return False
        return True

    admitted = 0
    for _ in range(10):
        admitted += sum(await asyncio.gather(*[job(number) for number in range(32)]))
    assert admitted == 142
    usage = await store.fetch_usage("group:kestrel", NOW)
    assert usage is not None
    assert usage.high == 994 * unit


async def test_stores_race_on_one_file(store: SqliteStore, file: Path) -> None:
    """Three hundred races between two stores, each with a writer of its own."""
    other = SqliteStore(file)
    await other.open()
    for trial in range(300):
        results = await asyncio.gather(allowed(store, trial, "account:1"), allowed(other, trial, "account:2"))
        assert sum(results) <= 1
        assert (await held(store, trial)).high == SHARE * sum(results)
    await other.close()
    assert (await store.verify()).records == 600


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_race_on_one_file(file: Path, processes: int) -> None:
    """Three hundred races between processes: a byte starts each at the same moment; never two allowed."""
    asyncio.run(_made(file))
    starts = [os.pipe() for _ in range(processes)]
    answers = [os.pipe() for _ in range(processes)]
    children = [forked(_racer(file, number, starts[number][0], answers[number][1])) for number in range(processes)]
    once = 0
    for _ in range(300):
        for start in starts:
            os.write(start[1], b"!")
        results = [os.read(answer[0], 1) for answer in answers]
        assert set(results) <= {b"y", b"n"}, results
        assert results.count(b"y") <= 1
        once += results.count(b"y")
    for read, write in (*starts, *answers):
        os.close(write)
        os.close(read)
    assert [reaped(child) for child in children] == [0] * processes
    assert once >= 200, "most races have a winner, so it was not caution that kept the limit"
    asyncio.run(_verified(file, 300 * processes))


def _racer(file: Path, number: int, start: int, answer: int) -> Callable[[], None]:
    async def race() -> None:
        store = SqliteStore(file)
        await store.open()
        loop = asyncio.get_running_loop()
        for trial in range(300):
            await loop.run_in_executor(None, os.read, start, 1)
            won = await allowed(store, trial, f"account:{number}")
            os.write(answer, b"y" if won else b"n")
        await store.close()

    return lambda: asyncio.run(race())


async def _made(file: Path) -> None:
    store = SqliteStore(file)
    await store.open()
    await store.close()


async def _verified(file: Path, records: int) -> None:
    store = SqliteStore(file)
    await store.open()
    assert (await store.verify()).records == records
    await store.close()


def test_a_reviewer_gets_a_turn_beside_a_busy_gateway(file: Path) -> None:
    """While another process writes without a pause, each write of this one is done within its deadline."""
    asyncio.run(_made(file))
    read, write = os.pipe()

    async def busy() -> None:
        store = SqliteStore(file)
        await store.open()
        os.write(write, b"!")

        async def work() -> None:
            while True:
                usage = await store.hold(hold_request())
                await store.append(decision_entry(hold_id=usage.hold_id, keep_hold=True))

        await asyncio.gather(*[work() for _ in range(16)])

    child = forked(lambda: asyncio.run(busy()))
    os.read(read, 1)
    try:
        asyncio.run(_takes_turns(file))
    finally:
        os.kill(child, 9)
        assert reaped(child) == -9
        os.close(read)
        os.close(write)


async def _takes_turns(file: Path) -> None:
    store = SqliteStore(file)
    await store.open()
    for _ in range(50):
        await store.append(decision_entry())
    await store.close()
