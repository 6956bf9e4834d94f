"""Conditions as text again."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from msgspec.structs import asdict

from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.policy.syntax import Node, Number, parse_condition
from kyc_gate.policy.written_conditions import condition_text, number_text

from .test_expressions import _booleans


def bare(node: object) -> object:
    """A tree without the places at which its parts stood."""
    if isinstance(node, Node):
        return (type(node).__name__, {name: bare(value) for name, value in asdict(node).items() if name != "position"})
    return tuple(bare(part) for part in node) if isinstance(node, tuple) else node


@given(text=_booleans())
def test_a_written_condition_parses_to_the_same_tree(text: str) -> None:
    """Nothing is lost or bound otherwise by writing a condition anew."""
    node = parse_condition(text)
    assert bare(parse_condition(condition_text(node))) == bare(node)


@pytest.mark.parametrize("pack", ["us-in-force", "us-ai-diffusion", "gate-base"])
def test_shipped_conditions_survive(pack: str) -> None:
    """Every shipped condition parses to the same tree when it is written anew."""
    for rule in read_policy(shipped_policies() / pack).rules:
        assert bare(parse_condition(condition_text(rule.node))) == bare(rule.node), rule.id


@pytest.mark.parametrize(
    ("given_text", "written"),
    [
        ("((a)) && (b && c)", "a && (b && c)"),
        ("!(a || b)", "!(a || b)"),
        ("(a + b) * c - -d", "(a + b) * c - -d"),
        ("a - (b - c)", "a - (b - c)"),
        ("x.exists(c, c in ['a', \"b\"])", 'x.exists(c, c in ["a", "b"])'),
        ("size(x) >= 100000000000000000000000000", "size(x) >= 1e26"),
        (r'a == "\\ \" \n"', r'a == "\\ \" \n"'),
        ("(a ? b : c) ? d : e", "(a ? b : c) ? d : e"),
    ],
)
def test_one_spelling(given_text: str, written: str) -> None:
    """Parentheses stand only where they are needed, and numbers are short."""
    assert condition_text(parse_condition(given_text)) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (4096, "4096"),
        (10**26, "1e26"),
        (25 * 10**24, "2.5e25"),
        (Fraction(1, 10), "0.1"),
        (Fraction(1, 3), "1 / 3"),
    ],
)
def test_numbers_are_short_and_exact(value: Number, written: str) -> None:
    """A number reads as people write it, and loses nothing."""
    assert number_text(value) == written
