"""The accelerator catalogue: dense rates, memory and total processing performance of each chip."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from kyc_gate.model.record import Record

BITS = MappingProxyType({"bits4": 4, "bits8": 8, "bits16": 16, "tf32": 19, "fp32": 32, "fp64": 64})
"""Bit length of each format's multiply inputs. TF32 counts as 19 bits, as Epoch AI counts it; at 32 bits Trainium1 and
Inferentia2 would rise from 3,610 to 6,080."""

SURELY_CONTROLLED_TPP = 4800
"""ECCN 3A090.a.1: total processing performance from here on, whatever the density."""


class Rate(Record):
    """Dense operations per second in one format; integer and floating-point formats of one width share a rate."""

    precision: str
    bits: int
    per_second: int


class Origin(Record):
    """Where one number of the catalogue was read, and the day up to which the source was read."""

    source: str
    as_of: str


class Chip(Record):
    """One accelerator product, as a provider counts it (a GB200 superchip is two, an MI250X one).

    `bandwidth` is in bytes per second, `memory` in bytes, `die_area` in square millimetres of logic dies, `watts` the
    design power; None where nobody published it. `origins` says for each number where it comes from.
    """

    model: str
    names: tuple[str, ...]
    rates: tuple[Rate, ...]
    memory: int | None
    bandwidth: int | None
    die_area: float | None
    watts: float | None
    origins: tuple[tuple[str, Origin], ...]

    @property
    def training_rate(self) -> int:
        """Dense operations per second for the point estimate: the fastest format of 16 bits or more.

        Always 16-bit where the chip has it: runs in FP8 reach the same share of 16-bit peak (DeepSeek-V3: 0.34).
        A chip with narrower formats only is counted by the widest of them.
        """
        wide = [rate.per_second for rate in self.rates if rate.bits >= BITS["bits16"]]
        widest = max(self.rates, key=lambda rate: rate.bits)
        return max(wide, default=widest.per_second)

    @property
    def peak_rate(self) -> int:
        """Dense operations per second of the fastest format: the ceiling."""
        return max(rate.per_second for rate in self.rates)

    @property
    def tpp(self) -> float:
        """Total processing performance: dense rate times bit length, highest over formats, in TOPS-bits.

        ECCN 3A090, technical notes 1 to 4: twice the MacTOPS times the bit length; sparse rates do not count.
        """
        return max(rate.per_second * rate.bits for rate in self.rates) / 10**12

    @property
    def performance_density(self) -> float | None:
        """TPP over the area of the logic dies in square millimetres; None where the area is not known."""
        return None if self.die_area is None else self.tpp / self.die_area

    @property
    def eccn(self) -> str | None:
        """`3A090.a` or `3A090.b` by formula, empty for neither, None where the die area would decide and is unknown.

        It is not a classification: letters of BIS, design and marketing decide too. See `eccn_by_formula`.
        """
        return eccn_by_formula(self.tpp, self.performance_density)

    @property
    def computer_eccn(self) -> str | None:
        """The class of a computer or board that holds the chip: 4A090 in place of 3A090."""
        return self.eccn.replace("3A090", "4A090") if self.eccn else self.eccn


def eccn_by_formula(tpp: float, density: float | None) -> str | None:
    """Return `3A090.a`, `3A090.b`, or an empty text; None where the answer hangs on a density that is not known.

    ECCN 3A090 (15 CFR Part 774 Supp. No. 1, 2026-07-23): a.1 TPP >= 4800; a.2 TPP >= 1600 and density >= 5.92;
    b.1 2400 <= TPP < 4800 and 1.6 <= density < 5.92; b.2 TPP >= 1600 and 3.2 <= density < 5.92.
    """
    if tpp >= SURELY_CONTROLLED_TPP:
        return "3A090.a"
    if tpp < 1600:
        return ""
    if density is None:
        return None
    if density >= 5.92:
        return "3A090.a"
    return "3A090.b" if density >= 3.2 or (tpp >= 2400 and density >= 1.6) else ""


class System(Record):
    """A board, server or rack sold under one name, with the chips in it."""

    name: str
    chip: Chip
    chips: int


@lru_cache(maxsize=1)
def chips() -> tuple[Chip, ...]:
    """Every chip of the catalogue, in the order of its file."""
    numbers: dict[str, dict[str, Mapping[str, str]]] = {}
    for row in read_table("numbers.csv"):
        numbers.setdefault(row["model"], {})[row["quantity"]] = row
    return tuple(_chip(row, numbers[row["model"]]) for row in read_table("chips.csv"))


@lru_cache(maxsize=1)
def systems() -> tuple[System, ...]:
    """Every board, server and rack that the catalogue knows by a name of its own."""
    by_model = {chip.model: chip for chip in chips()}
    rows = read_table("systems.csv")
    return tuple(System(name=row["name"], chip=by_model[row["chip"]], chips=int(row["chips"])) for row in rows)


@lru_cache(maxsize=1)
def strongest_training_chip() -> Chip:
    """The chip with the highest rate for the point estimate: what an unknown chip is counted as."""
    return max(chips(), key=lambda chip: chip.training_rate)


@lru_cache(maxsize=1)
def strongest_peak_chip() -> Chip:
    """The chip with the highest ceiling: what an unknown chip is counted as at full peak."""
    return max(chips(), key=lambda chip: chip.peak_rate)


def read_table(name: str) -> Iterator[Mapping[str, str]]:
    """Yield each row of a file of the catalogue, by the names of its columns."""
    text = files("kyc_gate.compute").joinpath(f"data/{name}").read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


def _chip(row: Mapping[str, str], numbers: Mapping[str, Mapping[str, str]]) -> Chip:
    value = {quantity: float(number["value"]) for quantity, number in numbers.items()}
    rates = tuple(
        Rate(precision=precision, bits=bits, per_second=round(value[precision] * 10**12))
        for precision, bits in BITS.items()
        if precision in value
    )
    return Chip(
        model=row["model"],
        names=tuple(name.strip() for name in row["names"].split(";")),
        rates=rates,
        memory=round(value["memory_gb"] * 10**9) if "memory_gb" in value else None,
        bandwidth=round(value["bandwidth_tb_s"] * 10**12) if "bandwidth_tb_s" in value else None,
        die_area=value.get("die_mm2"),
        watts=value.get("watts"),
        origins=tuple((name, Origin(source=each["source"], as_of=each["as_of"])) for name, each in numbers.items()),
    )
