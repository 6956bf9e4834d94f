"""Every slip of the pen in a shipped rule is caught by a case beside it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
from msgspec.structs import replace

from kyc_gate.model.decision import Outcome
from kyc_gate.policy.cases import PolicyCase, read_cases
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.policy.read import Adjustments, read_policy, shipped_policies
from kyc_gate.tuning.mutations import Mutant, caught, differs, mutants

z3 = pytest.importorskip("z3", reason="the extra `prove` is not installed")

from kyc_gate.tuning.smt import World  # noqa: E402

PACKS = sorted(folder.parent.name for folder in shipped_policies().glob("*/policy.toml"))


def every(pack: str) -> Iterator[tuple[Rule, Mutant]]:
    """Every mutant of the rules that stand in a pack itself."""
    policy = read_policy(shipped_policies() / pack)
    for rule in policy.rules:
        if rule.policy == pack:
            yield from ((rule, mutant) for mutant in mutants(rule, policy))


def same_in_effect(mutant: Mutant, rule: Rule, policy: Policy) -> bool:
    """Whether a mutant finds something where its rule does, on all facts: then no case could tell.

    Firing and not knowing are the same finding, unless the rule blocks.
    """
    if mutant.rule.node is rule.node and mutant.limit is None:
        return False
    day = rule.effective_to or max(policy.starts)
    groups = policy.edition_on(day).groups
    start = datetime.combine(day, time(0), UTC)
    world = World([rule.node, mutant.rule.node], (groups,), (start, start + timedelta(days=1)))
    constants = policy.constants
    if mutant.limit is not None:
        constants = replace(constants, limits={**constants.limits, mutant.limit[0]: mutant.limit[1]})
    one = world.truth(rule.node, policy.constants, groups)
    other = world.truth(mutant.rule.node, constants, groups)
    apart = [one.false != other.false]
    if rule.outcome is Outcome.BLOCK:
        apart.append(one.true != other.true)
    solver = z3.Solver()
    solver.add(z3.Or(apart), *world.constraints)
    return bool(solver.check() == z3.unsat)


def survivors(pack: str, chosen: list[tuple[Rule, Mutant]], cases: tuple[PolicyCase, ...]) -> list[str]:
    """Mutants that no case catches, and that are not the same rule in other words."""
    options = read_policy(shipped_policies() / pack).options
    policy = read_policy(shipped_policies() / pack, Adjustments(options=dict.fromkeys(options, True)))
    return [
        f"{rule.id} {mutant.how}"
        for rule, mutant in chosen
        if not caught(mutant, [case for case in cases if differs(mutant, rule, case)])
        and not same_in_effect(mutant, rule, policy)
    ]


@pytest.mark.parametrize("pack", PACKS)
def test_some_mutants_are_caught(pack: str) -> None:
    """Of each pack, twenty mutants drawn by a fixed seed are caught by its cases."""
    found = list(every(pack))
    chosen = random.Random(8).sample(found, k=min(len(found), 20))  # noqa: S311 - any mutants will do
    assert survivors(pack, chosen, read_cases(shipped_policies() / pack)) == []


@pytest.mark.long
@pytest.mark.parametrize("pack", PACKS)
def test_every_mutant_is_caught(pack: str) -> None:
    """Comparators, constants, && and ||, negations, words, limits, dates, outcome and mode: nothing passes unseen."""
    assert survivors(pack, list(every(pack)), read_cases(shipped_policies() / pack)) == []


def test_without_cases_mutants_survive() -> None:
    """The search is no idle one: without the cases at the edges, something survives."""
    cases = read_cases(shipped_policies() / "us-in-force")
    usual = tuple(case for case in cases if not case.file.endswith("edges.cases.toml"))
    chosen = [pair for pair in every("us-in-force") if pair[0].id in ("own-hands", "owners-untraced")]
    assert survivors("us-in-force", chosen, usual) != []
