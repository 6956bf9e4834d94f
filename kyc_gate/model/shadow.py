"""What a candidate policy would have decided otherwise, told without the request."""

from __future__ import annotations

from datetime import datetime

from kyc_gate.model.decision import Outcome
from kyc_gate.model.record import Record


class Disagreement(Record):
    """One decision that a candidate answers otherwise. `new` is None where the candidate failed, and `error` says how.

    `digest` is the candidate's. The rules are those that counted. Nothing of the request or the party stands here:
    the facts are named by their digest, and the decision by its id.
    """

    candidate: str
    digest: str
    decision_id: str
    at: datetime
    facts_digest: str
    old: Outcome
    new: Outcome | None
    old_rules: tuple[str, ...]
    new_rules: tuple[str, ...]
    error: str | None = None

    @property
    def lenient(self) -> bool:
        """Whether the candidate would have let more through."""
        return self.new is not None and self.new.severity < self.old.severity


class ShadowDay(Record):
    """How many decisions of one day (UTC) a candidate was asked about, and how many it answers otherwise."""

    day: str
    decided: int
    differed: int
