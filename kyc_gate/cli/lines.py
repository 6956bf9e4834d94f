"""Input files with one JSON object a line: each line is answered or refused alone."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from kyc_gate.cli.fields import FieldError
from kyc_gate.cli.output import UsageError, complain, print_json
from kyc_gate.cli.progress import counted, watched
from kyc_gate.errors import InputError

Row = dict[str, Any]
"""One line of input as JSON gives it, numbers with a point or an exponent as exact decimals."""


def answer_lines(source: str, answer: Callable[[Row], dict[str, object]], *, counting: str | None = None) -> int:
    """Print the answer to each line of the file `source` (`-` is standard input) and return the exit status.

    A line that cannot be read or answered yields `{"id", "line", "field", "error"}` and a message on standard error;
    the other lines are answered all the same, and the status is then 1. `counting` names a progress bar.
    """
    found = (answer_line(number, line, answer) for number, line in numbered_lines(source))
    return print_answers(source, found, counting=counting)


class Answered(NamedTuple):
    """A row to print, and the complaint where the line could not be answered."""

    number: int
    row: dict[str, object]
    complaint: str | None = None


def answer_line(number: int, line: bytes, answer: Callable[[Row], dict[str, object]]) -> Answered:
    """Return the answer to one line, or what is wrong with it."""
    row: Row = {}
    try:
        row = read_row(line)
        return Answered(number, answer(row))
    except InputError as error:
        field = error.field if isinstance(error, FieldError) else None
        told: Row = {"id": row.get("id"), "line": number, "field": field, "error": str(error)}
        return Answered(number, told, str(error))


def print_answers(source: str, answers: Iterable[Answered], *, counting: str | None = None) -> int:
    """Print the answers as they come, and return 1 if any line was refused."""
    refused = 0
    total = _count(source) if counting and watched() else None
    # Where answers themselves go to the terminal, a bar would only chop them up.
    bar = counted(counting, total) if counting and watched() and not sys.stdout.isatty() else nullcontext(_nothing)
    with bar as done:
        for number, row, complaint in answers:
            print_json(row)
            done(1)
            if complaint is not None:
                refused += 1
                complain(f"{_named(source)} line {number}: {complaint}")
    return 1 if refused else 0


def _nothing(_: int) -> None:
    """Tell nobody."""


def _count(source: str) -> int | None:
    if source == "-":
        return None
    with open(source, "rb") as stream:
        return sum(1 for line in stream if line.strip())


def numbered_rows(source: str, *, exact: bool = True) -> Iterator[tuple[int, Callable[[], Row]]]:
    """Yield each line's number, and a function that reads it or raises `InputError`; `#` starts a comment line."""
    for number, line in numbered_lines(source):
        if not line.lstrip().startswith(b"#"):
            yield number, partial(read_row, line, exact=exact)


def read_row(line: bytes, *, exact: bool = True) -> Row:
    """Return the JSON object in `line`. Raises `InputError` for anything else, duplicate keys and NaN included.

    Numbers with a point are exact decimals, or floats as they were written where `exact` is false.
    """
    try:
        value = json.loads(
            line.decode("utf-8"),
            parse_float=_exact if exact else _binary,
            parse_int=_whole,
            parse_constant=_no_constant,
            object_pairs_hook=_no_duplicates,
        )
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start + 1} of the line") from error
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg[:1].lower()}{error.msg[1:]} at column {error.colno}") from error
    except RecursionError as error:
        raise InputError("not usable: nested too deep") from error
    if not isinstance(value, dict):
        raise InputError('not a JSON object; write one object a line, such as {"id": "1", ...}')
    return value


def numbered_lines(source: str) -> Iterator[tuple[int, bytes]]:
    """Yield each line that is not blank, with its number from 1."""
    if source == "-":
        yield from _lines(sys.stdin.buffer)
    else:
        with open(source, "rb") as stream:
            yield from _lines(stream)


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(stream, start=1):
        bare = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if bare.strip():
            yield number, bare


def _named(source: str) -> str:
    return "standard input" if source == "-" else f"`{source}`"


_DIGITS = 41
"""No amount of operations needs more: a number beyond 10^41 is a slip of the keyboard."""


def _exact(text: str) -> Decimal:
    number = Decimal(text)
    if number.adjusted() >= _DIGITS:
        raise InputError(f"number `{text[:_DIGITS]}` is out of range")
    return number


def _binary(text: str) -> float:
    return float(_exact(text))


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise InputError(f"number `{text[:_DIGITS]}...` is out of range")
    return int(text)


def _no_constant(text: str) -> object:
    raise InputError(f"`{text}` is not a JSON number")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise FieldError(twice, f"field `{twice}` is given twice")
    return row


def add_input(parser: argparse.ArgumentParser, shape: str) -> None:
    """Add `--input`, explained with the shape of one line."""
    parser.add_argument("--input", metavar="FILE", help=f"a file of lines {shape}; `-` is standard input")


def input_of(options: argparse.Namespace, other: str | None = None) -> str:
    """Return the input file; without one, standard input if something is piped into it. Raises `UsageError`."""
    if options.input is not None:
        return str(options.input)
    if sys.stdin.isatty():
        raise UsageError(f"give {other} or `--input FILE`" if other else "give `--input FILE`")
    return "-"
