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
    the like.
    """

    standing: Standing
    pattern: str = ""
    parts: tuple[tuple[str, str], ...] = ()


_ELSEWHERE = Place(standing=Standing.ELSEWHERE)
_VARIANT = Place(standing=Standing.VARIANT)
_DISGUISED = Place(standing=Standing.DISGUISED)


class PathTable:
    """Patterns, compiled. A path that has nothing to do with them costs about a microsecond."""

    def __init__(self, patterns: Sequence[str]) -> None:
        for pattern in patterns:
            _check(pattern)
        self._patterns = tuple(dict.fromkeys(patterns))
        self._exact = [(pattern, re.compile(_exact(pattern).encode())) for pattern in self._patterns]
        loose = "|".join(_loose(pattern) for pattern in self._patterns) or r"(?!)"
        self._near = re.compile(f"(?:{loose})(?:\\.[a-z0-9]{{1,8}})?(?P<below>/.*)?".encode(), re.IGNORECASE)
        self._form = re.compile(f"(?:{loose})(?P<below>/.*)?")

    def place(self, raw_path: bytes) -> Place:
        """Return where the path, as sent, stands."""
        if _CLEAN.fullmatch(raw_path) and not raw_path.startswith(b"//"):
            near = self._near.fullmatch(raw_path)
            return _ELSEWHERE if near is None else self._place_near(raw_path)
        return self._place_odd(raw_path)

    def _place_near(self, raw_path: bytes) -> Place:
        for pattern, expression in self._exact:
            found = expression.fullmatch(raw_path)
            if found and not found["below"]:
                return Place(standing=Standing.EXACT, pattern=pattern, parts=_parts(found))
        forms = canonical_forms(raw_path)
        if any(found and not found["below"] for found in map(self._form.fullmatch, forms)):
            return _VARIANT
        for pattern, expression in self._exact:
            if expression.fullmatch(raw_path):
                return Place(standing=Standing.BELOW, pattern=pattern)
        return _VARIANT

    def _place_odd(self, raw_path: bytes) -> Place:
        if len(raw_path) > MAX_PATH_BYTES:
            return _DISGUISED
        for pattern, expression in self._exact:
            found = expression.fullmatch(raw_path)
            if found and not found["below"] and b"%" in raw_path:
                return Place(standing=Standing.EXACT, pattern=pattern, parts=_parts(found))
        if any(self._form.fullmatch(form) for form in canonical_forms(raw_path)):
            return _DISGUISED
        return _ELSEWHERE


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
    return out + re.escape(pattern[end:]) + r"(?P<below>/.*)?"


def _loose(pattern: str) -> str:
    """Return the expression for every path that folds to the pattern."""
    out, end = "", 0
    for found in _PLACEHOLDER.finditer(pattern):
        out += re.escape(pattern[end : found.start()].casefold()) + "[^/]+"
        end = found.end()
    return out + re.escape(pattern[end:].casefold())
