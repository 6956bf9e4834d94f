"""One line for each decision, always with the same keys, for the person on call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kyc_gate.model.decision import Decision
from kyc_gate.model.facts import Facts
from kyc_gate.model.job import ProvisioningRequest

EVENT = "decision.made"
"""The event that a decision's line names."""

KEYS = (
    "decision_id",
    "trace_id",
    "outcome",
    "acted",
    "mode",
    "account",
    "party",
    "customer",
    "control_group",
    "provider",
    "operation",
    "rules",
    "observed",
    "screening",
    "score",
    "operations",
    "projected",
    "threshold",
    "share",
    "policies",
    "lists",
    "case_id",
    "due_at",
    "grant_id",
    "dry_run",
    "milliseconds",
    "runbook",
)
"""The keys of a decision's line, in order. Each stands in every line; what is not known or does not apply is null."""


def decision_line(
    decision_id: str,
    request: ProvisioningRequest,
    facts: Facts,
    decision: Decision,
    *,
    trace_id: str | None,
    acted: str,
    mode: str,
    lines: Sequence[int],
    case_id: str | None,
    due_at: datetime | None,
    grant_id: str | None,
    milliseconds: float,
    names: bool,
) -> dict[str, Any]:
    """Return the fields of the decision's log line, by `KEYS`.

    `lines` are the numbers of operations at which a policy begins to ask. `threshold` is the least of them that the
    control group has not reached, or the highest; `share` is how much of it is used, this request included.
    The party is told by its id; its name (`customer`) only when `names` is true.
    """
    counting = decision.counting
    projected = facts.operations.projected
    threshold = nearest_line(projected, lines)
    return {
        "decision_id": decision_id,
        "trace_id": trace_id,
        "outcome": decision.outcome.value,
        "acted": acted,
        "mode": mode,
        "account": facts.account.id,
        "party": facts.customer.id,
        "customer": facts.customer.name if names else None,
        "control_group": facts.control_group,
        "provider": request.provider,
        "operation": request.operation,
        "rules": [finding.rule for finding in counting],
        "observed": [finding.rule for finding in decision.findings if not finding.counts],
        "screening": facts.screening.outcome,
        "score": facts.screening.score,
        "operations": facts.operations.likely,
        "projected": projected,
        "threshold": threshold,
        "share": round(projected / threshold, 6) if threshold and projected is not None else None,
        "policies": [str(policy) for policy in decision.policies],
        "lists": facts.snapshot[:12] if facts.snapshot else None,
        "case_id": case_id,
        "due_at": due_at.isoformat() if due_at else None,
        "grant_id": grant_id,
        "dry_run": request.dry_run,
        "milliseconds": round(milliseconds, 2),
        "runbook": counting[0].runbook or None if counting else None,
    }


def nearest_line(projected: int | None, lines: Sequence[int]) -> int | None:
    """Return the least line above `projected`, the highest where all are reached, or None without lines or amount."""
    if projected is None or not lines:
        return None
    return min((line for line in lines if line > projected), default=max(lines))
