"""What one operation asks for, before it is known whose account it is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kyc_gate.adapters.values import read_workload, reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators, RequestKind, Workload
from kyc_gate.model.record import Record

WORKLOAD_TAG, OPERATIONS_TAG, PLACE_TAG = "kyc:workload", "kyc:operations", "kyc:place-of-use"
"""Tags with which a customer declares what a run is for, how many operations it performs, and from where it is used."""

MAX_EXPONENT = 60
"""Largest power of ten in a declared number of operations. The frontier line is 1e26."""

_TYPE = re.compile(r"[a-z0-9][a-z0-9.-]{1,63}")
_OPERATIONS = re.compile(r"([0-9]{1,40})(?:\.([0-9]{1,40}))?(?:[eE]\+?([0-9]{1,2}))?")


class Reading(Record):
    """A guarded operation, read. `token` is the idempotency token; `named` is true if its name cannot be used twice.

    `repeats`, `replaces` and `references` are those of `ProvisioningRequest`. `changes` are names beyond those that may
    stand for something else afterwards; `one` is what one of `replaces` is from then on, where the lines do not say it.
    """

    kind: RequestKind
    lines: tuple[Accelerators, ...] = ()
    unresolved: tuple[str, ...] = ()
    ranged: bool = False
    duration_seconds: int | None = None
    tags: tuple[tuple[str, str], ...] = ()
    linkage: tuple[tuple[str, str], ...] = ()
    token: str | None = None
    named: bool = False
    repeats: int = 1
    replaces: str | None = None
    references: tuple[str, ...] = ()
    dry_run: bool = False
    changes: tuple[str, ...] = ()
    one: tuple[Accelerators, ...] = ()

    def changed(self) -> tuple[str, ...]:
        """Return the names that may stand for something else afterwards: all but those that the reading relies on."""
        names = (*self.references, *((self.replaces,) if self.replaces else ()), *self.changes)
        return tuple(dict.fromkeys(name for name in names if name not in self.unresolved))


class Asking:
    """A guarded call, taken apart: what the clouds whose calls are JSON to a path have in common."""

    operation: str
    kind: RequestKind

    def reading(
        self,
        lines: Iterable[Accelerators] = (),
        unresolved: Iterable[str] = (),
        *,
        ranged: bool = False,
        seconds: int | None = None,
        repeats: int = 1,
        starts: str | None = None,
        replaces: str | None = None,
        changes: Iterable[str | None] = (),
        one: Iterable[Accelerators] = (),
    ) -> Reading:
        """Return the reading: `starts` names what begins, `replaces` what the lines are the whole of."""
        return Reading(
            kind=self.kind,
            lines=tuple(line for line in lines if line.count * line.multiplier),
            unresolved=tuple(dict.fromkeys(unresolved)),
            ranged=ranged,
            duration_seconds=seconds,
            repeats=repeats,
            references=tuple(each for each in (starts or replaces,) if each),
            replaces=replaces,
            changes=tuple(each for each in changes if each),
            one=tuple(one),
        )

    def unread(self) -> Reading:
        """Return the reading of an operation whose amount cannot be told."""
        return self.reading(unresolved=[reference("operation", self.operation)])


def instance_type(value: object, field: str) -> str:
    """Return `value` if it has the form of an instance type, else refuse it (400)."""
    if isinstance(value, str) and _TYPE.fullmatch(value):
        return value
    raise RefusedCall(
        400, "instance-type", f"{field} {shown(value)} is not an instance type; send one such as `p5.48xlarge`"
    )


def declared_workload(tags: tuple[tuple[str, str], ...]) -> Workload:
    """Return the workload that the customer declares with a tag; `UNKNOWN` without one."""
    value = _declared(tags, WORKLOAD_TAG)
    return Workload.UNKNOWN if value is None else read_workload(value, f"tag `{WORKLOAD_TAG}`")


def declared_operations(tags: tuple[tuple[str, str], ...]) -> int | None:
    """Return the operations that the customer declares with a tag, an exact whole number such as `3e25`."""
    text = _declared(tags, OPERATIONS_TAG)
    if text is None:
        return None
    found = _OPERATIONS.fullmatch(text)
    fraction, exponent = ((found[2] or "").rstrip("0"), int(found[3] or 0)) if found else ("", 0)
    if not found or exponent > MAX_EXPONENT or len(fraction) > exponent:
        raise RefusedCall(
            400, "operations", f"tag `{OPERATIONS_TAG}` {shown(text)} is not a whole number such as `3e25`"
        )
    return int(found[1] + fraction) * int(10 ** (exponent - len(fraction)))


def declared_place(tags: tuple[tuple[str, str], ...]) -> str | None:
    """Return the place of use that the customer declares with a tag, as written."""
    place = _declared(tags, PLACE_TAG)
    if place is not None and not (place.isprintable() and place):
        raise RefusedCall(400, "tag", f"tag `{PLACE_TAG}` {shown(place)} is not the name or code of a country")
    return place


def _declared(tags: tuple[tuple[str, str], ...], key: str) -> str | None:
    """Return the one value of the tag `key`. Raises `RefusedCall` 400 when it is given with different values."""
    values = {value for name, value in tags if name == key}
    if len(values) > 1:
        raise RefusedCall(400, "tag", f"tag `{key}` is given with different values; give it once")
    return values.pop() if values else None
