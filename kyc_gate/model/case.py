"""Cases that wait for a person, and the grants that a person gives."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from kyc_gate.model.decision import Outcome
from kyc_gate.model.record import Record

RESCREENING = "rescreening"
"""The rule of cases about parties that were screened again."""


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"


class Case(Record):
    """A request that waits for a person. Later decisions on the same fingerprint join it; severity only rises."""

    id: str
    state: CaseState
    severity: str
    fingerprint: str
    control_group: str
    account: str
    party_id: str
    operation: str
    rules: tuple[str, ...]
    decision_ids: tuple[str, ...]
    opened_at: datetime
    due_at: datetime
    likely: int
    high: int
    outcome: Outcome = Outcome.ESCALATE
    decided_at: datetime | None = None
    reviewer: str | None = None
    note: str = ""
    grant_id: str | None = None

    @property
    def waiting(self) -> bool:
        """Whether a request waits: a case of parties screened again has none, so its approval grants nothing."""
        return self.rules != (RESCREENING,)


class Grant(Record):
    """A one-use approval bound to a request's fingerprint, with a budget of operations and an expiry.

    It covers the rules that the reviewer saw (`rules`) up to the outcome that the reviewer saw, and no other.
    """

    id: str
    case_id: str
    fingerprint: str
    control_group: str
    rules: tuple[str, ...]
    budget: int
    expires_at: datetime
    reviewer: str
    outcome: Outcome = Outcome.ESCALATE
    uses_left: int = 1
    revoked: bool = False
