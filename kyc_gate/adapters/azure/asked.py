"""One call to Azure Resource Manager, taken apart: operation, names in the path, and the body."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kyc_gate.adapters.fields import LONGEST_SECONDS, Fields
from kyc_gate.adapters.reading import Asking, Reading
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators, RequestKind

_SIZE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")
_DURATION = re.compile(
    r"P(?:(?P<days>[0-9]{1,6})D)?(?:T(?:(?P<hours>[0-9]{1,6})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,9})(?:\.[0-9]+)?S)?)?"
)

SENSITIVE = frozenset(
    {"vmsize", "vmsizes", "instancetype", "agentvmsize", "maxnodecount", "agentpoolprofiles", "virtualmachinesprofile"}
)
"""Folded names of fields that name machines, wherever they stand: what no reader took leaves the call unresolved."""

LEARNT = frozenset(
    {"instance", "scale-set", "capacity-reservation", "ml-compute", "ml-deployment", "node-pool", "cluster"}
)
"""Kinds of what stands for machines as learnt."""

_FREE = frozenset({"tags", "environmentvariables", "inputs", "outputs"})


def is_free(path: str, value: object) -> bool:
    """Return whether a customer names freely what stands in a field; nothing in it provisions."""
    return path.rpartition(".")[2] in _FREE


@dataclass(frozen=True, slots=True)
class Asked(Asking):
    """A guarded call. Names of the path are in lower case: Azure does not tell case apart."""

    operation: str
    kind: RequestKind
    method: str
    names: Mapping[str, str]
    body: Fields

    def named(self, kind: str, *inside: str) -> str:
        """Return the name of what the path names, or of what is inside of it, known over the whole subscription."""
        parts = [name for key, name in self.names.items() if key != "subscription"]
        return f"{kind}:{'/'.join((*parts, *inside))}"


Reader = Callable[[Asked], Reading | None]


def size_of(value: str, field: str) -> str:
    """Return `value` if it has the form of a machine size. Raises `RefusedCall` 400."""
    if _SIZE.fullmatch(value):
        return value
    raise RefusedCall(400, "instance-type", f"{field} {shown(value)} is not a size such as `Standard_ND96isr_H100_v5`")


def line(size: str, number: int, field: str = "vmSize") -> Accelerators:
    """Return the line of `number` machines of a size."""
    return Accelerators(instance_type=size_of(size, field), count=number)


def duration(fields: Fields, name: str) -> int | None:
    """Return the seconds of a duration such as `PT6H`; None where there is none that means anything."""
    text = fields.text(name)
    if text is None:
        return None
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        raise RefusedCall(400, "duration", f"{fields.path}.{name} {shown(text)} is not a duration such as `PT6H`")
    units = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
    seconds = sum(int(found[unit] or 0) * each for unit, each in units.items())
    return seconds if 0 < seconds <= LONGEST_SECONDS else None


def largest(*numbers: int | None) -> int:
    """Return the largest of the numbers that are there, 0 without one."""
    return max((each for each in numbers if each is not None), default=0)
