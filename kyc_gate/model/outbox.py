"""What is told to others, and how far it got."""

from __future__ import annotations

from datetime import datetime

from kyc_gate.model.record import Record


class Event(Record):
    """Something that happened, thin: ids and numbers, never a name. `id` stays the same whenever it is told.

    `traceparent` is that of the call which caused it (W3C Trace Context).
    """

    id: str
    name: str
    at: datetime
    data: dict[str, object]
    traceparent: str | None = None


class Backlog(Record):
    """What a receiver does not have yet: how many events wait, since when the oldest of them, and how many are dead."""

    receiver: str
    waiting: int = 0
    dead: int = 0
    oldest: datetime | None = None


class Delivery(Record):
    """An event on its way to one receiver, and how often it was tried."""

    number: int
    receiver: str
    tries: int
    event: Event
