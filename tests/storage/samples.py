"""Requests to hold, decisions to record and cases to open, with what a test does not care about filled in."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from kyc_gate.model.usage import HoldRequest
from kyc_gate.storage.store import CaseOpening, DecisionEntry

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OPERATIONS = 10**25


def hold_request(key: str | None = None, **changes: Any) -> HoldRequest:
    """Return a request to hold a tenth of 1e26 operations, by default under a key of its own."""
    return HoldRequest(
        **{
            "control_group": "group:kestrel",
            "account": "aws:111122223333",
            "party_id": "kestrel",
            "key": key or secrets.token_hex(8),
            "fingerprint": "f" * 64,
            "likely": OPERATIONS,
            "high": 3 * OPERATIONS,
            "at": NOW,
            "window_days": 365,
            **changes,
        }
    )


def decision_entry(decision_id: str | None = None, **changes: Any) -> DecisionEntry:
    """Return a decision to record, with nothing hanging on it by default."""
    decision_id = decision_id or f"dec_{secrets.token_hex(16)}"
    record = {
        "type": "decision",
        "decision_id": decision_id,
        "at": NOW.isoformat(),
        "request": {"fingerprint": "f" * 64, "operation": "RunInstances"},
    }
    return DecisionEntry(**{"decision_id": decision_id, "record": record, **changes})


def case_opening(decision_id: str = "dec_1", **changes: Any) -> CaseOpening:
    """Return what a case needs to be opened."""
    return CaseOpening(
        **{
            "severity": "medium",
            "fingerprint": "f" * 64,
            "control_group": "group:kestrel",
            "account": "aws:111122223333",
            "party_id": "kestrel",
            "operation": "RunInstances",
            "rules": ("red-flag-28",),
            "family": "red-flag-28",
            "decision_id": decision_id,
            "at": NOW,
            "due_at": NOW + timedelta(hours=72),
            "likely": OPERATIONS,
            "high": 3 * OPERATIONS + 1,
            **changes,
        }
    )
