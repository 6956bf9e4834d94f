"""Machines and durations as people write them, as the lines of a request."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Annotated

from msgspec import Meta

from kyc_gate.cli.fields import FieldError
from kyc_gate.compute.multipliers import MOST_REPEATS, Repeats, multiplier_of
from kyc_gate.errors import InputError
from kyc_gate.model.job import Accelerators

Count = Annotated[int, Meta(ge=1, le=10**9)]
"""More chips than have ever been made is a slip, not a request."""


class MachineLine(Repeats, kw_only=True):
    """One line of machines: a `model` of accelerator or an `instance_type`, `count` times, `multiplier` times over.

    `nodes`, `array`, `replicas`, `max_replicas`, `parallel_trials` and `retries` multiply it further.
    """

    count: Count
    model: str | None = None
    instance_type: str | None = None
    multiplier: Count = 1


class Machines(Repeats):
    """Machines for a time. Either `accelerators`, or one line written out: `instance_type` or `model`, with `count`.

    What repeats the machines (`nodes`, `array`, `replicas`, ...) repeats every line. The duration is stated in hours
    or seconds, or is what lies between `starts_at` and `ends_at`, as of a reservation; else there is no stated end.
    """

    accelerators: tuple[MachineLine, ...] | None = None
    model: str | None = None
    instance_type: str | None = None
    count: Count | None = None
    provider: str | None = None
    duration_hours: Decimal | None = None
    duration_seconds: Decimal | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def machine_lines(given: Machines, *, at: str = "") -> tuple[Accelerators, ...]:
    """Return the lines asked for, with everything that repeats them. Raises `FieldError`."""
    written_out = given.model is not None or given.instance_type is not None
    if given.accelerators or (given.accelerators is not None and not written_out):
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
    overall = _times(given, at)
    return tuple(_line(place, line, overall) for place, line in lines)


def _line(at: str, line: MachineLine, overall: int) -> Accelerators:
    if (line.model is None) == (line.instance_type is None):
        raise FieldError(f"{at}model", f"give one of `{at}model` and `{at}instance_type`")
    times = line.multiplier * _times(line, at) * overall
    if times > MOST_REPEATS:
        raise FieldError(f"{at}multiplier", f"field `{at}multiplier`: {times} repeats are a slip, not a request")
    return Accelerators(count=line.count, model=line.model, instance_type=line.instance_type, multiplier=times)


def _times(repeats: Repeats, at: str) -> int:
    try:
        return multiplier_of(repeats)
    except InputError as error:
        message = str(error)
        name = message.split("`")[1]
        raise FieldError(f"{at}{name}", message.replace(f"`{name}`", f"`{at}{name}`", 1)) from None


def seconds_of(given: Machines, *, at: str = "") -> int | None:
    """Return the duration in whole seconds, rounded up, or None for machines without a stated end."""
    if given.duration_hours is not None and given.duration_seconds is not None:
        raise FieldError(f"{at}duration_hours", f"give `{at}duration_hours` or `{at}duration_seconds`, not both")
    if given.starts_at is not None or given.ends_at is not None:
        return _reserved(given, at)
    hours = positive(given.duration_hours, f"{at}duration_hours")
    seconds = hours * 3600 if hours is not None else positive(given.duration_seconds, f"{at}duration_seconds")
    return None if seconds is None else int(seconds.to_integral_value(ROUND_CEILING))


def _reserved(given: Machines, at: str) -> int:
    """Return the seconds of a reservation, from its start to its end, rounded up."""
    if given.starts_at is None or given.ends_at is None:
        raise FieldError(f"{at}ends_at", f"give both `{at}starts_at` and `{at}ends_at`")
    if given.duration_hours is not None or given.duration_seconds is not None:
        raise FieldError(f"{at}ends_at", f"give a duration, or `{at}starts_at` and `{at}ends_at`, not both")
    if (given.starts_at.tzinfo is None) != (given.ends_at.tzinfo is None) or given.ends_at <= given.starts_at:
        raise FieldError(f"{at}ends_at", f"field `{at}ends_at` must lie after `{at}starts_at`, both with an offset")
    return math.ceil((given.ends_at - given.starts_at) / timedelta(seconds=1))


def positive(number: Decimal | None, field: str) -> Decimal | None:
    """Return `number`, which must be above 0 where it is given. Raises `FieldError`."""
    if number is not None and number <= 0:
        raise FieldError(field, f"field `{field}` must be above 0, not {number}")
    return number
