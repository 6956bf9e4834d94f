"""Asking a provider about references: in a bounded time, for verified callers, and of what may be relied on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from kyc_gate.model.job import Accelerators, Caller, Inquired, ProvisioningRequest, RequestKind
from kyc_gate.service.inquiries import CONCURRENT, Asking, Inquiries

NOW = datetime(2026, 11, 27, tzinfo=UTC)
LINE = Accelerators(instance_type="p5.48xlarge", count=1)
REQUEST = ProvisioningRequest(
    provider="here",
    service="s",
    operation="Run",
    kind=RequestKind.CREATE,
    region="r",
    caller=Caller(account="1", verified=True),
)


class Counter:
    """A provider that answers as it is told to, and counts what it is asked."""

    provider = "here"

    def __init__(self, *, waits: asyncio.Event | None = None, fails: bool = False) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self._waits = waits
        self._fails = fails

    def may_ask(self, reference: str, *, moving: bool) -> bool:
        return moving or not reference.startswith("moving:")

    def lasts(self, reference: str) -> bool:
        return reference.startswith("lasting:")

    async def ask(self, account: str, region: str | None, references: Sequence[str]) -> tuple[Inquired, ...]:
        self.asked.append((account, tuple(references)))
        if self._waits is not None:
            await self._waits.wait()
        if self._fails:
            raise OSError("the provider is away")
        names = [name for name in references if not name.endswith(":unknown")]
        # It also tells of something that nobody asked about.
        return tuple(Inquired(reference=name, means=name, lines=(LINE,), by="t") for name in (*names, "other:x"))


async def resolved(inquiries: Inquiries, *references: str, asking: Asking = Asking.LASTING, **more: Any) -> list[str]:
    found = await inquiries.resolve(replace(REQUEST, **more), references, NOW, asking)
    assert all(answer.at == NOW and answer.lines == (LINE,) for answer in found.values())
    return list(found)


async def test_what_lasts_is_asked_once() -> None:
    """An answer that lasts is kept; one that does not is asked for again; what nobody knows is left for a while."""
    desk = Counter()
    inquiries = Inquiries([desk])
    for _ in range(2):
        assert await resolved(inquiries, "lasting:a", "other:b", "other:unknown") == ["lasting:a", "other:b"]
    assert desk.asked == [("1", ("lasting:a", "other:b", "other:unknown")), ("1", ("other:b",))]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"caller": Caller(account="1")}, id="a claim"),
        pytest.param({"caller": Caller(verified=True)}, id="no account"),
        pytest.param({"provider": "elsewhere"}, id="another provider"),
        pytest.param({"asking": Asking.NOTHING}, id="a host of the caller's"),
    ],
)
async def test_for_whom_nothing_is_asked(more: dict[str, Any]) -> None:
    """Nobody is asked in the name of somebody who only says who they are, or about what a caller's own host means."""
    desk = Counter()
    assert await resolved(Inquiries([desk]), "lasting:a", **more) == []
    assert desk.asked == []


async def test_accounts_do_not_share_answers() -> None:
    """The same name in another account or region is another thing."""
    desk = Counter()
    inquiries = Inquiries([desk])
    await resolved(inquiries, "lasting:a")
    await resolved(inquiries, "lasting:a", caller=Caller(account="2", verified=True))
    await resolved(inquiries, "lasting:a", region="q")
    assert [account for account, _ in desk.asked] == ["1", "2", "1"]


async def test_what_moves_is_asked_only_where_it_is_pinned() -> None:
    """A name that may stand for something else a moment later is asked about where the call goes on with its answer."""
    desk = Counter()
    inquiries = Inquiries([desk])
    assert await resolved(inquiries, "moving:a") == []
    assert await resolved(inquiries, "moving:a", asking=Asking.MOVING) == ["moving:a"]
    assert len(desk.asked) == 1


async def test_a_decision_waits_no_longer_than_it_is_told() -> None:
    """A provider that is late leaves the reference unresolved; its answer is there for the next call."""
    answered = asyncio.Event()
    desk = Counter(waits=answered)
    inquiries = Inquiries([desk], seconds=0.01)
    assert await resolved(inquiries, "lasting:a") == []
    answered.set()
    await asyncio.sleep(0.05)
    assert await resolved(inquiries, "lasting:a") == ["lasting:a"]
    assert len(desk.asked) == 1
    await inquiries.close()


async def test_a_flood_of_calls_is_no_flood_of_questions() -> None:
    """No more than so many questions are under way; what is not asked stays unresolved."""
    desk = Counter(waits=asyncio.Event())
    inquiries = Inquiries([desk], seconds=0.01)
    await asyncio.gather(*(resolved(inquiries, f"other:{number}") for number in range(5 * CONCURRENT)))
    assert len(desk.asked) == CONCURRENT
    await inquiries.close()


async def test_a_failure_stays_unresolved() -> None:
    """Whatever the provider's client raises, nothing is resolved by it."""
    desk = Counter(fails=True)
    assert await resolved(Inquiries([desk]), "lasting:a") == []
