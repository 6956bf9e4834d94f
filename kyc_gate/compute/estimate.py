"""Operations that a request can perform: chips x seconds x dense peak x utilisation, in exact integers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from kyc_gate.compute.accelerators import find_accelerator
from kyc_gate.compute.chip_names import nearest_chips
from kyc_gate.compute.chips import Chip, strongest_peak_chip, strongest_training_chip
from kyc_gate.compute.instance_types import find_instance_type, nearest_instance_types, stated_chips
from kyc_gate.errors import InputError
from kyc_gate.model.job import Accelerators, Estimate
from kyc_gate.model.record import Record

LOW_UTILISATION = Decimal("0.05")
"""The least that any of 64 published training runs did, of 16-bit dense peak over all its chip-hours (Epoch AI rows
whose operations were counted, not derived from hardware; 5th percentile 0.096, least 0.050)."""

LIKELY_UTILISATION = Decimal("0.30")
"""Point estimate, one for all chips and formats. Of those 64 runs 88 % lie within a factor of two of it (0.33 gives
81 %, 0.40 gives 72 %); their median is 0.275, and 0.303 from 1e23 operations on."""

CLAIMED_UTILISATION = Decimal("0.10")
"""Least utilisation that is believed when somebody claims it. Nine runs in ten did more (10th percentile 0.117)."""

FULL_UTILISATION = Decimal(1)
"""The ceiling, taken at the fastest dense format: no run can do more."""

CHIPS_IN_UNKNOWN_MACHINE = 8
"""Chips counted at least for a machine type that is not in the catalogue: the usual board of the strongest machines."""

MOST_CHIPS = 10**9
"""Machines, chips or multipliers in one line. All accelerators ever made are fewer."""

MOST_SECONDS = 10**12
"""Longer than any run, and than the chip-hours of the largest counted on one chip; more is a mistake of units."""

DAY_SECONDS = 86_400

_PRECISIONS = ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp6", "fp4", "nvfp4", "mxfp4", "int4")


class _Line(Record):
    """A line of the request resolved: exact number of chips, and the rates to count each with."""

    chips: Fraction
    training_rate: int
    peak_rate: int
    tpp: float | None
    said: str


def estimate(
    lines: Sequence[Accelerators],
    *,
    duration_seconds: int | None,
    horizon_days: int,
    utilisation: Decimal = LIKELY_UTILISATION,
    precision: str | None = None,
    mfu: Decimal | None = None,
    provider: str | None = None,
) -> Estimate:
    """Return low, likely and high operations of the request, rounded up to whole operations.

    `duration_seconds` None means no stated end: the request is projected over `horizon_days`. `mfu` is the run's own
    utilisation; it replaces `utilisation`, and less than `CLAIMED_UTILISATION` counts as that much. `precision` is
    noted and changes nothing: operations count alike in every format, and the ceiling already takes the fastest.
    A chip or machine type that is not in the catalogue is counted as the strongest one and leaves `known` false.
    Raises `InputError` for a count, duration, horizon or utilisation that cannot be meant.
    """
    seconds, span = _seconds(duration_seconds, horizon_days)
    likely_share, share_said = _share(utilisation, mfu)
    resolved = [_resolved(line, number, provider) for number, line in enumerate(lines, start=1)]
    training = sum((line.chips * line.training_rate for line in resolved), Fraction()) * seconds
    peak = sum((line.chips * line.peak_rate for line in resolved), Fraction()) * seconds
    tpps = [line.tpp for line in resolved if line.tpp is not None]
    known = bool(resolved) and len(tpps) == len(resolved)
    return Estimate(
        low=math.ceil(training * Fraction(min(LOW_UTILISATION, likely_share))),
        likely=math.ceil(training * Fraction(likely_share)),
        high=math.ceil(peak * Fraction(FULL_UTILISATION)),
        tpp=max(tpps) if known else None,
        total_tpp=float(sum(line.chips * Fraction(line.tpp or 0) for line in resolved)) if known else None,
        chips=math.ceil(sum((line.chips for line in resolved), Fraction())),
        known=known,
        seconds=seconds,
        open_ended=duration_seconds is None,
        basis=(*(line.said for line in resolved), span, share_said, *_BANDS, *_precision_said(precision)),
    )


DISAGREEMENT = 3
"""Declared operations below a third of the likely figure are seldom explained by how well a run was tuned: nineteen of
twenty published runs lie within it (5th percentile of utilisation 0.096, against 0.30)."""


def declared_disagrees(declared: int, likely: int, high: int) -> bool:
    """Whether declared operations (6ND) and the machines do not fit: far too few for them, or more than they can do."""
    return declared * DISAGREEMENT < likely or declared > high


def _seconds(duration_seconds: int | None, horizon_days: int) -> tuple[int, str]:
    most_days = MOST_SECONDS // DAY_SECONDS
    if isinstance(horizon_days, bool) or not isinstance(horizon_days, int) or not 0 < horizon_days <= most_days:
        raise InputError(f"horizon_days must be a whole number from 1 to {most_days}, not `{horizon_days}`")
    if duration_seconds is None:
        return horizon_days * DAY_SECONDS, f"no stated end: projected over {horizon_days} days"
    whole = isinstance(duration_seconds, int) and not isinstance(duration_seconds, bool)
    if not whole or not 0 < duration_seconds <= MOST_SECONDS:
        raise InputError(f"duration_seconds must be a whole number from 1 to {MOST_SECONDS}, not `{duration_seconds}`")
    return duration_seconds, f"{duration_seconds} seconds as stated"


def _share(utilisation: Decimal, mfu: Decimal | None) -> tuple[Decimal, str]:
    _check_share(utilisation, "utilisation")
    if mfu is None:
        return utilisation, f"likely: {utilisation} of dense 16-bit peak, the middle of published runs"
    _check_share(mfu, "mfu")
    if mfu < CLAIMED_UTILISATION:
        return CLAIMED_UTILISATION, f"likely: mfu {mfu} is below what runs attain, so counted as {CLAIMED_UTILISATION}"
    return mfu, f"likely: the run's own mfu {mfu} of dense 16-bit peak"


def _check_share(value: Decimal, field: str) -> None:
    if not isinstance(value, Decimal) or not value.is_finite() or not 0 < value <= 1:
        raise InputError(f"{field} must be above 0 and at most 1, not `{value}`")


def _resolved(line: Accelerators, number: int, provider: str | None) -> _Line:
    _check(line.count, f"line {number}: count")
    _check(line.multiplier, f"line {number}: multiplier")
    units = line.count * line.multiplier
    if line.model is not None and line.instance_type is None:
        return _of_model(line.model, units, provider)
    if line.instance_type is not None and line.model is None:
        return _of_machine(line.instance_type, units, provider)
    raise InputError(f"line {number}: give either instance_type or model")


def _of_model(name: str, units: int, provider: str | None) -> _Line:
    unit = find_accelerator(name)
    if unit is None:
        # A machine's name where a chip's belongs: each unit is as many chips as the machine holds.
        machine = find_instance_type(name, provider)
        each = max(1, machine.chips) if machine else 1
        return _unknown(name, units * each, nearest_chips(name), machine=machine is not None)
    return _of_chip(unit.chip, unit.share * units, name if unit.share == 1 else f"{units} x {name}")


def _of_machine(name: str, machines: int, provider: str | None) -> _Line:
    found = find_instance_type(name, provider)
    if found is None:
        each = max(CHIPS_IN_UNKNOWN_MACHINE, stated_chips(name))
        return _unknown(name, machines * each, nearest_machines(name))
    if found.chip is None:
        return _Line(
            chips=Fraction(), training_rate=0, peak_rate=0, tpp=0.0, said=f"{machines} x {name}: no accelerators"
        )
    return _of_chip(found.chip, Fraction(machines * found.chips, found.shared_by), f"{machines} x {name}")


def nearest_machines(name: str) -> tuple[str, ...]:
    """Return up to three machine types nearest to `name`, or chips where no type is: either may have been meant."""
    return nearest_instance_types(name) or nearest_chips(name)


def _of_chip(chip: Chip, chips: Fraction, named: str) -> _Line:
    said = f"{named}: {chips} x {chip.model} at {chip.training_rate / 10**12:g} dense 16-bit TFLOP/s"
    return _Line(chips=chips, training_rate=chip.training_rate, peak_rate=chip.peak_rate, tpp=chip.tpp, said=said)


def _unknown(name: str, chips: int, near: tuple[str, ...], *, machine: bool = False) -> _Line:
    training, peak = strongest_training_chip(), strongest_peak_chip()
    suggestion = f"; nearest: {', '.join(near)}" if near else ""
    if machine:
        suggestion = "; it is a machine type: name it as `instance_type`"
    said = (
        f"`{name[:64]}` is not in the catalogue: counted as {chips} x {training.model}, "
        f"and at full peak {peak.model}{suggestion}"
    )
    return _Line(
        chips=Fraction(chips), training_rate=training.training_rate, peak_rate=peak.peak_rate, tpp=None, said=said
    )


_BANDS = (
    f"low: {LOW_UTILISATION} of dense 16-bit peak, the least that published runs attained",
    "high: the fastest dense format at full peak, which no run can pass",
)


def _precision_said(precision: str | None) -> tuple[str, ...]:
    if precision is None:
        return ()
    words = re.sub(r"[^a-z0-9]", "", precision.casefold())
    if any(name in words for name in _PRECISIONS):
        return (f"precision {precision[:32]}: the law weighs no format, and likely stays at 16-bit peak in any",)
    return (f"precision `{precision[:32]}` is not known: likely stays at 16-bit peak",)


def _check(value: int, field: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MOST_CHIPS:
        raise InputError(f"{field} must be a whole number from 1 to {MOST_CHIPS}, not `{value}`")
