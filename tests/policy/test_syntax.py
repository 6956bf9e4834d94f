"""The grammar of conditions."""

from __future__ import annotations

from fractions import Fraction

import pytest

from kyc_gate.policy.syntax import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_NODES,
    All,
    Any,
    Arithmetic,
    Compare,
    ConditionError,
    Literal,
    Name,
    Not,
    parse_condition,
    parse_number,
)


def test_or_binds_looser_than_and() -> None:
    """`a || b && c` is `a || (b && c)`."""
    node = parse_condition("a || b && c")
    assert isinstance(node, Any)
    assert isinstance(node.operands[1], All)


def test_comparison_binds_looser_than_arithmetic() -> None:
    """`a >= b * c + d` compares `a` with a sum, whose first part is a product."""
    node = parse_condition("a >= b * c + d")
    assert isinstance(node, Compare)
    assert isinstance(node.right, Arithmetic)
    assert node.right.operator == "+"


def test_not_binds_tightest() -> None:
    """`!a && b` is `(!a) && b`."""
    node = parse_condition("!a && b")
    assert isinstance(node, All)
    assert isinstance(node.operands[0], Not)


def test_names_are_dotted() -> None:
    """A dotted name is one name."""
    node = parse_condition("customer.headquarters")
    assert isinstance(node, Name)
    assert node.path == "customer.headquarters"


def test_comments_and_lines_are_space() -> None:
    """A condition may run over lines and carry comments."""
    assert isinstance(parse_condition("a && // because\n b"), All)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e26", 10**26),
        ("100000000000000000000000000", 10**26),
        ("0.1", Fraction(1, 10)),
        ("2.5e25", 25 * 10**24),
        ("1E+3", 1000),
        ("1e-2", Fraction(1, 100)),
    ],
)
def test_numbers_are_exact(text: str, value: int | Fraction) -> None:
    """A number means what it writes, at any size."""
    node = parse_condition(text)
    assert isinstance(node, Literal)
    assert node.value == value
    assert type(node.value) is type(value)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-inf", "sNaN", "1e101", "1" * 101, "1e-101", "one", "", "1__0"])
def test_no_number_is_endless_or_none(text: str) -> None:
    """NaN, infinity, excess digits and words are refused."""
    with pytest.raises(ConditionError):
        parse_number(text) if text != "1__0" else parse_condition(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a &&",
        "&& a",
        "a & b",
        "a | b",
        "(a",
        "a)",
        "a b",
        "a = b",
        "[a, b",
        "a.(b)",
        "a..b",
        "1.a",
        "'open",
        '"a\nb"',
        '"\\q"',
        "1e",
        "0x10",
        "12abc",
        "a ? b",
        "a ? b : ",
        "true.x",
        "in",
        "import os",
        "a; b",
        "a[0]",
        "{a}",
        "lambda: 1",
        "__import__('os')",
        "a.matches('x')",
        "size()",
        "size(a, b)",
        "a.startsWith()",
        "a.exists(b)",
        "a.exists(1, b)",
        "é",
        "a\x00b",
    ],
)
def test_what_is_not_a_condition_is_refused_in_one_line(text: str) -> None:
    """Whatever the text, the answer is one line that says what does not fit."""
    with pytest.raises(ConditionError) as caught:
        parse_condition(text)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert 0 <= caught.value.position <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * (MAX_LENGTH + 1),
        "(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1),
        "!" * (MAX_DEPTH + 1) + "a",
        "-" * 1000 + "1",
        "+".join("1" * (MAX_DEPTH + 2)),
        " && ".join(["a"] * (MAX_NODES + 1)),
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "a" + " ? a : a" * (MAX_DEPTH + 1),
    ],
)
def test_size_and_nesting_are_bounded(text: str) -> None:
    """A condition beyond any bound is refused, and nothing recurses without end."""
    with pytest.raises(ConditionError):
        parse_condition(text)


def test_a_long_flat_condition_is_read() -> None:
    """Many operands of one `&&` are one level, not many."""
    node = parse_condition(" && ".join(["a"] * 300))
    assert isinstance(node, All)
    assert len(node.operands) == 300
