"""Container Engine for Kubernetes: pools of nodes."""

from __future__ import annotations

from kyc_gate.adapters.oci.asked import Asked, line
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import reference


def read_pool(asked: Asked) -> Reading:
    """A pool at its size."""
    number, shape = _number(asked), asked.body.text("nodeShape")
    if shape is None or number is None:
        return asked.reading(unresolved=[reference("parameter", "nodeShape" if shape is None else "size")])
    return asked.reading([line(shape, number, "nodeShape")], one=[line(shape, 1, "nodeShape")])


def read_pool_update(asked: Asked) -> Reading | None:
    """A pool of another size or of other machines. Other machines in a number that is not said are not counted."""
    name, number, shape = asked.named("node-pool"), _number(asked), asked.body.text("nodeShape")
    if shape is not None:
        hidden = [] if number is not None else [reference("parameter", "size")]
        lines = [line(shape, number or 1, "nodeShape")] if number != 0 else []
        return asked.reading(lines, hidden, replaces=name, one=[line(shape, 1, "nodeShape")])
    return asked.reading(unresolved=[name], repeats=number, replaces=name) if number else None


def _number(asked: Asked) -> int | None:
    """Return the nodes that are asked for: of the pool, or in each of its subnets."""
    size = asked.body.part("nodeConfigDetails").number("size")
    each, subnets = asked.body.number("quantityPerSubnet"), asked.body.texts("subnetIds")
    if each is not None and not subnets:
        return None  # over how many subnets is what it was
    given = [size, each * len(subnets) if each is not None else None]
    return max((number for number in given if number is not None), default=None)


def read_addon(asked: Asked) -> Reading | None:
    """An add-on of a cluster. One that makes nodes by itself is not read."""
    name = asked.names.get("addon") or asked.body.text("addonName") or ""
    return None if name in _HARMLESS else asked.unread()


_HARMLESS = frozenset(
    {
        "CertManager",
        "CoreDNS",
        "Flannel",
        "KubeProxy",
        "KubernetesDashboard",
        "KubernetesMetricsServer",
        "NativeIngressController",
        "NvidiaGpuPlugin",
        "AmdGpuPlugin",
        "OciVcnIpNative",
        "WeblogicKubernetesOperator",
        "Istio",
    }
)
"""Add-ons that make no nodes (docs.oracle.com, supported cluster add-ons); the autoscalers are not among them."""
