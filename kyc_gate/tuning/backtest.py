"""Decisions on record made again under other policies, and what would be different."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime

from kyc_gate.model.backtest import (
    BacktestDay,
    BacktestExample,
    BacktestReport,
    Change,
    Coverage,
    Determinism,
    RuleChange,
)
from kyc_gate.model.decision import Outcome
from kyc_gate.policy.policy import Policy
from kyc_gate.tuning.replay import NotReplayed, Recorded, Replay, Ruling, read_recorded

EXAMPLES = 10
"""Examples in a report: those that are more lenient first, and different rules before more of one."""

_KEPT = 3
"""Examples that are kept of one change with the same rules behind it."""

MOST_DIFFERING = 10
"""Decisions that are named where the old policies do not give what is on record."""


class Backtest:
    """Takes decisions on record one by one, in any order, those before `since` apart; `report` holds after the last."""

    def __init__(self, old: Sequence[Policy], new: Sequence[Policy], since: datetime | None = None) -> None:
        self._since = since
        self._old, self._new = tuple(old), tuple(new)
        self._digests = tuple(policy.reference.digest for policy in old)
        self._replay = Replay(self._old, self._new)
        self._decisions = self._replayed = self._checked = self._same = 0
        self._reasons: Counter[str] = Counter()
        self._differing: list[str] = []
        self._matrix: Counter[tuple[Outcome, Outcome]] = Counter()
        self._days: defaultdict[date, _Day] = defaultdict(_Day)
        self._rules: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._examples: defaultdict[tuple[object, ...], list[BacktestExample]] = defaultdict(list)

    def take(self, body: str) -> datetime | None:
        """Make one decision again, from the body of its record, and return when it was made; None if that is lost."""
        try:
            recorded = read_recorded(body)
        except NotReplayed as error:
            self._decisions += 1
            self._reasons[str(error)] += 1
            return None
        if self._since is None or recorded.at >= self._since:
            self._take(recorded)
        return recorded.at

    def _take(self, recorded: Recorded) -> None:
        self._decisions += 1
        try:
            old, new = self._replay.rulings(recorded)
        except NotReplayed as error:
            self._reasons[str(error)] += 1
            return
        self._replayed += 1
        self._check(recorded, old)
        self._matrix[old.outcome, new.outcome] += 1
        self._count(recorded, old, new)
        if old.outcome is not new.outcome:
            self._changed(recorded, old, new)

    def _check(self, recorded: Recorded, old: Ruling) -> None:
        if recorded.digests != self._digests:
            return
        self._checked += 1
        if (recorded.outcome, recorded.rules) == (old.outcome, old.rules):
            self._same += 1
        elif len(self._differing) < MOST_DIFFERING:
            self._differing.append(recorded.decision_id)

    def _count(self, recorded: Recorded, old: Ruling, new: Ruling) -> None:
        day = self._days[recorded.at.astimezone(UTC).date()]
        day.decisions += 1
        day.changed += old.outcome is not new.outcome
        if recorded.request.dry_run:
            return
        asked = recorded.request.fingerprint or recorded.decision_id
        if old.waits:
            day.old_cases.add(asked)
        if new.waits:
            day.new_cases.add(asked)

    def _changed(self, recorded: Recorded, old: Ruling, new: Ruling) -> None:
        before, after = set(old.rules), set(new.rules)
        for rule in before - after:
            self._rules[rule][0] += 1
        for rule in after - before:
            self._rules[rule][1] += 1
        kept = self._examples[old.outcome, new.outcome, old.rules, new.rules]
        if len(kept) < _KEPT:
            kept.append(
                BacktestExample(
                    decision_id=recorded.decision_id,
                    at=recorded.at,
                    old=old.outcome,
                    new=new.outcome,
                    old_rules=old.rules,
                    new_rules=new.rules,
                )
            )

    def report(self, *, since: datetime, until: datetime) -> BacktestReport:
        """Return what was found."""
        return BacktestReport(
            since=since,
            until=until,
            old=tuple(policy.reference for policy in self._old),
            new=tuple(policy.reference for policy in self._new),
            coverage=Coverage(
                decisions=self._decisions, replayed=self._replayed, reasons=dict(self._reasons.most_common())
            ),
            determinism=Determinism(
                checked=self._checked,
                same=self._same,
                elsewhere=self._replayed - self._checked,
                differing=tuple(self._differing),
            ),
            matrix=tuple(
                Change(old=old, new=new, decisions=self._matrix[old, new]) for old in Outcome for new in Outcome
            ),
            days=tuple(
                BacktestDay(
                    day=day,
                    decisions=found.decisions,
                    old_cases=len(found.old_cases),
                    new_cases=len(found.new_cases),
                    changed=found.changed,
                )
                for day, found in sorted(self._days.items())
            ),
            rules=tuple(
                RuleChange(rule=rule, old_only=old, new_only=new)
                for rule, (old, new) in sorted(self._rules.items(), key=lambda item: (-sum(item[1]), item[0]))
            ),
            examples=self._chosen(),
        )

    def _chosen(self) -> tuple[BacktestExample, ...]:
        """Examples of every kind of change, one of each before a second of any, the more lenient first."""
        kinds = sorted(
            self._examples.values(), key=lambda kept: (kept[0].new.severity - kept[0].old.severity, kept[0].decision_id)
        )
        ordered = [kept[turn] for turn in range(_KEPT) for kept in kinds if turn < len(kept)]
        return tuple(ordered[:EXAMPLES])


class _Day:
    """The counts of one day; cases are told apart by the request's fingerprint."""

    __slots__ = ("changed", "decisions", "new_cases", "old_cases")

    def __init__(self) -> None:
        self.decisions = self.changed = 0
        self.old_cases: set[str] = set()
        self.new_cases: set[str] = set()
