"""Write the cases that tell each rule of a pack from one that was changed in a single place.

    PYTHONPATH=. python tools/edge_cases.py policies/us-in-force

Every mutant that no case catches, and that is not the same rule in other words, gets a case: facts as near to the
ordinary customer as the solver finds, and what the policy decides on them now. Read them before they are kept.
They go to `edges.cases.toml`, after those that stand there. Needs the extra `prove`.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import z3
from msgspec.structs import replace

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import decide
from kyc_gate.model.decision import Outcome
from kyc_gate.model.facts import Facts
from kyc_gate.policy.cases import PolicyCase, ordinary_facts, read_cases
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.policy.read import Adjustments, read_policy
from kyc_gate.policy.syntax import Name, walk
from kyc_gate.policy.vocabulary import Type, vocabulary
from kyc_gate.policy.written_conditions import number_text
from kyc_gate.tuning.boundaries import value_at, with_facts
from kyc_gate.tuning.mutations import Mutant, caught, differs, mutants
from kyc_gate.tuning.smt import World

HEADER = """\
# Cases at the edges of the rules: each tells a rule from one that was changed in a single place. `tools/edge_cases.py`
# finds what no case tells apart, and writes a case for it.
"""


def main(folder: Path) -> int:
    """Write the missing cases of one pack and say how many."""
    policy, cases = read_policy(folder), list(read_cases(folder))
    base = ordinary_facts()
    written: list[str] = []
    for rule in policy.rules:
        for mutant in mutants(rule, policy) if rule.policy == folder.name else ():
            if caught(mutant, [case for case in cases if differs(mutant, rule, case)]):
                continue
            found = _case(mutant, rule, folder, policy, base)
            if found is None:
                continue
            case, text = found
            if not caught(mutant, [case]):
                print(f"{rule.id}, {mutant.how}: not told apart by the solver's facts", file=sys.stderr)
                continue
            cases.append(case)
            written.append(text)
    if written:
        path = folder / "edges.cases.toml"
        before = path.read_text(encoding="utf-8") if path.exists() else HEADER
        path.write_text(before + "".join(written), encoding="utf-8")
    print(f"{folder.name}: {len(written)} cases written")
    return 0


def _case(mutant: Mutant, rule: Rule, folder: Path, policy: Policy, base: Facts) -> tuple[PolicyCase, str] | None:
    """A case that tells the mutant apart, and its text; None where the two are the same."""
    named = {part.path[8:] for part in walk(rule.node) if isinstance(part, Name) and part.path[:8] == "options."}
    options = dict.fromkeys(sorted(named), True)
    own = read_policy(folder, Adjustments(options=options)) if options else policy
    for day in _days(mutant, rule):
        given = _facts(mutant, rule, own, base, day)
        if given is None:
            continue
        decision = decide(request_of(given), given, own, facts_digest="")
        counting = sorted({finding.rule for finding in decision.counting})
        noted = sorted({finding.rule for finding in decision.findings if not finding.counts})
        name = f"{rule.id} is not the same {mutant.how}"
        case = PolicyCase(
            file="edges.cases.toml",
            name=name,
            facts=given,
            policy=own,
            outcome=decision.outcome,
            rules=frozenset(counting),
            noted=frozenset(noted),
        )
        return case, _text(name, given, base, options, str(decision.outcome), counting, noted)
    return None


def _days(mutant: Mutant, rule: Rule) -> list[date]:
    """Days on which to try: where a date was moved, the day between."""
    new = mutant.rule
    if rule.effective_from and new.effective_from != rule.effective_from:
        return [min(rule.effective_from, new.effective_from or rule.effective_from)]
    if rule.effective_to and new.effective_to != rule.effective_to:
        return [max(rule.effective_to, new.effective_to or rule.effective_to)]
    usual = date(2026, 11, 24)
    held = [usual] if rule.in_force(usual) else []
    return [*held, *(day for day in (rule.effective_to, rule.effective_from) if day)]


def _facts(mutant: Mutant, rule: Rule, policy: Policy, base: Facts, day: date) -> Facts | None:
    """Facts on which rule and mutant answer otherwise, near to the base; where dates moved, on which the rule fires."""
    groups = policy.edition_on(day).groups
    start = datetime.combine(day, time(0), UTC)
    world = World([rule.node, mutant.rule.node], (groups,), (start, start + timedelta(days=1)))
    constants = policy.constants
    if mutant.limit is not None:
        constants = replace(constants, limits={**constants.limits, mutant.limit[0]: mutant.limit[1]})
    one = world.truth(rule.node, policy.constants, groups)
    other = world.truth(mutant.rule.node, constants, groups)
    solver = z3.Optimize()
    solver.set("timeout", 5000)
    # Firing and not knowing are the same finding, unless the rule blocks.
    apart = one.false != other.false
    if rule.outcome is Outcome.BLOCK:
        apart = z3.Or(apart, one.true != other.true)
    same = mutant.rule.node is rule.node and mutant.limit is None
    solver.add(one.true if same else apart, *world.constraints, *world.coarse())
    for soft in _soft(world, base):
        solver.add_soft(soft)
    if solver.check() != z3.sat:
        return None
    return with_facts(base, {**dict(world.facts(solver.model())), "as_of": datetime.combine(day, time(12), UTC)})


def _soft(world: World, base: Facts) -> list[z3.BoolRef]:
    """What keeps the facts near to the base."""
    found = []
    for path in [path for path in world.named() if vocabulary()[path].type is not Type.MOMENT]:
        value = value_at(base, path)
        if vocabulary()[path].type in (Type.TEXTS, Type.COUNTRIES):
            held = world.listed(path)
            words = [world.word(word) for word in value] if isinstance(value, tuple) else []
            found += [holds if word in words else z3.Not(holds) for word, holds in held.holds.items()]
            found += [held.known, held.size <= 2, held.size <= 1]
            continue
        term = world.term(path)
        if value is None:
            found.append(z3.Not(term.known))
            continue
        found.append(term.known)
        if isinstance(value, str):
            found.append(term.value == world.word(value))
        elif isinstance(value, bool):
            found.append(term.value == value)
        else:
            found.append(term.value == (z3.IntVal(str(value)) if isinstance(value, int) else z3.RealVal(repr(value))))
    return found


def _text(
    name: str, given: Facts, base: Facts, options: dict[str, bool], outcome: str, rules: list[str], noted: list[str]
) -> str:
    paths = [path for path in vocabulary() if path != "as_of" and value_at(given, path) != value_at(base, path)]
    facts = {path: value_at(given, path) for path in paths}
    known = ", ".join(f"{path} = {_value(value)}" for path, value in facts.items() if value is not None)
    lines = ["", "[[case]]", f"name = {_value(name)}"]
    if given.as_of != base.as_of:
        lines.append(f"as_of = {given.as_of.date()}")
    if known:
        lines.append(f"facts = {{ {known} }}")
    unknown = [path for path, value in facts.items() if value is None]
    if unknown:
        lines.append(f"unknown = {_value(tuple(unknown))}")
    if options:
        lines.append(f"options = {{ {', '.join(f'{key} = true' for key in options)} }}")
    lines.append(f'outcome = "{outcome}"')
    lines += [f"{key} = {_value(tuple(ids))}" for key, ids in (("rules", rules), ("noted", noted)) if ids]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return number_text(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, str):
        return f"'{value}'" if '"' in value else f'"{value}"'
    return repr(value)


if __name__ == "__main__":
    sys.exit(max(main(Path(name)) for name in sys.argv[1:]))
