"""The base of every record: frozen, keyword-only, and strict about names it does not know."""

from __future__ import annotations

import hashlib
import json
from typing import Any, dataclass_transform

import msgspec


# The decorator tells type checkers what the class keywords say at run time.
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An immutable value with named parts; equal when all parts are equal."""


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def plain(value: object) -> Any:
    """Return `value` as JSON-ready dicts, lists, strings, integers, booleans and nulls.

    Decimals and timestamps become strings, sets become sorted lists, and integers stay exact at any size.
    `Any` because that is what JSON is.
    """
    return msgspec.to_builtins(value, order="deterministic")


def canonical_bytes(value: object) -> bytes:
    """Return the one byte string that stands for `value`: sorted keys, no spaces, ASCII only, no NaN.

    Two equal values give equal bytes on every machine, so digests and hash chains can be built on them.
    Raises `ValueError` for a float that is not finite.
    """
    return canonical_text(plain(value)).encode("ascii")


def canonical_text(content: object) -> str:
    """Return `canonical_bytes` as a text, for `content` that is JSON-ready already, as `plain` returns it."""
    return _encode(content)


def digest(value: object) -> str:
    """Return the SHA-256 of `canonical_bytes(value)` as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()
