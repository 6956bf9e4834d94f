"""The lists that a command screens against."""

from __future__ import annotations

import argparse
from pathlib import Path

from kyc_gate.cli.output import complain
from kyc_gate.errors import InputError
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.service.build import snapshot_of

SHOWN_PROBLEMS = 5
"""Rows that could not be read are named up to here, then counted."""


def add_lists(parser: argparse.ArgumentParser) -> None:
    """Add `--lists`."""
    parser.add_argument(
        "--lists",
        metavar="PATH",
        nargs="+",
        action="extend",
        default=[],
        help="published list files, folders of them, or JSON lines of your own",
    )


def read_lists(paths: list[str]) -> ListSnapshot | None:
    """Return the snapshot of the lists at `paths`, or None for no path. It complains of unreadable rows."""
    for path in paths:
        if not Path(path).exists():
            raise InputError(f"`--lists`: there is no file or folder `{path}`")
    snapshot = snapshot_of([Path(path) for path in paths])
    problems = snapshot.problems if snapshot else ()
    for problem in problems[:SHOWN_PROBLEMS]:
        complain(f"lists: {problem}")
    if len(problems) > SHOWN_PROBLEMS:
        complain(f"lists: {len(problems) - SHOWN_PROBLEMS} more rows could not be read")
    return snapshot
