"""A provider's machine type, to the chips in it. A type without accelerators is known to have none, by rule."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from kyc_gate.compute.chips import Chip, find_chip
from kyc_gate.model.record import Record

LONGEST_NAME = 128
"""Characters of a machine type's name."""


class InstanceType(Record):
    """A machine type with `chips` accelerators of one kind; `shared_by` machines share them when it is above one.

    `chip` is None and `chips` is 0 for a machine without accelerators.
    """

    provider: str
    name: str
    chip: Chip | None
    chips: int
    shared_by: int = 1
    source: str = ""


def find_instance_type(name: str, provider: str | None = None) -> InstanceType | None:
    """Return what the machine type holds, or None when it is unknown. Case and SageMaker's `ml.` do not matter.

    `provider` narrows the search to its own types when it is one of the catalogue's (aws, gcp, azure, oci, ...).
    A processor-only type (`t3.micro`, `e2-standard-4`) is known by its family and holds no chips.
    """
    key = _key(name)
    scope = provider.casefold() if provider and provider.casefold() in _by_name() else None
    for owner, table in _by_name().items():
        if scope in (None, owner) and key in table:
            return table[key]
    return _tpu_slice(key, scope) or _without_accelerators(key, scope)


def nearest_instance_types(name: str) -> tuple[str, ...]:
    """Return up to three machine types whose spelling is nearest to `name`, nearest first."""
    names = {key: found.name for table in _by_name().values() for key, found in table.items()}
    return tuple(names[key] for key in difflib.get_close_matches(_key(name), names, n=3, cutoff=0.7))


_PROCESSOR_ONLY = MappingProxyType(
    {
        # AWS names a family by letter and generation; g, gr, p, trn, inf, dl, f, vt and cg have accelerators.
        "aws": re.compile(
            r"(?:(?:a|c|cc|cr|d|h|hi|hpc|hs|i|im|is|m|r|t|x|z)\d+[a-z]*(?:-flex)?|mac[\w-]*|u-\d+tb\d|u7[a-z]*-\d+tb)"
            r"\.(?:nano|micro|small|medium|large|\d*xlarge|metal(?:-\d+xl)?)"
        ),
        "gcp": re.compile(
            r"(?:[cmnhetz]\d[a-z]?|x4|f1|g1|t2[ad])-(?:micro|small|medium|(?:standard|highcpu|highmem|megamem|ultramem\w*|"
            r"hypermem)-\d[\w-]*|custom-[\w-]+|ultramem\w*-\d+|\d[\w-]*)|n\d[a-z]?-custom-[\w-]+|custom-\d+-\d+[\w-]*"
        ),
        "azure": re.compile(r"standard_(?:a|b|d|dc|e|ec|f|fx|g|gs|h|hb|hc|hx|l|ls|m|ms|ds)\d[\w-]*"),
        "oci": re.compile(r"(?:vm|bm)\.(?:standard|denseio|optimized|hpc)[\w.-]*"),
    }
)
"""Families of machine types without accelerators. A GCP n1 machine may have accelerators attached; a request names
those beside the machine type, so the type itself still holds none."""

_TPU_GENERATIONS = MappingProxyType(
    {
        "v2": ("TPU v2", 2), "v3": ("TPU v3", 2), "v4": ("TPU v4", 2), "v5p": ("TPU v5p", 2),
        "v5litepod": ("TPU v5e", 1), "v5e": ("TPU v5e", 1), "v6e": ("TPU v6e", 1),
    }
)  # fmt: skip
"""The number in a TPU slice's name counts TensorCores, two to a chip, up to v5p (`v4-32` is 16 chips), and chips from
v5e and v6e on (`v5litepod-16` is 16 chips)."""

_TPU_SLICE = re.compile(r"(v2|v3|v4|v5p|v5litepod|v5e|v6e)-(\d{1,6})")


def _tpu_slice(key: str, scope: str | None) -> InstanceType | None:
    found = _TPU_SLICE.fullmatch(key)
    if found is None or scope not in (None, "gcp"):
        return None
    model, cores = _TPU_GENERATIONS[found[1]]
    count = -(-int(found[2]) // cores)
    return InstanceType(provider="gcp", name=key, chip=find_chip(model), chips=count, source="name of the TPU slice")


def _without_accelerators(key: str, scope: str | None) -> InstanceType | None:
    for provider, family in _PROCESSOR_ONLY.items():
        if scope in (None, provider) and family.fullmatch(key):
            return InstanceType(provider=provider, name=key, chip=None, chips=0, source="processor-only family")
    return None


def _key(name: str) -> str:
    return name[:LONGEST_NAME].strip().casefold().removeprefix("ml.")


@lru_cache(maxsize=1)
def _by_name() -> Mapping[str, Mapping[str, InstanceType]]:
    text = files("kyc_gate.compute").joinpath("data/instance_types.csv").read_text(encoding="utf-8")
    tables: dict[str, dict[str, InstanceType]] = {}
    for row in csv.DictReader(text.splitlines()):
        tables.setdefault(row["provider"], {})[_key(row["name"])] = _instance_type(row)
    return MappingProxyType(tables)


def _instance_type(row: Mapping[str, str]) -> InstanceType:
    return InstanceType(
        provider=row["provider"],
        name=row["name"],
        chip=find_chip(row["chip"]) if row["chip"] else None,
        chips=int(row["chips"]),
        shared_by=int(row["shared_by"]),
        source=row["source"],
    )
