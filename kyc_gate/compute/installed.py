"""Installed chips: what stands where, with the processing performance and the peak that the rule's accounts add up."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from kyc_gate.compute.accelerators import find_accelerator
from kyc_gate.compute.chips import Chip, chips, strongest_peak_chip
from kyc_gate.compute.estimate import CHIPS_IN_UNKNOWN_MACHINE
from kyc_gate.compute.instance_types import find_instance_type, stated_chips
from kyc_gate.model.job import Accelerators
from kyc_gate.model.record import Record

UNKNOWN = "unknown"
"""The name under which what nobody said is added up: an account of its own, never left out."""


class Placed(Record):
    """Machines of one kind at one site. `country` None and empty names mean that nobody said.

    `consignee` is who received the chips, `installed_on` the day; `network_gbit_s` is the network between the site's
    machines in gigabits per second.
    """

    line: Accelerators
    provider: str | None = None
    site: str = UNKNOWN
    country: str | None = None
    consignee: str = UNKNOWN
    installed_on: date | None = None
    network_gbit_s: float | None = None


class Installed(Record):
    """Machines resolved to figures. `counted` is false for chips that are neither 3A090.a nor unknown.

    `tpp` is total processing performance of all of them; `peak_rate` operations per second in the fastest format.
    """

    placed: Placed
    chips: Fraction
    tpp: Fraction
    peak_rate: Fraction
    counted: bool
    known: bool


def resolve_installed(placed: Placed) -> Installed:
    """Return the figures of installed machines.

    A chip that the catalogue does not know counts as the one of the highest TPP and the one of the highest peak, so
    that an account errs on the strict side.
    """
    units, chip, known = chips_of(placed.line, placed.provider)
    strongest = max(chips(), key=lambda each: each.tpp)
    return Installed(
        placed=placed,
        chips=units,
        tpp=units * _tpp(chip or strongest),
        peak_rate=units * (chip or strongest_peak_chip()).peak_rate,
        counted=units > 0 and (chip is None or chip.eccn in ("3A090.a", None)),
        known=known,
    )


def chips_of(line: Accelerators, provider: str | None) -> tuple[Fraction, Chip | None, bool]:
    """Return how many chips of which model a line holds, and whether the catalogue knows them."""
    units = line.count * line.multiplier
    if line.model is not None:
        unit = find_accelerator(line.model)
        return (unit.share * units, unit.chip, True) if unit else (Fraction(units), None, False)
    name = line.instance_type or ""
    machine = find_instance_type(name, provider)
    if machine is None:
        return Fraction(units * max(CHIPS_IN_UNKNOWN_MACHINE, stated_chips(name))), None, False
    return Fraction(units * machine.chips, machine.shared_by), machine.chip, True


def _tpp(chip: Chip) -> Fraction:
    """TPP in exact arithmetic, so that a cap is reached by exactly what it allows."""
    return Fraction(max(rate.per_second * rate.bits for rate in chip.rates), 10**12)
