"""Power cuts: whatever a disk keeps of what was not synced, nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import sqlite3
from pathlib import Path

import pytest

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


def lost(image: Image, folder: Path) -> set[str]:
    """What a gate that starts on the image no longer has of what was acknowledged; it must start, and be whole."""
    for left in folder.iterdir():
        left.unlink()
    for name, data in image.files.items():
        (folder / Path(name).name).write_bytes(data)
    return set(image.acknowledged) - asyncio.run(_found(folder / "gate.db"))


async def _found(file: Path) -> set[str]:
    """Open the store, verify its whole chain, and return the decisions on record whose hold counts."""
    store = SqliteStore(file, deadline_seconds=20)
    await store.open()
    await store.verify()
    found = {str(record["decision_id"]) async for record in store.records()}
    await store.close()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        (counting,) = connection.execute("SELECT COUNT(*) FROM holds WHERE state IN ('held', 'settled')").fetchone()
        assert counting >= len(found)
    return found


def survives(folder: Path, recordings: int, cuts: int) -> None:
    """Nothing acknowledged is lost in `cuts` images of each recording."""
    dice = random.Random(20)  # noqa: S311 - any cuts will do
    for number in range(recordings):
        disk, restart = folder / f"disk{number}", folder / f"restart{number}"
        disk.mkdir()
        restart.mkdir()
        steps = recorded(disk)
        kinds = {step.kind for step in steps}
        assert {"write", "sync", "acknowledged"} <= kinds
        assert sum(step.kind == "sync" and not step.file.endswith("-wal") for step in steps) >= 2, "no checkpoint"
        for image in images(steps, cuts, dice):
            assert lost(image, restart) == set()


def test_hundreds_of_power_cuts(tmp_path: Path) -> None:
    """In 200 images of a disk that lost power, every acknowledged decision is there, and the chain verifies."""
    survives(tmp_path, 1, 200)


@pytest.mark.long
def test_twenty_thousand_power_cuts(tmp_path: Path) -> None:
    """In 20,000 images of ten loads, every acknowledged decision is there, and the chain verifies."""
    survives(tmp_path, 10, 2_000)


def test_a_disk_that_does_not_sync_is_found_out(tmp_path: Path) -> None:
    """The images can lose records: on a disk that only says it synced the log, they do."""
    disk, restart = tmp_path / "disk", tmp_path / "restart"
    disk.mkdir()
    restart.mkdir()
    steps = [step for step in recorded(disk) if not (step.kind == "sync" and step.file.endswith("-wal"))]
    dice = random.Random(21)  # noqa: S311 - any cuts will do
    assert any(_loses(image, restart) for image in images(steps, 40, dice))


def _loses(image: Image, folder: Path) -> bool:
    try:
        return bool(lost(image, folder))
    except Exception:  # noqa: BLE001 - a store that is damaged beyond opening has lost its records too
        return True
