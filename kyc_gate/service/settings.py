"""How the gate is tuned, apart from policies: clocks, sizes and lines."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from kyc_gate.model.record import Record
from kyc_gate.policy.read import Policy

HORIZON_DAYS = 30
"""Days over which machines without a stated end are projected when no policy says: a month, as bills are."""


class Limits(Record):
    """What a door may read: `max_body` bytes within `body_seconds`."""

    max_body: int = 1024 * 1024
    body_seconds: float = 30.0


class Settings(Record):
    """Everything that `Gate` needs besides policies, lists, adapters and the store.

    `unsafe_mode` weakens the whole gate: findings are recorded (`observe`) or told (`warn`), and nothing is refused.
    `directory_seconds` is how long a reading of the directory may be used before it is read again:
    100,000 parties that did not change take half a second of processor time each time.
    """

    body_bytes: int = 1024 * 1024
    body_seconds: float = 30.0
    decision_seconds: float = 0.95
    concurrent_decisions: int = 256
    unsafe_mode: Literal["warn", "observe"] | None = None
    data_centre: str | None = None
    max_age_hours: float = 72.0
    possible: float | None = None
    match: float | None = None
    utilisation: Decimal = Decimal("0.33")
    window_days: int = 365
    reevaluate_minutes: float = 15.0
    due_hours: float = 24.0
    urgent_due_hours: float = 4.0
    grant_hours: float = 24.0
    directory_seconds: float = 2.0
    log_names: bool = False
    spans: bool = False

    def horizon_days(self, policies: Iterable[Policy]) -> int:
        """Return the longest horizon that a policy asks for, in whole days."""
        asked = [int(policy.limits["horizon_days"]) for policy in policies if "horizon_days" in policy.limits]
        return max(asked, default=HORIZON_DAYS)
