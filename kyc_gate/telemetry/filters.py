"""Which lines of a log somebody wants to see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kyc_gate.model.record import Record

LONGEST_LINE = 256 * 1024
"""Characters of one line that are read; a longer one is no line of ours."""


class Filter(Record):
    """What a line must say. What is None or empty asks for nothing.

    `outcome`, `rule` and `event` name several that are equally good; `share` is the least part of a threshold.
    """

    outcomes: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    account: str | None = None
    party: str | None = None
    control_group: str | None = None
    case_id: str | None = None
    decision_id: str | None = None
    trace_id: str | None = None
    policy: str | None = None
    share: float | None = None
    milliseconds: float | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None

    def wants(self, line: Mapping[str, Any]) -> bool:
        """Return whether the line says all that is asked for."""
        return (
            _one_of(line.get("outcome"), self.outcomes)
            and _one_of(line.get("event"), self.events)
            and _one_of(line.get("level"), self.levels)
            and self._exactly(line)
            and self._within(line)
            and (self.text is None or self.text.casefold() in json.dumps(line, ensure_ascii=False).casefold())
        )

    def _exactly(self, line: Mapping[str, Any]) -> bool:
        for key in ("account", "party", "control_group", "case_id", "decision_id", "trace_id"):
            wanted = getattr(self, key)
            if wanted is not None and line.get(key) != wanted:
                return False
        rules = [*_texts(line.get("rules")), *_texts(line.get("observed"))]
        if self.rules and not set(self.rules) & set(rules):
            return False
        return self.policy is None or any(
            self.policy in (policy, policy.partition("@")[0]) for policy in _texts(line.get("policies"))
        )

    def _within(self, line: Mapping[str, Any]) -> bool:
        for key in ("share", "milliseconds"):
            least = getattr(self, key)
            if least is not None and not _at_least(line.get(key), least):
                return False
        if self.since is None and self.until is None:
            return True
        at = _moment(line.get("timestamp"))
        return at is not None and (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


def read_line(text: str) -> dict[str, Any] | None:
    """Return a line of the log, or None for what is no JSON object: somebody else wrote it, or wrote into it."""
    if len(text) > LONGEST_LINE:
        return None
    try:
        found = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refused(constant: str) -> None:
    raise ValueError(f"`{constant}` is no JSON")


def _one_of(value: object, wanted: tuple[str, ...]) -> bool:
    return not wanted or value in wanted


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _at_least(value: object, least: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= least


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
