"""Two calls with one token under way at once: one hold, which stays while either may have been accepted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gates import PATH, job, make_gate, used

from kyc_gate import Gate
from kyc_gate.model.call import Call


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with make_gate(tmp_path) as gate:
        yield gate


def asked(account: str = "acct-norge", **more: int) -> Call:
    """A job with the token `once`."""
    body = job(**more)
    headers = (
        (b"host", b"api.example"),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-account", account.encode()),
        (b"idempotency-key", b"once"),
    )
    return Call(method="POST", raw_path=PATH.encode(), headers=headers, body=body)


@pytest.mark.parametrize("ends", [403, 503, None, "left"])
@pytest.mark.parametrize("refused", [0, 1], ids=["the-first-ends", "the-second-ends"])
async def test_what_became_of_one_says_nothing_of_the_other(gate: Gate, refused: int, ends: int | str | None) -> None:
    """While one of two is under way, the end of the other gives nothing back, and nor does an unknown end."""
    twins = [await gate.admit(asked()) for _ in range(2)]
    assert twins[0].hold_id == twins[1].hold_id
    held = await used(gate, "norge")
    if ends == "left":
        await gate.abandon(twins[refused])
    else:
        assert not isinstance(ends, str)
        await gate.settle(twins[refused], ends)
    assert await used(gate, "norge") == held > 0
    await gate.settle(twins[1 - refused], None)
    assert await used(gate, "norge") == held


async def test_a_refused_retry_says_nothing_of_the_first_try(gate: Gate) -> None:
    """Nobody knows what became of the first try, so the retry's refusal gives nothing back."""
    await gate.settle(await gate.admit(asked()), None)
    held = await used(gate, "norge")
    await gate.settle(await gate.admit(asked()), 403)
    assert await used(gate, "norge") == held > 0


async def test_a_call_alone_gives_its_hold_back(gate: Gate) -> None:
    """A refusal by the upstream, one after the other, leaves nothing held, and nothing remembered."""
    for _ in range(3):
        await gate.settle(await gate.admit(asked()), 403)
        await gate.abandon(await gate.admit(asked()))
    assert await used(gate, "norge") == 0
    for account in ("acct-norge", "acct-harbin"):
        await gate.settle(await gate.admit(asked(account)), 200)
    assert not gate._relying


@pytest.mark.parametrize("ends", [403, 503, "left"])
async def test_a_retry_through_another_replica_keeps_the_hold(tmp_path: Path, ends: int | str) -> None:
    """Two gates over one file: what the first call's upstream refused gives nothing back that the retry runs on."""
    async with make_gate(tmp_path) as one, make_gate(tmp_path) as two:
        first, retry = await one.admit(asked()), await two.admit(asked())
        assert retry.answer is None
        assert first.hold_id == retry.hold_id
        held = await used(two, "norge")
        if ends == "left":
            await one.abandon(first)
        else:
            assert not isinstance(ends, str)
            await one.settle(first, ends)
        assert await used(two, "norge") == held > 0
        await two.settle(retry, 200)
        assert await used(one, "norge") == held
