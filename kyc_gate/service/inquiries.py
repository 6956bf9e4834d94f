"""References that nobody taught, asked of the provider with the operator's own credentials, in a bounded time.

INVARIANT: never in the customer's name, and never about an account other than the caller's. Whatever goes wrong, a
reference stays unresolved, and a request with one waits for a person.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Protocol

import structlog
from msgspec.structs import replace

from kyc_gate.model.job import Inquired, ProvisioningRequest

log = structlog.get_logger("kyc_gate")

CONCURRENT = 8
"""Questions under way at once. One more is not asked, so that a flood of calls is no flood of questions."""

MOST_KEPT = 10_000
"""Answers that are kept, those that say nothing among them."""

SILENT_SECONDS = 5.0
"""How long a name that could not be resolved is not asked about again."""


class Asking(Enum):
    """Which references of a call may be asked about: none, those that last, or those that move as well.

    Those that move may be asked about where the call is then sent on with what they stood for.
    """

    NOTHING = "nothing"
    LASTING = "lasting"
    MOVING = "moving"


class Desk(Protocol):
    """Where one provider is asked."""

    provider: str

    def may_ask(self, reference: str, *, moving: bool) -> bool:
        """Return whether the reference can be asked about, and its answer relied on; `moving` ones, too."""
        ...

    def lasts(self, reference: str) -> bool:
        """Return whether the reference stands for the same for ever, so that its answer may be kept."""
        ...

    async def ask(self, account: str, region: str | None, references: Sequence[str]) -> tuple[Inquired, ...]:
        """Return what the provider says of references of an account. It may raise whatever its client raises."""
        ...


class Inquiries:
    """The desks, and what they said. A decision waits `seconds` for an answer, and one is kept for `keep` seconds."""

    def __init__(self, desks: Iterable[Desk], *, seconds: float = 0.5, keep: float = 300.0) -> None:
        self._desks = {desk.provider: desk for desk in desks}
        self._seconds = seconds
        self._keep = keep
        self._kept: dict[tuple[str, str, str | None, str], tuple[float, Inquired | None]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def resolve(
        self, request: ProvisioningRequest, references: Sequence[str], at: datetime, asking: Asking
    ) -> dict[str, Inquired]:
        """Return what is known by now of references of a verified caller's account; the rest stays unresolved."""
        desk, account = self._desks.get(request.provider), request.caller.account
        if asking is Asking.NOTHING or desk is None or account is None or not request.caller.verified:
            return {}
        home = (request.provider, account, request.region)
        asked = [name for name in dict.fromkeys(references) if desk.may_ask(name, moving=asking is Asking.MOVING)]
        known = {name: self._known((*home, name)) for name in asked}
        unknown = [name for name in asked if known[name] is None]
        fresh: dict[str, Inquired] = {}
        if unknown and len(self._under_way) < CONCURRENT:
            # The question goes on where the decision does not wait for it: its answer is there for the next attempt.
            task = asyncio.create_task(self._ask(desk, home, unknown, fresh, at))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            await asyncio.wait([task], timeout=self._seconds)
        found = {name: kept[1] for name, kept in known.items() if kept is not None} | {**fresh}
        return {name: answer for name, answer in found.items() if answer is not None}

    async def close(self) -> None:
        """Drop the questions that are under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _known(self, key: tuple[str, str, str | None, str]) -> tuple[float, Inquired | None] | None:
        kept = self._kept.get(key)
        return kept if kept is not None and time.monotonic() < kept[0] else None

    async def _ask(
        self,
        desk: Desk,
        home: tuple[str, str, str | None],
        references: Sequence[str],
        fresh: dict[str, Inquired],
        at: datetime,
    ) -> None:
        _, account, region = home
        try:
            said = await desk.ask(account, region, references)
        except Exception as error:  # noqa: BLE001 - whatever a client raises, the references stay unresolved
            log.warning("reference.unasked", account=account, kind=type(error).__name__)
            said = ()
        found = {answer.reference: replace(answer, at=at) for answer in said if answer.reference in references}
        fresh |= found
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        for name in references:
            seconds = (self._keep if desk.lasts(name) else 0.0) if name in found else SILENT_SECONDS
            self._kept[(*home, name)] = (time.monotonic() + seconds, found.get(name))
