"""What a record says, for a template: parts that are missing or were erased are None, at any depth."""

from __future__ import annotations

from typing import Any


class Said(dict[str, Any]):
    """An object of a record. A name that is not in it stands for None."""

    def __missing__(self, name: str) -> None:
        """Return None."""


def said_of(value: object) -> Any:
    """Return a value of a record with every object in it as `Said`. `Any` because a record is JSON."""
    if isinstance(value, dict):
        return Said({name: said_of(inner) for name, inner in value.items()})
    if isinstance(value, list):
        return [said_of(inner) for inner in value]
    return value


def part_of(record: dict[str, Any], name: str) -> Said:
    """Return an object in a record; an empty one where there is none."""
    found = record.get(name)
    return found if isinstance(found, Said) else Said()
