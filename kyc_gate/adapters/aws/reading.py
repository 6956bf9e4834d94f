"""What one AWS operation asks for, before it is known whose account it is."""

from __future__ import annotations

import re

from kyc_gate.adapters.words import nearest, shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators, RequestKind, Workload
from kyc_gate.model.record import Record

MAX_COUNT = 1_000_000
"""Machines in one line. HyperPod allows 6,758 in a group; more than this is a typing error or an attack."""

WORKLOAD_TAG, OPERATIONS_TAG, PLACE_TAG = "kyc:workload", "kyc:operations", "kyc:place-of-use"
"""Tags with which a customer declares what a run is for, how many operations it performs, and from where it is used."""

_TYPE = re.compile(r"[a-z0-9][a-z0-9.-]{1,63}")
_OPERATIONS = re.compile(r"([0-9]{1,40})(?:\.([0-9]{1,40}))?(?:[eE]\+?([0-9]{1,2}))?")
_NUMBER = re.compile(r"[0-9]{1,10}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,255}")


class Reading(Record):
    """A guarded operation, read. `token` is the idempotency token; `named` is true if its name cannot be used twice."""

    kind: RequestKind
    lines: tuple[Accelerators, ...] = ()
    unresolved: tuple[str, ...] = ()
    ranged: bool = False
    duration_seconds: int | None = None
    tags: tuple[tuple[str, str], ...] = ()
    linkage: tuple[tuple[str, str], ...] = ()
    token: str | None = None
    named: bool = False
    dry_run: bool = False


def instance_type(value: object, field: str) -> str:
    """Return `value` if it has the form of an instance type, else refuse it (400)."""
    if isinstance(value, str) and _TYPE.fullmatch(value):
        return value
    raise RefusedCall(
        400, "instance-type", f"{field} {shown(value)} is not an instance type; send one such as `p5.48xlarge`"
    )


def count(value: object, field: str, *, least: int = 1) -> int:
    """Return `value` as a count if it is a whole number between `least` and `MAX_COUNT`, else refuse it (400)."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_COUNT:
        raise RefusedCall(400, "count", f"{field} {shown(value)} is not a whole number from {least} to {MAX_COUNT}")
    return value


def digits(value: str, field: str, *, least: int = 1) -> int:
    """Return the count that ASCII digits spell, else refuse them (400)."""
    if not _NUMBER.fullmatch(value):
        raise RefusedCall(400, "count", f"{field} {shown(value)} is not a whole number in ASCII digits")
    return count(int(value), field, least=least)


def reference(kind: str, id: object) -> str:
    """Return the name `kind:id` of something that this call does not spell out."""
    text = id if isinstance(id, str) and id.isascii() and id.isprintable() else "?"
    return f"{kind}:{text[:200]}"


def token(value: object, field: str) -> str | None:
    """Return an idempotency token; None when absent. Raises `RefusedCall` 400 for one that is not short visible ASCII."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _TOKEN.fullmatch(value):
        return value
    raise RefusedCall(400, "idempotency-token", f"{field} {shown(value)} is not 1 to 255 visible ASCII characters")


def declared_workload(tags: tuple[tuple[str, str], ...]) -> Workload:
    """Return the workload that the customer declares with a tag; `UNKNOWN` without one."""
    values = {value for key, value in tags if key == WORKLOAD_TAG}
    if not values:
        return Workload.UNKNOWN
    value = sorted(values)[0]
    return read_workload(value, f"tag `{WORKLOAD_TAG}`") if len(values) == 1 else _twice(WORKLOAD_TAG)


def read_workload(value: object, field: str) -> Workload:
    """Return the workload that `value` names; hyphens and case do not matter. Raises `RefusedCall` 400."""
    choices = [str(choice) for choice in Workload]
    name = value.lower().replace("-", "_").replace(" ", "_") if isinstance(value, str) else ""
    if name in choices:
        return Workload(name)
    hint = nearest(name, choices) or f"; use one of {', '.join(choices)}"
    raise RefusedCall(400, "workload", f"{field} {shown(value)} is not a workload{hint}")


def declared_operations(tags: tuple[tuple[str, str], ...]) -> int | None:
    """Return the operations that the customer declares with a tag, an exact whole number such as `3e25`."""
    values = {value for key, value in tags if key == OPERATIONS_TAG}
    if not values:
        return None
    if len(values) > 1:
        _twice(OPERATIONS_TAG)
    text = values.pop()
    found = _OPERATIONS.fullmatch(text)
    whole, fraction, exponent = (found[1], found[2] or "", int(found[3] or 0)) if found else ("", "", 0)
    if not found or exponent > 60 or len(fraction.rstrip("0")) > exponent:
        raise RefusedCall(
            400, "operations", f"tag `{OPERATIONS_TAG}` {shown(text)} is not a whole number such as `3e25`"
        )
    fraction = fraction.rstrip("0")
    return int(whole + fraction) * 10 ** (exponent - len(fraction))


def declared_place(tags: tuple[tuple[str, str], ...]) -> str | None:
    """Return the place of use that the customer declares with a tag, as written."""
    values = {value for key, value in tags if key == PLACE_TAG}
    if len(values) > 1:
        _twice(PLACE_TAG)
    return values.pop() if values else None


def _twice(tag: str) -> Workload:
    raise RefusedCall(400, "tag", f"tag `{tag}` is given with different values; give it once")
