"""What other policies would have decided on what is on record."""

from __future__ import annotations

from datetime import date, datetime

from kyc_gate.model.decision import Outcome, PolicyReference
from kyc_gate.model.record import Record


class Change(Record):
    """How many decisions go from one outcome to another."""

    old: Outcome
    new: Outcome
    decisions: int


class RuleChange(Record):
    """A rule behind changes: in how many it counts under the old policies only, and under the new ones only."""

    rule: str
    old_only: int
    new_only: int


class BacktestDay(Record):
    """One day (UTC): its decisions, and how many different requests would have waited for a person, dry runs aside."""

    day: date
    decisions: int
    old_cases: int
    new_cases: int
    changed: int


class BacktestExample(Record):
    """One decision that changes. The rules are those that count."""

    decision_id: str
    at: datetime
    old: Outcome
    new: Outcome
    old_rules: tuple[str, ...]
    new_rules: tuple[str, ...]


class Coverage(Record):
    """How many decisions on record were replayed, and why the others were not."""

    decisions: int
    replayed: int
    reasons: dict[str, int]

    @property
    def share(self) -> float:
        """The replayed share, 0 to 1; 1 where there was nothing to replay."""
        return self.replayed / self.decisions if self.decisions else 1.0


class Determinism(Record):
    """Whether the old policies give, on the facts on record, the outcome and the rules that are on record.

    `checked` are the decisions that these very policies made; the others were made under other revisions.
    """

    checked: int
    same: int
    elsewhere: int
    differing: tuple[str, ...] = ()


class BacktestReport(Record):
    """Everything that a backtest found, from `since` to `until`."""

    since: datetime
    until: datetime
    old: tuple[PolicyReference, ...]
    new: tuple[PolicyReference, ...]
    coverage: Coverage
    determinism: Determinism
    matrix: tuple[Change, ...]
    days: tuple[BacktestDay, ...]
    rules: tuple[RuleChange, ...]
    examples: tuple[BacktestExample, ...]

    @property
    def lenient(self) -> int:
        """Decisions that would have let more through."""
        return sum(each.decisions for each in self.matrix if each.new.severity < each.old.severity)

    @property
    def stricter(self) -> int:
        """Decisions that would have let less through."""
        return sum(each.decisions for each in self.matrix if each.new.severity > each.old.severity)

    @property
    def status(self) -> int:
        """The exit status: 0 for the same decisions, 3 for stricter ones only, 4 for more lenient ones somewhere."""
        return 4 if self.lenient else 3 if self.stricter else 0
