"""One call to Google Cloud, taken apart: operation, names in the path, parameters of the query, and the body."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kyc_gate.adapters.fields import Fields, folded
from kyc_gate.adapters.reading import Asking
from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.adapters.words import shown
from kyc_gate.compute.instance_types import find_instance_type
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators, RequestKind

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_REFERENCE = re.compile(rf"(?:https://[A-Za-z0-9.-]+/)?(?:[A-Za-z0-9][A-Za-z0-9._:-]*/)*{_NAME.pattern}")
_ZONE = re.compile(r"[a-z]+-[a-z]+[0-9]+-[a-z]")

ZONES_OF_A_REGION = 3
"""Zones over which a regional cluster spreads where the call names none (cloud.google.com/kubernetes-engine)."""

SENSITIVE = frozenset(
    {
        "machinetype",
        "machinetypes",
        "guestaccelerators",
        "accelerators",
        "acceleratortype",
        "acceleratorcount",
        "acceleratorconfig",
        "machinespec",
        "dedicatedresources",
        "workerpoolspecs",
        "sourceinstancetemplate",
        "instancetemplate",
        "sourcemachineimage",
        "tputopology",
    }
)
"""Folded names of fields that name machines, wherever they stand: what no reader took leaves the call unresolved."""

LABELS = frozenset({"labels", "resourcelabels", "metadata", "userlabels"})
"""Fields that a customer names freely."""

_METADATA = re.compile(
    r"body\.(?:(?:nodepool|cluster\.nodepools\[[0-9]+\]|cluster\.nodepooldefaults\.nodeconfigdefaults)\.config\.|"
    r"cluster\.nodeconfig\.|tpu\.nodespec\[[0-9]+\]\.node\.)?metadata"
)


def is_free(path: str, value: object) -> bool:
    """Return whether a field is a map of the customer's own names to texts, so that nothing in it provisions.

    Labels are nothing else wherever they stand; what else is called `metadata` may hold anything.
    """
    name = path.rpartition(".")[2]
    free = name in LABELS and (name != "metadata" or bool(_METADATA.fullmatch(path)))
    return free and isinstance(value, Mapping) and not any(isinstance(each, (Mapping, list)) for each in value.values())


_LINKS = {
    "sourceimage": "image",
    "imageuri": "image",
    "runtimeversion": "image",
    "serviceaccount": "role",
    "email": "role",
    "outputuriprefix": "output",
    "gcsoutputdirectory": "output",
    "reservationname": "capacity-reservation",
    "reservation": "capacity-reservation",
    "persistentresourceid": "persistent-resource",
    "sourceinstancetemplate": "instance-template",
    "instancetemplate": "instance-template",
    "experiment": "experiment",
    "tensorboard": "experiment",
    "displayname": "job-name",
}
"""What links requests that belong together, by the folded name of the field, wherever it stands."""


@dataclass(frozen=True, slots=True)
class Asked(Asking):
    """A guarded call, its path and query read. Names of parameters are folded, names of the path as the pattern's."""

    operation: str
    kind: RequestKind
    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Fields

    @property
    def place(self) -> str:
        """The zone, region or location of the call, `global` where it has none."""
        return next((self.names[each] for each in ("zone", "region", "location") if each in self.names), "global")

    def named(self, kind: str, name: str | None) -> str | None:
        """Return the name of something in this place, known over the whole project."""
        return f"{kind}:{self.place}/{name}" if name and _NAME.fullmatch(name) else None


def tail(value: str, field: str) -> str:
    """Return the last segment of a name or an address of a resource. Raises `RefusedCall` 400."""
    if _REFERENCE.fullmatch(value):
        return value.rpartition("/")[2]
    raise RefusedCall(400, "instance-type", f"{field} {shown(value)} is not the name of a resource")


def region_of(place: str) -> str:
    """Return the region of a zone; a region as it is."""
    return place.rpartition("-")[0] if _ZONE.fullmatch(place) else place


def zones_of(place: str) -> int:
    """Return over how many zones something spreads that names none: one in a zone, three in a region."""
    return 1 if _ZONE.fullmatch(place) else ZONES_OF_A_REGION


def machine_lines(
    machine_type: str | None, accelerators: Iterable[tuple[str, int]], number: int, field: str = "machineType"
) -> list[Accelerators]:
    """Return the lines of `number` machines with what is attached to each.

    A type that has the accelerators in it lists them again; they are one and the same where the chip is.
    """
    lines = []
    inside = None
    if machine_type is not None:
        name = tail(machine_type, field)
        found = find_instance_type(name, "gcp")
        inside = found.chip if found else None
        lines.append(Accelerators(instance_type=name, count=number))
    for model, count in accelerators:
        attached = find_instance_type(f"{count}x_{model}", None) if inside else None
        if attached is None or attached.chip != inside:
            lines.append(Accelerators(model=model, count=count, multiplier=max(number, 0)))
    return lines


def accelerators_of(parts: Iterable[Fields], count_field: str = "acceleratorCount") -> list[tuple[str, int]]:
    """Return kind and number of each accelerator in a list."""
    found = []
    for part in parts:
        field = "type" if count_field == "count" else "acceleratorType"
        kind, count = part.text(field), part.number(count_field)
        if kind is None:
            if count:
                raise RefusedCall(400, "field", f"{part.path} has accelerators without a type; add `{field}`")
            continue
        found.append((tail(kind, f"{part.path}.{field}"), 1 if count is None else count))
    return [(kind, count) for kind, count in found if count]


def labels_of(body: Fields) -> tuple[tuple[str, str], ...]:
    """Return what customers declare in labels, spelled as declarations are: labels of Google's hold no colon."""
    found = set(_labels(body.home))
    return tuple(sorted((name.replace("kyc-", "kyc:", 1), value) for name, value in found if name.startswith("kyc-")))


def _labels(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for each in value:
            yield from _labels(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if folded(key) in LABELS and isinstance(each, dict):
                yield from ((name, text) for name, text in each.items() if isinstance(text, str))
            yield from _labels(each)


def links_of(body: Fields, more: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return kind and value of every field that links requests, in the body and in `more`."""
    found = {(kind, value[:1024]) for kind, value in _links(body.home) if value}
    found |= {(_LINKS[name], value[:1024]) for name, value in more.items() if name in _LINKS and value}
    return tuple(sorted(found))


def _links(value: JsonValue | Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for each in value:
            yield from _links(each)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            kind = _LINKS.get(folded(key))
            if kind and isinstance(each, str):
                yield kind, each
            yield from _links(each)


def total_seconds(seconds: int | None, times: int) -> int | None:
    """Return how long `times` runs one after the other take at most; None where one has no end."""
    return None if seconds is None else math.ceil(seconds * times)
