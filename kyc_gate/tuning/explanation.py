"""Why a decision is what it is: every rule, every part of its condition with its value, and what would change it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date

from kyc_gate.model.decision import Citation, Decision, Finding, Mode, Outcome
from kyc_gate.model.facts import Facts
from kyc_gate.model.record import Record
from kyc_gate.policy.expressions import Failed, Groups, Unknown, Value, compile_condition
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.policy.syntax import All, Any, Name, Node, Not, children, walk
from kyc_gate.policy.vocabulary import vocabulary
from kyc_gate.policy.written_conditions import condition_text
from kyc_gate.tuning.boundaries import value_at
from kyc_gate.tuning.nearest_change import Change, decided, nearest_changes


class Part(Record):
    """A part of a condition: its text, what it came to, the facts that it names, and the parts that it joins.

    `answer` is `true`, `false`, `unknown` or `failed`; `joins` is `all`, `any` or `not` for a part that joins others.
    """

    text: str
    answer: str
    joins: str = ""
    facts: tuple[tuple[str, object], ...] = ()
    reason: str = ""
    parts: tuple[Part, ...] = ()


class RuleExplained(Record):
    """One rule: whether it is in force, what its condition came to, and the finding where there is one."""

    policy: str
    rule: str
    title: str
    mode: Mode
    outcome: Outcome
    overridable: bool
    in_force: bool
    effective_from: date | None
    effective_to: date | None
    condition: Part | None
    finding: Finding | None
    citations: tuple[Citation, ...]


class Explanation(Record):
    """The decision, every rule behind it and beside it, and the smallest changes of facts that would change it."""

    decision: Decision
    rules: tuple[RuleExplained, ...]
    changes: tuple[Change, ...]


def explain(facts: Facts, policies: Sequence[Policy]) -> Explanation:
    """Return why the policies decide as they do on `facts`. Rules with a finding come first, severest first.

    A rule that several policies take from one pack is told once where it comes to the same.
    """
    rules: dict[object, RuleExplained] = {}
    for policy in policies:
        own = decided(facts, [policy])
        for rule in policy.rules:
            found = _rule(rule, facts, policy, own)
            answer = found.condition.answer if found.condition is not None else None
            rules.setdefault((found.policy, found.rule, found.finding or answer), found)
    return Explanation(
        decision=decided(facts, policies),
        rules=tuple(sorted(rules.values(), key=_rank)),
        changes=nearest_changes(facts, policies),
    )


def _rank(rule: RuleExplained) -> tuple[int, int]:
    """Findings that count before findings that do not, before rules that were asked, before rules not in force."""
    if rule.finding is None:
        return (2 if rule.in_force else 3), 0
    return (0 if rule.finding.counts else 1), -rule.finding.outcome.severity


def _rule(rule: Rule, facts: Facts, policy: Policy, decision: Decision) -> RuleExplained:
    day = facts.as_of.astimezone(UTC).date()
    mode, _ = rule.mode_on(facts.request)
    asked = mode is not Mode.OFF and rule.in_force(day)
    found = [one for one in decision.findings if (one.rule, one.policy) == (rule.id, rule.policy)]
    return RuleExplained(
        policy=rule.policy,
        rule=rule.id,
        title=rule.title,
        mode=mode,
        outcome=rule.outcome,
        overridable=rule.overridable,
        in_force=asked,
        effective_from=rule.effective_from,
        effective_to=rule.effective_to,
        condition=explain_condition(rule.node, facts, policy, policy.edition_on(day).groups) if asked else None,
        finding=found[0] if found else None,
        citations=tuple(policy.citations[cite] for cite in rule.cites if cite in policy.citations),
    )


def explain_condition(node: Node, facts: Facts, policy: Policy, groups: Groups) -> Part:
    """Return what each part of a condition comes to, down to single comparisons."""
    try:
        value = compile_condition(node, policy.constants)(facts, groups, ())
    # As when a rule is asked: whatever a part does with facts of a wrong type, the explanation must tell it.
    except Exception as error:  # noqa: BLE001
        value = Failed(reason=f"{type(error).__name__} while asking it")
    joins = _joins(node)
    return Part(
        text=condition_text(node),
        answer=_answer(value),
        joins=joins,
        facts=() if joins else _facts(node, facts),
        reason=_reason(value),
        parts=tuple(explain_condition(part, facts, policy, groups) for part in children(node)) if joins else (),
    )


def _joins(node: Node) -> str:
    """How a node joins its parts; nothing for a single question, whether or not it is turned around."""
    match node:
        case All():
            return "all"
        case Any():
            return "any"
        case Not(operand=operand) if _joins(operand):
            return "not"
        case _:
            return ""


def _answer(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "unknown" if isinstance(value, Unknown) else "failed"


def _reason(value: Value) -> str:
    if isinstance(value, Unknown):
        return f"unknown: {', '.join(sorted(value.names))}"
    return value.reason if isinstance(value, Failed) else ""


def _facts(node: Node, facts: Facts) -> tuple[tuple[str, object], ...]:
    names = dict.fromkeys(part.path for part in walk(node) if isinstance(part, Name) and part.path in vocabulary())
    return tuple((path, value_at(facts, path)) for path in names)
