"""`kyc-gate policy`: lint policies, run their cases, and explain decisions."""

from __future__ import annotations

import argparse
from pathlib import Path

from kyc_gate.cli import policy_diff, policy_explain
from kyc_gate.cli.output import add_json, print_json, printable
from kyc_gate.cli.policies import policy_folder, shipped
from kyc_gate.decide.cases import run_cases
from kyc_gate.model.record import plain
from kyc_gate.policy.lint import lint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    linting = steps.add_parser("lint", help="report every problem in policies, all at once", allow_abbrev=False)
    testing = steps.add_parser("test", help="run the cases beside policies", allow_abbrev=False)
    policy_explain.add_arguments(
        steps.add_parser(
            "explain", help="say why a decision is what it is, and what would change it", allow_abbrev=False
        )
    )
    policy_diff.add_arguments(
        steps.add_parser(
            "diff", help="say how two policies differ; status 3 stricter, 4 more lenient", allow_abbrev=False
        )
    )
    for step in (linting, testing):
        step.add_argument("folders", metavar="DIR", nargs="*", help="policy folders (default: the shipped policies)")
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Do the step on each policy; the status is 1 when one of them has a problem."""
    if options.step == "explain":
        return policy_explain.run(options)
    if options.step == "diff":
        return policy_diff.run(options)
    folders = [policy_folder(name) for name in options.folders] or shipped()
    step = _lint if options.step == "lint" else _test
    return max(step(folder, options.json) for folder in folders)


def _lint(folder: Path, wants_json: bool) -> int:
    problems = lint(folder)
    for problem in problems:
        if wants_json:
            print_json({"policy": str(folder), "problem": plain(problem)})
        else:
            print(printable(str(problem)))
    if not problems and not wants_json:
        print(f"{folder}: no problems")
    return 1 if problems else 0


def _test(folder: Path, wants_json: bool) -> int:
    results = run_cases(folder)
    failed = [result for result in results if not result.passed]
    for result in results if wants_json else failed:
        if wants_json:
            print_json({"policy": str(folder), **plain(result)})
        else:
            print(printable(str(result)))
    if not wants_json:
        print(f"{folder}: {len(results) - len(failed)} of {len(results)} cases pass")
    return 1 if failed or not results else 0
