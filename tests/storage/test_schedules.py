"""Thousands of random schedules with crashes: never over the cap, never charged twice, nothing acknowledged lost."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from kyc_gate.errors import StorageFault
from kyc_gate.storage.rowstore import RowStore

from .conftest import Maker
from .samples import NOW, decision_entry, hold_request

UNIT = 10**20
CAP = 1_000 * UNIT
AT_ONCE = 40


class Crashed(Exception):
    """The client, or the gate before it, died at this point."""


@dataclass
class Schedule:
    """One schedule: its clients' dice, and what was let through, by decision."""

    name: str
    dice: random.Random
    passed: dict[str, tuple[str, int]] = field(default_factory=dict)

    async def step(self) -> None:
        """Let others run for a while, or die."""
        if self.dice.random() < 0.06:
            raise Crashed
        for _ in range(self.dice.randrange(3)):
            await asyncio.sleep(0)


async def client(schedule: Schedule, store: RowStore, key: str, amount: int, account: str) -> None:
    """Hold, decide, record, act: what a gate does for one call, with a crash possible before and after each step."""
    await schedule.step()
    usage = await store.hold(
        hold_request(
            key,
            control_group=schedule.name,
            party_id=schedule.name,
            account=account,
            fingerprint=key,
            likely=amount,
            high=amount,
        )
    )
    await schedule.step()
    passes = usage.high <= CAP
    if usage.replayed and not passes:
        return  # what another call holds is not this one's to give back
    entry = decision_entry(hold_id=usage.hold_id, keep_hold=passes, replays=usage.replayed)
    await store.append(entry)
    if not passes:
        return
    schedule.passed[entry.decision_id] = key, amount
    await schedule.step()
    outcome = schedule.dice.choice(["accepted", "accepted", "refused", "unknown"])
    if outcome == "accepted":
        await store.settle(usage.hold_id)
    elif outcome == "refused":
        del schedule.passed[entry.decision_id]
        if not usage.replayed:
            await store.release(usage.hold_id, entry.decision_id)


async def retrying(schedule: Schedule, stores: list[RowStore], key: str, amount: int, account: str) -> None:
    """A client that sends again, through another replica, when it got no answer."""
    for _ in range(3):
        try:
            await client(schedule, schedule.dice.choice(stores), key, amount, account)
        except (Crashed, StorageFault):
            continue
        else:
            return


async def run(stores: list[RowStore], number: int, seed: int) -> None:
    """Run one schedule and judge it."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - any schedule will do
    schedule = Schedule(name=f"schedule:{seed}:{number}", dice=dice)
    calls = []
    for client_number in range(dice.randrange(2, 9)):
        key, amount = f"{schedule.name}/{client_number}", dice.randrange(1, 700) * UNIT
        account = f"account:{schedule.name}:{dice.randrange(3)}"
        calls.append(retrying(schedule, stores, key, amount, account))
        if dice.random() < 0.3:  # the same call twice at once
            calls.append(retrying(schedule, stores, key, amount, account))
    await asyncio.gather(*calls)
    for store in stores:
        await store.ready()  # what was answered before its commit is committed now
    runs = await stores[0].fetch_runs(schedule.name)
    usage = await stores[0].fetch_usage(schedule.name, NOW)
    counted = [run.fingerprint for run in runs]
    total = sum(run.high_rate for run in runs)
    acknowledged = dict(schedule.passed.values())
    assert sum(acknowledged.values()) <= CAP, "over the cap"
    assert len(counted) == len(set(counted)), "charged twice"
    assert set(acknowledged) <= set(counted), "lost"
    assert (usage.high if usage else 0) == total, "the sums are not the holds"


async def _schedules(make_store: Maker, count: int, seed: int) -> None:
    stores = [make_store(deadline_seconds=60.0) for _ in range(2)]
    for store in stores:
        await store.open()
    for first in range(0, count, AT_ONCE):
        await asyncio.gather(*[run(stores, number, seed) for number in range(first, min(first + AT_ONCE, count))])
    verified = await stores[0].verify()
    assert verified.records > count / 2
    for store in stores:
        await store.close()


async def test_schedules(make_store: Maker) -> None:
    """Two hundred random schedules over two replicas on each engine."""
    await _schedules(make_store, 200, 1)


@pytest.mark.long
async def test_ten_thousand_schedules(make_store: Maker) -> None:
    """Ten thousand random schedules over two replicas on each engine."""
    await _schedules(make_store, 10_000, 2)
