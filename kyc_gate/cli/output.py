"""Results on standard output: one JSON object a line, or a table for people."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

import msgspec


class UsageError(Exception):
    """The command was called in a way that cannot be right; exit status 2."""


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json` to a step of a command; it may stand before or after the step."""
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object a line")


def print_json(value: Mapping[str, object]) -> None:
    """Print `value` as one line of JSON, in ASCII so that no name can carry a control sequence to a terminal."""
    print(json.dumps(msgspec.to_builtins(value), ensure_ascii=True, allow_nan=False, separators=(", ", ": ")))


def for_people(wants_json: bool) -> bool:
    """Return whether a person reads standard output: a terminal, and no `--json`."""
    return not wants_json and sys.stdout.isatty()


def printable(text: str) -> str:
    """Return `text` with each character that could move a cursor or turn a line around written as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a header in aligned columns; the last column runs free."""
    table = [tuple(header), *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def complain(message: str) -> None:
    """Print each line of `message` on standard error, with the program's name before it."""
    sys.stdout.flush()
    for line in message.splitlines() or [""]:
        print(f"kyc-gate: {printable(line)}", file=sys.stderr)
