"""Facts written in TOML: a complete base, and what a case changes in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import msgspec

from kyc_gate.model.facts import Facts
from kyc_gate.policy.tables import Table
from kyc_gate.policy.vocabulary import Fact, Type, nearest, vocabulary

Written = Mapping[str, object]
"""Values by dotted path; None where a fact is unknown."""


def read_facts(table: Table, key: str, unknown_key: str) -> Written:
    """Return the facts under `key`, nested or dotted, and None for each path that `unknown_key` lists."""
    values = table.get(key)
    found: dict[str, object] = {}
    for path, value in _leaves(values if isinstance(values, dict) else {}, ""):
        fact = vocabulary().get(path)
        if fact is None:
            table.refuse(f"unknown fact `{path}`{nearest(path, vocabulary())}", path)
        else:
            found[path] = _read(fact, value, table)
    for path in table.texts(unknown_key):
        fact = vocabulary().get(path)
        if fact is None:
            table.refuse(f"unknown fact `{path}` in `{unknown_key}`{nearest(path, vocabulary())}", unknown_key)
        elif not fact.nullable:
            table.refuse(f"fact `{path}` is never unknown", unknown_key)
        else:
            found[path] = None
    return found


def missing_facts(written: Written) -> list[str]:
    """Return the path of each fact that a base leaves out."""
    return [path for path in vocabulary() if path not in written]


def build_facts(written: Written, **more: object) -> Facts:
    """Return the record with these values at their paths. `more` holds the parts that no rule may name."""
    nested: dict[str, Any] = dict(more)
    for path, value in written.items():
        *rooms, name = path.split(".")
        target = nested
        for room in rooms:
            target = target.setdefault(room, {})
        target[name] = value
    return msgspec.convert(nested, Facts)


def read_moment(value: object) -> datetime | None:
    """Return the moment that a TOML date (its noon, UTC) or timestamp with an offset stands for, else None."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo is not None else None
    return datetime.combine(value, time(12), UTC) if isinstance(value, date) else None


def _leaves(values: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        path = f"{prefix}{name}"
        found.extend(_leaves(value, f"{path}.") if isinstance(value, dict) else [(path, value)])
    return found


def _read(fact: Fact, value: object, table: Table) -> object:
    read = _READERS[fact.type](value)
    if read is None or (fact.values and read not in fact.values):
        wanted = f"one of {', '.join(fact.values)}" if fact.values else f"a {fact.type}"
        table.refuse(f"fact `{fact.path}` must be {wanted}, not `{value}`", fact.path)
        return None
    if fact.type is Type.NUMBER:
        return _number(fact, read, table)
    return read


def _number(fact: Fact, value: object, table: Table) -> object:
    """An int where the fact counts (1e25 is one too), a float where it measures."""
    assert isinstance(value, int | Decimal)  # noqa: S101  # the reader lets nothing else through
    if not fact.exact:
        return float(value)
    if value != int(value):
        table.refuse(f"fact `{fact.path}` must be a whole number, not `{value}`", fact.path)
    return int(value)


def _text(value: object) -> object:
    return value if isinstance(value, str) else None


def _texts(value: object) -> object:
    return tuple(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else None


def _finite(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return value if isinstance(value, int) or (value.is_finite() and abs(value.adjusted()) < 100) else None


_READERS = {
    Type.BOOLEAN: lambda value: value if isinstance(value, bool) else None,
    Type.NUMBER: _finite,
    Type.TEXT: _text,
    Type.COUNTRY: _text,
    Type.MOMENT: read_moment,
    Type.TEXTS: _texts,
    Type.COUNTRIES: _texts,
}
