"""A line of the log in the Elastic Common Schema, 8.17 (https://www.elastic.co/docs/reference/ecs)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kyc_gate.telemetry.line import EVENT

VERSION = "8.17.0"

_TYPES = {"allow": ["allowed"], "escalate": ["denied"], "block": ["denied"]}
_SEVERITIES = {"allow": 1, "escalate": 3, "block": 4}
_TAKEN = frozenset({"timestamp", "level", "event", "trace_id", "decision_id", "customer"})


def ecs_event(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line as an ECS document. What ECS has no field for stands under `kyc_gate`."""
    decided = line.get("event") == EVENT
    event: dict[str, Any] = {
        "kind": "event",
        "action": line.get("event"),
        "module": "kyc_gate",
        "dataset": "kyc_gate.log",
    }
    found: dict[str, Any] = {
        "@timestamp": line.get("timestamp"),
        "ecs": {"version": VERSION},
        "log": {"level": line.get("level")},
        "event": event,
        "kyc_gate": {key: value for key, value in line.items() if key not in _TAKEN and value is not None},
    }
    if line.get("trace_id"):
        found["trace"] = {"id": line["trace_id"]}
    if not decided:
        return found
    outcome, rules = str(line.get("outcome")), line.get("rules") or []
    policy = next(iter(line.get("policies") or []), "")
    event |= {
        "id": line.get("decision_id"),
        "kind": "event" if outcome == "allow" else "alert",
        "category": ["iam"],
        "type": _TYPES.get(outcome, ["info"]),
        "outcome": "success" if line.get("acted") == "pass" else "failure",
        "reason": ", ".join(rules) or None,
        "severity": _SEVERITIES.get(outcome, 0),
        "duration": round(float(line.get("milliseconds") or 0) * 1_000_000),
    }
    name, _, revision = policy.partition("@")
    if rules:
        found["rule"] = {"id": rules[0], "name": rules[0], "ruleset": name or None, "version": revision or None}
        if line.get("runbook"):
            found["rule"]["reference"] = line["runbook"]
    found["cloud"] = {"provider": line.get("provider"), "account": {"id": line.get("account")}}
    if line.get("party"):
        found["organization"] = {"id": line["party"], **({"name": line["customer"]} if line.get("customer") else {})}
    return found
