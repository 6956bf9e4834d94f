"""What a refused customer is told: as little as the policies disclose, and never a score or a list's name.

Nor whether it was a list at all: in public, what rests on lists alone reads like whatever waits for a person, be it a
match that blocks or a mere resemblance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.aws.signature import CODES as SIGNATURE_CODES
from kyc_gate.errors import IdempotencyConflict, InputError, RefusedCall, Superseded
from kyc_gate.model.decision import Decision, Finding, Outcome
from kyc_gate.policy.open_rules import facts_read
from kyc_gate.policy.policy import Policy, Rule

_LEVELS = ("public", "partner", "internal")


def refusal_of_decision(
    decision_id: str, decision: Decision, policies: Sequence[Policy], case_id: str | None
) -> Refusal:
    """Return the refusal for a decision that lets nothing through.

    `public` tells only that policy refused or that a person will look, `partner` adds rule ids and citations, and
    `internal` adds reasons. The most reticent policy of those that spoke decides.
    """
    level = min((policy.disclosure for policy in policies), key=_LEVELS.index, default="public")
    held = decision.outcome is Outcome.ESCALATE or (level == "public" and blocked_by_lists(decision, policies))
    code = "review-required" if held else "blocked"
    return Refusal(
        status=403,
        code=code,
        title="this request needs a review" if held else "this request was refused",
        detail=_detail(held=held, case_id=case_id, decision_id=decision_id, reasons=_told(decision, level)),
        decision_id=decision_id,
        case_id=case_id,
        outcome=(Outcome.ESCALATE if held else Outcome.BLOCK).value,
        reasons=_reasons(decision.counting, level, code),
        resubmit=held,
    )


def blocked_by_lists(decision: Decision, policies: Sequence[Policy]) -> bool:
    """Return whether a decision blocks, and nothing but what lists say does."""
    blocking = [finding.rule for finding in decision.counting if finding.outcome is Outcome.BLOCK]
    listed = {rule.id for policy in policies for rule in policy.rules if _reads_lists(rule)}
    return decision.outcome is Outcome.BLOCK and listed.issuperset(blocking)


def _reads_lists(rule: Rule) -> bool:
    return any(path.startswith(_OF_LISTS) for path in facts_read(rule.node))


_OF_LISTS = (
    "screening.",
    "managers.outcome",
    "managers.lists",
    "managers.overlaps",
    "ownership.sdn_",
    "ownership.listed_",
    "ownership.strictest_list",
    "ownership.minority_lists",
    "ownership.chains",
)
"""Facts that say what lists say of a party and those behind it."""


def _reasons(findings: Sequence[Finding], level: str, code: str) -> tuple[tuple[str, str], ...]:
    if level == "public":
        return ((code, ""),)
    return tuple((finding.rule, ", ".join(finding.cites)) for finding in findings)


def _told(decision: Decision, level: str) -> str:
    return "; ".join(finding.reason for finding in decision.counting) if level == "internal" else ""


def _detail(*, held: bool, case_id: str | None, decision_id: str, reasons: str) -> str:
    if held:
        text = f"a person will look at this request; case {case_id or 'not opened for a dry run'}"
        text += "; send the same request again after approval"
    else:
        text = f"this request was refused; decision {decision_id}"
    return f"{text} ({reasons})" if reasons else text


def seconds_left(taken: float, step: float) -> float:
    """Return how long a refusal that took `taken` seconds waits, so that it takes a whole number of steps; 0 for none.

    A name that is cached, new, an exact match or a near miss is decided in different times, all within a step.
    """
    return 0.0 if step <= 0 else math.ceil(taken / step) * step - taken


def refusal_of_error(error: Exception, reference: str = "") -> Refusal:
    """Return the refusal for a call that could not be read or decided. An unexpected error tells nothing of itself.

    `reference` is under what the log has it.
    """
    if isinstance(error, RefusedCall):
        signed_wrongly = error.code in SIGNATURE_CODES
        return Refusal(
            status=error.status,
            code=error.code if signed_wrongly else "unreadable",
            title="nobody is known to have signed this call" if signed_wrongly else "this call was not understood",
            detail=error.detail,
        )
    if isinstance(error, IdempotencyConflict):
        return Refusal(status=409, code="conflict", title="this token was used for another request", detail=str(error))
    if isinstance(error, Superseded):
        return Refusal(
            status=503,
            code="unavailable",
            title="what this call names changed meanwhile",
            detail="the request was not passed on; send it again",
        )
    if isinstance(error, InputError):
        return Refusal(status=400, code="unreadable", title="this call was not understood", detail=str(error))
    return Refusal(
        status=503,
        code="unavailable",
        title="no decision can be made now",
        detail="the request was not passed on; try again later" + (f"; reference {reference}" if reference else ""),
    )
