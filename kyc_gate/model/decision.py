"""The decision: an outcome, the findings behind it, and what each of them rests on."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from kyc_gate.model.record import Record


class Outcome(StrEnum):
    """What happens to a request, from mildest to severest."""

    ALLOW = "allow"
    ESCALATE = "escalate"
    BLOCK = "block"

    @property
    def severity(self) -> int:
        """0 for allow, 1 for escalate, 2 for block."""
        return _SEVERITY[self]


_SEVERITY = {Outcome.ALLOW: 0, Outcome.ESCALATE: 1, Outcome.BLOCK: 2}


class Mode(StrEnum):
    """How far a rule reaches: not at all, recorded only, told to the caller, or acted on."""

    OFF = "off"
    OBSERVE = "observe"
    WARN = "warn"
    ENFORCE = "enforce"

    @property
    def reach(self) -> int:
        """0 for off up to 3 for enforce."""
        return _REACH[self]


_REACH = {Mode.OFF: 0, Mode.OBSERVE: 1, Mode.WARN: 2, Mode.ENFORCE: 3}


class LegalStatus(StrEnum):
    """Where a text of law stands."""

    IN_FORCE = "in_force"
    IN_CFR_NOT_ENFORCED = "in_cfr_not_enforced"
    GUIDANCE = "guidance"
    STAYED = "stayed"
    UNKNOWN_AFTER = "unknown_after"
    RESCINDED = "rescinded"
    DEFUNCT_PROPOSAL = "defunct_proposal"
    PENDING_BILL = "pending_bill"
    ENACTED_FUTURE = "enacted_future"
    OPERATOR = "operator"


class Grade(StrEnum):
    """How well a fact of law is evidenced: primary text, several secondary sources, one source, or memory.

    A fact of grade ONE or MEMORY is never enforced by default.
    """

    PRIMARY = "P"
    SECONDARY = "S"
    ONE = "1"
    MEMORY = "M"


class Citation(Record):
    """A text that a rule rests on. `as_of` is the day on which it was last read."""

    id: str
    cite: str
    says: str
    status: LegalStatus
    grade: Grade
    source: str = ""
    effective: date | None = None
    as_of: date | None = None


class FindingKind(StrEnum):
    """Why a finding stands: its rule fired, a fact it needs is unknown, or evaluating it failed."""

    FIRED = "fired"
    UNKNOWN = "unknown"
    ERROR = "error"


class Finding(Record):
    """The answer of one rule that did not simply pass.

    `four_eyes`: one person proposes to approve it, and another one approves.
    `counts` is true when the finding bears on the outcome: its mode is `enforce` and no grant covers it.
    `route` names the route of the policy that set the mode for this call; None where none did.
    """

    rule: str
    kind: FindingKind
    outcome: Outcome
    mode: Mode
    reason: str
    cites: tuple[str, ...]
    policy: str
    overridable: bool = True
    four_eyes: bool = False
    counts: bool = True
    covered_by: str | None = None
    unknown: tuple[str, ...] = ()
    runbook: str = ""
    route: str | None = None


class PolicyReference(Record):
    """Which policy spoke: name, revision, and the digest of every byte that it was read from."""

    name: str
    revision: int
    digest: str

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}"


class Decision(Record):
    """The outcome of a request, with everything that led to it. Same facts and policy, same decision."""

    outcome: Outcome
    findings: tuple[Finding, ...]
    policies: tuple[PolicyReference, ...]
    facts_digest: str
    as_of: datetime

    @property
    def counting(self) -> tuple[Finding, ...]:
        """The findings that bear on the outcome, severest first."""
        chosen = [finding for finding in self.findings if finding.counts]
        return tuple(sorted(chosen, key=lambda finding: -finding.outcome.severity))
