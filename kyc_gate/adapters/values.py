"""Single values that calls state, each with one reading: counts, tokens, workloads, and names of references."""

from __future__ import annotations

import re

from kyc_gate.adapters.words import nearest, shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Workload

MAX_COUNT = 1_000_000
"""Machines in one line. HyperPod allows 6,758 in a group; more than this is a typing error or an attack."""

_NUMBER = re.compile(r"[0-9]{1,10}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,255}")


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
    """Return an idempotency token, None when absent; refuse (400) one that is not short visible ASCII."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _TOKEN.fullmatch(value):
        return value
    raise RefusedCall(400, "idempotency-token", f"{field} {shown(value)} is not 1 to 255 visible ASCII characters")


def read_workload(value: object, field: str) -> Workload:
    """Return the workload that `value` names; hyphens and case do not matter. Raises `RefusedCall` 400."""
    choices = [str(choice) for choice in Workload]
    name = value.lower().replace("-", "_").replace(" ", "_") if isinstance(value, str) else ""
    if name in choices:
        return Workload(name)
    hint = nearest(name, choices) or f"; use one of {', '.join(choices)}"
    raise RefusedCall(400, "workload", f"{field} {shown(value)} is not a workload{hint}")
