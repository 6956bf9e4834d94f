"""Kinds that make nodes: how many machines of which type, at the most."""

from __future__ import annotations

from kyc_gate.adapters.kubernetes.demand import Demand, Group
from kyc_gate.adapters.kubernetes.devices import amounts
from kyc_gate.adapters.kubernetes.fields import Object, number, part, parts, text
from kyc_gate.adapters.kubernetes.placement import INSTANCE_LABELS, models_of_requirements, strongest
from kyc_gate.adapters.kubernetes.pods import Pod, model_of
from kyc_gate.adapters.kubernetes.workloads import Reader
from kyc_gate.adapters.values import reference
from kyc_gate.compute.instance_types import find_instance_type
from kyc_gate.model.job import Accelerators


def karpenter_pool(reader: Reader, spec: Object) -> Demand:
    """A Karpenter pool: as many accelerators as its limits allow, or its static replicas; without limits, no end.

    A pool that can only make machines without accelerators asks for nothing.
    """
    requirements = parts(part(part(spec, "template"), "spec"), "requirements")
    machines = _machines(requirements)
    if machines and all((found := find_instance_type(name)) is not None and found.chip is None for name in machines):
        return Demand()
    if spec.get("replicas") is not None and machines:
        lines = tuple(Accelerators(count=number(spec, "replicas", 0), instance_type=name) for name in machines)
        return Demand(groups=(Group(pod=Pod(lines=_strongest_machine(lines)), count=1),))
    models = models_of_requirements(requirements)
    known = tuple(reader.settings.accelerators)
    limited = amounts({"limits": spec.get("limits")}, known)
    if not limited:
        return Demand(unresolved=(reference("node-pool", "limits"),), ranged=True)
    lines = tuple(
        Accelerators(count=amount, model=strongest(models) if models else model_of(name, (), reader.settings))
        for name, amount in sorted(limited.items())
    )
    return Demand(groups=(Group(pod=Pod(lines=lines), count=1),), ranged=True)


def _machines(requirements: list[Object]) -> tuple[str, ...]:
    for each in requirements:
        values = each.get("values")
        if text(each, "key") in INSTANCE_LABELS and text(each, "operator") == "In" and isinstance(values, list):
            return tuple(str(value) for value in values)
    return ()


def _strongest_machine(lines: tuple[Accelerators, ...]) -> tuple[Accelerators, ...]:
    """Return the line of the machine with the most computing power; one that nobody knows counts more than any."""

    def power(line: Accelerators) -> float:
        found = find_instance_type(line.instance_type or "")
        if found is None:
            return float("inf")
        return 0.0 if found.chip is None else found.chip.peak_rate * found.chips / found.shared_by

    return tuple(line for line in (max(lines, key=power),) if line.count)


NODES_OF_A_RACK = 18
"""Nodes of an NVL72 rack, with four of its 72 chips each (docs.coreweave.com, node pools of racks)."""


def coreweave_pool(_: Reader, spec: Object) -> Demand:
    """A CoreWeave pool: its target in nodes or in racks, or with autoscaling the most that it may have."""
    if spec.get("targetNodes") is None and spec.get("targetRacks") is None:
        return Demand(unresolved=(reference("parameter", "targetNodes"),))
    target = max(number(spec, "targetNodes", 0), number(spec, "targetRacks", 0) * NODES_OF_A_RACK)
    scaled = (number(spec, "maxNodes", target), number(spec, "maxRacks", 0) * NODES_OF_A_RACK)
    most = max(scaled) if spec.get("autoscaling") is True else target
    name = text(spec, "instanceType")
    if not name:
        return Demand(unresolved=(reference("parameter", "instanceType"),))
    count = max(target, most)
    lines = (Accelerators(count=count, instance_type=name),) if count else ()
    found = find_instance_type(name)
    if found is not None and found.chip is None:
        lines = ()
    return Demand(groups=(Group(pod=Pod(lines=lines), count=1),), ranged=most > target)
