"""A policy that was read and checked: its rules, limits, options, groups and citations."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property

from kyc_gate.model.decision import Citation, LegalStatus, Mode, Outcome, PolicyReference
from kyc_gate.model.facts import RequestFacts
from kyc_gate.model.match import Lines
from kyc_gate.model.record import Record
from kyc_gate.policy.expressions import Condition, Groups
from kyc_gate.policy.groups import Group, Periods
from kyc_gate.policy.names import Constants
from kyc_gate.policy.open_rules import OpenRules
from kyc_gate.policy.routes import Route, RuleRoute, mode_on
from kyc_gate.policy.syntax import All, Any, Literal, Node, Not, Number
from kyc_gate.policy.templates import Template


class Disclosure(StrEnum):
    """What a refused customer is told: no reason, rule ids and citations, or everything."""

    PUBLIC = "public"
    PARTNER = "partner"
    INTERNAL = "internal"


class Rule(Record):
    """A check with its answer. In force from `effective_from` to `effective_to`, both days included, UTC.

    `four_eyes`: one person proposes to approve it, and another one approves; what blocks always asks for two.
    `replaces` names the rule that this one follows on; `accepts` the warnings that its author has seen.
    `steady` are the conjuncts of the condition that read no amounts; None where there are none.
    `routes` are the calls on which it is in another mode than `mode`.
    """

    id: str
    title: str
    text: str
    node: Node
    condition: Condition
    outcome: Outcome
    cites: tuple[str, ...]
    status: LegalStatus
    mode: Mode
    overridable: bool
    because: Template
    policy: str
    runbook: str = ""
    effective_from: date | None = None
    effective_to: date | None = None
    replaces: str = ""
    accepts: tuple[str, ...] = ()
    steady: Condition | None = None
    four_eyes: bool = False
    routes: tuple[RuleRoute, ...] = ()

    @property
    def strictest(self) -> Mode:
        """The strictest mode that the rule is in on any call."""
        return max((self.mode, *(each.mode for each in self.routes)), key=lambda mode: mode.reach)

    @property
    def mildest(self) -> Mode:
        """The mildest mode that the rule is in on any call."""
        return min((self.mode, *(each.mode for each in self.routes)), key=lambda mode: mode.reach)

    def mode_on(self, asked: RequestFacts) -> tuple[Mode, str | None]:
        """Return the rule's mode for a call, and the route that sets it; None where none does."""
        return mode_on(self.mode, self.routes, asked) if self.routes else (self.mode, None)

    def in_force(self, day: date) -> bool:
        """Return whether the rule is in force on `day`."""
        return (self.effective_from is None or self.effective_from <= day) and (
            self.effective_to is None or day <= self.effective_to
        )


class Edition(Record, dict=True):
    """What holds on a stretch of days: the rules in force whose mode is not `off` everywhere, and the groups."""

    rules: tuple[Rule, ...]
    groups: Groups

    @cached_property
    def open_rules(self) -> OpenRules:
        """The rules, as what can be left out for some facts."""
        return OpenRules(self.rules, self.groups)


class Policy(Record):
    """A policy, ready to decide. `reference.digest` covers every byte that it was read from, and each adjustment.

    `warnings` holds what does not stop the policy but should be known.
    `lines` are its own lines of screening, or None where it takes the operator's.
    `routes` are all that it names, of what it extends too.
    """

    reference: PolicyReference
    about: str
    status: LegalStatus
    disclosure: Disclosure
    rules: tuple[Rule, ...]
    constants: Constants
    groups: Mapping[str, Group]
    starts: tuple[date, ...]
    editions: tuple[Edition, ...]
    citations: Mapping[str, Citation]
    lines: Lines | None = None
    routes: tuple[Route, ...] = ()

    @property
    def limits(self) -> Mapping[str, Number]:
        """The policy's numbers, exact."""
        return self.constants.limits

    @property
    def options(self) -> Mapping[str, bool]:
        """The policy's switches."""
        return self.constants.options

    def edition_on(self, day: date) -> Edition:
        """Return the rules and groups that hold on `day`. `editions[0]` holds before `starts[0]`."""
        return self.editions[bisect_right(self.starts, day)]


def enforced_where(rule: Rule) -> Node:
    """Return the condition under which a rule is in mode `enforce`: on which calls."""
    enforcing = tuple(each.route.node for each in rule.routes if each.mode is Mode.ENFORCE)
    if rule.mode is Mode.ENFORCE:
        elsewhere = tuple(Not(operand=each.route.node) for each in rule.routes)
        enforcing = (*enforcing, All(operands=elsewhere) if elsewhere else Literal(value=True))
    return Any(operands=enforcing) if enforcing else Literal(value=False)


def editions(rules: tuple[Rule, ...], periods: Periods) -> tuple[tuple[date, ...], tuple[Edition, ...]]:
    """Return the days on which anything changes, and what holds before the first and from each on."""
    starts = set(periods.starts)
    starts.update(rule.effective_from for rule in rules if rule.effective_from)
    starts.update(rule.effective_to + timedelta(days=1) for rule in rules if rule.effective_to)
    ordered = tuple(sorted(starts))
    days = [(ordered[0] if ordered else date(2000, 1, 1)) - timedelta(days=1), *ordered]
    found = tuple(
        Edition(
            rules=tuple(rule for rule in rules if rule.strictest is not Mode.OFF and rule.in_force(day)),
            groups=periods.groups[bisect_right(periods.starts, day)],
        )
        for day in days
    )
    return ordered, found
