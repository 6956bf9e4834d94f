"""What people do with cases, for tests that are about something else."""

from __future__ import annotations

from datetime import datetime, timedelta

from kyc_gate.model.case import Case, Grant
from kyc_gate.model.case_steps import Move, Step
from kyc_gate.storage.store import Store


async def approve_case(
    store: Store,
    case_id: str,
    *,
    reviewer: str,
    note: str,
    at: datetime,
    expires_at: datetime,
    budget: int | None = None,
) -> Grant:
    """Approve a case with one request, as one person, and return its grant."""
    hours = (expires_at - at) / timedelta(hours=1)
    moved = await store.move_case(
        case_id, Move(step=Step.APPROVE, by=reviewer, at=at, note=note, grant_hours=hours, budget=budget)
    )
    (grant,) = moved.grants
    return grant


async def reject_case(store: Store, case_id: str, *, reviewer: str, note: str, at: datetime) -> Case:
    """Reject a case."""
    return (await store.move_case(case_id, Move(step=Step.REJECT, by=reviewer, at=at, note=note))).case
