"""Lists kept current beside a gate that serves: pulled, taken up, and never mixed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import commands
import pytest
from msgspec.structs import replace

from kyc_gate.feeds.shelf import Shelf
from kyc_gate.service.config import read_configuration
from kyc_gate.service.gate import Gate
from kyc_gate.service.list_keeper import ListKeeper
from kyc_gate.service.list_shelf import ActiveLists
from tests.feeds.publisher import Publisher, companies, lines, publishing

LISTED = {"id": "x1", "name": "Zarquon Vextral Foundry", "list": "SDN", "kind": "company"}
WITH = lines([*companies(300), LISTED])
WITHOUT = lines([*companies(300), {**LISTED, "name": "Quimby Overthorpe Dairy"}])

TOKEN = "a-token-of-the-test"


def configured(folder: Path, publisher: Publisher, *, refresh_minutes: float = 600, max_age_hours: float = 72) -> Path:
    """Write a configuration whose only list is the publisher's, and return it."""
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    file = folder / "kyc-gate.toml"
    file.write_text(
        f"""
[gate]
policies = ["us-in-force"]
concurrent_decisions = 1000
decision_seconds = 10.0
[lists]
refresh_minutes = {refresh_minutes}
max_age_hours = {max_age_hours}
[[lists.source]]
name = "sample"
urls = ["{publisher.url}"]
unsafe_plain_http = true
[generic]
[[generic.routes]]
operation = "CreateCluster"
path = "/v1/clusters"
methods = ["POST"]
kind = "create"
[generic.routes.fields]
accelerator = "accelerator"
count = "count"
[gateway]
port = 0
[[gateway.upstreams]]
url = "http://127.0.0.1:9"
[api]
port = 0
tokens_sha256 = ["{digest}"]
[log]
format = "json"
""",
        encoding="utf-8",
    )
    return file


async def kyc_gate(*arguments: str) -> tuple[int, str, str]:
    """Run `kyc-gate` and return its status and what it printed."""
    done = await asyncio.to_thread(commands.run, arguments)
    return done.status, done.out.decode(), done.err.decode()


@asynccontextmanager
async def serving(config: Path) -> AsyncIterator[str]:
    """Yield the address of the interface of a gate that serves in a process of its own."""
    with (config.parent / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "kyc_gate", "serve", "--config", str(config), "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        assert process.stdout is not None
        addresses = json.loads(await process.stdout.readline())
        try:
            yield addresses["api"]
        finally:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 30)


def question(number: int) -> dict[str, Any]:
    """Return a request of the party that one snapshot lists and the other does not."""
    return {
        "request": {"accelerators": [{"model": "H100 SXM", "count": 8}], "duration_hours": 1, "workload": "inference"},
        "party": {
            "id": f"p{number % 7}",
            "name": "Zarquon Vextral Foundry",
            "headquarters": "NO",
            "ultimate_parent": {"is_self": True},
            "owners": [],
        },
        "dry_run": True,
    }


async def until(condition: Any, *, seconds: float = 20.0) -> None:
    """Wait until an async condition is true."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is awaited is in another process
            await asyncio.sleep(0.05)


async def test_a_pull_under_load_drops_no_request_and_mixes_no_snapshots(tmp_path: Path) -> None:
    """While `kyc-gate lists pull` activates other lists, a serving gate answers every request, each by one snapshot."""
    async with publishing(WITH) as publisher:
        config = configured(tmp_path, publisher)
        assert (await kyc_gate("lists", "pull", "--config", str(config)))[0] == 0
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with serving(config) as api, aiohttp.ClientSession(api, headers=headers) as session:
            done = asyncio.Event()
            asking = [asyncio.create_task(ask_until(done, session, start)) for start in range(4)]
            for body in (WITHOUT, WITH):
                publisher.body = body
                before = await snapshot_of(session)
                assert (await kyc_gate("lists", "pull", "--config", str(config)))[0] == 0
                await until(lambda before=before: changed(session, before))
            done.set()
            answers = [answer for task in asking for answer in await task]
            await check_records(session, answers)
    seen = Counter(outcome for outcome, _ in answers)
    assert len(answers) > 50
    assert set(seen) == {"block", "allow"}


async def ask_until(done: asyncio.Event, session: aiohttp.ClientSession, start: int) -> list[tuple[str, str]]:
    """Ask again and again; every answer must be a decision."""
    answers = []
    while not done.is_set():
        async with session.post("/v1/decisions", json=question(start)) as answer:
            document = await answer.json()
        assert answer.status in (200, 403), document
        answers.append((document["outcome"], document["decision_id"]))
    return answers


async def check_records(session: aiohttp.ClientSession, answers: list[tuple[str, str]]) -> None:
    """Compare each answer with its record: outcome, matches and snapshot belong together."""
    of_snapshot: dict[str, str] = {}
    for outcome, decision_id in answers[:: max(len(answers) // 300, 1)]:
        async with session.get(f"/v1/decisions/{decision_id}") as answer:
            facts = (await answer.json())["facts"]
        assert of_snapshot.setdefault(facts["snapshot"], outcome) == outcome
        assert (facts["screening"]["matched"] == ["SDN"]) == (outcome == "block")
        assert facts["lists"].keys() == {"EL", "SDN"}
    assert len(of_snapshot) == 2


async def snapshot_of(session: aiohttp.ClientSession) -> str:
    """Return the digest of the snapshot that a decision names now."""
    async with session.post("/v1/decisions", json=question(0)) as answer:
        decision_id = (await answer.json())["decision_id"]
    async with session.get(f"/v1/decisions/{decision_id}") as answer:
        return str((await answer.json())["facts"]["snapshot"])


async def changed(session: aiohttp.ClientSession, before: str) -> bool:
    """Return whether decisions name another snapshot."""
    return await snapshot_of(session) != before


async def test_a_gate_pulls_by_itself(tmp_path: Path) -> None:
    """A gate that opens without lists is not ready, pulls at once, and is ready with them."""
    async with publishing(WITH) as publisher:
        config = configured(tmp_path, publisher)
        async with Gate.from_config(config) as gate:
            reasons = (await gate.readiness()).reasons
            assert "no restricted-party list is active" in reasons

            async def ready() -> bool:
                return (await gate.readiness()).ready

            await until(ready)
            assert gate.snapshot is not None
            assert len(gate.snapshot.entries) == 301


@pytest.mark.parametrize("steps", range(5))
async def test_a_gate_that_closes_as_lists_arrive_closes(tmp_path: Path, steps: int) -> None:
    """A keeper that is told to stop in the moment in which lists become active stops."""
    async with publishing(WITH) as publisher:
        config = configured(tmp_path, publisher)
        async with Gate.from_config(config) as gate:
            keeper = ListKeeper(read_configuration(config), None, ActiveLists(snapshot=None, clocks=()))
            task = asyncio.create_task(keeper._rescreen(gate))
            await asyncio.sleep(0.05)
            keeper._changed.set()
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task], timeout=2)
            assert task.done()


async def test_what_nobody_confirms_becomes_stale(tmp_path: Path) -> None:
    """Lists that could not be pulled stay active, age, and make the gate say so; a pull that works confirms them."""
    async with publishing(WITH) as publisher:
        config = configured(tmp_path, publisher)
        await kyc_gate("lists", "pull", "--config", str(config))
        age_checks(tmp_path, hours=80)
        async with Gate.from_config(config) as gate:
            assert gate.snapshot is not None
            assert gate.lists.stale(gate.now())
            assert gate.lists.ages(gate.now())["SDN"] == pytest.approx(80, abs=0.1)
            assert "the list source `sample` is stale" in (await gate.readiness()).reasons
            await kyc_gate("lists", "pull", "--config", str(config))

            async def fresh() -> bool:
                return not gate.lists.stale(gate.now())

            await until(fresh)
            screener = gate.screener
            assert screener is not None


def age_checks(folder: Path, *, hours: float) -> None:
    """Make the last confirmation of every source so much older."""
    shelf = Shelf(folder / "kyc-gate-lists")
    checks = shelf.checks().values()
    then = datetime.now(UTC) - timedelta(hours=hours)
    with shelf.locked():
        shelf.save_checks([replace(check, confirmed_at=then) for check in checks])


async def test_a_source_that_was_never_pulled_is_missing(tmp_path: Path) -> None:
    """A configured source that nobody ever pulled keeps the gate from passing its lists for whole."""
    async with publishing(WITH) as publisher:
        config = configured(tmp_path, publisher)
        await kyc_gate("lists", "pull", "--config", str(config))
        text = config.read_text(encoding="utf-8")
        publisher.files["/other.jsonl"] = b"<html>"
        other = (
            f'[[lists.source]]\nname = "other"\nurls = ["{publisher.origin}/other.jsonl"]\nunsafe_plain_http = true\n'
        )
        config.write_text(text.replace("[generic]\n", f"{other}[generic]\n", 1), encoding="utf-8")
        async with Gate.from_config(config) as gate:
            assert gate.lists.stale(gate.now())
            assert gate.lists.ages(gate.now())["other"] is None
            assert "the list source `other` is missing" in (await gate.readiness()).reasons


async def test_a_damaged_shelf_keeps_the_lists_in_memory(tmp_path: Path) -> None:
    """A gate that runs keeps its lists when the shelf breaks; one that starts then has none, and is not ready."""
    async with publishing(WITH) as publisher:
        config = configured(tmp_path, publisher)
        await kyc_gate("lists", "pull", "--config", str(config))
        async with Gate.from_config(config) as gate:
            assert gate.keeper is not None
            (tmp_path / "kyc-gate-lists" / "active").write_text("{", encoding="utf-8")
            await gate.keeper.take_up(gate)
            assert gate.snapshot is not None
        assert Gate.from_config(config).snapshot is None


async def test_a_pull_that_is_killed_leaves_the_last_good_list(tmp_path: Path) -> None:
    """`kill -9` at any moment of a pull leaves the old lists or the new ones, whole, and the next pull works."""
    async with publishing(WITH) as publisher:
        config = configured(tmp_path, publisher)
        await kyc_gate("lists", "pull", "--config", str(config))
        shelf = Shelf(tmp_path / "kyc-gate-lists")
        for turn, wait in enumerate((0.35, 0.45, 0.5, 0.55, 0.6, 0.7)):
            publisher.body = WITHOUT if turn % 2 == 0 else WITH
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "kyc_gate", "lists", "pull", "--config", str(config)),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            await asyncio.sleep(wait)
            if process.returncode is None:
                os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            generation = shelf.active()
            assert generation is not None
            assert len(shelf.snapshot(generation.snapshot).entries) == 301
            assert shelf.kept(generation.held[0].sha256) in (WITH, WITHOUT)
        assert (await kyc_gate("lists", "pull", "--config", str(config)))[0] == 0
    generation = shelf.active()
    assert generation is not None
    assert shelf.kept(generation.held[0].sha256) == publisher.body
    assert not list(shelf.folder.rglob("*.partial-*"))


async def test_a_source_that_fell_out_of_the_configuration_stays(tmp_path: Path) -> None:
    """A list that nobody asks for any more is screened against and told, until an operator forgets it by name."""
    async with publishing(WITH) as publisher, publishing(lines(companies(60, list="UVL", salt="u"))) as second:
        config = configured(tmp_path, publisher)
        whole = config.read_text(encoding="utf-8")
        other = f'[[lists.source]]\nname = "other"\nurls = ["{second.origin}/list.jsonl"]\nunsafe_plain_http = true\n'
        config.write_text(whole.replace("[generic]\n", f"{other}[generic]\n", 1), encoding="utf-8")
        await kyc_gate("lists", "pull", "--config", str(config))
        config.write_text(whole, encoding="utf-8")
        gate = Gate.from_config(config)
        assert gate.snapshot is not None
        assert gate.snapshot.lists == ("EL", "SDN", "UVL")
        status, out, _ = await kyc_gate("lists", "status", "--config", str(config))
        states = {row["source"]: row["state"] for row in map(json.loads, out.splitlines()) if "source" in row}
        assert (status, states) == (1, {"sample": "current", "other": "unconfigured"})
        assert (await kyc_gate("lists", "forget", "--config", str(config), "sample"))[0] == 1
        assert (await kyc_gate("lists", "forget", "--config", str(config), "other"))[0] == 0
        assert (await kyc_gate("lists", "status", "--config", str(config)))[0] == 0
    snapshot = Gate.from_config(config).snapshot
    assert snapshot is not None
    assert snapshot.lists == ("EL", "SDN")
