"""One line for each decision, always with the same keys, for the person on call."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from kyc_gate.model.decision import Decision
from kyc_gate.model.facts import Facts
from kyc_gate.model.job import ProvisioningRequest


def configure_logging(form: str = "auto") -> None:
    """Send log lines to standard error: JSON, or columns when `form` is `console` or a terminal reads them.

    JSON is ASCII only, so no escape sequence, line break or direction mark in a field can reach a terminal.
    """
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _printable if console else _passed,
            structlog.dev.ConsoleRenderer(colors=True)
            if console
            else structlog.processors.JSONRenderer(ensure_ascii=True, sort_keys=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _passed(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return event


def _printable(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return the event with every control, format and private character of its values written as an escape."""
    return {key: _escaped(value) if isinstance(value, str) else value for key, value in event.items()}


def _escaped(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def decision_line(
    decision_id: str,
    request: ProvisioningRequest,
    facts: Facts,
    decision: Decision,
    *,
    acted: str,
    case_id: str | None,
    grant_id: str | None,
    milliseconds: float,
    names: bool,
) -> dict[str, Any]:
    """Return the fields of the decision's log line. Names of parties stand in it only when `names` is true."""
    counting = decision.counting
    fields: dict[str, Any] = {
        "decision_id": decision_id,
        "outcome": decision.outcome.value,
        "acted": acted,
        "provider": request.provider,
        "operation": request.operation,
        "account": facts.account.id,
        "party": facts.customer.id,
        "control_group": facts.control_group,
        "rules": [finding.rule for finding in counting],
        "observed": [finding.rule for finding in decision.findings if not finding.counts],
        "operations": facts.operations.likely,
        "projected": facts.operations.projected,
        "policies": [str(policy) for policy in decision.policies],
        "lists": facts.snapshot[:12] if facts.snapshot else None,
        "case_id": case_id,
        "grant_id": grant_id,
        "runbook": counting[0].runbook if counting else "",
        "milliseconds": round(milliseconds, 2),
        "dry_run": request.dry_run,
    }
    if names:
        fields["customer"] = facts.customer.name
    return fields
