"""Strict JSON: one document with one meaning for every reader, or a refusal that names the field and the fix.

The standard parser lets NaN, 1e400, byte order marks, UTF-16 and duplicate keys through, and turns numbers to floats.
Here numbers are exact (int, or Decimal where a fraction or an exponent is written) and keys are distinct for readers
that ignore case, too. A hostile document of a mebibyte is refused within 50 ms.
"""

from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal
from typing import TypeAlias

from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | Decimal | bool | None"

MAX_DEPTH = 64
"""Levels of nesting. The deepest provisioning body of botocore's models has about 12."""

MAX_ITEMS = 10_000
"""Keys and elements in one document. The largest HyperPod cluster call has about 2,000."""

MAX_DIGITS = 60
"""Digits of a number, and the largest power of ten. The frontier line is 1e26."""

_FORBIDDEN = frozenset({"__proto__", "constructor", "prototype", "$ref"})
# A text, or what gives a document its shape. `\Z` closes an unterminated text, so that nothing is scanned twice.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[,\[\]{}]', re.DOTALL)
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)\Z")


class _Pairs(list[tuple[str, object]]):
    """An object as written: its pairs in order, duplicates included."""


def read_json(data: bytes, *, what: str = "body") -> JsonValue:
    """Return the one document in `data`. Raises `RefusedCall` 400 naming `what` and the path inside it."""
    text = _decode(data, what)
    _check_extent(text, what)
    try:
        raw = json.loads(
            text, object_pairs_hook=_Pairs, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _refused(what, f"is not one JSON document: {error.msg[0].lower()}{error.msg[1:]} at {where}") from None
    except _BadNumber as error:
        raise _refused(what, str(error)) from None
    return _checked(raw, what)


def read_json_object(data: bytes, *, what: str = "body") -> dict[str, JsonValue]:
    """Return the one document in `data`, which must be an object."""
    value = read_json(data, what=what)
    if not isinstance(value, dict):
        raise _refused(what, "is not a JSON object; send one object for one request")
    return value


class _BadNumber(Exception):
    """A number that readers would understand differently."""


def _refused(what: str, says: str) -> RefusedCall:
    return RefusedCall(400, "json", f"{what} {says}")


def _decode(data: bytes, what: str) -> str:
    if data.startswith((b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")):
        raise _refused(what, "starts with a byte order mark; send plain UTF-8")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(what, f"is not UTF-8 at byte {error.start}") from None


def _check_extent(text: str, what: str) -> None:
    """Refuse a document that is too deep or has too many parts, before anything is built from it."""
    if sum(map(text.count, "[{")) <= MAX_DEPTH and text.count(",") < MAX_ITEMS - MAX_DEPTH:
        return
    parts = texts = depth = 0
    for token in _TOKEN.finditer(text):
        sign = text[token.start()]
        texts += sign == '"'
        parts += sign in ",[{"
        if parts > MAX_ITEMS or texts > 2 * MAX_ITEMS:
            raise _refused(what, f"has more than {MAX_ITEMS} keys and elements")
        depth += (sign in "[{") - (sign in "]}")
        if depth > MAX_DEPTH:
            raise _refused(what, f"is nested deeper than {MAX_DEPTH} levels")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _BadNumber(f"has a number of more than {MAX_DIGITS} digits")
    return int(text)


def _decimal(text: str) -> Decimal:
    exponent = _EXPONENT.search(text)
    if len(text) > MAX_DIGITS or (exponent and (len(exponent[1]) > 4 or abs(int(exponent[1])) > MAX_DIGITS)):
        raise _BadNumber(f"has a number beyond {MAX_DIGITS} digits or powers of ten: {shown(text)}")
    return Decimal(text)


def _constant(text: str) -> None:
    raise _BadNumber(f"has {shown(text)}, which is not a JSON number")


def _checked(value: object, path: str) -> JsonValue:
    """Return `value` with objects as dicts, once every key and string in it was found to have one reading."""
    if isinstance(value, _Pairs):
        return _object(value, path)
    if isinstance(value, list):
        return [_checked(part, f"{path}[{index}]") for index, part in enumerate(value)]
    if isinstance(value, str):
        _check_text(value, path)
        return value
    if value is None or isinstance(value, (bool, int, Decimal)):
        return value
    raise _refused(path, "is not a JSON value")


def _object(pairs: _Pairs, path: str) -> dict[str, JsonValue]:
    seen: dict[str, str] = {}
    result: dict[str, JsonValue] = {}
    for key, part in pairs:
        folded = _folded(key, path)
        if folded in seen:
            raise _refused(path, f"has key {shown(key)} twice (as {shown(seen[folded])}); send each key once")
        if folded in _FORBIDDEN:
            raise _refused(path, f"has key {shown(key)}, which some readers follow elsewhere; leave it out")
        seen[folded] = key
        result[key] = _checked(part, f"{path}.{key[:40]}" if key.isascii() and key.isprintable() else f"{path}.?")
    return result


def _folded(key: str, path: str) -> str:
    """Return the key as a reader sees it that ignores case and compatibility forms; refuse invisible characters."""
    if key.isascii() and key.isprintable():
        return key.lower()
    _check_text(key, path)
    if not key.isprintable():
        raise _refused(path, f"has key {shown(key)} with invisible characters")
    return unicodedata.normalize("NFKC", key).casefold()


def _check_text(text: str, path: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _refused(path, "has half of a surrogate pair; send whole characters") from None
