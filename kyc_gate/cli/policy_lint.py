"""`kyc-gate policy lint`: every problem and every warning of policies, all at once."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from pathlib import Path

from kyc_gate.cli.output import UsageError, add_json, print_json, printable
from kyc_gate.cli.policies import policy_folders, shipped
from kyc_gate.model.record import plain
from kyc_gate.policy.cases import ordinary_facts
from kyc_gate.policy.lint import lint
from kyc_gate.policy.read import shipped_policies
from kyc_gate.policy.source import Problem, Severity
from kyc_gate.tuning.warnings import STALE_DAYS, review


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("folders", metavar="DIR", nargs="*", help="policy folders (default: the shipped policies)")
    parser.add_argument("--strict", action="store_true", help="let warnings fail, too")
    parser.add_argument(
        "--format", choices=("text", "editor"), default="text", help="`editor`: file:line:column: severity: message"
    )
    parser.add_argument("--as-of", metavar="DATE", help="the day that warnings about dates are told for (default: now)")
    parser.add_argument(
        "--stale-days",
        metavar="N",
        type=int,
        default=STALE_DAYS,
        help=f"days after which a text of law is to be read again (default: {STALE_DAYS})",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Lint each policy; the status is 1 when one has an error, or with `--strict` a warning."""
    today = _day(options.as_of)
    folders = [folder for name in options.folders for folder in policy_folders(name)] or shipped()
    return max(_lint(folder, today, options) for folder in folders)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`--as-of {text}` is not a date; write `2025-05-13`") from None


def _lint(folder: Path, today: date, options: argparse.Namespace) -> int:
    found = review(folder, today, ordinary_facts(), stale_days=options.stale_days)
    problems = [*lint(folder), *found.warnings]
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    for problem in problems:
        if options.json:
            told = {**plain(problem), "path": _path(folder, problem), "fix": problem.fix}
            print_json({"policy": str(folder), "problem": told})
        else:
            print(printable(_for_editor(folder, problem) if options.format == "editor" else str(problem)))
    if not options.json and options.format == "text":
        print(_summary(folder, errors, len(problems) - errors, found.undecided))
    return 1 if errors or (options.strict and problems) else 0


def _summary(folder: Path, errors: int, warnings: int, undecided: tuple[str, ...]) -> str:
    counted = [f"{count} {what}{'s' if count > 1 else ''}" for count, what in _counts(errors, warnings) if count]
    said = f"{folder}: {', '.join(counted) or 'no problems'}"
    return f"{said}; no search could tell whether these can fire: {', '.join(undecided)}" if undecided else said


def _counts(errors: int, warnings: int) -> tuple[tuple[int, str], ...]:
    return ((errors, "error"), (warnings, "warning"))


def _path(folder: Path, problem: Problem) -> str:
    """The file of a problem as an editor can open it; its name where that is nowhere."""
    for root in (folder.resolve().parent, shipped_policies()):
        if (root / problem.file).is_file():
            return str(root / problem.file)
    return problem.file


def _for_editor(folder: Path, problem: Problem) -> str:
    place = f"{_path(folder, problem)}:{problem.line or 1}:{problem.column or 1}"
    return f"{place}: {problem.severity}: {problem.about}{problem.message} [{problem.code}]"
