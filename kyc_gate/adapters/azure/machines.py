"""Microsoft.Compute: machines, sets of them, and capacity that is held for them."""

from __future__ import annotations

import re

from kyc_gate.adapters.azure.asked import Asked, largest, line
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import reference


def read_machine(asked: Asked) -> Reading | None:
    """One machine as it is to be. A change that says no size changes none."""
    size = asked.body.part("properties").part("hardwareProfile").text("vmSize")
    name = asked.named("instance")
    if size is None:
        if asked.method == "PATCH":
            return None
        return asked.reading(unresolved=[reference("parameter", "vmSize")], replaces=name)
    return asked.reading([line(size, 1)], replaces=name)


def read_machine_start(asked: Asked) -> Reading:
    """A machine that was made earlier."""
    name = asked.named("instance")
    return asked.reading(unresolved=[name], starts=name)


def read_set(asked: Asked) -> Reading | None:
    """A scale set at its capacity; where there is a choice of sizes, each is counted for all of it."""
    return _sized(asked, "scale-set")


def read_capacity(asked: Asked) -> Reading | None:
    """Capacity that is held from now on."""
    return _sized(asked, "capacity-reservation")


def _sized(asked: Asked, kind: str) -> Reading | None:
    sku = asked.body.part("sku")
    number, size = sku.number("capacity"), sku.text("name")
    choices = asked.body.part("properties").part("skuProfile").parts("vmSizes")
    sizes = [each for each in (choice.text("name") for choice in choices) if each]
    if size and size.lower() != "mix":
        sizes.append(size)
    name = asked.named(kind)
    if not sizes and number is None:
        if asked.method == "PATCH" and not choices and not size:
            return None
        return asked.reading(unresolved=[reference("parameter", "sku")], replaces=name)
    if number is None:
        return asked.reading([line(each, 1) for each in sizes], [reference("parameter", "sku.capacity")], replaces=name)
    if not sizes and (choices or size):  # a choice of sizes that are not there
        return asked.reading(unresolved=[reference("parameter", "skuProfile")], replaces=name)
    if not sizes:
        return None if number == 0 else asked.reading(unresolved=[name], repeats=number, replaces=name)
    lines = [line(each, number, "sku.name") for each in dict.fromkeys(sizes)]
    one = [line(each, 1, "sku.name") for each in dict.fromkeys(sizes)]
    return asked.reading(lines, ranged=len(lines) > 1, replaces=name, one=one)


_SET = re.compile(
    r"/subscriptions/([^/]+)/resourcegroups/([^/]+)/providers/microsoft\.compute/virtualmachinescalesets/([^/]+)/?"
)
_WITHOUT_MACHINES = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.(?:web|servicebus|eventhub|apimanagement|logic|"
    r"signalrservice|streamanalytics|cognitiveservices|documentdb)/[a-z/]+/[^/]+/?"
)
"""What else is scaled by settings, and has no machines with accelerators."""


def read_autoscale(asked: Asked) -> Reading | None:
    """A scale set that may grow by itself; what any other target stands for is not known."""
    properties = asked.body.part("properties")
    target = (properties.text("targetResourceUri") or "").lower()
    found = _SET.fullmatch(target)
    if _WITHOUT_MACHINES.fullmatch(target):
        return None
    if found is None or found[1] != asked.names.get("subscription"):
        return asked.reading(unresolved=[reference("parameter", "targetResourceUri")])
    maxima = [profile.part("capacity").number("maximum") for profile in properties.parts("profiles")]
    name = f"scale-set:{found[2]}/{found[3]}"
    hidden = [reference("parameter", "capacity.maximum")] if None in maxima or not maxima else []
    return asked.reading(unresolved=[name, *hidden], repeats=max(largest(*maxima), 1), replaces=name)
