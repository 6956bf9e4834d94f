"""One call to Oracle Cloud, taken apart: operation, names in the path, parameters of the query, and the body."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from kyc_gate.adapters.fields import LONGEST_SECONDS, Fields
from kyc_gate.adapters.reading import Asking, Reading
from kyc_gate.adapters.values import reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators, RequestKind

_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{1,79}")

SENSITIVE = frozenset(
    {
        "shape",
        "shapename",
        "instanceshape",
        "instanceshapename",
        "nodeshape",
        "dedicatedvmhostshape",
        "instanceconfigurationid",
        "size",
        "quantitypersubnet",
        "reservedcount",
        "replicas",
        "instancecount",
        "maximuminstancecount",
        "targetsize",
    }
)
"""Folded names of fields that name machines or count them: what no reader took leaves the call unresolved."""

_FREE = frozenset(
    {
        "freeformtags",
        "definedtags",
        "securityattributes",
        "metadata",
        "extendedmetadata",
        "nodemetadata",
        "environmentvariables",
    }
)


def is_free(path: str, value: object) -> bool:
    """Return whether a customer names freely what stands in a field; nothing in it provisions."""
    return path.rpartition(".")[2] in _FREE


@dataclass(frozen=True, slots=True)
class Asked(Asking):
    """A guarded call. `names` are those of the path; identifiers of Oracle Cloud are unique over all of it."""

    operation: str
    kind: RequestKind
    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Fields

    def named(self, kind: str) -> str:
        """Return the name of what the path names."""
        return reference(kind, self.names.get("id"))


Reader = Callable[[Asked], Reading | None]


def line(shape: str, number: int, field: str = "shape") -> Accelerators:
    """Return the line of `number` machines of a shape. Raises `RefusedCall` 400."""
    if not _SHAPE.fullmatch(shape):
        raise RefusedCall(400, "instance-type", f"{field} {shown(shape)} is not a shape such as `BM.GPU.H100.8`")
    return Accelerators(instance_type=shape, count=number)


def lines_of(shapes: Iterable[str | None], number: int, field: str = "shape") -> list[Accelerators]:
    """Return the line of each of the shapes that are there, for all of `number`: any of them may be chosen."""
    return [line(shape, number, field) for shape in dict.fromkeys(shapes) if shape]


def minutes(fields: Fields, name: str) -> int | None:
    """Return the seconds of a number of minutes; None where there is none that means anything."""
    value = fields.number(name)
    seconds = (value or 0) * 60
    return seconds if 0 < seconds <= LONGEST_SECONDS else None
