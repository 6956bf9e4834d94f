"""kill -9 in the middle of traffic: whatever reached the application has its durable record."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forks import forked, reaped
from gates import PATH, job, make_gate

from kyc_gate.asgi.middleware import KYCGateMiddleware
from kyc_gate.storage.sqlite import SqliteStore

from .driver import chunks, drive, http

CALLERS = 6
ID_BYTES = 36
KILLS_A_FILE = 20
ACCOUNTS = (b"acct-norge", b"acct-norge", b"acct-harbin", b"acct-nobody")


def traffic(folder: Path, reached: int) -> Callable[[], None]:
    """Return the work of a child: calls without end through the middleware, to an application that says what it saw."""

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        os.write(reached, scope["kyc_gate"].decision_id.encode())
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def caller(guarded: Any, dice: random.Random) -> None:
        while True:
            headers = ((b"host", b"api"), (b"content-type", b"application/json"), (b"x-account", dice.choice(ACCOUNTS)))
            await drive(guarded, http(PATH, headers=headers), chunks(job(gpus=1, hours=1)))

    async def load() -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            gate = make_gate(folder)
            await gate.open()
            guarded = KYCGateMiddleware(application, gate)
            await asyncio.gather(*[caller(guarded, random.Random(n)) for n in range(CALLERS)])  # noqa: S311

    return lambda: asyncio.run(load())


def reached_before_the_kill(folder: Path, dice: random.Random) -> list[str]:
    """Kill a process at a random moment after its first pass; return the decisions that reached the application."""
    reading, writing = os.pipe()
    child = forked(traffic(folder, writing))
    os.close(writing)
    received = os.read(reading, ID_BYTES)
    time.sleep(dice.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    assert reaped(child) == -signal.SIGKILL
    while more := os.read(reading, 65_536):
        received += more
    os.close(reading)
    return [received[at : at + ID_BYTES].decode() for at in range(0, len(received), ID_BYTES)]


async def recorded(folder: Path) -> dict[str, object]:
    """Return what each decision on file did, from a chain that verifies."""
    store = SqliteStore(folder / "gate.db")
    await store.open()
    await store.verify()
    made = [record async for record in store.records() if record["type"] == "decision"]
    await store.close()
    return {str(record["decision_id"]): record["acted"] for record in made}


def survives(folder: Path, kills: int) -> None:
    dice = random.Random(4)  # noqa: S311 - any moments will do
    passed = 0
    for first in range(0, kills, KILLS_A_FILE):
        place = folder / str(first)
        place.mkdir()
        seen: list[str] = []
        for _ in range(min(KILLS_A_FILE, kills - first)):
            seen += reached_before_the_kill(place, dice)
        acted = asyncio.run(recorded(place))
        assert [decision_id for decision_id in seen if acted.get(decision_id) != "pass"] == []
        passed += len(seen)
    assert passed >= 2 * kills, f"only {passed} calls passed: the kills did not meet traffic"


def test_ten_kills(tmp_path: Path) -> None:
    """Of ten killed processes, nothing reached the application without its record."""
    survives(tmp_path, 10)


@pytest.mark.long
def test_a_thousand_kills(tmp_path: Path) -> None:
    """Of a thousand killed processes, nothing reached the application without its record."""
    survives(tmp_path, 1_000)
