"""Where facts that are hardly ever the same twice lie between the lines that a condition draws.

`operations.projected >= 1e25` answers alike for all numbers on one side of the line. So what a condition says follows
from the places of the facts that it compares with constants, and there are few places.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from math import isfinite
from operator import attrgetter
from typing import Any

from kyc_gate.policy.expressions import constant_value
from kyc_gate.policy.names import Constants
from kyc_gate.policy.syntax import Apply, Compare, Literal, Name, Node, children
from kyc_gate.policy.typecheck import parse_moment

HOT = frozenset(
    {
        "as_of",
        "screening.age_hours",
        *(f"operations.{name}" for name in ("low", "likely", "high", "used", "projected", "ceiling", "model_total")),
        *(f"splitting.{name}" for name in ("together", "total", "near_share")),
    }
)
"""Facts that are hardly ever the same twice; what asks for none of them is asked once for all that it asks for."""

Line = int | Fraction | datetime
LinesOf = Mapping[str, frozenset[Line]]
"""The hot facts that a condition names, each with the constants that it is compared with."""

Drawn = tuple[Callable[[Any], object], tuple[Line, ...]]
"""How to get a hot fact, and the lines that it lies between, in order."""

_UNKNOWN = -1


def lines_of(node: Node, constants: Constants) -> LinesOf | None:
    """Return the lines that a condition draws; None where it does not only hold hot facts against constants."""
    found: dict[str, set[Line]] = {}
    if not _collect(node, constants, found):
        return None
    return {path: frozenset(lines) for path, lines in found.items()}


def drawn(several: Sequence[LinesOf]) -> tuple[Drawn, ...]:
    """Return the lines of several conditions together."""
    found: dict[str, set[Line]] = {}
    for lines in several:
        for path, own in lines.items():
            found.setdefault(path, set()).update(own)
    return tuple((attrgetter(path), tuple(sorted(lines))) for path, lines in sorted(found.items()))


def places(lines: Sequence[Drawn], parts: object) -> tuple[int, ...] | None:
    """Return where the hot facts of `parts` lie: twice the number of lines below, and one more on a line itself.

    None where a fact is no number that can be held against another.
    """
    found = []
    for get, own in lines:
        value: Any = get(parts)
        if value is None:
            found.append(_UNKNOWN)
            continue
        if isinstance(value, float):
            if not isfinite(value):
                return None
            value = Fraction(repr(value))
        place = bisect_left(own, value)
        found.append(2 * place + (place < len(own) and own[place] == value))
    return tuple(found)


def _collect(node: Node, constants: Constants, found: dict[str, set[Line]]) -> bool:
    """Note the lines of `node` in `found`, and return whether there is nothing else to its hot facts."""
    if isinstance(node, Name):
        return node.path not in HOT
    if isinstance(node, Apply) and node.function == "has":
        if _hot(node.arguments[0]):
            found.setdefault(_path(node.arguments[0]), set())
        return True
    if isinstance(node, Compare) and (_hot(node.left) or _hot(node.right)):
        named, other = (node.left, node.right) if _hot(node.left) else (node.right, node.left)
        lines = found.setdefault(_path(named), set())
        if isinstance(other, Literal) and other.value is None:
            return True
        line = _constant(other, constants)
        if line is None or node.operator == "in":
            return False
        lines.add(line)
        return True
    return all(_collect(child, constants, found) for child in children(node))


def _hot(node: Node) -> bool:
    return isinstance(node, Name) and node.path in HOT


def _path(node: Node) -> str:
    assert isinstance(node, Name)  # noqa: S101 - as `_hot` found
    return node.path


def _constant(node: Node, constants: Constants) -> Line | None:
    if isinstance(node, Apply) and node.function in ("date", "timestamp"):
        (argument,) = node.arguments
        return parse_moment(str(argument.value)) if isinstance(argument, Literal) else None
    value = constant_value(node, constants)
    return value if isinstance(value, int | Fraction) and not isinstance(value, bool) else None
