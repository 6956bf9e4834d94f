"""Fields of Kubernetes objects, each with one type: a field of another type is refused, never read as absent."""

from __future__ import annotations

from typing import TypeAlias

from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.adapters.values import MAX_COUNT
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall

Object: TypeAlias = "dict[str, JsonValue]"

LONGEST_SECONDS = 10 * 366 * 86_400
"""Ten years. A run with a longer limit has no end that means anything, and counts as one without."""


def part(home: Object, name: str) -> Object:
    """Return the object in a field, empty where it is absent or null."""
    value = home.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _refused(name, value, "an object")
    return value


def parts(home: Object, name: str) -> list[Object]:
    """Return the objects of a list, empty where it is absent or null."""
    value = home.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _refused(name, value, "a list of objects")
    return [each for each in value if isinstance(each, dict)]


def number(home: Object, name: str, default: int) -> int:
    """Return the number in a field, or `default` where it is absent or null. `MAX_COUNT` stands for any above it."""
    value = home.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _refused(name, value, "a whole number of at least 0")
    return min(value, MAX_COUNT)


def seconds(home: Object, name: str) -> int | None:
    """Return a limit in seconds, or None where there is none that means anything."""
    value = home.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _refused(name, value, "a number of seconds")
    return max(value, 1) if value <= LONGEST_SECONDS else None


def flag(home: Object, name: str) -> bool | None:
    """Return the truth value in a field, None where it is absent or null."""
    value = home.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise _refused(name, value, "true or false")


def text(home: Object, name: str) -> str:
    """Return the text in a field, empty where it is absent or null."""
    value = home.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _refused(name, value, "a text")
    return value


def _refused(name: str, value: object, meant: str) -> RefusedCall:
    return RefusedCall(400, "field", f"{name} {shown(value)} is not {meant}")
