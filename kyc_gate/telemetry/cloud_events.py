"""Events as CloudEvents 1.0.2 in JSON (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from kyc_gate.model.record import canonical_text

SOURCE = "/kyc-gate"
PREFIX = "kyc_gate"
"""How types begin. They are `kyc_gate.decision.blocked.v1`, `kyc_gate.case.opened.v1` and so on."""

_OUTCOMES = {"allow": "allowed", "escalate": "escalated", "block": "blocked"}


def cloud_event(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of the log as an event. The same line gives the same id, so a repetition is recognised."""
    kind = _OUTCOMES.get(str(line.get("outcome")))
    name = f"decision.{kind}" if line.get("event") == "decision.made" and kind else str(line.get("event") or "unnamed")
    data = {key: value for key, value in line.items() if key not in ("timestamp", "event")}
    return envelope(
        id=_id_of(line),
        name=name,
        time=line.get("timestamp"),
        subject=line.get("decision_id") or line.get("case_id"),
        data=data,
        traceparent=None,
    )


def envelope(
    *, id: str, name: str, time: object, subject: object, data: Mapping[str, Any], traceparent: str | None
) -> dict[str, Any]:
    """Return the envelope of an event that is called `name`, such as `case.opened`, version 1."""
    found: dict[str, Any] = {
        "specversion": "1.0",
        "id": id,
        "source": SOURCE,
        "type": f"{PREFIX}.{name}.v1",
        "datacontenttype": "application/json",
        "data": dict(data),
    }
    for key, value in (("time", time), ("subject", subject), ("traceparent", traceparent)):
        if value:
            found[key] = str(value)
    return found


def _id_of(line: Mapping[str, Any]) -> str:
    if line.get("event") == "decision.made" and isinstance(line.get("decision_id"), str):
        return str(line["decision_id"])
    return hashlib.sha256(canonical_text(dict(line)).encode("ascii")).hexdigest()[:32]
