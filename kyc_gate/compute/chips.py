"""The accelerator catalogue: dense rates, memory and total processing performance of each chip."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from kyc_gate.model.record import Record

BITS = MappingProxyType({"bits4": 4, "bits8": 8, "bits16": 16, "tf32": 19, "fp32": 32, "fp64": 64})
"""Bit length of each format's multiply inputs. TF32 counts as 19 bits, as Epoch AI counts it; at 32 bits Trainium1 and
Inferentia2 would rise from 3,610 to 6,080."""

A_TPP = 4800
"""ECCN 3A090.a: total processing performance from here on, whatever the density."""

LONGEST_MODEL = 128
"""Characters of an accelerator name. Longer text is nobody's product name."""


class Rate(Record):
    """Dense operations per second in one format; integer and floating-point formats of one width share a rate."""

    precision: str
    bits: int
    per_second: int


class Chip(Record):
    """One accelerator product, as a provider counts it (a GB200 superchip is two, an MI250X one).

    `eccn` is 3A090 by formula only (`3A090.a`, `3A090.b`, empty for neither, `?` where the die area is not known): it
    is not a classification. `bandwidth` is in bytes per second, `memory` in bytes, `die_area` in square millimetres.
    """

    model: str
    names: tuple[str, ...]
    rates: tuple[Rate, ...]
    memory: int | None
    bandwidth: int | None
    die_area: float | None
    eccn: str
    source: str
    as_of: str

    @property
    def training_rate(self) -> int:
        """Dense operations per second for the point estimate: 16-bit, else the widest narrower choice of the source.

        Always 16-bit where the chip has it: runs in FP8 reach the same share of 16-bit peak (DeepSeek-V3: 0.34).
        Chips without a 16-bit tensor rate are counted by their fastest rate of at least 16 bits.
        """
        rates = {rate.precision: rate.per_second for rate in self.rates}
        wide = [rate.per_second for rate in self.rates if rate.bits >= BITS["bits16"]]
        return rates.get("bits16", max(wide, default=self.peak_rate))

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


def find_chip(model: str) -> Chip | None:
    """Return the chip that `model` names in any common spelling (`NVIDIA-H100-80GB-HBM3`, `h100_sxm5`), or None."""
    if len(model) > LONGEST_MODEL:
        return None
    names = _names()
    return next((names[key] for key in _keys(model) if key in names), None)


def nearest_chips(model: str) -> tuple[str, ...]:
    """Return up to three models of the catalogue whose spelling is nearest to `model`, nearest first."""
    names = _names()
    key = next(iter(_keys(model[:LONGEST_MODEL])), "")
    near = difflib.get_close_matches(key, names, n=6, cutoff=0.6)
    return tuple(dict.fromkeys(names[key].model for key in near))[:3]


@lru_cache(maxsize=1)
def chips() -> tuple[Chip, ...]:
    """Every chip of the catalogue, in the order of its file."""
    text = files("kyc_gate.compute").joinpath("data/chips.csv").read_text(encoding="utf-8")
    return tuple(_chip(row) for row in csv.DictReader(text.splitlines()))


@lru_cache(maxsize=1)
def strongest_training_chip() -> Chip:
    """The chip with the highest rate for the point estimate: what an unknown chip is counted as."""
    return max(chips(), key=lambda chip: chip.training_rate)


@lru_cache(maxsize=1)
def strongest_peak_chip() -> Chip:
    """The chip with the highest ceiling: what an unknown chip is counted as at full peak."""
    return max(chips(), key=lambda chip: chip.peak_rate)


_VENDORS = (
    "nvidia amd intel google aws amazon huawei qualcomm habana tesla instinct geforce radeon cloud accelerator gpu"
)
_NOISE = re.compile(
    rf"(?:{'|'.join(_VENDORS.split())}|\d+(?:\.\d+)?\s*(?:gb|gib|g)|(?:hbm|gddr)\d\w*|sxm\d?|oam|mega|hgx|dgx|baseboard)"
)
_MEMORY = frozenset("16 24 32 40 48 64 80 94 96 128 141 144 180 186 192 256 270 288".split())  # noqa: SIM905
_SPLIT = re.compile(r"[^a-z0-9.]+")
_MEMORY_TAIL = re.compile(r"(?<=\D)\d{2,3}gb$")


def _keys(model: str) -> tuple[str, ...]:
    """The forms under which `model` is looked up: as written, then without vendor, memory size and board form."""
    words = [word for word in _SPLIT.split(model.casefold()) if word]
    plain = [word for word in words if not _NOISE.fullmatch(word)]
    bare = [word for position, word in enumerate(plain) if position == 0 or word not in _MEMORY]
    squashed = "".join(words).replace(".", "")
    forms = (squashed, "".join(plain), "".join(bare), _NOISE_EDGES.sub("", squashed))
    return tuple(dict.fromkeys(form for form in forms if form))


_NOISE_EDGES = re.compile(rf"^(?:{'|'.join(_VENDORS.split())})+|(?:sxm\d?)?(?:\d{{2,3}}gb)?(?:hbm\d\w?)?$")


@lru_cache(maxsize=1)
def _names() -> Mapping[str, Chip]:
    """Every key of every name. A name as written goes before one that only agrees after words were left out."""
    table: dict[str, Chip] = {}
    for depth in range(4):
        for chip in chips():
            for name in (chip.model, *chip.names):
                for key in _keys(name)[depth : depth + 1]:
                    table.setdefault(key, chip)
    return MappingProxyType(table)


def _chip(row: Mapping[str, str]) -> Chip:
    rates = tuple(
        Rate(precision=precision, bits=bits, per_second=round(float(row[precision]) * 10**12))
        for precision, bits in BITS.items()
        if row[precision]
    )
    return Chip(
        model=row["model"],
        names=tuple(name.strip() for name in row["names"].split(";")),
        rates=rates,
        memory=_scaled(row["memory_gb"], 10**9),
        bandwidth=_scaled(row["bandwidth_tb_s"], 10**12),
        die_area=float(row["die_mm2"]) if row["die_mm2"] else None,
        eccn=row["eccn_by_formula"],
        source=row["source"],
        as_of=row["as_of"],
    )


def _scaled(text: str, unit: int) -> int | None:
    return round(float(text) * unit) if text else None
