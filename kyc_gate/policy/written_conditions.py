"""A syntax tree as text again, in one spelling: for explanations, for differences in words, and for a formatter."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from kyc_gate.policy.syntax import (
    METHODS,
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
)

_CONDITIONAL, _ANY, _ALL, _COMPARE, _SUM, _PRODUCT, _UNARY, _MEMBER = range(8)
"""How tightly each kind of node binds, loosest first: the levels of the parser."""


_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def condition_text(node: Node) -> str:
    """Return `node` as text that parses to the same tree, with no more parentheses than it needs."""
    return _text(node, _CONDITIONAL)


def number_text(value: Number) -> str:
    """Return a number as people write it: `1e26`, `0.1`, `4096`. A fraction without an end is written as a division."""
    if isinstance(value, Fraction):
        return _fraction_text(value)
    digits = str(value).rstrip("0")
    zeros = len(str(value)) - len(digits)
    if zeros < 6:
        return str(value)
    return f"{digits}e{zeros}" if len(digits) == 1 else f"{digits[0]}.{digits[1:]}e{zeros + len(digits) - 1}"


def _fraction_text(value: Fraction) -> str:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{value.numerator} / {value.denominator}"
    exponent = max(_power(value.denominator, 2), _power(value.denominator, 5))
    return format(Decimal(value.numerator * 10**exponent // value.denominator).scaleb(-exponent), "f")


def _power(value: int, prime: int) -> int:
    count = 0
    while value % prime == 0:
        value //= prime
        count += 1
    return count


def _text(node: Node, level: int) -> str:
    own, text = _written(node)
    return f"({text})" if own < level else text


def _written(node: Node) -> tuple[int, str]:
    """Return how tightly the node's text binds, and the text."""
    match node:
        case Literal(value=value):
            return _literal(value)
        case Name(path=path):
            return _MEMBER, path
        case Not(operand=operand):
            return _UNARY, f"!{_text(operand, _MEMBER if not isinstance(operand, Not | Negative) else _UNARY)}"
        case Negative(operand=operand):
            return _UNARY, f"-{_text(operand, _MEMBER if not isinstance(operand, Not | Negative) else _UNARY)}"
        case All(operands=operands):
            return _ALL, " && ".join(_text(operand, _COMPARE) for operand in operands)
        case Any(operands=operands):
            return _ANY, " || ".join(_text(operand, _ALL) for operand in operands)
        case Compare(operator=sign, left=left, right=right):
            return _COMPARE, f"{_text(left, _COMPARE)} {sign} {_text(right, _SUM)}"
        case Arithmetic(operator=sign, left=left, right=right):
            level = _SUM if sign in "+-" else _PRODUCT
            return level, f"{_text(left, level)} {sign} {_text(right, level + 1)}"
        case Conditional(test=test, then=then, otherwise=otherwise):
            return _CONDITIONAL, f"{_text(test, _ANY)} ? {_text(then, _ANY)} : {_text(otherwise, _CONDITIONAL)}"
        case Items(items=items):
            return _MEMBER, f"[{', '.join(_text(item, _CONDITIONAL) for item in items)}]"
        case Apply(function=function, arguments=arguments):
            return _MEMBER, _call(function, arguments)
        case Quantified(quantifier=quantifier, items=items, variable=variable, test=test):
            return _MEMBER, f"{_text(items, _MEMBER)}.{quantifier}({variable}, {_text(test, _CONDITIONAL)})"
    raise TypeError(f"no such node: {node}")


def _literal(value: Number | str | bool | None) -> tuple[int, str]:
    if value is None:
        return _MEMBER, "null"
    if isinstance(value, bool):
        return _MEMBER, str(value).lower()
    if isinstance(value, str):
        return _MEMBER, f'"{"".join(_ESCAPED.get(character, character) for character in value)}"'
    text = number_text(value)
    return (_PRODUCT if "/" in text else _MEMBER), text


def _call(function: str, arguments: tuple[Node, ...]) -> str:
    if function in METHODS and len(arguments) == METHODS[function] + 1 and (function != "size"):
        rest = ", ".join(_text(argument, _CONDITIONAL) for argument in arguments[1:])
        return f"{_text(arguments[0], _MEMBER)}.{function}({rest})"
    return f"{function}({', '.join(_text(argument, _CONDITIONAL) for argument in arguments)})"
