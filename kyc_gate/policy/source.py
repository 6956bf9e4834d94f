"""The files of a policy, and the problems found in them."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from kyc_gate.model.record import Record

MAX_BYTES = 1_000_000
"""Size of one policy file. The shipped packs have about 20 kB."""


class Severity(StrEnum):
    """Whether a policy cannot be used, or can be and says something that its author hardly means."""

    ERROR = "error"
    WARNING = "warning"


WARNINGS = (
    "never-fires",
    "always-fires",
    "covered",
    "comparator",
    "no-runbook",
    "stale",
    "gap",
    "overlap",
    "weaker",
    "future",
    "lowered",
    "idle",
)
"""Kinds of warning. A rule or route that lists one in `accepts` says that its author has seen it."""


class Problem(Record):
    """Something wrong in a policy: the file, line and column where it can be found cheaply, the rule, and the message.

    `kind` says what `rule` names: a rule or a route.
    `code` names the kind of problem; what is `invalid` is an error, every other kind a warning.
    """

    file: str
    message: str
    line: int | None = None
    rule: str | None = None
    column: int | None = None
    severity: Severity = Severity.ERROR
    code: str = "invalid"
    kind: str = "rule"

    @property
    def about(self) -> str:
        """The rule or route that it is about, before the message; nothing where it is about neither."""
        return f"{self.kind} `{self.rule}`: " if self.rule else ""

    @property
    def fix(self) -> str:
        """What to do, as the message says it: its last clause, or nothing."""
        meant = re.search(r"did you mean `([^`]*)`\?$", self.message)
        if meant:
            return f"write `{meant[1]}`"
        head, _, tail = self.message.rpartition("; ")
        if head:
            return tail
        must = re.search(r"^(?:limit |option |territory )?(`[^`]*`) (?:is missing|must be (.*))$", self.message)
        return "" if must is None else f"make {must[1]} {must[2]}" if must[2] else f"add {must[1]}"

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        message = self.message if self.severity is Severity.ERROR else f"warning: {self.message} [{self.code}]"
        return f"{place}: {self.about}{message}"


class Source(Record):
    """One TOML file: its name for messages, its bytes, and its table (`Any`: that is what TOML is)."""

    name: str
    data: bytes
    table: dict[str, Any]

    @property
    def text(self) -> str:
        """The file as text."""
        return self.data.decode()

    def place_in(self, line: int, text: str, position: int) -> tuple[int, int]:
        """Return line and column of the character `position` of `text`, which begins on `line` or below it.

        Where the file spells the text otherwise (escapes), it is the first column of `line`.
        """
        start = sum(len(one) for one in self.text.splitlines(keepends=True)[: line - 1])
        found = self.text.find(text, start)
        if found < 0 or not text:
            return line, 1
        before = self.text[: found + position]
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1

    def line_of(self, rule: str | None, key: str | None = None) -> int | None:
        """Return the line of `key` in the table whose id or name is `rule`, as far as searching the text finds it."""
        lines = self.text.splitlines()
        start = 0
        if rule is not None:
            named = re.compile(rf'\s*(id|name)\s*=\s*["\']{re.escape(rule)}["\']|\s*\[{re.escape(rule)}\]')
            start = next((number for number, line in enumerate(lines) if named.match(line)), -1)
            if start < 0:
                return None
        if key is None:
            return start + 1 if rule is not None else None
        keyed = re.compile(rf'\s*["\']?{re.escape(key)}["\']?\s*=')
        first = start
        while first > 0 and rule is not None and not lines[first].lstrip().startswith("["):
            first -= 1
        for number in range(first, len(lines)):
            if number > start and rule is not None and lines[number].startswith("["):
                break
            if keyed.match(lines[number]):
                return number + 1
        return start + 1 if rule is not None else None

    def line_in(self, table: str, key: str | None = None) -> int | None:
        """Return the line of `key` in the table `[table]`, or of the table; None where the file has no such header."""
        lines = self.text.splitlines()
        header = re.compile(rf"\s*\[\[?\s*{re.escape(table)}\s*\]")
        keyed = re.compile(rf'\s*["\']?{re.escape(key or "")}["\']?\s*=')
        start = next((number for number, line in enumerate(lines) if header.match(line)), None)
        if start is None or key is None:
            return None if start is None else start + 1
        for number in range(start + 1, len(lines)):
            if lines[number].lstrip().startswith("["):
                break
            if keyed.match(lines[number]):
                return number + 1
        return start + 1


def read_source(path: Path, name: str, problems: list[Problem]) -> Source | None:
    """Return the file as a table, with decimals exact, or None after noting why it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        problems.append(Problem(file=name, message=f"cannot be read: {error.strerror or 'input error'}"))
        return None
    if len(data) > MAX_BYTES:
        problems.append(Problem(file=name, message=f"has {len(data)} bytes, more than {MAX_BYTES}"))
        return None
    try:
        table = tomllib.loads(data.decode(), parse_float=Decimal)
    except UnicodeDecodeError:
        problems.append(Problem(file=name, message="is not UTF-8"))
        return None
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found.group(1)) if found else None
        message = f"is not TOML: {_lower(str(error) or 'nested too deeply')}"
        problems.append(Problem(file=name, message=message.replace("\n", " "), line=line))
        return None
    return Source(name=name, data=data, table=table)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
