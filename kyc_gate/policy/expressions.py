"""Conditions compiled to plain Python functions, with three-valued logic over unknown facts and exact numbers.

A condition answers True, False, `Unknown` with the names of the facts that it needed, or `Failed` with a reason.
As in CEL, `false && x` is false and `true || x` is true whatever `x` is, on either side; every other operation on an
unknown is unknown. Comparing a fact with `null` asks whether it is known, and so always answers.
No text of a policy reaches `eval`, `exec` or a regular expression.

Numbers are exact: whole numbers of any size and fractions. A decimal fraction of the facts means what it is written as,
so that a share of 0.3 reaches a limit of 0.3. `/` divides exactly, which is where this departs from CEL.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from fractions import Fraction
from math import isfinite
from typing import TypeGuard

from kyc_gate.model.facts import Facts
from kyc_gate.model.record import Record
from kyc_gate.policy.names import Constants
from kyc_gate.policy.syntax import (
    All,
    Any,
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
    Number,
    Quantified,
    simplified,
)
from kyc_gate.policy.typecheck import parse_moment
from kyc_gate.policy.vocabulary import Type, vocabulary

Groups = Mapping[str, frozenset[str]]
"""Country groups by name, expanded for one day."""


class Unknown(Record):
    """No answer, because of the facts named."""

    names: frozenset[str]


class Failed(Record):
    """No answer, because of an operation that cannot be done."""

    reason: str


Missing = Unknown | Failed
Value = bool | int | Fraction | str | datetime | tuple[str, ...] | frozenset[str] | None | Missing
Bound = tuple[str, ...]
"""Values of the variables that `exists` and `all` bind, outermost first."""
Part = Callable[[Facts, Groups, Bound], Value]
Condition = Callable[[Facts, Groups, Bound], Value]

_MISSING = (Unknown, Failed)


def compile_condition(node: Node, constants: Constants) -> Condition:
    """Return `node`, which has passed `check_condition`, as a function of the facts and the groups of the day."""
    return _part(node, constants, ())


def constant_value(node: Node, constants: Constants) -> Value:
    """Return the value of `node` where no fact, day or bound variable bears on it, else `Unknown` without names."""
    return _folded_value(_made(node, constants, ())) if _constant(node) else Unknown(names=frozenset())


def merged(first: object, second: object) -> Missing:
    """Return why two operands gave no answer. As in CEL, not knowing outranks failing: facts may yet become known."""
    if isinstance(first, Unknown):
        return Unknown(names=first.names | second.names) if isinstance(second, Unknown) else first
    if isinstance(second, Unknown):
        return second
    for value in (first, second):
        if isinstance(value, Failed):
            return value
    return Failed(reason="a condition is neither true nor false")


def _fact(path: str) -> Part:
    """The value of the fact at `path`, or `Unknown` for None."""
    get = operator.attrgetter(path)
    unknown = Unknown(names=frozenset({path}))
    if vocabulary()[path].type is Type.NUMBER and not vocabulary()[path].exact:

        def number(facts: Facts, groups: Groups, bound: Bound) -> Value:
            value = get(facts)
            return unknown if value is None else _decimal(value, path)

        return number

    def plain(facts: Facts, groups: Groups, bound: Bound) -> Value:
        value: Value = get(facts)
        return unknown if value is None else value

    return plain


def _decimal(value: float | int, path: str) -> Value:
    """The number that a float is written as, exactly: 0.3 is three tenths, not the nearest binary fraction."""
    if isinstance(value, int):
        return value
    if not isfinite(value):
        return Failed(reason=f"`{path}` is not a finite number")
    return int(value) if value.is_integer() else Fraction(repr(value))


def _part(node: Node, constants: Constants, bound: tuple[str, ...]) -> Part:
    made = _made(node, constants, bound)
    return _folded(made) if _constant(node) else made


def _constant(node: Node) -> bool:
    """Whether nothing in `node` depends on facts, the day, or a bound variable."""
    match node:
        case Literal():
            return True
        case Name(path=path):
            return path.startswith(("limits.", "options."))
        case Arithmetic(left=left, right=right):
            return _constant(left) and _constant(right)
        case Negative(operand=operand) | Not(operand=operand):
            return _constant(operand)
        case Items(items=items):
            return all(isinstance(item, Literal) for item in items)
        case _:
            return False


def _folded(part: Part) -> Part:
    value = _folded_value(part)
    return lambda facts, groups, bound: value


def _folded_value(part: Part) -> Value:
    return part(None, {}, ())  # type: ignore[arg-type]  # a constant part reads no facts


def _made(node: Node, constants: Constants, bound: tuple[str, ...]) -> Part:
    def part(child: Node) -> Part:
        return _part(child, constants, bound)

    match node:
        case Literal(value=value):
            return lambda facts, groups, bound: value
        case Name():
            return _name(node, constants, bound)
        case Not(operand=operand):
            return _not(part(operand))
        case Negative(operand=operand):
            return _strict(operator.neg, part(operand))
        case All(operands=operands):
            return _all(tuple(part(operand) for operand in operands))
        case Any(operands=operands):
            return _any(tuple(part(operand) for operand in operands))
        case Compare(operator=sign, left=left, right=right):
            if _asks_null(node):
                return _known(sign, left, right)
            if _plain_fact(left, bound) and _always_answers(right, part(right)):
                return _fact_compared(sign, left, part(right))
            return _compare(sign, part(left), part(right))
        case Arithmetic(operator=sign, left=left, right=right):
            return _strict(_ARITHMETIC[sign], part(left), part(right))
        case Conditional(test=test, then=then, otherwise=otherwise):
            return _conditional(part(test), part(then), part(otherwise))
        case Items(items=items):
            return _items(tuple(part(item) for item in items))
        case Apply(function="has", arguments=(Name() as name,)):
            return _known("!=", name, Literal(value=None))
        case Apply(function=("date" | "timestamp"), arguments=(Literal(value=str() as text),)):
            moment = parse_moment(text)
            return lambda facts, groups, bound: moment
        case Apply(function=function, arguments=arguments):
            return _strict(_FUNCTIONS[function], *(part(argument) for argument in arguments))
        case Quantified(items=items, variable=variable, test=test):
            return _quantified(node.quantifier, part(items), _part(test, constants, (*bound, variable)))
    raise TypeError(f"no such node: {node}")


def _name(node: Name, constants: Constants, bound: tuple[str, ...]) -> Part:
    if node.path in bound:
        index = bound.index(node.path)
        return lambda facts, groups, values: values[index]
    room, _, rest = node.path.partition(".")
    if room == "limits":
        limit = constants.limits[rest]
        return lambda facts, groups, bound: limit
    if room == "options":
        option = constants.options[rest]
        return lambda facts, groups, bound: option
    if room == "groups":
        return lambda facts, groups, bound: groups[rest]
    return _fact(node.path)


def _asks_null(node: Compare) -> bool:
    sides = (node.left, node.right)
    return node.operator in ("==", "!=") and any(isinstance(side, Literal) and side.value is None for side in sides)


def _known(sign: str, left: Node, right: Node) -> Part:
    name = left if isinstance(left, Name) else right
    assert isinstance(name, Name)  # noqa: S101  # the type check lets nothing else through
    get = operator.attrgetter(name.path)
    if sign == "==":
        return lambda facts, groups, bound: get(facts) is None
    return lambda facts, groups, bound: get(facts) is not None


def _not(operand: Part) -> Part:
    def negated(facts: Facts, groups: Groups, bound: Bound) -> Value:
        value = operand(facts, groups, bound)
        return (value is False) if isinstance(value, bool) else merged(value, None)

    return negated


def _all(operands: tuple[Part, ...]) -> Part:
    def conjunction(facts: Facts, groups: Groups, bound: Bound) -> Value:
        missing: object = None
        for operand in operands:
            value = operand(facts, groups, bound)
            if value is True:
                continue
            if value is False:
                return False
            missing = merged(missing, value)
        return True if missing is None else missing  # type: ignore[return-value]  # merged() gives Missing

    return conjunction


def _any(operands: tuple[Part, ...]) -> Part:
    def disjunction(facts: Facts, groups: Groups, bound: Bound) -> Value:
        missing: object = None
        for operand in operands:
            value = operand(facts, groups, bound)
            if value is False:
                continue
            if value is True:
                return True
            missing = merged(missing, value)
        return False if missing is None else missing  # type: ignore[return-value]  # merged() gives Missing

    return disjunction


def _plain_fact(node: Node, bound: tuple[str, ...]) -> TypeGuard[Name]:
    """Whether `node` names a fact whose value can be compared as it stands."""
    if not isinstance(node, Name) or node.path in bound or node.path not in vocabulary():
        return False
    return vocabulary()[node.path].type is not Type.NUMBER or vocabulary()[node.path].exact


def _always_answers(node: Node, part: Part) -> bool:
    """Whether `node` is a group or a constant other than a failure such as `1 / 0`."""
    if isinstance(node, Name) and node.path.startswith("groups."):
        return True
    return _constant(node) and not isinstance(_folded_value(part), _MISSING)


def _fact_compared(sign: str, name: Name, right: Part) -> Part:
    """A fact against a constant or a group, which always answers: most of what rules ask, so without a call between."""
    get = operator.attrgetter(name.path)
    unknown = Unknown(names=frozenset({name.path}))
    test = _COMPARISONS[sign]

    def comparison(facts: Facts, groups: Groups, bound: Bound) -> Value:
        value = get(facts)
        return unknown if value is None else test(value, right(facts, groups, bound))

    return comparison


def _compare(sign: str, left: Part, right: Part) -> Part:
    test = _COMPARISONS[sign]

    def comparison(facts: Facts, groups: Groups, bound: Bound) -> Value:
        first = left(facts, groups, bound)
        second = right(facts, groups, bound)
        if isinstance(first, _MISSING) or isinstance(second, _MISSING):
            return merged(first, second)
        return test(first, second)

    return comparison


def _strict(function: Callable[..., Value], *parts: Part) -> Part:
    """A function that answers only when all its operands do."""

    def applied(facts: Facts, groups: Groups, bound: Bound) -> Value:
        values = [part(facts, groups, bound) for part in parts]
        missing: object = None
        for value in values:
            if isinstance(value, _MISSING):
                missing = merged(missing, value)
        return function(*values) if missing is None else missing  # type: ignore[return-value]  # as above

    return applied


def _conditional(test: Part, then: Part, otherwise: Part) -> Part:
    def chosen(facts: Facts, groups: Groups, bound: Bound) -> Value:
        value = test(facts, groups, bound)
        if not isinstance(value, bool):
            return merged(value, None)
        return then(facts, groups, bound) if value else otherwise(facts, groups, bound)

    return chosen


def _items(parts: tuple[Part, ...]) -> Part:
    def listed(*values: str) -> Value:
        return values

    return _strict(listed, *parts)


def _quantified(quantifier: str, items: Part, test: Part) -> Part:
    settles = quantifier == "exists"

    def quantified(facts: Facts, groups: Groups, bound: Bound) -> Value:
        values = items(facts, groups, bound)
        if isinstance(values, _MISSING):
            return values
        assert isinstance(values, tuple | frozenset)  # noqa: S101  # the type check lets nothing else through
        missing: object = None
        for value in sorted(values) if len(values) > 1 else values:
            answer = test(facts, groups, (*bound, value))
            if answer is settles:
                return settles
            if answer is not (not settles):
                missing = merged(missing, answer)
        return (not settles) if missing is None else missing  # type: ignore[return-value]  # merged() gives Missing

    return quantified


def _divided(left: Number, right: Number) -> Value:
    return Failed(reason="a condition divides by zero") if right == 0 else simplified(Fraction(left) / Fraction(right))


_COMPARISONS: Mapping[str, Callable[..., bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda item, items: item in items,
}
_ARITHMETIC: Mapping[str, Callable[..., Value]] = {
    "+": lambda left, right: simplified(left + right),
    "-": lambda left, right: simplified(left - right),
    "*": lambda left, right: simplified(left * right),
    "/": _divided,
}
_FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "size": len,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}
