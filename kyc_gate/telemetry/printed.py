"""Log lines as a terminal shows them. Nothing in a field can end a line, move a cursor, or pass for another field."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

_COLOURS = {"allow": "32", "escalate": "33", "block": "31", "error": "31", "warning": "33", "critical": "31"}
_BOLD, _DIM = "1", "2"

_SHORT = {"milliseconds": "ms", "decision_id": "decision", "case_id": "case", "trace_id": "trace", "grant_id": "grant"}
_LEADS = frozenset({"timestamp", "level", "event", "outcome", "decision_id", "threshold", "share", "projected"})
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/@+~,%#*")
_MARKS_IN_A_ROW = 2
"""Marks that may stand on one letter; more would paint over the lines above and below."""


def escaped(text: str) -> str:
    """Return `text` with every control, format, private and stacked character as an escape; what prints is kept."""
    if text.isascii() and text.isprintable():
        return text
    found, marks = [], 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        plain = char.isprintable() and marks <= _MARKS_IN_A_ROW
        found.append(char if plain else char.encode("unicode_escape", "backslashreplace").decode("ascii"))
    return "".join(found)


def shown(value: object) -> str:
    """Return a value as one word: quoted where it holds anything that could be read as two fields."""
    if isinstance(value, bool) or value is None:
        return {None: "-", True: "yes", False: "no"}[value]
    if isinstance(value, (list, tuple)):
        return ",".join(shown(each) for each in value) or "-"
    if isinstance(value, Mapping):
        return ",".join(f"{shown(str(key))}:{shown(each)}" for key, each in value.items()) or "-"
    if isinstance(value, int) and abs(value) >= 10**9:
        return scientific(value)
    text = str(value)
    if text and _PLAIN.issuperset(text):
        return text
    quoted = escaped(text.replace("\\", "\\\\").replace('"', '\\"'))
    return f'"{quoted}"'


def scientific(value: int) -> str:
    """Return a large whole number with three digits, such as `3.1e+25`."""
    try:
        return f"{value:.3g}"
    except OverflowError:  # beyond what a float holds
        return f"1e+{len(str(abs(value))) - 1}"


def printed(line: Mapping[str, object], *, colours: bool) -> str:
    """Return a log line for people: when, what, how far from the threshold, and then every field that says something.

    Colours are put around what is escaped already, so that the only control characters are this function's own.
    """
    paint = _painted if colours else _unpainted
    when = escaped(str(line.get("timestamp", "")))
    lead = str(line.get("outcome") or line.get("level") or "")
    head = [paint(when, _DIM), paint(escaped(lead).upper().ljust(8), _COLOURS.get(lead, "36"))]
    event = line.get("event")
    if event != "decision.made":
        head.append(paint(shown(event), _BOLD))
    elif line.get("decision_id"):
        head.append(paint(shown(line["decision_id"]), _BOLD))
    head += _distance(line)
    silent: tuple[object, ...] = (None, "", [], (), False)
    fields = [
        f"{paint(f'{_SHORT.get(key) or _name(key)}=', _DIM)}{shown(value)}"
        for key, value in line.items()
        if not _told(key, line) and value not in silent
    ]
    return " ".join(part for part in (*head, *fields) if part)


def _told(key: str, line: Mapping[str, object]) -> bool:
    """Return whether the head of the line has told the field already."""
    decision = line.get("event") == "decision.made"
    return key in ("timestamp", "level", "event") or (decision and key in _LEADS)


def _name(key: str) -> str:
    return key if _PLAIN.issuperset(key) else shown(key)


def _distance(line: Mapping[str, object]) -> Sequence[str]:
    """Return how much of the nearest threshold the control group has used, such as `3.1e+25/1e+26(31%)`."""
    projected, threshold, share = line.get("projected"), line.get("threshold"), line.get("share")
    if not isinstance(projected, int) or not isinstance(threshold, int) or not isinstance(share, float):
        return ()
    return (f"operations={scientific(projected)}/{scientific(threshold)}({share:.0%})",)


def _painted(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"


def _unpainted(text: str, _: str) -> str:
    return text
