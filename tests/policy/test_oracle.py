"""Every rule of every pack, asked by a second implementation of CEL on random facts.

The other engine has 64-bit numbers and no unknown: so every number is a double, chosen where doubles are as good as
exact ones; an unknown fact is left out, so that needing it is an error; and `x == null` asks a flag beside it. As in
ours, its `&&` and `||` take an error on either side where the other side decides.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

import cel
import pytest

from kyc_gate.model.facts import Facts
from kyc_gate.policy.expressions import Groups
from kyc_gate.policy.names import Constants
from kyc_gate.policy.policy import Edition, Policy, Rule
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.policy.syntax import (
    All,
    Apply,
    Arithmetic,
    Compare,
    Conditional,
    Items,
    Literal,
    Name,
    Negative,
    Node,
    Not,
    Quantified,
)
from kyc_gate.policy.syntax import Any as AnyOf
from kyc_gate.policy.vocabulary import Type, vocabulary
from kyc_gate.policy.written_conditions import number_text
from kyc_gate.tuning.boundaries import boundary_values, condition_facts, with_facts

from .builders import facts

PACKS = sorted(path.parent.name for path in shipped_policies().glob("*/policy.toml"))
BASE = facts()
EXACT = 2**53
"""Whole numbers up to here are doubles; beyond, only numbers with few digits are asked."""


def spelt(node: Node, constants: Constants, groups: Groups) -> str:
    """A condition as the other engine reads it, with the policy's constants and groups written out."""

    def inner(part: Node) -> str:
        return spelt(part, constants, groups)

    match node:
        case Literal(value=None):
            raise AssertionError("null stands in comparisons only")
        case Literal(value=bool() as value):
            return str(value).lower()
        case Literal(value=str() as value):
            return f"'{value}'"
        case Literal(value=value):
            return repr(float(value))
        case Name(path=path) if path.startswith("limits."):
            return repr(float(constants.limits[path[7:]]))
        case Name(path=path) if path.startswith("options."):
            return str(constants.options[path[8:]]).lower()
        case Name(path=path) if path.startswith("groups."):
            return f"[{', '.join(repr(code) for code in sorted(groups[path[7:]]))}]"
        case Name(path=path):
            return path
        case Not(operand=operand):
            return f"!({inner(operand)})"
        case Negative(operand=operand):
            return f"-({inner(operand)})"
        case All(operands=operands):
            return " && ".join(f"({inner(operand)})" for operand in operands)
        case AnyOf(operands=operands):
            return " || ".join(f"({inner(operand)})" for operand in operands)
        case Compare(operator=sign, left=Name(path=path), right=Literal(value=None)):
            return f"{'' if sign == '!=' else '!'}known.{path.replace('.', '_')}"
        case Apply(function="has", arguments=(Name(path=path),)):
            return f"known.{path.replace('.', '_')}"
        case Compare(operator=sign, left=left, right=right) | Arithmetic(operator=sign, left=left, right=right):
            return f"({inner(left)}) {sign} ({inner(right)})"
        case Conditional(test=test, then=then, otherwise=otherwise):
            return f"({inner(test)}) ? ({inner(then)}) : ({inner(otherwise)})"
        case Items(items=items):
            return f"[{', '.join(inner(item) for item in items)}]"
        case Apply(function=("date" | "timestamp"), arguments=(Literal(value=str() as text),)):
            return f"timestamp('{text if 'T' in text else f'{text}T00:00:00Z'}')"
        case Apply(function="size", arguments=(argument,)):
            return f"double(({inner(argument)}).size())"
        case Apply(function=function, arguments=(receiver, argument)):
            return f"({inner(receiver)}).{function}({inner(argument)})"
        case Quantified(items=items, variable=variable, test=test):
            return f"({inner(items)}).{node.quantifier}({variable}, {inner(test)})"
    raise AssertionError(f"no such node: {node}")


def told(given: Facts, paths: list[str]) -> dict[str, Any]:
    """The facts as the other engine wants them: numbers as doubles, and the unknown left out."""
    context: dict[str, Any] = {"known": {}}
    for path in paths:
        room, _, name = path.partition(".")
        value = getattr(getattr(given, room), name)
        context.setdefault(room, {})
        context["known"][path.replace(".", "_")] = value is not None
        if isinstance(value, tuple):
            context[room][name] = list(value)
        elif value is not None:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            context[room][name] = float(value) if number else value
    return context


def answer(program: Any, context: Any) -> bool | None:
    """What the other engine says; None where it has an error."""
    try:
        found = program.execute(context)
    except (KeyError, TypeError, ValueError, RuntimeError):
        return None
    assert isinstance(found, bool)
    return found


def drawn(policy: Policy, day: datetime) -> Mapping[str, tuple[object, ...]]:
    """Values on both sides of everything that the rules ask, and between."""
    values = boundary_values([policy], day)
    found: dict[str, tuple[object, ...]] = {}
    for path, some in values.items():
        fact = vocabulary()[path]
        options = list(some)
        if fact.type is Type.NUMBER:
            numbers = [value for value in some if isinstance(value, int | float)]
            options = [None] if fact.nullable else []
            options += [value for value in numbers if value < EXACT or len(number_text(int(value))) < 8]
            options += [type(value)(beside) for value in numbers for beside in (value // 3, value * 7)]
        if fact.type is Type.TEXTS:
            words = sorted({word for value in some if isinstance(value, tuple) for word in value})
            options += [(one, other) for one in words for other in words if one < other]
        found[path] = tuple(dict.fromkeys(options))
    return found


def editions(policy: Policy) -> Iterator[tuple[datetime, Edition]]:
    """A noon of each stretch of days on which the policy is the same."""
    for start, edition in zip(policy.starts, policy.editions[1:], strict=True):
        yield datetime.combine(start, time(12), UTC), edition


def differences(count: int) -> tuple[list[str], int]:
    """Rules that the two engines answer otherwise on `count` random facts, and how many answers were compared."""
    dice = random.Random(11)  # noqa: S311 - any facts will do
    stretches = [(read, day, edition) for name in PACKS for read in (pack(name),) for day, edition in editions(read)]
    wrong, asked = [], 0
    share = -(-count // len(stretches))
    for policy, day, edition in stretches:
        programs = [(rule, cel.compile(spelt(rule.node, policy.constants, edition.groups))) for rule in edition.rules]
        paths = list(dict.fromkeys(path for rule in edition.rules for path in condition_facts(rule.node)))
        values = drawn(policy, day)
        for _ in range(share):
            chosen = {path: dice.choice(values[path]) for path in paths}
            given = with_facts(BASE, {**chosen, "as_of": day})
            context = cel.Context(variables=told(given, paths))
            for rule, program in programs:
                asked += 1
                if ours(rule, given, edition) is not answer(program, context):
                    wrong.append(f"{rule.id} on {day.date()}: {chosen}")
    return wrong, asked


def pack(name: str) -> Policy:
    """A shipped pack with every option on, so that every rule has something to say."""
    from kyc_gate.policy.read import Adjustments

    policy = read_policy(shipped_policies() / name)
    return read_policy(shipped_policies() / name, Adjustments(options=dict.fromkeys(policy.options, True)))


def ours(rule: Rule, given: Facts, edition: Edition) -> bool | None:
    value = rule.condition(given, edition.groups, ())
    return value if isinstance(value, bool) else None


def test_a_second_engine_agrees_on_every_rule() -> None:
    """On some hundred random facts, every rule in force answers as the other engine has it."""
    wrong, asked = differences(300)
    assert wrong == []
    assert asked > 3_000


@pytest.mark.long
def test_a_second_engine_agrees_on_a_hundred_thousand_facts() -> None:
    """On 100,000 random facts, with all editions of all packs, there is no difference."""
    wrong, asked = differences(100_000)
    assert wrong == []
    assert asked > 1_000_000


def test_the_second_engine_can_disagree() -> None:
    """The comparison is no idle one: a rule whose sign is turned is found within the sample."""
    policy = pack("us-in-force")
    day, edition = list(editions(policy))[-1]
    rule = next(one for one in edition.rules if one.id == "d5-training")
    text = spelt(rule.node, policy.constants, edition.groups).replace(" >= ", " > ", 1)
    program = cel.compile(text)
    dice = random.Random(2)  # noqa: S311 - any facts will do
    values = drawn(policy, day)
    paths = list(condition_facts(rule.node))
    found = 0
    for _ in range(3_000):
        given = with_facts(BASE, {**{path: dice.choice(values[path]) for path in paths}, "as_of": day})
        found += ours(rule, given, edition) is not answer(program, cel.Context(variables=told(given, paths)))
    assert found > 0
