"""Facts between the lines that conditions draw: the same place gives the same answer."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from policy.builders import CONSTANTS, facts

from kyc_gate.policy.expressions import compile_condition
from kyc_gate.policy.syntax import parse_condition
from kyc_gate.tuning.boundaries import with_facts
from kyc_gate.tuning.places import drawn, lines_of, places

CONDITIONS = [
    "operations.projected >= limits.half && operations.high < limits.frontier_operations",
    "!(operations.projected == 7) || operations.used == null",
    "3 <= operations.projected && splitting.near_share > 0.3",
    "has(operations.likely) && operations.likely > 2 * limits.half",
    'as_of >= date("2026-11-10") && screening.age_hours <= 24.5',
    "operations.projected > 10 ? operations.used > 5 : operations.used != 5",
]
VALUES = {
    "operations.projected": [None, 0, 2, 3, 4, 6, 7, 8, 10, 11, 10**26 // 2 - 1, 10**26 // 2, 10**26 // 2 + 1],
    "operations.used": [None, 4, 5, 6],
    "operations.high": [None, 10**26 - 1, 10**26, 10**26 + 1],
    "operations.likely": [None, 10**26 - 1, 10**26, 10**26 + 1],
    "splitting.near_share": [0.3, 0.1 + 0.2, 0.29999, 0.5],
    "screening.age_hours": [None, 24.5, 24.50001, 3.25],
}


@pytest.mark.parametrize("text", CONDITIONS)
def test_what_lies_in_the_same_place_is_answered_alike(text: str) -> None:
    """Over values on and beside every line, the answer follows from the place; a sum of floats is beside its line."""
    node = parse_condition(text)
    lines = lines_of(node, CONSTANTS)
    assert lines is not None
    own = drawn([lines])
    ask = compile_condition(node, CONSTANTS)
    dice = random.Random(1)  # noqa: S311 - the same draw every time
    seen: dict[tuple[int, ...], object] = {}
    for _ in range(1_500):
        given = {path: dice.choice(values) for path, values in VALUES.items()}
        asked = with_facts(facts(), given)
        asked = with_facts(asked, {"as_of": asked.as_of.replace(month=11, day=dice.choice([9, 10, 11]))})
        place = places(own, asked)
        assert place is not None
        assert seen.setdefault(place, ask(asked, {}, ())) == ask(asked, {}, ())
    assert len(seen) > 3


def test_lines_are_those_of_the_conditions() -> None:
    """Each hot fact has its lines in order, of all conditions together; a fact without a line has its knowledge."""
    found = [lines_of(parse_condition(text), CONSTANTS) for text in CONDITIONS]
    own = drawn([lines for lines in found if lines is not None])
    assert all(one < other for _, lines in own for one, other in pairwise(lines))
    assert lines_of(parse_condition("has(operations.used) && account.known"), CONSTANTS) == {
        "operations.used": frozenset()
    }
    assert lines_of(parse_condition("splitting.near_share > 0.3"), CONSTANTS) == {
        "splitting.near_share": frozenset({Fraction(3, 10)})
    }


@pytest.mark.parametrize(
    "text",
    [
        "operations.declared * 3 < operations.likely",
        "operations.used > operations.projected",
        "operations.used + 1 > 5",
        "operations.used / 0 > 5",
        "operations.used > 1 / 0",
    ],
)
def test_what_is_not_held_against_a_constant_has_no_lines(text: str) -> None:
    """Such a condition is asked every time."""
    assert lines_of(parse_condition(text), CONSTANTS) is None


def test_what_is_no_number_has_no_place() -> None:
    """A fact that is not finite fails its condition, so nothing may be remembered of it."""
    own = drawn([{"screening.age_hours": frozenset({24})}])
    assert places(own, with_facts(facts(), {"screening.age_hours": float("nan")})) is None
