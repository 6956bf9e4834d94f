"""Power cuts: whatever a disk keeps of what was not synced, nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import random
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from memory import memory

from kyc_gate.storage.sqlite import SqliteStore

from .recorded_disk import Image, RecordedDisk, Step, images
from .samples import decision_entry, hold_request

CALLERS = 6
DECISIONS = 150
"""Decisions of each caller in one recording: enough to fill the write-ahead log and have it copied back twice."""


async def _loaded(file: Path, disk: RecordedDisk) -> None:
    """Let several callers hold, decide and settle, and note each decision once its record was acknowledged."""
    store = SqliteStore(file, deadline_seconds=20)
    await store.open()

    async def caller() -> None:
        for _ in range(DECISIONS):
            decision_id = f"dec_{secrets.token_hex(8)}"
            usage = await store.hold(hold_request(control_group=f"group:{decision_id[-1]}"))
            entry = decision_entry(decision_id, hold_id=usage.hold_id, keep_hold=True)
            await store.append(entry)
            disk.acknowledged(decision_id)
            await store.settle(usage.hold_id)

    await asyncio.gather(*[caller() for _ in range(CALLERS)])
    await store.close()


def recorded(folder: Path) -> list[Step]:
    """The steps of one load on a new store."""
    disk = RecordedDisk(folder)
    with disk.recording():
        asyncio.run(_loaded(folder / "gate.db", disk))
    return disk.steps


@pytest.fixture(scope="module")
def load() -> Iterator[list[Step]]:
    """The steps of one load, for every test that cuts it: a cut changes nothing of it."""
    with in_memory() as folder:
        yield recorded(folder)


@contextlib.contextmanager
def in_memory() -> Iterator[Path]:
    """A folder in memory where the system has one: the disk of these tests is the recorded one."""
    with tempfile.TemporaryDirectory(dir=memory()) as name:
        yield Path(name)


async def lost(image: Image, folder: Path) -> set[str]:
    """What a gate that starts on the image no longer has of what was acknowledged; it must start, and be whole."""
    _written(image, folder)
    store = SqliteStore(folder / "gate.db", deadline_seconds=20)
    await store.open()
    await store.verify()
    await store.close()
    return set(image.acknowledged) - _counted(folder / "gate.db")


def _written(image: Image, folder: Path) -> None:
    for left in folder.iterdir():
        left.unlink()
    for name, data in image.files.items():
        (folder / Path(name).name).write_bytes(data)


def _counted(file: Path) -> set[str]:
    """The decisions whose records say so and whose holds count, in a file that is sound."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        counting = connection.execute("SELECT decision_id FROM holds WHERE state IN ('held', 'settled')").fetchall()
        recorded = connection.execute("SELECT json_extract(body, '$.decision_id') FROM records").fetchall()
    return {str(id) for (id,) in recorded} & {str(id) for (id,) in counting}


async def all_survive(steps: list[Step], cuts: int, seed: int) -> None:
    """Nothing acknowledged is lost in `cuts` images of the load."""
    assert {"write", "sync", "acknowledged"} <= {step.kind for step in steps}
    assert sum(step.kind == "sync" and not step.file.endswith("-wal") for step in steps) >= 2, "no checkpoint"
    telling = 0
    with in_memory() as folder:
        for image in images(steps, cuts, random.Random(seed)):  # noqa: S311 - any cuts will do
            assert await lost(image, folder) == set()
            telling += bool(image.acknowledged)
    assert telling > cuts / 2, "most cuts came before anything was acknowledged"


async def test_hundreds_of_power_cuts(load: list[Step]) -> None:
    """In 200 images of a disk that lost power, every acknowledged decision is there, and the chain verifies."""
    await all_survive(load, 200, 20)


def one_load(number: int) -> None:
    """Record a load of its own and cut it two thousand times: the part of one process."""
    with in_memory() as folder:
        steps = recorded(folder)
    asyncio.run(all_survive(steps, 2_000, number))


@pytest.mark.long
def test_twenty_thousand_power_cuts() -> None:
    """In 20,000 images of ten loads, every acknowledged decision is there, and the chain verifies."""
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        assert list(processes.map(one_load, range(10))) == [None] * 10


async def test_a_disk_that_does_not_sync_is_found_out(load: list[Step]) -> None:
    """The images can lose records: on a disk that only says it synced the log, they do."""
    steps = [step for step in load if not (step.kind == "sync" and step.file.endswith("-wal"))]
    with in_memory() as folder:
        dice = random.Random(21)  # noqa: S311 - any cuts will do
        losses = [await _loses(image, folder) for image in images(steps, 40, dice)]
    assert any(losses)


async def _loses(image: Image, folder: Path) -> bool:
    try:
        return bool(await lost(image, folder))
    except Exception:  # noqa: BLE001 - a store that is damaged beyond opening has lost its records too
        return True
