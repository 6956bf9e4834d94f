"""Records as JSON text in a column: exact for integers of any size and for text of any kind."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from kyc_gate.errors import StorageFault
from kyc_gate.model.record import canonical_bytes

T = TypeVar("T")


def written(value: object) -> str:
    """Return `value` as JSON text. `msgspec.json` would refuse text with unpaired surrogates."""
    return canonical_bytes(value).decode("ascii")


def read(text: str, kind: type[T] | Any) -> T:
    """Return the value of type `kind` that `text` holds. Raises `StorageFault` when it does not hold one."""
    try:
        found: T = msgspec.convert(json.loads(text), type=kind)
    except (ValueError, TypeError) as error:  # msgspec's errors are ValueErrors
        raise StorageFault(
            f"a row of the store cannot be read as {getattr(kind, '__name__', kind)}: {error}"
        ) from error
    return found
