"""Mutations of rules: every way in which a slip of the pen could change one, and what tells a mutant from its rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, timedelta
from fractions import Fraction

from msgspec.structs import replace

from kyc_gate.decide.cases import run_case
from kyc_gate.model.decision import Mode, Outcome
from kyc_gate.model.record import Record
from kyc_gate.policy.cases import PolicyCase
from kyc_gate.policy.expressions import compile_condition
from kyc_gate.policy.open_rules import steady_part
from kyc_gate.policy.policy import Edition, Policy, Rule
from kyc_gate.policy.syntax import All, Any, Compare, Items, Literal, Name, Node, Not, Quantified, walk
from kyc_gate.policy.written_conditions import condition_text, number_text

COMPARATORS = {">": ">=", ">=": ">", "<": "<=", "<=": "<", "==": "!=", "!=": "=="}
"""A comparison and the one that a slip of the pen makes of it."""


class Mutant(Record):
    """A rule that was changed in one place, how, and a limit of the policy that was changed instead."""

    rule: Rule
    how: str
    limit: tuple[str, int | Fraction] | None = None


def mutants(rule: Rule, policy: Policy) -> Iterator[Mutant]:
    """Yield every mutant of a rule: its condition, its limits, its dates, its outcome and its mode."""
    for node, what in _nodes(rule.node):
        yield Mutant(rule=replace(rule, node=node), how=what)
    named = {part.path[7:] for part in walk(rule.node) if isinstance(part, Name) and part.path[:7] == "limits."}
    for name in sorted(named):
        value = policy.limits[name]
        step = 1 if isinstance(value, int) else value / 100
        for moved in (value - step, value + step):
            how = f"with {number_text(moved)} for limits.{name}" if value < 10**7 else f"with limits.{name} by one off"
            yield Mutant(rule=rule, how=f"{how}, {'less' if moved < value else 'more'}", limit=(name, moved))
    for key in ("effective_from", "effective_to"):
        day: date | None = getattr(rule, key)
        for step in (-1, 1):
            if day is None:
                continue
            how = f"with {key} a day {'later' if step > 0 else 'earlier'}"
            yield Mutant(rule=replace(rule, **{key: day + timedelta(days=step)}), how=how)
    # The outcome of a finding that does not count is nobody's.
    if rule.mode is Mode.ENFORCE:
        other = Outcome.ESCALATE if rule.outcome is Outcome.BLOCK else Outcome.BLOCK
        yield Mutant(rule=replace(rule, outcome=other), how=f"with {other}")
    for mode in (Mode.OFF, Mode.ENFORCE if rule.mode is not Mode.ENFORCE else Mode.WARN):
        yield Mutant(rule=replace(rule, mode=mode), how=f"in mode {mode}")


def caught(mutant: Mutant, cases: Sequence[PolicyCase]) -> bool:
    """Return whether some case fails when the rule is replaced by its mutant."""
    return any(not run_case(replace(case, policy=changed(mutant, case.policy))).passed for case in cases)


def changed(mutant: Mutant, policy: Policy) -> Policy:
    """Return the policy with the mutant in place of its rule."""
    constants = policy.constants
    if mutant.limit is not None:
        name, value = mutant.limit
        constants = replace(constants, limits={**constants.limits, name: value})
    node = mutant.rule.node
    made = replace(mutant.rule, condition=compile_condition(node, constants), steady=steady_part(node, constants))
    rules = tuple(made if one.id == made.id else one for one in policy.rules)
    days = [made.effective_from, made.effective_to + timedelta(days=1) if made.effective_to else None]
    starts = tuple(sorted({*policy.starts, *(day for day in days if day is not None)}))
    found = tuple(
        Edition(
            rules=tuple(one for one in rules if one.mode is not Mode.OFF and one.in_force(day)),
            groups=policy.edition_on(day).groups,
        )
        for day in (starts[0] - timedelta(days=1), *starts)
    )
    return replace(policy, rules=rules, constants=constants, starts=starts, editions=found)


def differs(mutant: Mutant, rule: Rule, case: PolicyCase) -> bool:
    """Return whether a case could tell the mutant at all: a quick look before everything is decided."""
    if mutant.rule.node is rule.node:
        return True
    groups = case.policy.edition_on(case.facts.as_of.astimezone(UTC).date()).groups
    values = [
        compile_condition(node, case.policy.constants)(case.facts, groups, ()) for node in (rule.node, mutant.rule.node)
    ]
    answers = [value if isinstance(value, bool) else None for value in values]
    return answers[0] is not answers[1]


def _nodes(node: Node) -> Iterator[tuple[Node, str]]:
    """Every condition that differs from `node` in one place."""
    match node:
        case All(operands=operands) | Any(operands=operands):
            other = Any if isinstance(node, All) else All
            yield (
                other(operands=operands),
                f"with {'&& for ||' if other is All else '|| for &&'} after `{condition_text(operands[0])}`",
            )
            for index, operand in enumerate(operands):
                rest = operands[:index] + operands[index + 1 :]
                yield (
                    (rest[0] if len(rest) == 1 else replace(node, operands=rest)),
                    f"without `{condition_text(operand)}`",
                )
                for made, what in _nodes(operand):
                    yield replace(node, operands=(*operands[:index], made, *operands[index + 1 :])), what
        case Not(operand=operand):
            yield operand, f"without ! before `{condition_text(operand)}`"
            for made, what in _nodes(operand):
                yield replace(node, operand=made), what
        case Compare():
            yield from _comparisons(node)
        case Quantified(test=test, quantifier=quantifier):
            yield (
                replace(node, quantifier="all" if quantifier == "exists" else "exists"),
                f"with the other quantifier in `{condition_text(node)}`",
            )
            yield Not(operand=node), f"with ! before `{condition_text(node)}`"
            for made, what in _nodes(test):
                yield replace(node, test=made), what
        case _:
            yield Not(operand=node), f"with ! before `{condition_text(node)}`"


def _comparisons(node: Compare) -> Iterator[tuple[Node, str]]:
    if node.operator == "in":
        yield Not(operand=node), f"with ! before `{condition_text(node)}`"
    else:
        yield (
            replace(node, operator=COMPARATORS[node.operator]),
            f"with {COMPARATORS[node.operator]} in `{condition_text(node)}`",
        )
    for key in ("left", "right"):
        side = getattr(node, key)
        if isinstance(side, Items) and len(side.items) > 1:
            for index, item in enumerate(side.items):
                kept = side.items[:index] + side.items[index + 1 :]
                word = item.value if isinstance(item, Literal) else index
                yield replace(node, **{key: replace(side, items=kept)}), f"without {word} in `{condition_text(node)}`"
        if isinstance(side, Literal) and isinstance(side.value, int | Fraction) and not isinstance(side.value, bool):
            yield (
                replace(node, **{key: replace(side, value=side.value + 1)}),
                f"with one more in `{condition_text(node)}`",
            )
