"""Lines of the log to test with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kyc_gate.telemetry.line import EVENT, KEYS

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def line(**more: Any) -> dict[str, Any]:
    """A line of an escalated decision, with fields in its place."""
    fields: dict[str, Any] = {
        "timestamp": datetime(2026, 11, 24, 9, 14, 2, 113000, tzinfo=UTC).isoformat(),
        "level": "info",
        "event": EVENT,
        **dict.fromkeys(KEYS),
        "decision_id": "dec_1",
        "trace_id": TRACE,
        "outcome": "escalate",
        "acted": "refuse",
        "mode": "enforce",
        "account": "acct-1",
        "party": "emirate",
        "provider": "generic",
        "operation": "CreateJob",
        "rules": ["red-flag-28"],
        "observed": [],
        "screening": "clear",
        "score": 0.41,
        "projected": 31 * 10**24,
        "threshold": 10**26,
        "share": 0.31,
        "policies": ["us-ai-diffusion@3"],
        "lists": "0123456789ab",
        "case_id": "case_1",
        "due_at": "2026-11-25T09:14:02+00:00",
        "dry_run": False,
        "milliseconds": 3.2,
        "runbook": "docs/runbooks/red-flag-28.md",
    }
    return {**fields, **more}
