"""The values of each fact at which a policy may turn, read from its own conditions."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction

from msgspec.structs import replace

from kyc_gate.model.facts import Facts
from kyc_gate.policy.expressions import Groups, constant_value
from kyc_gate.policy.names import Constants
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.policy.syntax import Apply, Compare, Items, Literal, Name, Node, Quantified, walk
from kyc_gate.policy.vocabulary import Fact, Type, vocabulary

Values = Mapping[str, tuple[object, ...]]
"""Values by the path of a fact; None stands for unknown."""

_STEP = Fraction(1, 10**6)
"""How far, as a share, a measured fact is moved to stand on the other side of a line."""

_ELSEWHERE = "ZZ"
"""A code that ISO 3166 leaves to its users, and so of a country in no group."""

_OTHER_TEXT = "something else"


def boundary_values(
    policies: Sequence[Policy],
    day: datetime,
    *,
    only: str | None = None,
    nodes: Sequence[tuple[Node, Constants]] | None = None,
) -> Values:
    """Return, for each fact that a rule in force on `day` names, one value on each side of everything that it is asked.

    Numbers stand just below, at and just above each line; countries are one of each kind that the groups tell apart;
    texts and lists are each word that a condition names, and another; what can be unknown is unknown once.
    `only` names one rule, in all its versions: its facts, its lines, and the groups that it names. `nodes` are
    conditions to take instead of the rules in force.
    """
    found: dict[str, dict[object, None]] = {}
    editions = [(policy, policy.edition_on(day.astimezone(UTC).date())) for policy in policies]
    asked = [
        (node, policy.constants, edition.groups)
        for policy, edition in editions
        for rule in edition.rules
        if only is None or rule.id == only
        for node in (rule.node, *(each.route.node for each in rule.routes))
    ]
    if nodes is not None:
        asked = [(node, constants, editions[0][1].groups) for node, constants in nodes]
    countries = tuple(_kinds_of_country(asked))
    for node, constants, _ in asked:
        for path in condition_facts(node):
            found.setdefault(path, {}).update(dict.fromkeys(_anyway(vocabulary()[path], countries)))
        for path, values in _asked(node, constants):
            found.setdefault(path, {}).update(dict.fromkeys(values))
    return {path: tuple(values) for path, values in found.items()}


def rule_facts(rule: Rule) -> tuple[str, ...]:
    """Return the paths of the facts that a rule's condition and its routes name, in the order in which they do."""
    nodes = (rule.node, *(each.route.node for each in rule.routes))
    return tuple(dict.fromkeys(path for node in nodes for path in condition_facts(node)))


def condition_facts(condition: Node) -> tuple[str, ...]:
    """Return the paths of the facts that a condition names, in the order in which it does."""
    names = [node.path for node in walk(condition) if isinstance(node, Name)]
    return tuple(dict.fromkeys(path for path in names if path in vocabulary() and path != "as_of"))


def changing_moments(policies: Sequence[Policy]) -> tuple[datetime, ...]:
    """Return noon (UTC) of each day on which some policy changes by itself, and of the day before."""
    days = {start + timedelta(days=back) for policy in policies for start in policy.starts for back in (-1, 0)}
    return tuple(datetime.combine(day, time(12), UTC) for day in sorted(days))


def with_facts(facts: Facts, values: Mapping[str, object]) -> Facts:
    """Return `facts` with other values at some paths."""
    changed = facts
    for path, value in values.items():
        room, _, name = path.partition(".")
        if not name:
            changed = replace(changed, **{room: value})
        else:
            changed = replace(changed, **{room: replace(getattr(changed, room), **{name: value})})
    return changed


def value_at(facts: Facts, path: str) -> object:
    """Return the value of the fact at `path`."""
    found: object = operator.attrgetter(path)(facts)
    return found


def _anyway(fact: Fact, countries: tuple[str, ...]) -> Iterator[object]:
    """The values that a fact is given whatever is asked of it."""
    if fact.nullable:
        yield None
    if fact.values:
        yield from fact.values
    elif fact.type is Type.BOOLEAN:
        yield from (True, False)
    elif fact.type is Type.COUNTRY:
        yield from countries
    elif fact.type is Type.NUMBER:
        yield 0 if fact.exact else 0.0
    elif fact.type is Type.TEXT:
        yield _OTHER_TEXT
    elif fact.type is Type.TEXTS:
        yield from ((), (_OTHER_TEXT,))
    elif fact.type is Type.COUNTRIES:
        yield from ((), *((country,) for country in countries))


def _kinds_of_country(asked: Sequence[tuple[Node, Constants, Groups]]) -> Iterator[str]:
    """One country for each set of named groups, of any of the policies, that some country is in, and one in none."""
    named = {
        (node.path, groups[node.path[7:]])
        for condition, _, groups in asked
        for node in walk(condition)
        if isinstance(node, Name) and node.path.startswith("groups.")
    }
    seen: set[frozenset[tuple[str, frozenset[str]]]] = {frozenset()}
    yield _ELSEWHERE
    for country in sorted(frozenset[str]().union(*(members for _, members in named))):
        kind = frozenset(group for group in named if country in group[1])
        if kind not in seen:
            seen.add(kind)
            yield country


def _asked(condition: Node, constants: Constants) -> Iterator[tuple[str, Iterable[object]]]:
    """Each fact that a part of the condition compares, with the values that stand on both sides of the comparison."""
    for node in walk(condition):
        if isinstance(node, Compare):
            for one, other in ((node.left, node.right), (node.right, node.left)):
                yield from _compared(one, other, constants)
        elif isinstance(node, Apply) and len(node.arguments) == 2:
            yield from _compared(node.arguments[0], node.arguments[1], constants)
        elif isinstance(node, Quantified) and isinstance(node.items, Name) and node.items.path in vocabulary():
            words = [
                part.value for part in walk(node.test) if isinstance(part, Literal) and isinstance(part.value, str)
            ]
            yield node.items.path, [(word,) for word in words]


def _compared(one: Node, other: Node, constants: Constants) -> Iterator[tuple[str, Iterable[object]]]:
    fact = vocabulary().get(one.path) if isinstance(one, Name) else None
    if fact is None:
        return
    values: list[object] = [constant_value(other, constants)]
    if isinstance(other, Items):
        values = [item.value for item in other.items if isinstance(item, Literal)]
    yield fact.path, [beside for value in values for beside in _beside(fact, value)]


def _beside(fact: Fact, value: object) -> tuple[object, ...]:
    """The value in the fact's own type with its neighbours; nothing where it is not one that the fact can have."""
    if fact.type is Type.NUMBER and isinstance(value, int | Fraction) and not isinstance(value, bool):
        if fact.exact:
            whole = int(value)
            return tuple(near for near in (whole - 1, whole, whole + 1) if near >= 0)
        return (float(value * (1 - _STEP)), float(value), float(value * (1 + _STEP)))
    if fact.type in (Type.TEXT, Type.COUNTRY) and isinstance(value, str):
        return (value,)
    if fact.type is Type.TEXTS and isinstance(value, str):
        return ((value,),)
    return ()
