"""Several policies that decide together: what must hold of them, whatever their order."""

from __future__ import annotations

from collections.abc import Sequence

from kyc_gate.errors import PolicyError
from kyc_gate.policy.policy import Policy, Rule


def check_composition(policies: Sequence[Policy]) -> None:
    """Raise `PolicyError` with every reason for which the policies cannot decide together.

    A policy stands once. An id means one rule: what several policies extend is the same rule in each, and may be asked
    under the limits of each, while two rules of one id would let an approval of one cover the other.
    """
    problems = [*_named_twice(policies), *_clashes(policies)]
    if problems:
        raise PolicyError(problems)


def _named_twice(policies: Sequence[Policy]) -> list[str]:
    names = [policy.reference.name for policy in policies]
    twice = sorted({name for name in names if names.count(name) > 1})
    return [f"policy `{name}` stands {names.count(name)} times among the policies; name it once" for name in twice]


def _clashes(policies: Sequence[Policy]) -> list[str]:
    first: dict[str, tuple[Policy, Rule]] = {}
    problems: dict[str, None] = {}
    for policy in policies:
        for rule in policy.rules:
            other, known = first.setdefault(rule.id, (policy, rule))
            if _written(known) != _written(rule):
                message = (
                    f"policy `{policy.reference.name}`: rule `{rule.id}` is another one than in policy "
                    f"`{other.reference.name}`; give it an id of its own"
                )
                problems[message] = None
    return list(problems)


def _written(rule: Rule) -> tuple[object, ...]:
    """What makes a rule the same rule: the pack that it comes from, and everything that decides."""
    return (
        rule.policy,
        " ".join(rule.text.split()),
        rule.outcome,
        rule.mode,
        rule.overridable,
        rule.four_eyes,
        rule.status,
        rule.cites,
        rule.effective_from,
        rule.effective_to,
    )
