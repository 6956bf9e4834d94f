"""What may be done with a case, by whom, and where it leads: a table."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import field

from kyc_gate.model.access import Permission, Way
from kyc_gate.model.case import WAITING, Case, CaseState, Disposition, Grant
from kyc_gate.model.clearance import Clearance, Pair
from kyc_gate.model.record import Record


class Step(StrEnum):
    """Something done with a case. Each is an event of the case and an audit record."""

    TAKE = "take"
    ASSIGN = "assign"
    PUT_BACK = "put_back"
    NOTE = "note"
    ATTACH = "attach"
    LINK = "link"
    ASK = "ask"
    ANSWER = "answer"
    PROPOSE = "propose"
    WITHDRAW = "withdraw"
    APPROVE = "approve"
    REJECT = "reject"
    OVERDUE = "overdue"
    EXPIRE = "expire"


class Transition(NamedTuple):
    """A step, the states in which it may be taken, and the state that it leads to (None: the state stays).

    `permission` is what a person needs for it; None for what only the gate or the customer does. `said` is the step as
    the audit record names it.
    """

    step: Step
    from_states: tuple[CaseState, ...]
    to: CaseState | None
    permission: Permission | None
    said: str


_OPEN, _ASSIGNED, _ASKED, _PROPOSED = WAITING
_ANY = tuple(CaseState)
_DECIDED = (CaseState.APPROVED, CaseState.REJECTED, CaseState.EXPIRED)

TRANSITIONS = (
    Transition(Step.TAKE, (_OPEN,), _ASSIGNED, Permission.WORK, "case.taken"),
    Transition(Step.ASSIGN, (_OPEN, _ASSIGNED), _ASSIGNED, Permission.WORK, "case.assigned"),
    Transition(Step.PUT_BACK, (_ASSIGNED, _ASKED), _OPEN, Permission.WORK, "case.put-back"),
    # Notes and papers are only ever added, before the decision and after it.
    Transition(Step.NOTE, _ANY, None, Permission.WORK, "case.noted"),
    Transition(Step.ATTACH, _ANY, None, Permission.WORK, "case.attached"),
    Transition(Step.LINK, _ANY, None, Permission.WORK, "case.linked"),
    Transition(Step.ASK, (_OPEN, _ASSIGNED, _ASKED), _ASKED, Permission.WORK, "case.asked"),
    # An answer that comes after a proposal is news to whoever proposed: they look again.
    Transition(Step.ANSWER, (_ASSIGNED, _ASKED, _PROPOSED), _ASSIGNED, None, "case.answered"),
    Transition(Step.ANSWER, (_OPEN, *_DECIDED), None, None, "case.answered"),
    Transition(Step.PROPOSE, (_OPEN, _ASSIGNED, _ASKED), _PROPOSED, Permission.WORK, "case.proposed"),
    Transition(Step.WITHDRAW, (_PROPOSED,), _ASSIGNED, Permission.WORK, "case.withdrawn"),
    Transition(Step.APPROVE, WAITING, CaseState.APPROVED, Permission.DECIDE, "case.approved"),
    Transition(Step.REJECT, WAITING, CaseState.REJECTED, Permission.DECIDE, "case.rejected"),
    Transition(Step.OVERDUE, WAITING, None, None, "case.overdue"),
    Transition(Step.EXPIRE, WAITING, CaseState.EXPIRED, None, "case.expired"),
)

DISPOSITIONS: dict[Step, tuple[Disposition, ...]] = {
    Step.APPROVE: (Disposition.BENIGN, Disposition.FALSE_POSITIVE, Disposition.TRUE_POSITIVE),
    Step.REJECT: (Disposition.TRUE_POSITIVE, Disposition.INSUFFICIENT_DATA, Disposition.DUPLICATE),
}
"""What a decision may conclude, the default first. A true positive is approved where the licence was obtained."""


class Move(Record):
    """A step as somebody takes it. What does not belong to the step stays at its default.

    `parties` are the customers that the person belongs to: no step may be taken on their cases. `seen` is the version
    of the case that was read. `four_eyes` asks for a second person whatever the policy says. `via` is
    how whoever takes it came; None for what nobody takes.
    """

    step: Step
    by: str
    at: datetime
    note: str = ""
    parties: tuple[str, ...] = ()
    seen: int | None = None
    assignee: str | None = None
    proposes: Step | None = None
    disposition: Disposition | None = None
    duplicate_of: str | None = None
    budget: int | None = None
    uses: int = 1
    run: bool = False
    grant_hours: float | None = None
    default_grant_hours: float = 24.0
    clear: tuple[Pair, ...] = ()
    clear_days: int | None = None
    four_eyes: bool = False
    via: Way | None = None
    details: dict[str, Any] = field(default_factory=dict)


class Moved(Record):
    """What a step led to."""

    case: Case
    grants: tuple[Grant, ...] = ()
    clearances: tuple[Clearance, ...] = ()


def transition(step: Step, state: CaseState) -> Transition | None:
    """Return the row of the table for a step in a state, or None where the step may not be taken."""
    return next((each for each in TRANSITIONS if each.step is step and state in each.from_states), None)


def permission_of(step: Step) -> Permission | None:
    """Return what a person needs for a step; None for what no person does."""
    return next(each.permission for each in TRANSITIONS if each.step is step)
