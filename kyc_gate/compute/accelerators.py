"""What a request calls an accelerator, to chips: one chip, a share of one, a slice, a board, or a rack of many."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType

from kyc_gate.compute.chip_names import LONGEST_NAME, find_chip
from kyc_gate.compute.chips import Chip, System, systems
from kyc_gate.model.record import Record

MIG_SLICES = 7
"""Compute slices of a multi-instance GPU, which profiles such as `3g.40gb` count (NVIDIA MIG documentation)."""

MOST_IN_A_NAME = 10**6
"""Chips that a name may state. No product has more."""


class Accelerator(Record):
    """One unit of what was named: `share` chips, which is below one for a slice and above one for a board or rack."""

    chip: Chip
    share: Fraction = Fraction(1)


@lru_cache(maxsize=4096)
def find_accelerator(name: str) -> Accelerator | None:
    """Return what one unit of `name` holds, or None when no chip of the catalogue is meant.

    Counts that the name states are taken: `8x H100`, `RTX 4090 x 512`, `A100:8`. So are multi-instance slices
    (`A100 MIG 3g.20gb`), TPU slices (`v4-32`), and boards and racks (`DGX H100`, `GB200 NVL72`).
    """
    if len(name) > LONGEST_NAME:
        return None
    found = _counted(name, _STATED_COUNTS) or _mig(name) or _system(name) or tpu_slice(name)
    if found is not None:
        return found
    chip = find_chip(name)
    return Accelerator(chip=chip) if chip else _counted(name, _TIGHT_COUNTS)


_STATED_COUNTS = (
    re.compile(r"\s*(?P<count>\d{1,9})\s*[x×*]\s*(?P<name>\D.*)", re.IGNORECASE),
    re.compile(r"(?P<name>.*\S)\s*(?:[×*:]|\s[x])\s*(?P<count>\d{1,9})\s*", re.IGNORECASE),
)
_TIGHT_COUNTS = (re.compile(r"(?P<name>.*[a-z0-9])x(?P<count>\d{1,9})", re.IGNORECASE),)


def _counted(name: str, patterns: tuple[re.Pattern[str], ...]) -> Accelerator | None:
    for pattern in patterns:
        stated = pattern.fullmatch(name)
        if stated is None or not 0 < int(stated["count"]) <= MOST_IN_A_NAME:
            continue
        unit = find_accelerator(stated["name"])
        if unit is not None and unit.share * int(stated["count"]) <= MOST_IN_A_NAME:
            return Accelerator(chip=unit.chip, share=unit.share * int(stated["count"]))
    return None


_MIG = re.compile(
    r"(?:\bmig[\s_-]*)?(?:\d+c[.])?\b(?P<slices>[1-7])g[.](?P<memory>\d{1,3})gb(?:[+.]\w+)*", re.IGNORECASE
)


def _mig(name: str) -> Accelerator | None:
    """A multi-instance slice of a chip that is named beside it. A slice of nobody knows what is not known."""
    profile = _MIG.search(name)
    if profile is None:
        return None
    rest = re.sub(r"\bmig\b", " ", f"{name[: profile.start()]} {name[profile.end() :]}", flags=re.IGNORECASE)
    chip = find_chip(rest)
    return Accelerator(chip=chip, share=Fraction(int(profile["slices"]), MIG_SLICES)) if chip else None


_TPU_GENERATIONS = MappingProxyType(
    {
        "v2": ("TPU v2", 2), "v3": ("TPU v3", 2), "v4": ("TPU v4", 2), "v5p": ("TPU v5p", 2),
        "v5litepod": ("TPU v5e", 1), "v5e": ("TPU v5e", 1), "v6e": ("TPU v6e", 1), "tpu7x": ("TPU v7", 1),
    }
)  # fmt: skip
"""The number in a TPU slice's name counts TensorCores, two to a chip, up to v5p (`v4-32` is 16 chips), and chips from
v5e and v6e on (`v5litepod-16` is 16 chips). Of TPU7x it is taken to count chips, which is never too few."""

_TPU_SLICE = re.compile(
    r"(?:(?:google[\s-]+)?(?:cloud[\s-]+)?tpu[\s-]?)?(?P<generation>v2|v3|v4|v5p|v5litepod|v5e|v6e|(?<=tpu)7x|tpu7x)"
    r"-(?P<cores>\d{1,6})",
    re.IGNORECASE,
)


def tpu_slice(name: str) -> Accelerator | None:
    """Return the chips of a TPU slice named by generation and size (`v5p-256`), or None for any other name."""
    found = _TPU_SLICE.fullmatch(name.strip())
    if found is None or int(found["cores"]) == 0:
        return None
    generation = found["generation"].casefold()
    model, cores = _TPU_GENERATIONS["tpu7x" if generation == "7x" else generation]
    chip = find_chip(model)
    return Accelerator(chip=chip, share=Fraction(-(-int(found["cores"]) // cores))) if chip else None


def _system(name: str) -> Accelerator | None:
    found = _systems().get(_folded(name))
    return Accelerator(chip=found.chip, share=Fraction(found.chips)) if found else None


@lru_cache(maxsize=1)
def _systems() -> Mapping[str, System]:
    return MappingProxyType({_folded(system.name): system for system in systems()})


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold()).removeprefix("nvidia").removeprefix("google")
