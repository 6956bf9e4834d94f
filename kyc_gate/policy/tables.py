"""Typed reading of TOML tables: each wrong, missing or unknown key is noted, and reading goes on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from kyc_gate.policy.source import Problem, Source
from kyc_gate.policy.vocabulary import nearest

Choice = TypeVar("Choice", bound=StrEnum)


_FIRST_YEAR, _LAST_YEAR = 1900, 2999
"""Years of a date in a policy; beyond them stands a slip of the pen, and the calendar ends."""


class Table:
    """One table of a file. `rule` names it in problems, as a rule or what else `kind` says.

    `name` is that of its header, by which what is wrong with it is found where it is no rule.
    Call `finish` when every key that may stand there was asked for.
    """

    def __init__(
        self,
        values: Any,
        source: Source,
        problems: list[Problem],
        rule: str | None = None,
        *,
        kind: str = "rule",
        name: str | None = None,
    ) -> None:
        self.values: dict[str, Any] = values if isinstance(values, dict) else {}
        self.source = source
        self.problems = problems
        self.rule, self.kind, self.name = rule, kind, name
        self.asked: set[str] = set()
        if not isinstance(values, dict):
            self.refuse("must be a table")

    def refuse(self, message: str, key: str | None = None, at: tuple[str, int] | None = None) -> None:
        """Note a problem with `key`, or with the whole table; `at` is a text in it and a position in that text."""
        line, column = self._line(key), None
        if line is not None:
            line, column = self.source.place_in(line, *at) if at is not None else (line, 1)
        self.problems.append(
            Problem(file=self.source.name, line=line, column=column, rule=self.rule, kind=self.kind, message=message)
        )

    def _line(self, key: str | None) -> int | None:
        """The line of `key`, or of the table; a key of the whole file may be a table of its own."""
        if self.rule is None and self.name is not None:
            found = self.source.line_in(self.name, key)
        else:
            found = self.source.line_of(self.rule, key)
        return found if found is not None or key is None or self.rule is not None else self.source.line_in(key)

    def get(self, key: str, *, needed: bool = False) -> Any:
        """Return the value of `key` in whatever shape it has, or None."""
        self.asked.add(key)
        value = self.values.get(key)
        if value is None and needed:
            self.refuse(f"`{key}` is missing")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return the text of `key`; without a default it must stand there and not be blank."""
        value = self.get(key, needed=default is None)
        if value is None:
            return default or ""
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.refuse(f"`{key}` must be text", key)
            return default or ""
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Return the boolean of `key`."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            self.refuse(f"`{key}` must be true or false", key)
        return value if isinstance(value, bool) else default

    def whole(self, key: str) -> int:
        """Return the whole number of `key`, at least 1."""
        value = self.get(key, needed=True)
        if value is None:
            return 1
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self.refuse(f"`{key}` must be a whole number from 1", key)
            return 1
        return value

    def day(self, key: str) -> date | None:
        """Return the date of `key`, or None when it does not stand there."""
        value = self.get(key)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            self.refuse(f"`{key}` must be a date without quotes, such as 2025-05-13", key)
            return None
        if value is not None and not _FIRST_YEAR <= value.year <= _LAST_YEAR:
            self.refuse(f"`{key}` must be a year from {_FIRST_YEAR} to {_LAST_YEAR}", key)
            return None
        return value

    def needed_day(self, key: str) -> date:
        """Return the date of `key`, which must stand there."""
        value = self.day(key)
        if value is None and key not in self.values:
            self.refuse(f"`{key}` is missing")
        return value or date.min

    def choice(self, key: str, kind: type[Choice], default: Choice | None = None) -> Choice:
        """Return which of `kind` stands at `key`."""
        value = self.get(key, needed=default is None)
        fallback = default if default is not None else next(iter(kind))
        if value is None:
            return fallback
        if isinstance(value, str) and value in list(kind):
            return kind(value)
        known = ", ".join(str(one) for one in kind)
        hint = nearest(str(value), [str(one) for one in kind])
        self.refuse(f"`{key}` is `{value}`, and must be one of {known}{hint}", key)
        return fallback

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of texts of `key`; empty when it does not stand there."""
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(f"`{key}` must be a list of text", key)
            return ()
        return tuple(value)

    def tables(self, key: str) -> tuple[Any, ...]:
        """Return the tables of the array `key`; empty when it does not stand there."""
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.refuse(f"`{key}` must be an array of tables", key)
            return ()
        return tuple(value)

    def known(self, key: str, names: Iterable[str], known: Iterable[str], what: str) -> tuple[str, ...]:
        """Return those of `names` that are `known`, and note the others with the nearest right spelling."""
        all_known = list(known)
        for name in names:
            if name not in all_known:
                self.refuse(f"unknown {what} `{name}`{nearest(name, all_known)}", key)
        return tuple(name for name in names if name in all_known)

    def finish(self) -> None:
        """Note every key that nobody asked for."""
        for key in self.values:
            if key not in self.asked:
                self.refuse(f"unknown key `{key}`{nearest(key, self.asked)}", key)


def written(value: object) -> str | None:
    """Return how a TOML number is written, or None when `value` is not a number or text."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    return str(value)
