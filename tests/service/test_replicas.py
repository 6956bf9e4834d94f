"""Two gates over one PostgreSQL database: what changes at one of them reaches the other, within seconds."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import postgres
import pytest
import structlog
from approvals import approve_case
from memory import memory
from msgspec.structs import replace
from structlog.testing import LogCapture

from kyc_gate.model.decision import Outcome
from kyc_gate.model.party import Account
from kyc_gate.policy.read import shipped_policies
from kyc_gate.service import list_keeper, upkeep
from kyc_gate.service.active_policies import ActivePolicies
from kyc_gate.service.config import read_configuration
from kyc_gate.service.gate import Gate
from kyc_gate.service.policy_source import policies_of
from kyc_gate.service.settings import Settings
from kyc_gate.storage.postgres import PostgresStore
from tests.feeds.publisher import Publisher, companies, lines, publishing

from .conftest import MakeGate, company, training

BOUND_SECONDS = 2 * upkeep.WATCH_SECONDS + Settings().directory_seconds
"""What the documentation promises, before anything is pulled."""


@pytest.fixture(autouse=True)
def watching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than in service, so that no test takes long."""
    for module in (upkeep, list_keeper):
        monkeypatch.setattr(module, "WATCH_SECONDS", 0.2)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server for these tests."""
    with postgres.server(memory()) as server:
        yield server


@pytest.fixture
async def pair(server: postgres.Server, make_gate: MakeGate) -> AsyncIterator[tuple[Gate, Gate]]:
    """Two open gates over one empty database."""
    url = server.schema()
    async with AsyncExitStack() as stack:
        made = [
            make_gate(store=PostgresStore(url, deadline_seconds=10.0), settings=Settings(decision_seconds=20.0))
            for _ in range(2)
        ]
        one, other = [await stack.enter_async_context(gate) for gate in made]
        yield one, other


async def within(seconds: float, holds: Callable[[], bool]) -> None:
    """Wait until `holds` does. On a busy machine everything takes longer, so there are some seconds on top."""
    end = time.monotonic() + seconds + 10
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.05)


async def test_a_grant_holds_at_once_everywhere(pair: tuple[Gate, Gate]) -> None:
    """A case that one gate opened and the other's reviewer approved lets the request through either, once."""
    one, other = pair
    asked = training("emirate", chips=16_384, hours=720)
    first = await one.decide(asked)
    assert first.outcome is Outcome.ESCALATE
    assert first.case_id is not None
    at = other.now()
    await approve_case(
        other.store, first.case_id, reviewer="R. Viewer", note="licence", at=at, expires_at=at + timedelta(hours=2)
    )
    assert (await one.decide(asked)).outcome is Outcome.ALLOW
    assert (await other.decide(asked)).outcome is Outcome.ESCALATE


async def test_a_revoked_grant_is_gone_at_once_everywhere(pair: tuple[Gate, Gate]) -> None:
    """A grant that is revoked at one gate lets nothing through the other."""
    one, other = pair
    asked = training("emirate", chips=16_384, hours=720)
    first = await one.decide(asked)
    assert first.case_id is not None
    at = one.now()
    until = at + timedelta(hours=2)
    grant = await approve_case(one.store, first.case_id, reviewer="R. Viewer", note="n", at=at, expires_at=until)
    await one.store.revoke_grant(grant.id, reviewer="R. Viewer", note="n", at=at)
    assert (await other.decide(asked)).outcome is Outcome.ESCALATE


async def test_the_directory_reaches_the_other_gate(pair: tuple[Gate, Gate]) -> None:
    """A party that moves, and an account that changes hands, are decided on as they are within `directory_seconds`."""
    one, other = pair
    assert (await other.decide(training("norge"))).outcome is Outcome.ALLOW
    moved = company("norge", "China", military_end_use=True)
    await one.store.save_directory([moved], [])
    await asyncio.sleep(Settings().directory_seconds)
    assert (await other.decide(training("norge", chips=9))).outcome is not Outcome.ALLOW
    await one.store.save_directory([], [Account(provider="generic", id="acct-norge", party_id="split0")])
    await asyncio.sleep(Settings().directory_seconds)
    assert (await other.decide(training("norge", chips=10))).outcome is Outcome.ALLOW


LISTED = {"id": "x1", "name": "Zarquon Vextral Foundry", "list": "SDN", "kind": "company"}


def configured(folder: Path, *, state: str, policies: Path, publisher: Publisher) -> Path:
    """Write the configuration of a gate with a folder and lists of its own over a state that it shares."""
    folder.mkdir()
    file = folder / "kyc-gate.toml"
    file.write_text(
        f"""
[gate]
state = "{state}"
policies = ["{policies}/us-in-force"]
[lists]
refresh_minutes = 600
[[lists.source]]
name = "sample"
urls = ["{publisher.url}"]
unsafe_plain_http = true
""",
        encoding="utf-8",
    )
    return file


@asynccontextmanager
async def two_machines(server: postgres.Server, folder: Path) -> AsyncIterator[tuple[Gate, Gate, Publisher, Path]]:
    """Yield two gates, each with its own files, over one database; their publisher; and their policies' folder."""
    policies = folder / "policies"
    shutil.copytree(shipped_policies(), policies)
    state = server.schema()
    async with publishing(lines(companies(20))) as publisher, AsyncExitStack() as stack:
        files = [
            configured(folder / name, state=state, policies=policies, publisher=publisher) for name in ("one", "other")
        ]
        one, other = [await stack.enter_async_context(Gate.from_config(file)) for file in files]
        yield one, other, publisher, policies


async def test_lists_that_one_gate_takes_up_are_pulled_by_the_other(server: postgres.Server, tmp_path: Path) -> None:
    """The next pull is ten hours away; the other gate hears that there is something newer, and pulls at once."""
    async with two_machines(server, tmp_path) as (one, other, publisher, _):
        await within(5, lambda: one.snapshot is not None and other.snapshot is not None)
        publisher.body = lines([*companies(20), LISTED])
        assert one.keeper is not None
        one.keeper.look_again()
        for gate in (one, other):
            await within(BOUND_SECONDS, lambda gate=gate: bool(gate.snapshot and len(gate.snapshot.entries) == 21))  # type: ignore[misc]


async def test_policies_that_one_gate_reads_are_read_by_the_other(server: postgres.Server, tmp_path: Path) -> None:
    """A revision that both machines have on disk is decided by at both once one of them activates it."""
    async with two_machines(server, tmp_path) as (one, other, _, policies):
        file = policies / "us-in-force" / "policy.toml"
        file.write_text(file.read_text().replace("revision = 1", "revision = 9", 1))
        configuration = read_configuration(tmp_path / "one" / "kyc-gate.toml")
        await one.change_policies(ActivePolicies.of(policies_of(configuration), one.settings))
        await within(BOUND_SECONDS, lambda: other.active.digests == one.active.digests)
        assert other.active.names == ["us-in-force@9"]


async def test_what_is_announced_is_no_policy(server: postgres.Server, tmp_path: Path) -> None:
    """Whoever can write to the store makes a gate look again, and changes nothing; gates that differ come to rest."""
    async with two_machines(server, tmp_path) as (one, other, _, _):
        before = one.active.digests
        await within(5, lambda: bool(one.upkeep._heard.get("policies")))
        version, _ = (await one.store.fetch_announced())["policies"]
        assert await one.store.announce("policies", "0" * 64, version)
        assert not await other.store.announce("policies", "1" * 64, version)
        # The other gate, which has not said so yet, says what it decides by; after that nobody has anything to say.
        await within(5, lambda: all(gate.upkeep._heard["policies"] == version + 2 for gate in (one, other)))
        await asyncio.sleep(3 * upkeep.WATCH_SECONDS)
        assert (await one.store.fetch_announced())["policies"] == (version + 2, ",".join(before))
        assert one.active.digests == other.active.digests == before


def differing(monkeypatch: pytest.MonkeyPatch) -> list[MutableMapping[str, Any]]:
    """What upkeep logs from now on."""
    capture = LogCapture()
    monkeypatch.setattr(upkeep, "log", structlog.wrap_logger(None, processors=[capture]))
    return capture.entries


async def test_a_gate_alone_differs_from_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an activation, two in a row, and a restart with others, a gate tells no difference with its own word."""
    told = differing(monkeypatch)
    policies = tmp_path / "policies"
    shutil.copytree(shipped_policies(), policies)
    file = policies / "us-in-force" / "policy.toml"
    config = tmp_path / "kyc-gate.toml"
    config.write_text(f'[gate]\npolicies = ["{policies}/us-in-force"]\n[lists]\n', encoding="utf-8")

    def revise(revision: int) -> ActivePolicies:
        file.write_text(re.sub(r"revision = \d+", f"revision = {revision}", file.read_text(), count=1))
        return ActivePolicies.of(policies_of(read_configuration(config)), Settings())

    async def announced(gate: Gate) -> None:
        async with asyncio.timeout(BOUND_SECONDS + 10):
            mine = ",".join(gate.active.digests)
            while (await gate.store.fetch_announced()).get("policies", (0, ""))[1] != mine:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async with Gate.from_config(config) as gate:
        await announced(gate)
        for revision in (7, 8):
            await gate.change_policies(revise(revision))
            await announced(gate)
            await gate.change_policies(revise(revision + 10))
            await announced(gate)
    revise(30)
    async with Gate.from_config(config) as gate:
        assert gate.active.names == ["us-in-force@30"]
        await announced(gate)
    assert [line["event"] for line in told if line["event"] == "policies.differ"] == []


async def test_gates_that_stay_different_say_so(pair: tuple[Gate, Gate], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each gate that hears of policies that it does not have tells it once, and then they come to rest."""
    told = differing(monkeypatch)
    one, other = pair
    await within(5, lambda: all("policies" in gate.upkeep._heard for gate in pair))
    changed = [replace(each, reference=replace(each.reference, digest="0" * 64)) for each in one.policies]
    await one.change_policies(ActivePolicies.of(changed, one.settings))
    await within(BOUND_SECONDS, lambda: len([line for line in told if line["event"] == "policies.differ"]) == 2)
    await asyncio.sleep(3 * upkeep.WATCH_SECONDS)
    differ = [line["announced"] for line in told if line["event"] == "policies.differ"]
    assert sorted(differ) == sorted(["0" * 12, other.active.digests[0][:12]])


async def test_a_gate_that_cannot_read_its_store_tells_it_and_goes_on(pair: tuple[Gate, Gate]) -> None:
    """Upkeep that failed is tried again: once the store answers, it hears what it missed."""
    one, other = pair
    await one.store.close()
    await asyncio.sleep(2 * upkeep.WATCH_SECONDS)
    await one.store.open()
    version, _ = (await other.store.fetch_announced())["lists"]
    await other.store.announce("lists", "another", version)
    await within(BOUND_SECONDS, lambda: one.upkeep._heard.get("lists", 0) > version)
