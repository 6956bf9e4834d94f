"""`kyc-gate log`: lines of the log, shown, searched and exported."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

from kyc_gate.cli.output import UsageError, add_json, complain
from kyc_gate.telemetry.exports import FORMATS, exported
from kyc_gate.telemetry.filters import Filter, read_line
from kyc_gate.telemetry.printed import escaped, printed

LOOK_SECONDS = 0.25
"""Between two looks at a file that is followed."""

_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    tail = steps.add_parser("tail", help="show the last lines, and what follows", allow_abbrev=False)
    many = "how many lines to begin with (default: 20)"
    tail.add_argument("-n", "--lines", type=int, default=20, metavar="N", help=many)
    tail.add_argument("-f", "--follow", action="store_true", help="go on with what is written next, across rotations")
    grep = steps.add_parser("grep", help="show every line that a text stands in", allow_abbrev=False)
    grep.add_argument("text", nargs="?", metavar="TEXT", help="the text, in any case; filters alone will do")
    export = steps.add_parser("export", help="write lines as another format", allow_abbrev=False)
    export.add_argument("--format", choices=sorted(FORMATS), required=True, help="the format, one event a line")
    for step in (tail, grep, export):
        _add_filters(step)
        add_json(step)
    for step in (tail, grep):
        step.add_argument(
            "--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)"
        )


def _add_filters(step: argparse.ArgumentParser) -> None:
    step.add_argument("--input", metavar="FILE", default="-", help="a file of log lines (default: standard input)")
    several: dict[str, Any] = {"action": "append", "default": [], "metavar": "X"}
    step.add_argument("--outcome", choices=("allow", "escalate", "block"), **{**several, "metavar": "OUTCOME"})
    step.add_argument("--rule", help="a rule that fired or was observed; may be given again", **several)
    step.add_argument("--event", help="an event, such as decision.made; may be given again", **several)
    step.add_argument("--level", help="info, warning or error; may be given again", **several)
    for name in ("account", "party", "control-group", "case", "decision", "trace", "policy"):
        step.add_argument(f"--{name}", metavar="ID", help=f"lines of this {name.replace('-', ' ')} only")
    step.add_argument(
        "--min-share", type=float, metavar="SHARE", help="at least this part of a threshold, 0.1 for 10 %%"
    )
    step.add_argument("--slower", type=float, metavar="MS", help="decisions that took at least so many milliseconds")
    step.add_argument("--since", metavar="WHEN", help="a time in ISO 8601, or so long ago: 90s, 15m, 6h, 2d")
    step.add_argument("--until", metavar="WHEN", help="the same, for the end")


def run(options: argparse.Namespace) -> int:
    """Do the step."""
    wanted = _filter(options, datetime.now(UTC))
    with _opened(options.input) as source:
        if options.step == "export":
            return _export(source, wanted, options.format)
        show = _shower(options)
        lines = _tail(source, options, wanted) if options.step == "tail" else _wanted(source, wanted)
        foreign = 0
        for text, line in lines:
            if line is None:
                foreign += 1
            show(text, line)
    if foreign:
        complain(f"{foreign} lines are not the gate's; they are shown as they stand, after `?`")
    return 0


def _filter(options: argparse.Namespace, now: datetime) -> Filter:
    return Filter(
        outcomes=tuple(options.outcome),
        events=tuple(options.event),
        levels=tuple(options.level),
        rules=tuple(options.rule),
        account=options.account,
        party=options.party,
        control_group=options.control_group,
        case_id=options.case,
        decision_id=options.decision,
        trace_id=options.trace,
        policy=options.policy,
        share=options.min_share,
        milliseconds=options.slower,
        since=_when(options.since, now, "--since"),
        until=_when(options.until, now, "--until"),
        text=getattr(options, "text", None),
    )


def _when(text: str | None, now: datetime, option: str) -> datetime | None:
    if text is None:
        return None
    if ago := _AGO.fullmatch(text):
        return now - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2]])
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"`{option}`: `{text}` is no time; give ISO 8601, or 90s, 15m, 6h, 2d") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    if name == "-":
        yield sys.stdin
        return
    with open(name, encoding="utf-8", errors="backslashreplace") as source:
        yield source


def _wanted(source: Iterable[str], wanted: Filter) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield each line that is wanted, with its text. What is not a line of the gate passes only an empty filter."""
    asks_nothing = wanted == Filter()
    for text in source:
        text = text.rstrip("\r\n")
        line = read_line(text)
        if wanted.wants(line) if line is not None else (asks_nothing and text.strip()):
            yield text, line


def _tail(source: TextIO, options: argparse.Namespace, wanted: Filter) -> Iterator[tuple[str, dict[str, Any] | None]]:
    if options.lines < 0:
        raise UsageError("`--lines` must be 0 or more")
    yield from deque(_wanted(source, wanted), maxlen=options.lines)
    if options.follow:
        yield from _wanted(_followed(source, options.input), wanted)


def _followed(source: TextIO, name: str) -> Iterator[str]:
    """Yield what is appended to the file, whole lines only; from the start of a new one where it is rotated."""
    begun = ""
    try:
        while True:
            for piece in iter(source.readline, ""):
                begun += piece
                if begun.endswith("\n"):
                    yield begun
                    begun = ""
            time.sleep(LOOK_SECONDS)
            if name != "-" and _rotated(source, name):
                try:
                    fresh = open(name, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - it is followed
                except FileNotFoundError:  # moved away, and not made anew yet
                    continue
                source.close()
                source, begun = fresh, ""
    finally:
        source.close()


def _rotated(source: TextIO, name: str) -> bool:
    try:
        now, then = os.stat(name), os.fstat(source.fileno())
    except FileNotFoundError:
        return True
    return (now.st_ino, now.st_dev) != (then.st_ino, then.st_dev) or now.st_size < source.tell()


def _shower(options: argparse.Namespace) -> Callable[[str, dict[str, Any] | None], None]:
    """Return what shows a line: for people, or as JSON where that is asked for or nobody's terminal reads it."""
    terminal = sys.stdout.isatty()
    as_json = options.json or (options.color == "auto" and not terminal)
    colours = options.color == "always" or (options.color == "auto" and terminal and "NO_COLOR" not in os.environ)

    def show(text: str, line: dict[str, Any] | None) -> None:
        if line is None:
            print(f"? {escaped(text[:2000])}", flush=terminal)
        elif as_json:
            print(json.dumps(line, ensure_ascii=True), flush=True)
        else:
            print(printed(line, colours=colours), flush=True)

    return show


def _export(source: Iterable[str], wanted: Filter, form: str) -> int:
    lines = (line for _, line in _wanted(source, wanted) if line is not None)
    for event in itertools.chain.from_iterable(exported(line, form) for line in lines):
        print(json.dumps(event, ensure_ascii=True, allow_nan=False))
    return 0
