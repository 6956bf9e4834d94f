"""Which resource names are accelerators, and what one unit of each is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from kyc_gate.adapters.kubernetes.fields import Object, part
from kyc_gate.adapters.kubernetes.quantity import quantity
from kyc_gate.compute.accelerators import find_accelerator
from kyc_gate.model.record import Record


class Device(Record):
    """One accelerator resource. `model` is the chip where the name tells it, `profile` the slice of a chip.

    `units` is how many make one chip at the least. `metered` resources count memory or cores of a chip, so that any
    amount is one chip.
    """

    name: str
    model: str | None = None
    profile: str | None = None
    units: int = 1
    metered: bool = False


DEVICE_CLASS_PREFIX = "deviceclass.resource.kubernetes.io/"
"""A device class asked for as if it were a resource (Kubernetes 1.34, extended resources by dynamic allocation)."""

_VENDORS = re.compile(
    r"(?:[a-z0-9.-]*\.)?(?:nvidia\.com|amd\.com|habana\.ai|gpu\.intel\.com|huawei\.com|cambricon\.com|hygon\.com|"
    r"enflame\.(?:com|cn)|iluvatar\.(?:ai|com|com\.cn)|metax-tech\.com|mthreads\.com|kunlunxin\.com|birentech\.com|"
    r"furiosa\.ai|rebellions\.ai|tenstorrent\.com|graphcore\.ai|cerebras\.(?:net|com)|groq\.com|sambanova\.ai|"
    r"cloud-tpus\.google\.com)/.+"
)
"""Domains of makers of accelerators: what they offer is one, unless it is known to be something else."""

_WORDS = re.compile(
    r"(?:^|[^a-z])(?:[vdxp]?gpus?|tpus?|v?npus?|ipus?|dcus?|mlus?|xpus?|v?cuda|gaudi|neuron(?:core|device)?|ascend|"
    r"qaic|accelerators?|mig|trainium|inferentia)(?:[^a-z]|$)"
)
"""Words for an accelerator in a resource's name, whosever it is."""

_OTHERS = re.compile(
    r".*/(?:hostdev|mlnx\w*|rdma\w*|sriov\w*|nic\w*|vfs?|\w*monitoring|xilinx\w*|fpga\w*|efa)(?:[-_.].*)?"
)
"""Network cards, monitoring and programmable logic that makers of accelerators offer too."""

_METERED = re.compile(
    r"(?:mem(?:ory)?|mem(?:ory)?[-_]?(?:percentage|ratio)|v?cores?|cores?[-_]?percentage|vcuda-core)$"
)
_MIG = re.compile(r"nvidia\.com/mig-(\d+(?:c\.\d+)?g\.\d+gb.*)")
_NATIVE = re.compile(r"(?:[a-z0-9.-]*\.)?kubernetes\.io/.*")


@lru_cache(maxsize=1024)
def device(name: str, known: tuple[str, ...] = ()) -> Device | None:
    """Return the accelerator that a resource name means, or None. `known` are names that the operator says are some."""
    folded = name.casefold()
    if name in known or folded.startswith(DEVICE_CLASS_PREFIX):
        return Device(name=name)
    if "/" not in folded or _NATIVE.fullmatch(folded):
        return None
    if found := _MIG.fullmatch(folded):
        return Device(name=name, profile=found[1])
    if folded == "aws.amazon.com/neuroncore":
        return Device(name=name, units=2)  # Trainium1 and Inferentia2 have two cores to a chip, the others more
    if _OTHERS.fullmatch(folded) or not (_VENDORS.fullmatch(folded) or _WORDS.search(folded)):
        return None
    own = folded.partition("/")[2]
    return Device(name=name, model=_model(own), metered=bool(_METERED.search(own)))


def amounts(resources: Object, known: tuple[str, ...] = ()) -> Mapping[str, int]:
    """Return the units of each accelerator in a `resources` field: the larger of limits and requests."""
    found: dict[str, int] = {}
    for side in ("limits", "requests"):
        for name, value in part(resources, side).items():
            if device(name, known) is not None:
                found[name] = max(found.get(name, 0), quantity(value, f"{side}[{name}]"))
    return {name: amount for name, amount in found.items() if amount}


def chips(unit: Device, amount: int) -> int:
    """Return the chips, or slices of chips, that so many units are at the most."""
    return min(amount, 1) if unit.metered else -(-amount // unit.units)


_FAMILIES = frozenset({"gaudi", "ascend", "ascend910", "ascend310", "neuron", "tpu", "mi300", "gpu"})
"""Names that device plugins give to every chip of a family, whose latest is stronger than the chip of that name."""


def _model(own: str) -> str | None:
    """Return the name as a chip's, where it is one, such as `Ascend910B` and `GH100_H100`."""
    plain = own.removeprefix("pgpu-").removeprefix("vgpu-")
    return plain if plain not in _FAMILIES and find_accelerator(plain) is not None else None
