"""`kyc-gate policy test`: the cases beside policies."""

from __future__ import annotations

import argparse
from pathlib import Path

from kyc_gate.cli.output import add_json, print_json, printable
from kyc_gate.cli.policies import policy_folder, shipped
from kyc_gate.decide.cases import run_cases
from kyc_gate.model.record import plain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("folders", metavar="DIR", nargs="*", help="policy folders (default: the shipped policies)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Run the cases of each policy; the status is 1 when one fails, or where there are none."""
    folders = [policy_folder(name) for name in options.folders] or shipped()
    return max(_test(folder, options.json) for folder in folders)


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
