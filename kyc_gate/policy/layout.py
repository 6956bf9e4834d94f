"""Policy files in one layout: the same tables and values with their comments, keys of a rule in one order."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal

from kyc_gate.errors import PolicyError

_ORDER = {
    "policy": ("name", "revision", "status", "about", "disclosure", "extends", "accepts"),
    "rule": (
        "id", "title", "when", "then", "accepts", "cites", "status", "mode", "overridable", "four_eyes", "period",
        "effective_from", "effective_to", "replaces", "because", "runbook",
    ),
    "route": ("name", "mode", "rules", "providers", "services", "operations", "kinds", "accepts"),
    "case": (
        "name", "as_of", "facts", "unknown", "resembled", "options", "limits", "grant", "outcome", "rules", "noted",
    ),
}  # fmt: skip
"""Keys of each table in the order in which they are read best; others follow as they stood."""

_HEADER = re.compile(r"\s*\[")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*'))*)\s*="""
)


@dataclass
class _Item:
    """A key with its value, over as many lines as it takes, and the comments above it; no key for comments alone."""

    key: str
    lines: list[str]
    comments: list[str] = field(default_factory=list)
    spaced: bool = False


@dataclass
class _Block:
    """A table: the comments above its header, the header, and its items."""

    header: str
    comments: list[str] = field(default_factory=list)
    items: list[_Item] = field(default_factory=list)


def laid_out(text: str, name: str) -> str:
    """Return a policy or case file in the one layout. Twice is as good as once.

    One blank line stands between tables, at most one within; `key = value` has single spaces; the keys of `[policy]`,
    `[[rule]]` and `[[case]]` stand in one order. Conditions and lists keep their own lines.
    Raises `PolicyError` for what is not TOML, and rather than say anything else than before.
    """
    before = _values(text, name)
    blocks = _blocks(text.replace("\r\n", "\n").split("\n"))
    written = "\n\n".join(part for part in ("\n".join(_lines(block)) for block in blocks) if part) + "\n"
    if not _alike(_values(written, name), before):
        raise PolicyError(
            [f"policy file `{name}`: cannot be laid out without changing what it says; lay it out by hand"]
        )
    return written


def _values(text: str, name: str) -> object:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PolicyError([f"policy file `{name}`: is not TOML: {str(error)[:1].lower()}{str(error)[1:]}"]) from error


def _alike(one: object, other: object) -> bool:
    """Whether two values of TOML say the same; a number that is none, `nan`, is like itself."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, Decimal) and isinstance(other, Decimal) and one.is_nan():
        return other.is_nan()
    return type(one) is type(other) and one == other


def _blocks(lines: list[str]) -> list[_Block]:
    blocks = [_Block(header="")]
    comments: list[str] = []
    spaced, index = False, 0
    while index < len(lines):
        line = lines[index]
        if not line.strip():
            # Comments that a blank line parts from what follows stand alone.
            if comments:
                blocks[-1].items.append(_Item(key="", lines=[], comments=comments, spaced=spaced))
                comments = []
            spaced = True
        elif line.lstrip().startswith("#"):
            comments.append(line.strip())
        elif _HEADER.match(line):
            blocks.append(_Block(header=line.strip(), comments=comments))
            comments, spaced = [], False
        else:
            item, index = _item(lines, index)
            item.comments, item.spaced = comments, spaced
            blocks[-1].items.append(item)
            comments, spaced = [], False
        index += 1
    if comments:
        blocks[-1].items.append(_Item(key="", lines=[], comments=comments, spaced=spaced))
    return blocks


def _item(lines: list[str], start: int) -> tuple[_Item, int]:
    """The key that begins on a line with its value, and the last line that it takes."""
    found = _KEY.match(lines[start])
    key = found.group(1) if found else ""
    for end in range(start, len(lines)):
        try:
            tomllib.loads("\n".join(lines[start : end + 1]))
        except tomllib.TOMLDecodeError:
            continue
        value = lines[start][found.end() :].lstrip() if found else lines[start]
        first = f"{key} = {value.rstrip() if end == start else value}"
        return _Item(key=key, lines=[first, *lines[start + 1 : end + 1]]), end
    return _Item(key=key, lines=lines[start:]), len(lines)


def _lines(block: _Block) -> list[str]:
    order = _ORDER.get(block.header.strip("[] "), ())
    items = block.items
    last = max((index for index, item in enumerate(items) if item.key), default=-1)
    # What stands below the last key is about what follows the table.
    keyed, below = items[: last + 1], items[last + 1 :]
    if order and all(item.key for item in keyed):
        ranks = {key: rank for rank, key in enumerate(order)}
        items = [*sorted(keyed, key=lambda item: ranks.get(item.key, len(order))), *below]
    written = [*block.comments, block.header] if block.header else []
    for index, item in enumerate(items):
        if item.spaced and (index or not block.header) and written and not (order and item.key):
            written.append("")
        written += [*item.comments, *item.lines]
        if not item.key and index + 1 < len(items):
            written += [] if items[index + 1].spaced and not order else [""]
    return written
