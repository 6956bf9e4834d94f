"""Kubernetes quantities, as its API server reads them (apimachinery, `resource.Quantity`)."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.adapters.values import MAX_COUNT
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall

_QUANTITY = re.compile(
    r"(?P<sign>[+-]?)(?P<number>[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})"
    r"(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?"
)
_POWERS = MappingProxyType(
    {suffix: Fraction(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}
    | {
        suffix: Fraction(10) ** power
        for suffix, power in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)
    }
)


def quantity(value: JsonValue, field: str) -> int:
    """Return the whole number that `value` amounts to, rounded up: `8`, `"8"`, `"1k"`, `"1e3"`, `"8000m"`.

    Raises `RefusedCall` 400 for anything that is no quantity, is below zero, or is more devices than there are.
    """
    text = str(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else value
    found = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise RefusedCall(400, "quantity", f"{field} {shown(value)} is not a Kubernetes quantity, such as `8` or `1k`")
    exact = Fraction(found["number"].rstrip(".")) * _power(found["suffix"])
    if exact and found["sign"] == "-":
        raise RefusedCall(400, "quantity", f"{field} {shown(value)} is below zero")
    amount = -(-exact.numerator // exact.denominator)
    if amount > MAX_COUNT:
        raise RefusedCall(400, "quantity", f"{field} {shown(value)} is more than {MAX_COUNT} devices")
    return amount


def _power(suffix: str | None) -> Fraction:
    if not suffix:
        return Fraction(1)
    if suffix in _POWERS:
        return _POWERS[suffix]
    return Fraction(10) ** int(suffix[1:])
