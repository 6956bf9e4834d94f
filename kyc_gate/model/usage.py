"""What the compute ledger holds for a control group."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from kyc_gate.model.record import Record


class HoldState(StrEnum):
    """Where a hold stands. `HELD` and `SETTLED` count; `RELEASED` and `EXPIRED` do not."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"


class HoldRequest(Record):
    """What to reserve: operations for a control group, once for each idempotency key."""

    control_group: str
    account: str
    party_id: str
    key: str
    fingerprint: str
    likely: int
    high: int
    at: datetime
    window_days: int


class Usage(Record):
    """Operations of the control group over the window, *including* this hold."""

    hold_id: str
    control_group: str
    likely: int
    high: int
    accounts: int
    replayed: bool = False


class DayUsage(Record):
    """Operations of a control group that count for one UTC day."""

    day: date
    likely: int
    high: int
