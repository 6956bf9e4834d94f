"""Dynamic resource allocation: devices that are claimed by class, not counted in a pod's limits."""

from __future__ import annotations

from kyc_gate.adapters.kubernetes.demand import Demand, Group
from kyc_gate.adapters.kubernetes.fields import Object, number, part, parts, text
from kyc_gate.adapters.kubernetes.pods import Pod
from kyc_gate.adapters.kubernetes.workloads import Reader
from kyc_gate.adapters.values import reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators


def resource_claim(reader: Reader, spec: Object) -> Demand:
    """Devices that pods will share: counted here, and not again with the pods."""
    return Demand(groups=(Group(pod=_claimed(reader, spec), count=1),))


def claim_template(reader: Reader, spec: Object) -> Demand:
    """Devices for each pod that names the template: only defined here."""
    return Demand(groups=(Group(pod=_claimed(reader, part(spec, "spec")), count=1),), charged=False)


def _claimed(reader: Reader, spec: Object) -> Pod:
    """Return the devices of every request; of alternatives, the one with the most devices."""
    lines: list[Accelerators] = []
    unresolved: list[str] = []
    for request in parts(part(spec, "devices"), "requests"):
        choices = _choices(request)
        amounts = [_count(choice) for choice in choices]
        counted = [amount for amount in amounts if amount is not None]
        if len(counted) < len(amounts):
            unresolved.append(reference("devices", f"all of {text(choices[amounts.index(None)], 'deviceClassName')}"))
        for choice, amount in zip(choices, amounts, strict=True):
            if amount is not None and amount == max(counted) and _is_device(choice):
                lines.append(Accelerators(count=amount, model=_model(reader, choice)))
                break
    return Pod(lines=tuple(line for line in lines if line.count), unresolved=tuple(unresolved))


def _choices(request: Object) -> list[Object]:
    """Return the ways in which a request may be met, in the shapes of v1beta1 (flat), and of v1beta2 and v1."""
    exact = part(request, "exactly")
    some = parts(request, "firstAvailable")
    if bool(exact) + bool(some) + ("deviceClassName" in request) != 1:
        raise RefusedCall(400, "field", f"device request {shown(text(request, 'name'))} is not one of its kinds")
    return some or [exact or request]


def _count(choice: Object) -> int | None:
    """Return how many devices are asked for, None for all that there are."""
    mode = text(choice, "allocationMode")
    if mode not in ("", "ExactCount"):
        return None
    return number(choice, "count", 1)


_PARTS_OF_NODES = ("net", "nic", "dra.net", "rdma", "imex", "cpu", "memory", "compute-domain")


def _is_device(choice: Object) -> bool:
    """Return whether the class may be of accelerators: any is, but those of networks, processors and domains."""
    name = text(choice, "deviceClassName").casefold()
    return not any(name == word or name.startswith((f"{word}.", f"{word}-")) for word in _PARTS_OF_NODES)


def _model(reader: Reader, choice: Object) -> str:
    """Return the chip of the class by the operator's word, else the class itself, which nobody knows."""
    name = text(choice, "deviceClassName")
    known = reader.settings.accelerators.get(name)
    return known if known is not None else f"device class {name}"
