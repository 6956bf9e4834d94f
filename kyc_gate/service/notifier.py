"""Tells receivers what happened, beside decisions and never in their way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from kyc_gate.model.outbox import Delivery
from kyc_gate.model.receiver import Receiver
from kyc_gate.service.delivery import Undelivered, deliver
from kyc_gate.service.waiting import again_and_again

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

LOOK_SECONDS = 1.0
"""Between two looks at the outbox."""

LEASE_SECONDS = 60
"""For how long one gate has an event to itself: longer than a receiver may take."""


class Notifier:
    """Sends each receiver its events in order. Several gates over one store share the work."""

    def __init__(
        self, receivers: tuple[Receiver, ...], *, secrets: Mapping[str, str] | None = None, console: str = ""
    ) -> None:
        self.receivers = receivers
        self._secrets = dict(secrets or {})
        self.console = console

    async def keep(self, gate: Gate) -> None:
        """Look again and again, until cancelled."""
        await again_and_again(lambda: self.look(gate), seconds=LOOK_SECONDS, failed="notifier.failed")

    async def look(self, gate: Gate) -> None:
        """Send all that is due, receiver beside receiver: one that is slow holds nobody else up."""
        if self.receivers:
            await gate.store.spread_events([each.name for each in self.receivers], gate.now())
            await asyncio.gather(*(self._tell(gate, receiver) for receiver in self.receivers))

    async def _tell(self, gate: Gate, receiver: Receiver) -> None:
        while (delivery := await gate.store.claim_event(receiver.name, gate.now(), LEASE_SECONDS)) is not None:
            if not await self._told(gate, receiver, delivery):
                return

    async def _told(self, gate: Gate, receiver: Receiver, delivery: Delivery) -> bool:
        """Send one event and note what became of it; return whether the next one may follow."""
        if receiver.events and delivery.event.name not in receiver.events:
            await gate.store.note_sent(delivery)
            return True
        try:
            await deliver(
                receiver, delivery.event, gate.now(), secret=self._secrets.get(receiver.name, ""), console=self.console
            )
        except Undelivered as error:
            dead = await gate.store.note_failed(delivery, str(error), gate.now(), final=error.final)
            report = log.error if dead else log.warning
            report(
                "event.dead" if dead else "event.delayed",
                receiver=receiver.name,
                event_id=delivery.event.id,
                tries=delivery.tries + 1,
                error=str(error),
            )
            return dead
        await gate.store.note_sent(delivery)
        return True
