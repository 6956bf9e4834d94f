"""Cases that wait for a person, and the grants that a person gives."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import field

from kyc_gate.model.clearance import Pair
from kyc_gate.model.decision import Finding, Outcome
from kyc_gate.model.record import Record, digest

RESCREENING = "rescreening"
"""The rule of cases about parties that were screened again."""

NAMES_TRIED = "names-tried"
"""The rule of cases about accounts that tried names."""

SEVERITIES = ("low", "medium", "high", "critical")
"""From mildest to severest. A case's severity only rises."""


class CaseState(StrEnum):
    """Where a case stands. `case_steps.TRANSITIONS` says what leads from one to the next."""

    OPEN = "open"
    ASSIGNED = "assigned"
    ASKED = "asked"
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


WAITING = (CaseState.OPEN, CaseState.ASSIGNED, CaseState.ASKED, CaseState.PROPOSED)
"""The states of a case that nobody has decided."""


class Disposition(StrEnum):
    """What a person concluded. A duplicate is decided with the case that it repeats."""

    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"
    BENIGN = "benign"
    INSUFFICIENT_DATA = "insufficient_data"
    DUPLICATE = "duplicate"


class CaseRequest(Record):
    """A request that waits in a case, with what its newest decision said: an approval covers this and no more.

    `final`: a finding stands that no approval covers, so that none is given for it.
    """

    fingerprint: str
    account: str
    operation: str
    rules: tuple[str, ...]
    decision_id: str
    at: datetime
    likely: int
    high: int
    outcome: Outcome = Outcome.ESCALATE
    run: str | None = None
    party_id: str = ""
    final: bool = False


class Proposal(Record):
    """What one person proposes and another one decides, and the case's version that was read for it."""

    step: str
    by: str
    at: datetime
    disposition: Disposition
    note: str
    version: int
    budget: int | None = None
    uses: int = 1
    run: bool = False
    grant_hours: float | None = None
    clear: tuple[Pair, ...] = ()
    clear_days: int | None = None


class Case(Record):
    """Requests of a control group that wait for a person under rules of one family.

    Later decisions join it; severity only rises. `account` and `party_id` are those of the first one, `party_ids` those
    whose requests joined: a control group has several. `version` grows whenever something material joins, with the
    customer's answer and with each proposal: a step that was taken on an earlier reading is refused. `four_eyes`: two
    people decide, since the policy asks for it or a proposal lapsed.
    """

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
    family: str = ""
    four_eyes: bool = False
    version: int = 1
    assignee: str | None = None
    proposal: Proposal | None = None
    disposition: Disposition | None = None
    duplicate_of: str | None = None
    overdue: bool = False
    expires_at: datetime | None = None
    follows: str | None = None
    party_ids: tuple[str, ...] = ()

    @property
    def customers(self) -> frozenset[str]:
        """Every party whose request waits in the case."""
        return frozenset({self.party_id, *self.party_ids} - {""})

    @property
    def kept_for(self) -> str:
        """The party that records of the case are kept for; empty where there are several, any hold keeps them then."""
        return next(iter(self.customers)) if len(self.customers) == 1 else ""

    @property
    def waiting(self) -> bool:
        """Whether a request waits: a case about a party or an account has none, so its approval grants nothing."""
        return self.rules not in ((RESCREENING,), (NAMES_TRIED,))

    @property
    def undecided(self) -> bool:
        """Whether the case still waits for a person."""
        return self.state in WAITING


class CaseEvent(Record):
    """A step of a case as its history shows it: who did what, and when. `number` orders the steps of all cases."""

    case_id: str
    step: str
    by: str
    at: datetime
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    number: int = 0


class Grant(Record):
    """An approval bound to a request's fingerprint, or to a run's, with a budget of operations and an expiry.

    It covers the rules that the reviewer saw (`rules`) up to the outcome that the reviewer saw, and no other.
    `budget` is what all its uses may take together, `spent` what they took.
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
    spent: int = 0
    run: str | None = None

    @property
    def left(self) -> int:
        """Operations that may still be spent."""
        return self.budget - self.spent


def family_of(finding: Finding) -> str:
    """Return the family of a finding's rule: rules of one runbook are one family, since one person does one thing."""
    stem = finding.runbook.rpartition("/")[2].removesuffix(".md")
    return stem or finding.rule


def run_fingerprint(model: str) -> str:
    """Return what a grant for a run is bound to: the model that the run says it makes, however it is spelled."""
    return digest({"run": " ".join(model.casefold().split())})
