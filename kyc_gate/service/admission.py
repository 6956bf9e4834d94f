"""What the gate answers to a door, and what it keeps while it decides."""

from __future__ import annotations

from datetime import datetime

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.model.call import Answer, Call
from kyc_gate.model.decision import Decision, Outcome
from kyc_gate.model.ending import Ending
from kyc_gate.model.job import Estimate, ProvisioningRequest
from kyc_gate.model.learned import Definition, Forgotten
from kyc_gate.model.match import Screening
from kyc_gate.model.record import Record
from kyc_gate.model.relied import Relied
from kyc_gate.model.splitting import SplittingFacts
from kyc_gate.model.usage import Usage
from kyc_gate.service.active_policies import ActivePolicies
from kyc_gate.service.gather import Standing
from kyc_gate.service.generation import Generation


class Admission(Record):
    """What a door must do with a call: send `answer`, or pass the call on when it is None.

    `headers` are added to the upstream's response; `learns` asks the door for the upstream's body when it settles.
    `ends` are the runs that an unguarded call ends once the upstream accepts it, `defines` what it defines then.
    `forgot` is what stands for nothing until it is known what became of the call.
    `active` are the policies that decided.
    """

    decision_id: str | None = None
    outcome: Outcome | None = None
    decision: Decision | None = None
    answer: Answer | None = None
    refusal: Refusal | None = None
    case_id: str | None = None
    warnings: tuple[str, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    learns: bool = False
    ends: Ending | None = None
    defines: Definition | None = None
    forgot: Forgotten | None = None
    hold_id: str | None = None
    replayed: bool = False
    request: ProvisioningRequest | None = None
    call: Call | None = None
    position: int | None = None
    active: ActivePolicies | None = None


class Readiness(Record):
    """Whether the gate can decide now, and if not, every reason; `warnings` are what else there is to know."""

    ready: bool
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Screened(Record):
    """What parties resemble, by one snapshot, and the age of the oldest list in it; None where that is not known."""

    found: tuple[Screening, ...]
    stale: bool
    age_hours: float | None


class Reading(Record):
    """What one decision is made from, before grants: kept so that it can be made again with one.

    `relied` is what other calls may change, as it stood when it was read.
    `asked` are the facts of pieces of a run that goes on, as it was asked for.
    """

    request: ProvisioningRequest
    generation: Generation
    active: ActivePolicies
    standing: Standing
    estimated: Estimate
    usage: Usage
    account_known: bool
    at: datetime
    relied: Relied | None = None
    asked: SplittingFacts | None = None
