"""Input objects as records, with errors that name the field and the fix."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeVar, get_args

import msgspec

from kyc_gate.errors import InputError
from kyc_gate.model.record import Record

R = TypeVar("R", bound=Record)


class FieldError(InputError):
    """An input field that cannot be used. `field` is its dotted path, such as `accelerators[0].count`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read_record(value: Mapping[str, Any], shape: type[R], *, at: str = "") -> R:
    """Return `value` as a record of `shape`. Raises `FieldError`; `at` is where `value` itself stands."""
    _refuse_texts_for_numbers(value, shape, at)
    try:
        return msgspec.convert(value, shape, strict=True)
    except msgspec.ValidationError as error:
        raise _problem(str(error), shape, at) from None


def _refuse_texts_for_numbers(value: Mapping[str, Any], shape: type[Record], at: str) -> None:
    """Raise `FieldError` for a text where `shape` wants a number, such as `"NaN"` or `"1e25 TFLOP"`."""
    for field in msgspec.structs.fields(shape):
        kinds = get_args(field.type) or (field.type,)
        if Decimal in kinds and str not in kinds and isinstance(value.get(field.name), str):
            name = _joined(at, field.name)
            raise FieldError(name, f"field `{name}` must be a number, not a text; write it without quotes and units")


_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`$")
_TYPE = re.compile(r"Expected `(?P<want>[^`]*)`(?P<bound> [<>]=? \S+)?(?:, got `(?P<got>[^`]*)`)?$")
_ENUM = re.compile(r"Invalid enum value '?(?P<value>.*?)'?$", re.DOTALL)

_PLAIN = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
"""JSON types in plain words; msgspec speaks of Python's."""

HINTS = {
    "country": "`location` or `headquarters`",
    "hq": "`headquarters`",
    "parent": "`ultimate_parent`",
    "telephone": "`phone`",
    "url": "`website`",
    "domain": "`website`",
    "ip_address": "`ip`",
    "founded": "`incorporated`",
    "incorporation_date": "`incorporated`",
    "dba": "`trade_names`",
    "doing_business_as": "`trade_names`",
    "military": "`military_end_use`",
    "wmd": "`wmd_end_use`",
    "hours": "`duration_hours`",
    "duration": "`duration_hours` or `duration_seconds`",
    "gpu": "`model`",
    "gpus": "`accelerators`",
    "gpu_count": "`count`",
    "chip": "`model`",
    "chips": "`accelerators`",
    "purpose": "`workload`",
    "utilisation": "`mfu`",
    "flops": "`declared_operations`",
}
"""Names that people try, and what the field is called here; spelling distance alone would not find these."""


def _problem(message: str, shape: type[Record], at: str) -> FieldError:
    """Return msgspec's message as ours."""
    text, _, inside = message.partition(" - at `$")
    path = f"{at}{inside.rstrip('`')}".lstrip(".")
    if found := _UNKNOWN.match(text):
        name = found["name"]
        return FieldError(_joined(path, name), f"field `{_joined(path, name)}` is not known{_meant(name, shape)}")
    if found := _MISSING.match(text):
        name = _joined(path, found["name"])
        return FieldError(name, f"field `{name}` is missing")
    if found := _ENUM.match(text):
        return FieldError(
            path, f"field `{path}`: `{found['value']}` is not known{_choices(found['value'], path, shape)}"
        )
    if found := _TYPE.match(text):
        return FieldError(path, f"field `{path}` must be {_expected(found)}")
    if "encoded date" in text:
        return FieldError(path, f"field `{path}` must be a date such as 2026-11-24")
    return FieldError(path, f"field `{path}`: {text[:1].lower()}{text[1:]}")


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _expected(found: re.Match[str]) -> str:
    want = " or ".join(_PLAIN.get(part.strip(), part.strip()) for part in found["want"].split("|"))
    bound = (found["bound"] or "").replace(">=", "of at least").replace("<=", "of at most")
    bound = bound.replace(">", "above").replace("<", "below")
    got = found["got"]
    return f"{want}{bound}" + (f", not {_PLAIN.get(got, got)}" if got else "")


def _meant(name: str, shape: type[Record]) -> str:
    if name.lower() in HINTS and any(known in HINTS[name.lower()] for known in _names(shape)):
        return f"; did you mean {HINTS[name.lower()]}?"
    near = difflib.get_close_matches(name, sorted(_names(shape)), n=1)
    return f"; did you mean `{near[0]}`?" if near else f"; the fields are {', '.join(sorted(_names(shape)))}"


def _names(shape: type[Record]) -> set[str]:
    return {field.name for kind in _shapes(shape, set()) for field in msgspec.structs.fields(kind)}


def _shapes(kind: Any, seen: set[type[Record]]) -> Iterator[type[Record]]:
    """Yield every record type that `kind` is made of. `Any` because annotations are."""
    if isinstance(kind, type) and issubclass(kind, Record) and kind not in seen:
        seen.add(kind)
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from _shapes(field.type, seen)
    for part in get_args(kind):
        yield from _shapes(part, seen)


def _choices(value: str, path: str, shape: type[Record]) -> str:
    """Return the nearest right value of the enumeration at `path`, or all of them."""
    last = path.rpartition(".")[2].partition("[")[0]
    for kind in _shapes(shape, set()):
        for field in msgspec.structs.fields(kind):
            if field.name == last:
                known = [str(member.value) for part in (field.type, *get_args(field.type)) for member in _members(part)]
                near = difflib.get_close_matches(value.lower().replace("-", "_"), known, n=1)
                return f"; did you mean `{near[0]}`?" if near else f"; it is one of {', '.join(known)}"
    return ""


def _members(kind: Any) -> list[Any]:
    return list(getattr(kind, "__members__", {}).values())
