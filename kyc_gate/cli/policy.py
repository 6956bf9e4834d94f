"""`kyc-gate policy`: lint policies and run their cases."""

from __future__ import annotations

import argparse
from pathlib import Path

from kyc_gate.cli.output import add_json, print_json, printable
from kyc_gate.decide.cases import run_cases
from kyc_gate.model.record import plain
from kyc_gate.policy.lint import lint
from kyc_gate.policy.read import shipped_policies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    linting = steps.add_parser("lint", help="report every problem in policies, all at once", allow_abbrev=False)
    testing = steps.add_parser("test", help="run the cases beside policies", allow_abbrev=False)
    for step in (linting, testing):
        step.add_argument("folders", metavar="DIR", nargs="*", help="policy folders (default: the shipped policies)")
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Do the step on each policy; the status is 1 when one of them has a problem."""
    folders = [policy_folder(name) for name in options.folders] or shipped()
    step = _lint if options.step == "lint" else _test
    return max(step(folder, options.json) for folder in folders)


def policy_folder(name: str) -> Path:
    """Return the folder `name`, or the shipped policy of that name."""
    shipped = shipped_policies() / name
    return shipped if not Path(name).exists() and shipped.is_dir() else Path(name)


def shipped() -> list[Path]:
    """Return the folders of the shipped policies."""
    return sorted(folder.parent for folder in shipped_policies().glob("*/policy.toml"))


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
