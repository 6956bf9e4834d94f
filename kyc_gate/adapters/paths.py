"""Path patterns such as `/v1/jobs/{id}`, and whether a path is one of them, looks like one, or lies below one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from urllib.parse import unquote

from kyc_gate.adapters.head import MAX_PATH_BYTES, canonical_forms
from kyc_gate.model.record import Record

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
# A path with one spelling only: no escapes, no parameters, no empty segments, no segment that starts with a dot.
_CLEAN = re.compile(rb"/?(?:/[A-Za-z0-9_~@!$&'()*+,=:-][A-Za-z0-9._~@!$&'()*+,=:-]*)*/?")

# What no target may hold (RFC 9112, 3): spaces and control characters, which end it for some readers.
_UNSENDABLE = re.compile(rb"[\x00-\x20\x7f]")


class Standing(StrEnum):
    """How a path stands to the patterns of a table."""

    ELSEWHERE = "elsewhere"
    EXACT = "exact"
    BELOW = "below"
    VARIANT = "variant"
    DISGUISED = "disguised"


class Place(Record):
    """Where a path stands. `pattern` is given for `EXACT` and `BELOW`.

    `VARIANT` differs from a pattern in case, trailing slash or format suffix; `DISGUISED` in escapes, dot segments and
    the like, or it is no path at all.
    """

    standing: Standing
    pattern: str = ""
    parts: tuple[tuple[str, str], ...] = ()


MOST_REMEMBERED = 4096
"""Paths that have nothing to do with a table and are remembered; beyond, all are forgotten."""

_LONGEST_REMEMBERED = 256

_ELSEWHERE = Place(standing=Standing.ELSEWHERE)
_VARIANT = Place(standing=Standing.VARIANT)
_DISGUISED = Place(standing=Standing.DISGUISED)


class PathTable:
    """Patterns, compiled. A path that has nothing to do with them costs about a microsecond."""

    def __init__(self, patterns: Sequence[str]) -> None:
        for pattern in patterns:
            _check(pattern)
        self._patterns = tuple(dict.fromkeys(patterns))
        self._elsewhere: set[bytes] = set()
        self._exact = [(pattern, re.compile(_exact(pattern).encode(), re.DOTALL)) for pattern in self._patterns]
        loose = "|".join(_loose(pattern) for pattern in self._patterns) or r"(?!)"
        self._near = re.compile(
            f"(?:{loose})(?:\\.[a-z0-9]{{1,8}})?(?P<below>[/:].*)?".encode(), re.IGNORECASE | re.DOTALL
        )
        self._form = re.compile(loose)
        self._form_below = re.compile(f"(?:{loose})[/:].*", re.DOTALL)

    def elsewhere(self, raw_path: bytes) -> bool:
        """Return whether `place` is `ELSEWHERE`. What is asked again costs a look-up."""
        if raw_path in self._elsewhere:
            return True
        found = self.place(raw_path).standing is Standing.ELSEWHERE
        if found and len(raw_path) <= _LONGEST_REMEMBERED:
            if len(self._elsewhere) >= MOST_REMEMBERED:
                self._elsewhere.clear()
            self._elsewhere.add(raw_path)
        return found

    def place(self, raw_path: bytes) -> Place:
        """Return where the path, as sent, stands."""
        if _CLEAN.fullmatch(raw_path) and not raw_path.startswith(b"//"):
            near = self._near.fullmatch(raw_path)
            return _ELSEWHERE if near is None else self._place_near(raw_path)
        return self._place_odd(raw_path)

    def _place_near(self, raw_path: bytes) -> Place:
        """Return where a clean path stands that is near a pattern."""
        place = self._place_exact(raw_path)
        if place is not None and place.standing is Standing.EXACT:
            return place
        return _VARIANT if self._folds(raw_path, to_pattern=True) else place or _VARIANT

    def _place_odd(self, raw_path: bytes) -> Place:
        """Return where a path stands that may be read in several ways."""
        if not raw_path:
            return _ELSEWHERE
        if not raw_path.startswith(b"/") or _UNSENDABLE.search(raw_path) or len(raw_path) > MAX_PATH_BYTES:
            return _DISGUISED
        place = self._place_exact(raw_path)
        if place is not None and place.standing is Standing.EXACT:
            return place
        if self._folds(raw_path, to_pattern=True):
            return _DISGUISED
        if place is not None:
            return place
        return _DISGUISED if self._folds(raw_path, to_pattern=False) else _ELSEWHERE

    def _place_exact(self, raw_path: bytes) -> Place | None:
        """Return `EXACT` or `BELOW` for a path that begins as a pattern is spelled, else None."""
        below = None
        for pattern, expression in self._exact:
            found = expression.fullmatch(raw_path)
            if found and not found["below"]:
                return Place(standing=Standing.EXACT, pattern=pattern, parts=_parts(found))
            if found:
                below = Place(standing=Standing.BELOW, pattern=pattern)
        return below

    def _folds(self, raw_path: bytes, *, to_pattern: bool) -> bool:
        """Return whether some upstream reads the path as a pattern, or, if not `to_pattern`, as one below a pattern."""
        expression = self._form if to_pattern else self._form_below
        return any(expression.fullmatch(form) for form in canonical_forms(raw_path))


def _check(pattern: str) -> None:
    """Raise `ValueError` for a pattern that no clean path can match."""
    plain = _PLACEHOLDER.sub("x", pattern)
    if (
        not plain.isascii()
        or not _CLEAN.fullmatch(plain.encode())
        or plain.startswith("//")
        or plain in ("", "/")
        or plain.endswith("/")
    ):
        raise ValueError(f"path `{pattern}` is not a pattern such as `/v1/jobs/{{id}}`")


def _parts(found: re.Match[bytes]) -> tuple[tuple[str, str], ...]:
    named = {name: value for name, value in found.groupdict().items() if name != "below" and value is not None}
    return tuple((name.removeprefix("p_"), unquote(value.decode("ascii"))) for name, value in named.items())


def _exact(pattern: str) -> str:
    """Return the expression for the path as the pattern spells it, and for what lies below."""
    out, end = "", 0
    for found in _PLACEHOLDER.finditer(pattern):
        out += re.escape(pattern[end : found.start()])
        # One segment; escapes only of text, checked by the HTTP profile.
        out += f"(?P<p_{found[1]}>[A-Za-z0-9._~@!$&'()*+,=:%-]+)"
        end = found.end()
    return out + re.escape(pattern[end:]) + r"(?P<below>[/:].*)?"


def _loose(pattern: str) -> str:
    """Return the expression for every path that folds to the pattern."""
    out, end = "", 0
    for found in _PLACEHOLDER.finditer(pattern):
        out += re.escape(pattern[end : found.start()].casefold()) + "[^/]+"
        end = found.end()
    return out + re.escape(pattern[end:].casefold())
