"""The table `[screening]` of a policy: from which score on a resemblance is a match, or a possible one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kyc_gate.model.match import Band, Lines
from kyc_gate.model.party import PartyKind
from kyc_gate.policy.source import Problem, Source
from kyc_gate.policy.tables import Table
from kyc_gate.policy.vocabulary import nearest


def read_lines(values: Any, source: Source, problems: list[Problem]) -> Lines | None:
    """Return the lines that the table draws, or None where it cannot be used, with every problem noted.

    `possible` and `match` hold everywhere; `[screening.lists.SDN]`, `[screening.kinds.person]` and
    `[screening.pairs."SDN/person"]` draw others, and what they leave out is as everywhere.
    """
    before = len(problems)
    table = Table(values, source, problems, name="screening")
    default = _band(table, None)
    every = {key: _bands(table, key, default) for key in ("lists", "kinds", "pairs")}
    for kind in (*every["kinds"], *(pair.partition("/")[2] for pair in every["pairs"])):
        if kind not in list(PartyKind):
            known = ", ".join(PartyKind)
            table.refuse(f"`{kind}` is no kind of party; the kinds are {known}{nearest(kind, list(PartyKind))}", kind)
    table.finish()
    if len(problems) > before or default is None:
        return None
    return Lines(default=default, **every)


def _bands(table: Table, key: str, default: Band | None) -> dict[str, Band]:
    values = table.get(key)
    if values is None:
        return {}
    if not isinstance(values, dict):
        table.refuse(f"`{key}` must be a table of tables", key)
        return {}
    found: dict[str, Band] = {}
    for name, inner in values.items():
        written = f'"{name}"' if key == "pairs" else name
        own = Table(inner, table.source, table.problems, name=f"screening.{key}.{written}")
        band = _band(own, default)
        own.finish()
        if band is not None:
            found[name] = band
    return found


def _band(table: Table, default: Band | None) -> Band | None:
    """Return the two lines of a table; what it leaves out is the default's."""
    possible = _score(table, "possible", default.possible if default else None)
    match = _score(table, "match", default.match if default else None)
    if possible is None or match is None:
        return None
    if possible > match:
        table.refuse(f"`possible` ({possible}) is above `match` ({match})", "possible")
        return None
    return Band(possible=possible, match=match)


def _score(table: Table, key: str, default: float | None) -> float | None:
    value = table.get(key, needed=default is None)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 < value <= 1:
        table.refuse(f"`{key}` must be a score above 0 and at most 1, such as 0.8", key)
        return None
    return float(value)
