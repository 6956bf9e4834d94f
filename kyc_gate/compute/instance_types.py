"""A provider's machine type, to the chips in it. A type without accelerators is known to have none, by rule."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from kyc_gate.compute.accelerators import Accelerator, find_accelerator, tpu_slice
from kyc_gate.compute.chips import Chip, chips, read_table
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


@lru_cache(maxsize=4096)
def find_instance_type(name: str, provider: str | None = None) -> InstanceType | None:
    """Return what the machine type holds, or None when it is unknown. Case and SageMaker's `ml.` do not matter.

    `provider` narrows the search to its own types when it is one of the catalogue's (aws, gcp, azure, oci, ...).
    A name that spells out its chips (`gpu_8x_h100_sxm5`, `H100-SXM-8-80G`) is read, and a processor-only type
    (`t3.micro`, `e2-standard-4`) is known by its family and holds no chips.
    """
    key = _key(name)
    scope = provider.casefold() if provider and provider.casefold() in _by_name() else None
    for owner, table in _by_name().items():
        if scope in (None, owner):
            for spelling in (key, f"standard_{key}"):
                if spelling in table:
                    return table[spelling]
    return (
        _tpu_slice(key, scope)
        or _without_accelerators(key, scope)
        or _spelled_out(key, scope, (provider or "").casefold())
    )


def nearest_instance_types(name: str) -> tuple[str, ...]:
    """Return up to three machine types whose spelling is nearest to `name`, nearest first."""
    names = {key: found.name for table in _by_name().values() for key, found in table.items()}
    return tuple(names[key] for key in difflib.get_close_matches(_key(name), names, n=3, cutoff=0.7))


def stated_chips(name: str) -> int:
    """Return the highest count that an unknown machine type's name states (`8x`, `x16`, `4gpu`), or 0."""
    found = re.finditer(r"(?<![0-9.])(\d{1,3})(?:x(?![0-9a-z])|gpu)|(?<=x)(\d{1,3})(?![0-9])", _key(name))
    return max((int(each[1] or each[2]) for each in found), default=0)


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
        "coreweave": re.compile(r"cd-(?:gp|hc|hm|hp)-[ai]\d{1,3}-[a-z]{4,12}|turin-gp(?:-l)?"),
        "nebius": re.compile(r"cpu-[a-z]\d+[\s/_]\d{1,3}vcpu-\d{1,4}gb"),
        "oci": re.compile(r"(?:vm|bm)\.(?:standard|denseio|optimized|hpc)[\w.-]*"),
    }
)
"""Families of machine types without accelerators. A GCP n1 machine may have accelerators attached; a request names
those beside the machine type, so the type itself still holds none."""

_SPELLS_OUT = frozenset({"coreweave", "nebius"})
"""Providers among those whose names say how many chips they hold: a type that is new is read by its name."""

SOLD_BY_THE_CHIP = frozenset({"runpod", "vast", "vast.ai", "together"})
"""Marketplaces whose machine type is a GPU's own name, with the number of them beside it."""

_SPELLED_OUT = tuple(
    re.compile(pattern)
    for pattern in (
        r"gpu_(?P<count>\d{1,3})x_(?P<chip>[a-z].*)",  # Lambda: gpu_8x_h100_sxm5
        r"[a-z0-9]+__(?P<count>\d{1,3})x(?P<chip>[a-z].*?)__.*",  # SkyPilot on marketplaces: p__8xH100__96__512
        r"gpu-(?P<chip>[a-z]+\d+\w*)-(?:sxm|[ad])[\s/_](?P<count>\d{1,3})gpu-.*",  # Nebius: platform and preset
        r"gd-(?P<count>\d{1,3})x(?P<chip>[a-z]+\d+[a-z]*?)(?:ib)?-i\d+",  # CoreWeave: gd-8xh100ib-i128
        r"gpu-(?P<chip>[a-z]*\d+[a-z]*?)x(?P<count>\d{1,3})-\d+gb",  # DigitalOcean: gpu-mi300x8-1536gb
        r"n\d-(?P<chip>[a-z].*?)x(?P<count>\d{1,3})(?:-.*)?",  # Hyperstack: n3-H100x8
        r"(?P<chip>[a-z]+\d+[a-z]*(?:-sxm)?)-(?P<count>\d{1,3})-\d+g",  # Scaleway: H100-SXM-8-80G
        r"(?P<chip>[a-z]+\d+[a-z]*(?:-\d+gb)?(?:-sxm|-pcie)?)(?:-ib|-roce)?\.(?P<count>\d{1,3})x",  # Crusoe
        r"(?P<count>\d{1,3})x[\s_-]*(?P<chip>[a-z].*)",
        r"(?P<chip>[a-z].*?)(?:[\s_:-]|(?<=\d))x?(?P<count>\d{1,3})x",
        r"(?P<chip>[a-z].*?):(?P<count>\d{1,3})",
        r"(?P<chip>[a-z].*?\d[a-z]*)[\s_-]?x(?P<count>\d{1,3})",
    )
)
"""Names that say how many chips of which model they hold, in the manner of providers that name their types so."""


def _spelled_out(key: str, scope: str | None, provider: str) -> InstanceType | None:
    if scope in _PROCESSOR_ONLY and scope not in _SPELLS_OUT:
        return None
    if scope is None and provider in SOLD_BY_THE_CHIP and (unit := find_accelerator(key)):
        return _held(unit, 1, key, provider)
    for pattern in _SPELLED_OUT:
        found = pattern.fullmatch(key)
        unit = find_accelerator(found["chip"].replace("_", " ")) if found else None
        if found and unit and int(found["count"]) > 0:
            return _held(unit, int(found["count"]), key, provider)
    return None


def _held(unit: Accelerator, count: int, key: str, provider: str) -> InstanceType:
    held = unit.share * count
    return InstanceType(
        provider=provider,
        name=key,
        chip=unit.chip,
        chips=held.numerator,
        shared_by=held.denominator,
        source="spelled out in its name",
    )


def _tpu_slice(key: str, scope: str | None) -> InstanceType | None:
    found = tpu_slice(key) if scope in (None, "gcp") else None
    if found is None:
        return None
    held = found.share
    return InstanceType(provider="gcp", name=key, chip=found.chip, chips=held.numerator, source="name of the TPU slice")


def _without_accelerators(key: str, scope: str | None) -> InstanceType | None:
    for provider, family in _PROCESSOR_ONLY.items():
        if scope in (None, provider) and family.fullmatch(key):
            return InstanceType(provider=provider, name=key, chip=None, chips=0, source="processor-only family")
    return None


def _key(name: str) -> str:
    return name[:LONGEST_NAME].strip().casefold().removeprefix("ml.")


@lru_cache(maxsize=1)
def _by_name() -> Mapping[str, Mapping[str, InstanceType]]:
    tables: dict[str, dict[str, InstanceType]] = {}
    for found in instance_types():
        tables.setdefault(found.provider, {})[_key(found.name)] = found
    return MappingProxyType(tables)


def instance_types() -> Iterator[InstanceType]:
    """Yield every machine type of the catalogue, in the order of its file."""
    by_model = {chip.model: chip for chip in chips()}
    for row in read_table("instance_types.csv"):
        yield InstanceType(
            provider=row["provider"],
            name=row["name"],
            chip=by_model[row["chip"]] if row["chip"] else None,
            chips=int(row["chips"]),
            shared_by=int(row["shared_by"]),
            source=row["source"],
        )
