"""Machines and durations as people write them, as the lines of a request."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Annotated

from msgspec import Meta

from kyc_gate.cli.fields import FieldError
from kyc_gate.compute.chips import find_chip, nearest_chips
from kyc_gate.compute.instance_types import find_instance_type, nearest_instance_types
from kyc_gate.model.job import Accelerators
from kyc_gate.model.record import Record

Count = Annotated[int, Meta(ge=1, le=10**9)]
"""More chips than have ever been made is a slip, not a request."""


class MachineLine(Record):
    """One line of machines: a `model` of accelerator or an `instance_type`, `count` times, `multiplier` times over."""

    count: Count
    model: str | None = None
    instance_type: str | None = None
    multiplier: Count = 1


class Machines(Record):
    """Machines for a time. Either `accelerators`, or one line written out: `instance_type` or `model`, with `count`.

    Without `duration_hours` and `duration_seconds` the machines have no stated end.
    """

    accelerators: tuple[MachineLine, ...] | None = None
    model: str | None = None
    instance_type: str | None = None
    count: Count | None = None
    provider: str | None = None
    duration_hours: Decimal | None = None
    duration_seconds: Decimal | None = None


def machine_lines(given: Machines, *, at: str = "", known: bool = False) -> tuple[Accelerators, ...]:
    """Return the lines asked for. Raises `FieldError`; `known` wants each model and type in the catalogue."""
    written_out = given.model is not None or given.instance_type is not None
    if given.accelerators is not None:
        if written_out or given.count is not None:
            raise FieldError(f"{at}accelerators", f"give `{at}accelerators` or a single line, not both")
        lines = [(f"{at}accelerators[{number}].", line) for number, line in enumerate(given.accelerators)]
    elif written_out:
        if given.count is None:
            raise FieldError(f"{at}count", f"field `{at}count` is missing")
        lines = [(at, MachineLine(count=given.count, model=given.model, instance_type=given.instance_type))]
    else:
        lines = []
    if not lines:
        raise FieldError(f"{at}accelerators", f"nothing is asked for; give `{at}accelerators` or `{at}instance_type`")
    return tuple(_line(place, line, given.provider, known=known) for place, line in lines)


def _line(at: str, line: MachineLine, provider: str | None, *, known: bool) -> Accelerators:
    if (line.model is None) == (line.instance_type is None):
        raise FieldError(f"{at}model", f"give one of `{at}model` and `{at}instance_type`")
    if known and line.model is not None and find_chip(line.model) is None:
        hint = _meant(nearest_chips(line.model))
        raise FieldError(f"{at}model", f"field `{at}model`: `{line.model}` is not in the catalogue{hint}")
    if known and line.instance_type is not None and find_instance_type(line.instance_type, provider) is None:
        whose = f" of `{provider}`" if provider else ""
        hint = _meant(nearest_instance_types(line.instance_type))
        raise FieldError(
            f"{at}instance_type",
            f"field `{at}instance_type`: `{line.instance_type}` is not in the catalogue{whose}{hint}",
        )
    return Accelerators(
        count=line.count, model=line.model, instance_type=line.instance_type, multiplier=line.multiplier
    )


def _meant(near: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""


def seconds_of(given: Machines, *, at: str = "") -> int | None:
    """Return the duration in whole seconds, rounded up, or None for machines without a stated end."""
    if given.duration_hours is not None and given.duration_seconds is not None:
        raise FieldError(f"{at}duration_hours", f"give `{at}duration_hours` or `{at}duration_seconds`, not both")
    hours = positive(given.duration_hours, f"{at}duration_hours")
    seconds = hours * 3600 if hours is not None else positive(given.duration_seconds, f"{at}duration_seconds")
    return None if seconds is None else int(seconds.to_integral_value(ROUND_CEILING))


def positive(number: Decimal | None, field: str) -> Decimal | None:
    """Return `number`, which must be above 0 where it is given. Raises `FieldError`."""
    if number is not None and number <= 0:
        raise FieldError(field, f"field `{field}` must be above 0, not {number}")
    return number
