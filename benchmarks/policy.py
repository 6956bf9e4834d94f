"""Whole shipped policies, a decision on an ordinary request, beside other policy engines on the same rules in one run.

`make policy-peers` sets up the others in an environment of their own, `.venv-policy`; without it they are left out.
The rules that they are given are those of both packs in force on the day, with limits and country groups written out;
numbers are doubles there, since none of them has whole numbers beyond 64 bits. Every engine must find what ours finds
before it is timed. Ours also writes reasons and citations, and knows the unknown. Ours remembers what rules say of a
party apart from amounts, so it is timed for the same party again, and for parties of which nothing is remembered.
Processor time, the best round.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC
from fractions import Fraction
from pathlib import Path
from typing import Any

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import decide
from kyc_gate.model.facts import Facts
from kyc_gate.model.record import digest
from kyc_gate.policy.cases import ordinary_facts
from kyc_gate.policy.expressions import Groups
from kyc_gate.policy.names import Constants
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.policy.syntax import All, Apply, Compare, Items, Literal, Name, Node, Not, Quantified, walk
from kyc_gate.policy.syntax import Any as AnyOf
from kyc_gate.policy.vocabulary import vocabulary

PACKS = ("us-ai-diffusion", "us-in-force")
ROUNDS, REPEATS = 300, 5
PEERS = Path(__file__).resolve().parents[1] / ".venv-policy" / "bin" / "python"


def main() -> None:
    """Print microseconds for all rules of both packs."""
    facts = ordinary_facts()
    policies = [read_policy(shipped_policies() / name) for name in PACKS]
    request, known = request_of(facts), digest(facts)
    print("an ordinary request under every rule in force of a pack; microseconds of processor time")
    for policy in policies:
        rules = len(policy.edition_on(facts.as_of.astimezone(UTC).date()).rules)
        took = _best(lambda policy=policy: decide(request, facts, policy, facts_digest=known))  # type: ignore[misc]
        new = _forgetting(facts, policy)
        for what, each in (("", took), (", new party", new)):
            name = f"kyc_gate, {policy.reference.name}{what}"
            print(f"  {name:32} {each:10.1f}   {each / rules:6.2f} a rule of {rules}")
    if not PEERS.exists():
        print("  the other engines are not set up; `make policy-peers` does it")
        return
    print("the others, on the rules of both packs, each once, where their language can say them")
    told, rules_told = _told(facts, policies), _rules(policies, facts)
    asked = json.dumps({"facts": told, "rules": rules_told, "found": _found(policies, facts)})
    runner = Path(__file__).with_name("_policy_peers.py")
    done = subprocess.run([str(PEERS), str(runner)], input=asked, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        row = json.loads(line)
        if "microseconds" not in row:
            print(f"  {row['engine']:32} {row['why']}")
            continue
        each = row["microseconds"] / row["rules"]
        print(f"  {row['engine']:32} {row['microseconds']:10.1f}   {each:6.2f} a rule of {row['rules']}")
    if done.returncode:
        print(done.stderr[-500:], file=sys.stderr)


def _best(call: Callable[[], object]) -> float:
    found = []
    for _ in range(REPEATS):
        started = time.process_time()
        for _ in range(ROUNDS):
            call()
        found.append((time.process_time() - started) / ROUNDS * 1e6)
    return min(found)


def _forgetting(facts: Facts, policy: Policy) -> float:
    """Microseconds for a decision on a party that the policy's rules were never asked about."""
    request, rules = request_of(facts), policy.edition_on(facts.as_of.astimezone(UTC).date()).open_rules

    def decided() -> None:
        rules.forget()
        decide(request, facts, policy, facts_digest="")

    return _best(decided)


def _found(policies: list[Policy], facts: Facts) -> list[str]:
    request = request_of(facts)
    return sorted(
        {finding.rule for policy in policies for finding in decide(request, facts, policy, facts_digest="").findings}
    )


def _told(facts: Facts, policies: list[Policy]) -> dict[str, Any]:
    """The facts that rules name, as nested tables; what is unknown stands in `known` as false and has a zero value."""
    told: dict[str, Any] = {"known": {}}
    names = {p.path for policy in policies for rule in policy.rules for p in walk(rule.node) if isinstance(p, Name)}
    for path in sorted(names & set(vocabulary()) - {"as_of"}):
        room, _, name = path.partition(".")
        value = getattr(getattr(facts, room), name)
        told["known"][path.replace(".", "_")] = value is not None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        told.setdefault(room, {})[name] = float(value) if number else list(value) if isinstance(value, tuple) else value
    return told


def _rules(policies: list[Policy], facts: Facts) -> list[dict[str, Any]]:
    """Each rule once, as a tree that the runner writes in the language of each engine."""
    found: dict[str, dict[str, Any]] = {}
    day = facts.as_of.astimezone(UTC).date()
    for policy in policies:
        edition = policy.edition_on(day)
        for rule in edition.rules:
            found[rule.id] = {"id": rule.id, "when": _tree(rule.node, policy.constants, edition.groups)}
    return list(found.values())


def _tree(node: Node, constants: Constants, groups: Groups) -> Any:
    """A condition as nested lists: the kind, then its parts."""

    def inner(part: Node) -> Any:
        return _tree(part, constants, groups)

    match node:
        case Literal(value=int() | Fraction() as value) if not isinstance(value, bool):
            return ["value", float(value)]
        case Literal(value=value):
            return ["value", value]
        case Name(path=path) if path.startswith("limits."):
            return ["value", float(constants.limits[path[7:]])]
        case Name(path=path) if path.startswith("options."):
            return ["value", constants.options[path[8:]]]
        case Name(path=path) if path.startswith("groups."):
            return ["list", sorted(groups[path[7:]])]
        case Name(path=path):
            return ["name", path]
        case Not(operand=operand):
            return ["not", inner(operand)]
        case All(operands=operands) | AnyOf(operands=operands):
            return ["all" if isinstance(node, All) else "any", *map(inner, operands)]
        case Compare(operator=sign, left=Name(path=path), right=Literal(value=None)):
            known = ["name", f"known.{path.replace('.', '_')}"]
            return known if sign == "!=" else ["not", known]
        case Compare(operator=sign, left=left, right=right):
            return ["compare", sign, inner(left), inner(right)]
        case Items(items=items):
            return ["list", [item.value for item in items if isinstance(item, Literal)]]
        case Quantified(quantifier=quantifier, items=items, variable=variable, test=test):
            return [quantifier, variable, inner(items), inner(test)]
        case Apply(function="size", arguments=(argument,)):
            return ["size", inner(argument)]
    left, right, sign = getattr(node, "left", None), getattr(node, "right", None), getattr(node, "operator", "")
    if left is None or right is None:
        raise TypeError(f"no peer has a `{type(node).__name__}`")
    return ["compare", sign, inner(left), inner(right)]


if __name__ == "__main__":
    main()
