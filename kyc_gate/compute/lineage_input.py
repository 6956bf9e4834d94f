"""A lineage as people and programs write it in JSON, to the record. What cannot be meant is refused, field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

import msgspec

from kyc_gate.errors import InputError
from kyc_gate.model.lineage import Lineage
from kyc_gate.model.record import Record
from kyc_gate.model.run import RegisteredModel

LONGEST_NAME = 200
"""Characters of a model's name."""


def parse_lineage(value: object) -> Lineage:
    """Return the lineage that a JSON object describes, with the fields of `Lineage`.

    Whole numbers may be written with an exponent (`1e26`). Raises `InputError` naming the field.
    """
    if not isinstance(value, Mapping):
        raise InputError('field `lineage` must be an object, such as {"base": {"name": ..., "weights": ...}}')
    base = value.get("base")
    if isinstance(base, Mapping) and "verified" in base:
        raise InputError("field `lineage.base.verified` is the registry's to say; leave it out")
    lineage = _converted(value, Lineage, "lineage")
    for name in _names(lineage):
        if not (name.isprintable() and 0 < len(name) <= LONGEST_NAME):
            raise InputError(f"field `lineage`: a model's name is 1 to {LONGEST_NAME} printable characters")
    return lineage


def parse_model(value: object) -> RegisteredModel:
    """Return the registered model that a JSON object describes. Raises `InputError` naming the field."""
    return _converted(value, RegisteredModel, "model")


R = TypeVar("R", bound=Record)


def _converted(value: object, shape: type[R], at: str) -> R:
    try:
        return msgspec.convert(_whole(value, at), shape, strict=True)
    except msgspec.ValidationError as error:
        raise InputError(_explained(str(error), at)) from None


def _names(lineage: Lineage) -> list[str]:
    names = [data.generator for data in lineage.synthetic]
    names += [name for name in (lineage.model, lineage.base.name if lineage.base else None) if name is not None]
    return names


def _whole(value: object, at: str) -> object:
    """The value with each whole decimal as an integer; a text that stands for a number is none."""
    if isinstance(value, Mapping):
        return {name: _number(each, f"{at}.{name}") if name in _NUMBERS else _whole(each, f"{at}.{name}")
                for name, each in value.items()}  # fmt: skip
    if isinstance(value, list | tuple):
        return [_whole(each, at) for each in value]
    return value


_NUMBERS = frozenset(
    {"operations", "generation_operations", "generator_operations", "parameters", "tokens", "epochs", "share"}
)


def _number(value: object, at: str) -> object:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InputError(f"field `{at}` must be a number, not a text; write it without quotes and units")
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > 45:
        raise InputError(f"field `{at}`: the number is out of range")
    return int(number) if number == number.to_integral_value() else number


_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")


def _explained(message: str, at: str) -> str:
    """Return msgspec's message as ours: the field first, in our words."""
    found = _AT.search(message)
    path = f"{at}.{found['path']}".rstrip(".") if found else at
    text = _AT.sub("", message)
    return f"field `{path}`: {text[:1].lower()}{text[1:]}"
