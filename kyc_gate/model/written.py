"""Canonical texts at speed: what `canonical_text` says, made in one pass where both are sure to agree.

The fast encoder writes some numbers and letters in another way, and NaN as null. So its text stands only where it holds
none of those; any other value is written by `canonical_text`, which says the same on every machine, or raises.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from kyc_gate.model.record import Record, canonical_text, plain

Check = Callable[[Any], bool]
Getter = Callable[[Any], Any]

_encode = msgspec.json.Encoder(order="sorted").encode

# How a number with an exponent ends. Inside a text it costs time and nothing else.
_EXPONENT = re.compile(rb"e-?[0-9]+[,}\]]")


class Written(str):
    """A canonical text. Inside a record to be written it stands for the value that it says."""

    __slots__ = ()


def written(record: Record) -> Written:
    """Return the canonical text of a record. Raises `ValueError` for a float that is not finite.

    Values must be of the types that the record declares; a float elsewhere is not looked for.
    """
    try:
        data = _encode(record)
    except Exception:  # noqa: BLE001 - what the fast encoder cannot write, the other one may, or says why not
        return Written(canonical_text(plain(record)))
    if data.isascii() and _written_alike(data) and finite(record):
        return Written(data.decode("ascii"))
    return Written(canonical_text(plain(record)))


def _written_alike(data: bytes) -> bool:
    """Return whether no number has an exponent, or would have one in Python, and no letter is DEL."""
    return b"0.0000" not in data and b"\x7f" not in data and not _EXPONENT.search(data)


def finite(record: Record) -> bool:
    """Return whether every float that the record's type declares is finite."""
    check = _struct_check(type(record))
    return check is None or check(record)


@cache
def _struct_check(kind: type[msgspec.Struct]) -> Check | None:
    paths: list[str] = []
    checks: list[tuple[Getter, Check]] = []
    _collect(kind, "", paths, checks)
    if paths:
        checks.append((_values(paths), _all_finite))
    return (lambda value: all(check(get(value)) for get, check in checks)) if checks else None


def _collect(kind: type[msgspec.Struct], prefix: str, paths: list[str], checks: list[tuple[Getter, Check]]) -> None:
    """Note where the floats of a record are: its own and those of its parts by path, any other by its check."""
    found = inspect.type_info(kind)
    if not isinstance(found, inspect.StructType):
        raise TypeError(f"`{kind.__name__}` is not a record")
    for field in found.fields:
        path = f"{prefix}{field.name}"
        if isinstance(field.type, inspect.StructType):
            _collect(field.type.cls, f"{path}.", paths, checks)
        elif _may_be_float(field.type):
            paths.append(path)
        elif (check := _check(field.type)) is not None:
            checks.append((operator.attrgetter(path), check))


def _may_be_float(kind: inspect.Type) -> bool:
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    bare = {type(each.type if isinstance(each, inspect.Metadata) else each) for each in kinds}
    return inspect.FloatType in bare and bare <= {inspect.FloatType, inspect.NoneType, inspect.IntType}


def _values(paths: list[str]) -> Getter:
    """Return a function that gives the values at `paths`, as a tuple."""
    get = operator.attrgetter(*paths)
    return get if len(paths) > 1 else lambda value: (get(value),)


def _all_finite(values: Iterable[float | None]) -> bool:
    """Return whether the values are finite: a sum with one that is not is not. A sum that runs over is doubted too."""
    return math.isfinite(sum(filter(None, values)))


def _check(kind: inspect.Type) -> Check | None:
    """Return what tells whether the floats of a value are finite; None where it cannot hold any."""
    match kind:
        case inspect.FloatType():
            return _float
        case inspect.StructType(cls=cls):
            return _struct_check(cls)
        case inspect.UnionType(types=types):
            return _one_of([check for each in types if (check := _check(each)) is not None])
        case inspect.Metadata(type=inner):
            return _check(inner)
        case inspect.CollectionType(item_type=item) | inspect.VarTupleType(item_type=item):
            return _each(_check(item))
        case inspect.DictType(value_type=item):
            return _each(_check(item), of=dict.values)
        case inspect.TupleType() | inspect.AnyType() | inspect.CustomType():
            return _unsure
        case _:
            return None


def _one_of(checks: list[Check]) -> Check | None:
    """Return the check of a union: of nothing, or of one kind that holds floats."""
    if not checks:
        return None
    if len(checks) > 1:
        return _unsure
    return lambda value: value is None or checks[0](value)


def _each(check: Check | None, of: Callable[..., Iterable[object]] = iter) -> Check | None:
    return None if check is None else lambda values: all(map(check, of(values)))


def _float(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _unsure(value: object) -> bool:
    return False
