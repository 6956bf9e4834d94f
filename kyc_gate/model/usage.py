"""What the compute ledger holds: runs, and what they add up to for a control group."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from kyc_gate.model.record import Record
from kyc_gate.model.splitting import Pieces


class HoldState(StrEnum):
    """Where a hold stands. `HELD` and `SETTLED` count; `RELEASED` and `EXPIRED` do not."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"


class HoldRequest(Record):
    """What to reserve: operations for a control group, once for each idempotency key.

    `likely` and `high` operations are performed evenly over `seconds` from `at` on. With `open_ended` nobody knows the
    end: the run goes on at that pace until somebody says that it ended, and counts up to `horizon_seconds` from the
    moment of each question. `links` are kinds and digests of what the request names and pieces of one run would share;
    `lines` the numbers of operations just under which pieces would keep.
    """

    control_group: str
    account: str
    party_id: str
    key: str
    fingerprint: str
    likely: int
    high: int
    at: datetime
    window_days: int
    seconds: int = 1
    open_ended: bool = False
    horizon_seconds: int = 30 * 86_400
    links: tuple[tuple[str, str], ...] = ()
    lines: tuple[int, ...] = ()


class Usage(Record):
    """Operations of a control group over the window, *including* this hold, up to the horizon.

    `likely` and `high` count what ended, what is planned to its planned end, and what is open-ended to the horizon.
    `total_likely` and `total_high` are the same sums since the control group was first seen. `party` and `account` are
    the likely operations of the request's own party and account within the window. `running` counts open-ended runs.
    """

    hold_id: str
    control_group: str
    likely: int
    high: int
    accounts: int
    replayed: bool = False
    total_likely: int = 0
    total_high: int = 0
    party: int = 0
    account: int = 0
    running: int = 0
    pieces: Pieces | None = None


class MeteredRun(Record):
    """A hold as a run in time. `ends_at` is None while nobody knows; `finished` says that it is known to be over.

    `likely_rate` and `high_rate` are operations a second. `references` are the names under which the provider knows
    what runs, such as `instance:i-0abc`.
    """

    hold_id: str
    account: str
    party_id: str
    control_group: str
    fingerprint: str
    state: HoldState
    started_at: datetime
    ends_at: datetime | None
    finished: bool
    likely_rate: int
    high_rate: int
    decision_id: str | None = None
    references: tuple[str, ...] = ()

    def operations(self, until: datetime) -> tuple[int, int]:
        """Return likely and high operations from the start to `until` or to the end, whichever is first."""
        end = until if self.ends_at is None else min(until, self.ends_at)
        seconds = max(0, -(-(end - self.started_at).total_seconds() // 1))
        return int(seconds) * self.likely_rate, int(seconds) * self.high_rate


class RunEnd(Record):
    """That a run is over: the hold, or the account and the provider's name of what ran; when; and who says so.

    `source` is `call` (a stop that passed the gate), `event` (an imported event) or `platform` (posted).
    A platform may also say when the run really started.
    """

    ended_at: datetime
    at: datetime
    source: str
    hold_id: str | None = None
    account: str | None = None
    reference: str | None = None
    started_at: datetime | None = None


class DayUsage(Record):
    """Operations of a control group that fall on one UTC day."""

    day: date
    likely: int
    high: int
