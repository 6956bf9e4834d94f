"""What would have to be otherwise for a decision to be another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from math import ceil

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import combine, decide
from kyc_gate.model.decision import Decision, Outcome
from kyc_gate.model.facts import Facts
from kyc_gate.model.record import Record
from kyc_gate.policy.policy import Policy
from kyc_gate.tuning.boundaries import Values, boundary_values, rule_facts, value_at, with_facts

MOST_PAIRS = 20_000
"""Pairs of changes that are tried, at most: about two seconds."""

MOST_STEPS = 8
"""Facts that are changed one after the other towards a pass, at most; more are no advice."""

_OWN = {
    "operations.low": "operations.low",
    "operations.likely": "operations.likely",
    "operations.high": "operations.high",
    "operations.projected": "operations.likely",
    "operations.ceiling": "operations.high",
    "operations.model_total": "operations.likely",
    "splitting.together": "operations.likely",
    "splitting.total": "operations.likely",
}
"""Amounts that a smaller request moves together, each with the fact that is the request's own part of it."""


class Change(Record):
    """Facts that would have to be otherwise, by path, as they are and as they would be, and the outcome then."""

    facts: tuple[str, ...]
    now: tuple[object, ...]
    then: tuple[object, ...]
    outcome: Outcome


def decided(facts: Facts, policies: Sequence[Policy]) -> Decision:
    """Return the decision on facts alone, by all policies together."""
    request = request_of(facts)
    return combine([decide(request, facts, policy, facts_digest="") for policy in policies])


def nearest_changes(facts: Facts, policies: Sequence[Policy], *, most: int = 10) -> tuple[Change, ...]:
    """Return the smallest changes of `facts` that change the outcome: of one fact each, or where none does, of two.

    Amounts that a smaller request moves together are one change. Where nothing so small leads to a pass, it is told
    which facts together would. Facts that no rule asks for are left alone, and none is forgotten: a fact that becomes
    unknown is no advice. Numbers are moved to the nearest side of a line, never further.
    """
    before = decided(facts, policies).outcome
    values = boundary_values(policies, facts.as_of)
    found = [change for change in _singles(facts, policies, values) if change.outcome is not before]
    reached = {change.outcome for change in found if change.facts[0] in _OWN}
    smaller = [change for change in _smaller(facts, policies, values) if change.outcome is not before]
    found += [change for change in smaller if change.outcome not in reached]
    if not found:
        found = [change for change in _pairs(facts, policies, values) if change.outcome is not before]
    if before is not Outcome.ALLOW and all(change.outcome is not Outcome.ALLOW for change in found):
        found += _steps(facts, policies, values)
    return _best(found)[:most]


def _smaller(facts: Facts, policies: Sequence[Policy], values: Values) -> Iterator[Change]:
    """The same request with fewer operations: as many as bring some amount to one side of a line or the other."""
    amounts = {path: now for path in _OWN if isinstance(now := value_at(facts, path), int)}
    parts = {path: amounts.get(own, 0) for path, own in _OWN.items() if path in amounts}
    shares = {
        Fraction(now - line, parts[path])
        for path, now in amounts.items()
        if parts[path]
        for line in values.get(path, ())
        if isinstance(line, int) and 0 < now - line <= parts[path]
    }
    for share in sorted(shares):
        moved = {path: now - ceil(parts[path] * share) for path, now in amounts.items() if path in values}
        changed = {path: then for path, then in moved.items() if then != amounts[path]}
        if len(changed) > 1:
            yield _change(facts, policies, changed)


def _steps(facts: Facts, policies: Sequence[Policy], values: Values) -> list[Change]:
    """The facts that lead to a pass together, found one by one: each leaves the fewest findings; none is spare."""
    changed: dict[str, object] = {}
    for _ in range(MOST_STEPS):
        here = decided(with_facts(facts, changed), policies)
        if here.outcome is Outcome.ALLOW:
            return [_change(facts, policies, _needed(facts, policies, changed))]
        options = _towards(facts, policies, values, changed, {finding.rule for finding in here.counting})
        left, _, path, value = min(options, default=(_left(here), 0.0, "", None), key=lambda option: option[:2])
        if left >= _left(here):
            return []
        changed[path] = value
    return []


def _towards(
    facts: Facts, policies: Sequence[Policy], values: Values, changed: Mapping[str, object], counting: set[str]
) -> Iterator[tuple[tuple[int, int], float, str, object]]:
    """Each further change of a fact that the counting rules name: what it leaves, how far it goes, fact and value."""
    rules = [rule for policy in policies for rule in policy.rules if rule.id in counting]
    for path in dict.fromkeys(path for rule in rules for path in rule_facts(rule) if path in values):
        for value in values[path]:
            if value is not None and value != value_at(facts, path):
                left = _left(decided(with_facts(facts, {**changed, path: value}), policies))
                yield left, _moved(value_at(facts, path), value), path, value


def _left(decision: Decision) -> tuple[int, int]:
    """How far a decision is from a pass: its severity, and its findings that count."""
    return decision.outcome.severity, len(decision.counting)


def _needed(facts: Facts, policies: Sequence[Policy], changed: Mapping[str, object]) -> Mapping[str, object]:
    """Those of the changes that a pass needs."""
    needed = dict(changed)
    for path in changed:
        without = {other: value for other, value in needed.items() if other != path}
        if decided(with_facts(facts, without), policies).outcome is Outcome.ALLOW:
            needed = without
    return needed


def _singles(facts: Facts, policies: Sequence[Policy], values: Values) -> Iterator[Change]:
    for path, options in values.items():
        for value in options:
            if value is not None and value != value_at(facts, path):
                yield _change(facts, policies, {path: value})


def _pairs(facts: Facts, policies: Sequence[Policy], values: Values) -> Iterator[Change]:
    """Changes of two facts that the rules behind the decision name."""
    counting = {finding.rule for finding in decided(facts, policies).counting}
    rules = [rule for policy in policies for rule in policy.rules if not counting or rule.id in counting]
    paths = dict.fromkeys(path for rule in rules for path in rule_facts(rule) if path in values)
    tried = 0
    for first, second in combinations(paths, 2):
        for one, other in product(values[first], values[second]):
            if None in (one, other) or one == value_at(facts, first) or other == value_at(facts, second):
                continue
            tried += 1
            if tried > MOST_PAIRS:
                return
            yield _change(facts, policies, {first: one, second: other})


def _change(facts: Facts, policies: Sequence[Policy], values: Mapping[str, object]) -> Change:
    return Change(
        facts=tuple(values),
        now=tuple(value_at(facts, path) for path in values),
        then=tuple(values.values()),
        outcome=decided(with_facts(facts, values), policies).outcome,
    )


def _best(changes: Sequence[Change]) -> tuple[Change, ...]:
    """One change for each set of facts and outcome: of several numbers the one that moves least, else the first."""
    best: dict[tuple[tuple[str, ...], Outcome], Change] = {}
    for change in changes:
        key = (change.facts, change.outcome)
        if key not in best or _distance(change) < _distance(best[key]):
            best[key] = change
    return tuple(sorted(best.values(), key=lambda change: (change.outcome.severity, _distance(change), change.facts)))


def _distance(change: Change) -> float:
    """How far a change goes: a number's share of itself, and one for anything else. Amounts move together, as one."""
    moved = [(path, _moved(*pair)) for path, *pair in zip(change.facts, change.now, change.then, strict=True)]
    amounts = max((far for path, far in moved if path in _OWN), default=0.0)
    return amounts + sum(far for path, far in moved if path not in _OWN)


def _moved(now: object, then: object) -> float:
    numbers = isinstance(now, int | float) and isinstance(then, int | float)
    if not numbers or isinstance(now, bool) or isinstance(then, bool):
        return 1.0
    assert isinstance(now, int | float)  # noqa: S101 - for the type checker
    assert isinstance(then, int | float)  # noqa: S101 - for the type checker
    return float(abs(now - then) / max(abs(now), abs(then), 1))
