"""A decision's line as events of the Open Cybersecurity Schema Framework, 1.8.0 (https://schema.ocsf.io/1.8.0).

Every decision is API Activity (6003) with the profile `security_control`. One that waits for a person is a Compliance
Finding (2003) too, with the profile `incident`, and one whose party resembles a listed one a Detection Finding (2004).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

VERSION = "1.8.0"

Line = Mapping[str, Any]

_UNKNOWN, _SUCCESS, _FAILURE = 0, 1, 2
_OTHER = 99
_INFORMATIONAL, _MEDIUM, _HIGH = 1, 3, 4
_SEVERITIES = {"allow": _INFORMATIONAL, "escalate": _MEDIUM, "block": _HIGH}
_ACTIONS = {"allow": 1, "escalate": 2, "block": 2}  # allowed, denied
_DISPOSITIONS = {"allow": 1, "escalate": 14, "block": 2}  # allowed, delayed, blocked
_OBSERVED, _DETECTED = 3, 15
_APPROVED = 8
_PRIORITIES = {_INFORMATIONAL: 1, _MEDIUM: 2, _HIGH: 3}  # low, medium, high


def ocsf_events(line: Line) -> Iterator[dict[str, Any]]:
    """Yield the events that a decision's line amounts to, the API activity first."""
    yield api_activity(line)
    if line.get("case_id"):
        yield compliance_finding(line)
    if line.get("screening") in ("match", "possible"):
        yield detection_finding(line)


def api_activity(line: Line) -> dict[str, Any]:
    """Return the decision as API Activity: what was asked of the cloud, and what became of it."""
    passed = line.get("acted") == "pass"
    return {
        **_base(line, "api_activity", 6003, category=6, activity=_OTHER, profiles=["security_control", "trace"]),
        "activity_name": "Provision",
        "status_id": _SUCCESS if passed else _FAILURE,
        "actor": {"user": _user(line)},
        "api": {
            "operation": _text(line, "operation", "unknown"),
            "service": {"name": _text(line, "provider", "unknown")},
            "request": {"uid": _text(line, "decision_id", "unknown")},
        },
        "src_endpoint": {"name": "unknown", "type_id": _UNKNOWN},
        **_controlled(line),
        **_traced(line),
    }


def compliance_finding(line: Line) -> dict[str, Any]:
    """Return the decision as a Compliance Finding: the case that it opened or joined."""
    severity = _severity(line)
    rules = line.get("rules") or []
    found = {
        **_base(line, "compliance_finding", 2003, category=2, activity=1, profiles=["incident"]),
        "status_id": 1,  # new
        "finding_info": {
            "uid": _text(line, "case_id", "unknown"),
            "title": f"a request waits for a person: {', '.join(rules) or 'no rule'}"[:500],
            "types": list(rules),
            "related_events": [{"uid": _text(line, "decision_id", "unknown")}],
        },
        "compliance": {
            "standards": list(line.get("policies") or ["unknown"]),
            "control": rules[0] if rules else "unknown",
            "status_id": 3 if line.get("outcome") == "block" else 2,  # fail, warning
        },
        "priority_id": _PRIORITIES[severity],
        "tickets": [{"uid": _text(line, "case_id", "unknown"), "title": "kyc_gate case"}],
        "resources": [_resource(line)],
    }
    if line.get("runbook"):
        found["remediation"] = {"desc": "follow the runbook", "references": [line["runbook"]]}
    return found


def detection_finding(line: Line) -> dict[str, Any]:
    """Return the decision as a Detection Finding: the party, or one behind it, resembles a listed one."""
    score = line.get("score")
    found = {
        **_base(line, "detection_finding", 2004, category=2, activity=1, profiles=["security_control"]),
        "status_id": 1,
        "is_alert": line.get("outcome") != "allow",
        "finding_info": {
            "uid": f"{_text(line, 'decision_id', 'unknown')}/screening",
            "title": f"restricted-party screening: {line['screening']}",
            "analytic": {
                "type_id": 1,
                "name": "restricted-party screening",
                "version": _text(line, "lists", "unknown"),
            },
        },
        "confidence_id": 3 if line["screening"] == "match" else 2,
        "evidences": [{"data": {"score": score, "lists": line.get("lists"), "party": line.get("party")}}],
        "resources": [_resource(line)],
        **_controlled(line),
    }
    if isinstance(score, (int, float)):
        found["confidence_score"] = round(score * 100)
    return found


def _base(line: Line, name: str, uid: int, *, category: int, activity: int, profiles: list[str]) -> dict[str, Any]:
    return {
        "metadata": {
            "version": VERSION,
            "product": {"name": "kyc_gate", "vendor_name": "kyc_gate"},
            "profiles": profiles,
            "uid": f"{_text(line, 'decision_id', 'unknown')}/{name}",
            "correlation_uid": _text(line, "decision_id", "unknown"),
            "log_name": "decision.made",
        },
        "class_uid": uid,
        "category_uid": category,
        "activity_id": activity,
        "type_uid": uid * 100 + activity,
        "severity_id": _severity(line),
        "time": _milliseconds(line),
        "message": f"{line.get('outcome')}: {', '.join(line.get('rules') or []) or 'no rule fired'}"[:1000],
        "unmapped": {"share": line.get("share"), "threshold": str(line.get("threshold")), "party": line.get("party")},
    }


def _controlled(line: Line) -> dict[str, Any]:
    """Return the profile `security_control`: what was done, by which policy, and by which rules."""
    outcome = _text(line, "outcome", "allow")
    unenforced = line.get("mode") != "enforce" and outcome != "allow"
    disposition = _APPROVED if line.get("grant_id") else _DISPOSITIONS.get(outcome, _UNKNOWN)
    policies = [_policy(each) for each in line.get("policies") or []]
    return {
        "action_id": _OBSERVED if unenforced else _ACTIONS.get(outcome, _UNKNOWN),
        "disposition_id": _DETECTED if unenforced else disposition,
        "authorizations": [{"decision": outcome, "policy": each} for each in policies],
        **({"policy": policies[0]} if policies else {}),
        **({"firewall_rule": {"name": line["rules"][0], "uid": line["rules"][0]}} if line.get("rules") else {}),
    }


def _policy(name: str) -> dict[str, Any]:
    title, _, revision = name.partition("@")
    return {"name": title, "uid": name, "version": revision, "is_applied": True}


def _traced(line: Line) -> dict[str, Any]:
    return {"trace": {"uid": line["trace_id"]}} if line.get("trace_id") else {}


def _user(line: Line) -> dict[str, Any]:
    found: dict[str, Any] = {"uid": _text(line, "account", "unknown"), "type_id": _UNKNOWN}
    if line.get("party"):
        found["org"] = {"uid": line["party"], **({"name": line["customer"]} if line.get("customer") else {})}
    return found


def _resource(line: Line) -> dict[str, Any]:
    return {"uid": _text(line, "account", "unknown"), "type": "account", "name": _text(line, "operation", "unknown")}


def _severity(line: Line) -> int:
    return _SEVERITIES.get(_text(line, "outcome", ""), _UNKNOWN)


def _text(line: Line, key: str, absent: str) -> str:
    value = line.get(key)
    return value if isinstance(value, str) and value else absent


def _milliseconds(line: Line) -> int:
    try:
        return int(datetime.fromisoformat(str(line.get("timestamp"))).timestamp() * 1000)
    except ValueError:
        return 0
