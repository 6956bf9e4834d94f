"""Who stands behind an account, as the store changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kyc_gate.model.party import Account, Party
from kyc_gate.ownership.control_groups import ControlGroups
from kyc_gate.service.gather import Standing
from kyc_gate.service.generation import Generation
from kyc_gate.service.settings import Settings
from kyc_gate.service.standings import Standings
from kyc_gate.storage.sqlite import SqliteStore
from tests.service.conftest import training
from tests.storage.samples import NOW, OPERATIONS, hold_request

LISTS = Generation.of(None, Settings())


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """Two parties with an account each, strangers to one another."""
    store = SqliteStore(tmp_path / "gate.db", deadline_seconds=10.0)
    await store.open()
    parties = [Party(id="lark", name="Lark Compute"), Party(id="kestrel", name="Kestrel Systems")]
    await store.save_directory(parties, [account("lark"), account("kestrel")])
    yield store
    await store.close()


def account(party: str, **more: str) -> Account:
    return Account(provider="generic", id=f"acct-{party}", party_id=party, **more)


async def of(standings: Standings, party: str) -> Standing:
    found, known = await standings.of(training(party), LISTS)
    assert known
    return found


async def test_what_two_used_apart_counts_for_both_once_they_are_one(store: SqliteStore) -> None:
    """When two parties turn out to pay with one card, what each of them used before is summed."""
    standings = Standings(store, seconds=0)
    for party in ("lark", "kestrel"):
        group = (await of(standings, party)).control_group
        await store.hold(hold_request(account=f"generic:acct-{party}", party_id=party, control_group=group))
        usage = await store.fetch_usage(group, NOW)
        assert usage is not None
        assert usage.likely == OPERATIONS
    await store.save_directory([], [account(party, card_token="tok_1234") for party in ("lark", "kestrel")])
    found = await of(standings, "lark")
    assert found.control_group == (await of(standings, "kestrel")).control_group
    assert found.group.parties == 2
    assert any("...1234" in reason for reason in found.group.reasons)
    usage = await store.fetch_usage(found.control_group, NOW)
    assert usage is not None
    assert usage.likely == 2 * OPERATIONS


async def test_large_directories_are_read_in_the_end(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision that gives up while the directory is being read does not start the reading anew."""
    begun = []
    fetch_parties = store.fetch_parties

    async def slowly() -> tuple[Party, ...]:
        begun.append(1)
        await asyncio.sleep(0.2)
        return await fetch_parties()

    monkeypatch.setattr(store, "fetch_parties", slowly)
    standings = Standings(store, seconds=60)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await of(standings, "lark")
    assert (await of(standings, "lark")).group.parties == 1
    assert len(begun) == 1


async def test_what_was_read_before_a_change_is_not_used_after_it(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reading that had begun when the gate itself changed the directory answers nobody."""
    fetch_parties, saved = store.fetch_parties, asyncio.Event()

    async def late() -> tuple[Party, ...]:
        read = await fetch_parties()
        await saved.wait()
        return read

    monkeypatch.setattr(store, "fetch_parties", late)
    standings = Standings(store, seconds=60)
    asked = asyncio.create_task(standings.parties())
    await asyncio.sleep(0.1)
    await store.save_directory([Party(id="lark", name="Lark Anew")], [])
    standings.forget()
    saved.set()
    assert (await asked)["lark"].name == "Lark Anew"
    assert (await standings.parties())["lark"].name == "Lark Anew"


async def test_large_directories_are_grouped_in_the_end(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision that gives up while the groups are being found does not start the work anew."""
    begun = []

    def slowly(*given: Any) -> ControlGroups:
        begun.append(1)
        time.sleep(0.3)
        return ControlGroups(*given[:2])

    monkeypatch.setattr("kyc_gate.service.standings._groups_of", slowly)
    standings = Standings(store, seconds=60)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await of(standings, "lark")
    assert (await of(standings, "lark")).members == ("lark",)
    assert len(begun) == 1


async def test_one_payer_of_two_customers_makes_them_one(store: SqliteStore) -> None:
    """A payer ties parties together whichever of their accounts asks, and also one that has a parent of its own."""
    await store.save_directory([], [account("lark", payer_party_id="kestrel")])
    other = Account(provider="generic", id="acct-2", party_id="lark")
    await store.save_directory([], [other])
    standings = Standings(store, seconds=0)
    lark = await of(standings, "lark")
    assert lark.control_group == (await of(standings, "kestrel")).control_group
    assert lark.members == ("kestrel", "lark")


async def test_a_party_that_cannot_be_recorded_as_it_is_decides_nothing(store: SqliteStore) -> None:
    """NaN where a yes or no is meant, from a caller's own code, would read as null on the record."""
    wrong: Any = float("nan")
    party = Party(id="lark", name="Lark Compute", residential=wrong)
    with pytest.raises(ValueError, match="JSON"):
        await Standings(store, seconds=0).of(training("lark"), LISTS, party)
