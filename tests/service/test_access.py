"""Who somebody is, while several steps are under way at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import argon2
import pytest
from gates import make_gate

from kyc_gate import Gate
from kyc_gate.errors import AccessDenied, InputError
from kyc_gate.model.access import RESERVED, local_actor
from kyc_gate.service.access import FREE_FAILURES, Access

ROOT = local_actor("root")
PASSWORD = "a long enough password"
OTHER = "another password that is new"


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with make_gate(tmp_path) as gate:
        await gate.access.add(ROOT, "eve", ["approver"], password=PASSWORD)
        yield gate


def meanwhile(monkeypatch: pytest.MonkeyPatch, access: Access, act: Callable[[], Any]) -> None:
    """Have `act` happen while the next password is compared."""
    verified = access._verified

    async def slow(hashed: str, password: str) -> bool:
        monkeypatch.setattr(access, "_verified", verified)
        right = await verified(hashed, password)
        await act()
        return right

    monkeypatch.setattr(access, "_verified", slow)


@pytest.mark.parametrize("password", [PASSWORD, "a wrong password"], ids=["right", "wrong"])
async def test_a_password_on_its_way_opens_no_closed_account(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """An account that is closed while a password is compared stays closed, with the roles that it was left."""
    meanwhile(monkeypatch, gate.access, lambda: gate.access.change(ROOT, "eve", active=False, roles=["viewer"]))
    with pytest.raises(AccessDenied):
        await gate.access.sign_in("eve", password)
    found = await gate.store.fetch_person("eve")
    assert found is not None
    assert (found.active, found.roles, found.epoch) == (False, ("viewer",), 1)
    with pytest.raises(AccessDenied):
        await gate.access.sign_in("eve", PASSWORD)


@pytest.mark.parametrize("password", [PASSWORD, "a wrong password"], ids=["right", "wrong"])
async def test_a_new_password_is_not_undone(gate: Gate, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    """The old password gives no session once there is a new one, though it was compared before."""
    meanwhile(monkeypatch, gate.access, lambda: gate.access.set_password(ROOT, "eve", OTHER))
    for each in (password, PASSWORD):
        with pytest.raises(AccessDenied):
            await gate.access.sign_in("eve", each)
    assert (await gate.access.sign_in("eve", OTHER)).actor.id == "eve"


def test_a_password_costs_what_the_standard_asks(real_hasher: Callable[[], argon2.PasswordHasher]) -> None:
    """RFC 9106, section 4, second choice: Argon2id, three passes over 64 MiB, four lanes."""
    made = argon2.extract_parameters(real_hasher().hash(PASSWORD))
    assert (made.type, made.time_cost, made.memory_cost, made.parallelism) == (argon2.Type.ID, 3, 64 * 1024, 4)


async def test_guesses_at_once_are_no_more_than_one_by_one(gate: Gate) -> None:
    """Among sixty guesses at once no more than the free ones are compared, and the right one behind them waits."""
    guesses = [f"wrong guess number {number:04}" for number in range(60)]
    results = await asyncio.gather(
        *(gate.access.sign_in("eve", each) for each in (*guesses, PASSWORD)), return_exceptions=True
    )
    assert {type(each) for each in results} == {AccessDenied}
    found = await gate.store.fetch_person("eve")
    assert found is not None
    assert found.failures == FREE_FAILURES


async def test_signing_in_clears_the_failures(gate: Gate) -> None:
    """Whoever gets in has all free tries again."""
    for _ in range(FREE_FAILURES - 1):
        with pytest.raises(AccessDenied):
            await gate.access.sign_in("eve", "a wrong password")
    await gate.access.sign_in("eve", PASSWORD)
    found = await gate.store.fetch_person("eve")
    assert found is not None
    assert (found.failures, found.failed_at) == (0, None)


async def test_a_key_in_use_is_taken_back_for_good(gate: Gate) -> None:
    """Noting that a key was used does not bring back one that is taken back at the same moment."""
    for number in range(10):
        made = await gate.access.make_key(ROOT, f"ci-{number}", ["cases:read"])
        await asyncio.gather(gate.access.revoke_key(ROOT, made.key.id), gate.access.key(made.secret))
        assert await gate.access.key(made.secret) is None


async def test_a_session_in_use_ends_with_signing_out(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noting that a session was used does not bring back one that is signed out at the same moment."""
    start = gate.now()
    for minutes in range(10):
        monkeypatch.setattr(gate, "now", lambda: start)
        begun = await gate.access.sign_in("eve", PASSWORD)
        later = start + timedelta(minutes=5 + minutes)
        monkeypatch.setattr(gate, "now", lambda later=later: later)
        await asyncio.gather(gate.access.sign_out(begun.token), gate.access.session(begun.token))
        assert await gate.access.session(begun.token) is None


@pytest.mark.parametrize("change", [{"roles": ["viewer"]}, {"parties": []}, {"parties": ["norge"]}, {"active": False}])
async def test_nobody_changes_what_binds_them(gate: Gate, change: dict[str, Any]) -> None:
    """An administrator changes neither their own roles nor the customers whose cases they may not see."""
    await gate.access.add(ROOT, "zoe", ["admin", "approver"], parties=["emirate"], password=PASSWORD)
    zoe = (await gate.access.sign_in("zoe", PASSWORD)).actor
    with pytest.raises(AccessDenied, match="their own"):
        await gate.access.change(zoe, "zoe", **change)
    found = await gate.store.fetch_person("zoe")
    assert found is not None
    assert (found.parties, found.active, found.epoch) == (("emirate",), True, 0)


@pytest.mark.parametrize("name", [*sorted(RESERVED), "KYC-Gate", "key:ci"])
async def test_a_name_of_the_gate_s_own_is_no_person_s(gate: Gate, name: str) -> None:
    """Nobody signs steps as the gate, the customer, a token or a key would."""
    with pytest.raises(InputError):
        await gate.access.add(ROOT, name, ["approver"], password=PASSWORD)
