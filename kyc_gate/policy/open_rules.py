"""Which rules of an edition are still open for some facts: all but those that are sure to be false.

Most rules ask after the party first and after amounts then. Of the same party every call tells the same, so what the
conjuncts without amounts answer is remembered by the values that they read. `false && x` is false whatever `x` is; a
rule is left out only for that reason, and every other one is asked in full each time.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from kyc_gate.model.country import CountryCode
from kyc_gate.model.facts import Facts
from kyc_gate.policy.expressions import Condition, Groups, compile_condition
from kyc_gate.policy.names import Constants
from kyc_gate.policy.syntax import All, Name, Node, walk
from kyc_gate.policy.vocabulary import Type, vocabulary

if TYPE_CHECKING:
    from kyc_gate.policy.policy import Rule

MOST_REMEMBERED = 4096
"""Combinations of values that are remembered for an edition: some 3 MB. Beyond, all are forgotten."""

_MOVING_ROOMS = ("operations.", "splitting.", "lineage.")
"""Rooms whose numbers differ from call to call: to remember answers by them would remember nothing."""

_MOVING = ("as_of", "screening.age_hours")

_SOUND: dict[Type, frozenset[type]] = {
    Type.BOOLEAN: frozenset({bool, type(None)}),
    Type.NUMBER: frozenset({int, float, type(None)}),
    Type.TEXT: frozenset({str, type(None)}),
    Type.COUNTRY: frozenset({str, CountryCode, type(None)}),
    Type.MOMENT: frozenset({datetime, type(None)}),
    Type.TEXTS: frozenset({tuple, type(None)}),
    Type.COUNTRIES: frozenset({tuple, type(None)}),
}


def steady_part(node: Node, constants: Constants) -> Condition | None:
    """Return the conjuncts of `node` that read nothing that moves, as one condition; None where there is none."""
    operands = node.operands if isinstance(node, All) else (node,)
    steady = tuple(operand for operand in operands if not any(_moves(path) for path in facts_read(operand)))
    if not steady:
        return None
    return compile_condition(steady[0] if len(steady) == 1 else All(operands=steady), constants)


def facts_read(node: Node) -> frozenset[str]:
    """Return the paths of all facts that the condition names."""
    return frozenset(each.path for each in walk(node) if isinstance(each, Name) and each.path in vocabulary())


def _moves(path: str) -> bool:
    number = vocabulary()[path].type is Type.NUMBER
    return path in _MOVING or (number and path.startswith(_MOVING_ROOMS))


class OpenRules:
    """The rules of one edition, with what was found about them. Safe to share: what is remembered is never changed."""

    def __init__(self, rules: Sequence[Rule], groups: Groups) -> None:
        self._rules = tuple(rules)
        self._groups = groups
        read = sorted({path for rule in rules for path in facts_read(rule.node)}, key=lambda path: (_moves(path), path))
        self._steady = sum(not _moves(path) for path in read)
        self._values = _getter(read)
        self._types = tuple(_SOUND[vocabulary()[path].type] for path in read)
        # By type first: 1, 1.0 and True are equal, and a condition tells them apart.
        self._remembered: dict[tuple[type, ...], dict[tuple[object, ...], tuple[Rule, ...]]] = {}

    def of(self, facts: Facts) -> tuple[Rule, ...]:
        """Return the rules to ask, in order. With facts of a wrong type that is every rule, since any may fail."""
        values = self._values(facts)
        types = tuple(map(type, values))
        remembered = self._remembered.get(types)
        if remembered is None:
            if not all(found in allowed for found, allowed in zip(types, self._types, strict=True)):
                return self._rules
            remembered = self._remembered.setdefault(types, {})
        found = remembered.get(values[: self._steady])
        if found is None:
            found = tuple(rule for rule in self._rules if not self._surely_false(rule, facts))
            if sum(map(len, self._remembered.values())) >= MOST_REMEMBERED:
                self._remembered = {types: (remembered := {})}
            remembered[values[: self._steady]] = found
        return found

    def forget(self) -> None:
        """Forget what was found: the next facts are asked as if they were the first."""
        self._remembered = {}

    def _surely_false(self, rule: Rule, facts: Facts) -> bool:
        try:
            return rule.steady is not None and rule.steady(facts, self._groups, ()) is False
        except Exception:  # noqa: BLE001 - whatever fails is asked in full, and escalates there
            return False


def _getter(paths: Iterable[str]) -> Callable[[Facts], tuple[object, ...]]:
    """Return a function that gives the values at `paths`, always as a tuple."""
    named = tuple(paths)
    if len(named) > 1:
        return operator.attrgetter(*named)
    one = [operator.attrgetter(path) for path in named]
    return lambda facts: tuple(get(facts) for get in one)
