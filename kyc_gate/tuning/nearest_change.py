"""What would have to be otherwise for a decision to be another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import combine, decide
from kyc_gate.model.decision import Decision, Outcome
from kyc_gate.model.facts import Facts
from kyc_gate.model.record import Record
from kyc_gate.policy.policy import Policy
from kyc_gate.tuning.boundaries import Values, boundary_values, rule_facts, value_at, with_facts

MOST_PAIRS = 20_000
"""Pairs of changes that are tried, at most: about two seconds."""


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

    Facts that no rule asks for are left alone, and none is forgotten: a fact that becomes unknown is no advice.
    Numbers are moved to the nearest side of a line, never further.
    """
    before = decided(facts, policies).outcome
    values = boundary_values(policies, facts.as_of)
    single = [change for change in _singles(facts, policies, values) if change.outcome is not before]
    if single:
        return _best(single)[:most]
    return _best([change for change in _pairs(facts, policies, values) if change.outcome is not before])[:most]


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
    """How far a change goes: a number's share of itself, and one for anything else."""
    return sum(_moved(now, then) for now, then in zip(change.now, change.then, strict=True))


def _moved(now: object, then: object) -> float:
    numbers = isinstance(now, int | float) and isinstance(then, int | float)
    if not numbers or isinstance(now, bool) or isinstance(then, bool):
        return 1.0
    assert isinstance(now, int | float)  # noqa: S101 - for the type checker
    assert isinstance(then, int | float)  # noqa: S101 - for the type checker
    return float(abs(now - then) / max(abs(now), abs(then), 1))
