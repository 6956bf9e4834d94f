"""`kyc-gate policy list`: the shipped policies, where their law stands, and how well that is evidenced."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from kyc_gate.cli.output import add_json, print_json, print_table
from kyc_gate.cli.policies import policy_folder, shipped
from kyc_gate.model.decision import Grade, Mode
from kyc_gate.policy.policy import Policy, Rule
from kyc_gate.policy.read import read_policy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("folders", metavar="DIR", nargs="*", help="policy folders (default: the shipped policies)")
    parser.add_argument("--rules", action="store_true", help="list each rule with its mode, days, status and grades")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print a line for each policy, or for each of its rules."""
    folders = [policy_folder(name) for name in options.folders] or shipped()
    policies = {folder: read_policy(folder) for folder in folders}
    if options.json:
        for folder, policy in policies.items():
            print_json({**summary(folder, policy), "about": policy.about, "rules": _rules(folder, policy)})
    elif options.rules:
        rows = [_cells(rule) for folder, policy in policies.items() for rule in _rules(folder, policy)]
        print_table(("policy", "rule", "mode", "outcome", "from", "to", "status", "grades"), rows)
    else:
        head = ("policy", "status", "enforce", "warn", "observe", "extends", "grades", "about")
        print_table(head, [_line(summary(folder, policy), policy) for folder, policy in policies.items()])
    return 0


def summary(folder: Path, policy: Policy) -> dict[str, object]:
    """Return what a policy is: its own rules by mode, what it takes in, and citations of its rules by grade."""
    own = own_rules(folder, policy)
    modes = Counter(rule.mode for rule in own)
    cites = {cite for rule in own for cite in rule.cites}
    grades = Counter(policy.citations[cite].grade for cite in cites)
    return {
        "policy": str(policy.reference),
        "status": policy.status.value,
        "modes": {mode.value: modes[mode] for mode in Mode if modes[mode]},
        "extends": sorted({rule.policy for rule in policy.rules} - {folder.resolve().name}),
        "grades": {grade.value: grades[grade] for grade in Grade if grades[grade]},
    }


def own_rules(folder: Path, policy: Policy) -> list[Rule]:
    """Return the rules that the policy's own folder holds."""
    return [rule for rule in policy.rules if rule.policy == folder.resolve().name]


def _rules(folder: Path, policy: Policy) -> list[dict[str, object]]:
    return [
        {
            "policy": policy.reference.name,
            "rule": rule.id,
            "title": rule.title,
            "mode": rule.mode.value,
            "outcome": rule.outcome.value,
            "from": str(rule.effective_from or ""),
            "to": str(rule.effective_to or ""),
            "status": rule.status.value,
            "grades": "".join(sorted({policy.citations[cite].grade.value for cite in rule.cites})),
            "cites": list(rule.cites),
        }
        for rule in own_rules(folder, policy)
    ]


def _cells(rule: dict[str, object]) -> tuple[str, ...]:
    return tuple(str(rule[key]) for key in ("policy", "rule", "mode", "outcome", "from", "to", "status", "grades"))


def _line(found: dict[str, object], policy: Policy) -> tuple[str, ...]:
    modes, grades, extends = found["modes"], found["grades"], found["extends"]
    assert isinstance(modes, dict)  # noqa: S101  # as `summary` made them
    assert isinstance(grades, dict)  # noqa: S101
    assert isinstance(extends, list)  # noqa: S101
    counted = tuple(str(modes.get(mode.value, 0)) for mode in (Mode.ENFORCE, Mode.WARN, Mode.OBSERVE))
    told = " ".join(f"{grade}:{number}" for grade, number in grades.items())
    return (str(found["policy"]), str(found["status"]), *counted, ", ".join(extends), told, policy.about)
