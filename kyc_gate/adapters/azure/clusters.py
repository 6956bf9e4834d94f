"""Microsoft.ContainerService: clusters and their pools of nodes."""

from __future__ import annotations

from kyc_gate.adapters.azure.asked import Asked, largest, line
from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import reference


def _number(pool: Fields) -> int:
    return max(largest(pool.number("count"), pool.number("maxCount")), 1)


def read_cluster(asked: Asked) -> Reading:
    """Every pool of a cluster, and that it may provision by itself. What names no size is as it was."""
    properties = asked.body.part("properties")
    pools = properties.parts("agentPoolProfiles")
    sized = [(pool.text("vmSize"), _number(pool)) for pool in pools]
    lines = [line(size, number) for size, number in sized if size]
    names = [_pool_name(asked, pool) for pool in pools]
    hidden = [name for name, (size, _) in zip(names, sized, strict=True) if not size]
    modes = [properties.part("nodeProvisioningProfile").text("mode"), asked.body.part("sku").text("name")]
    if (modes[0] or "manual").lower() != "manual" or (modes[1] or "base").lower() != "base":
        hidden.append(reference("operation", "node-auto-provisioning"))
    if not pools:
        hidden.append(asked.named("cluster"))
    unsized = [number for size, number in sized if not size]
    return asked.reading(lines, hidden, repeats=largest(*unsized) or 1, replaces=asked.named("cluster"), changes=names)


def _pool_name(asked: Asked, pool: Fields) -> str:
    name = pool.text("name")
    return asked.named("node-pool", name.lower()) if name else reference("parameter", "agentPoolProfiles.name")


def read_pool(asked: Asked) -> Reading:
    """A pool at its size, or as large as it may grow. One that names no size of its machines is as it was."""
    pool, name = asked.body.part("properties"), asked.named("node-pool")
    size, number = pool.text("vmSize"), _number(pool)
    if size is None:
        return asked.reading(unresolved=[name], repeats=number, replaces=name)
    return asked.reading([line(size, number)], replaces=name)


def read_cluster_start(asked: Asked) -> Reading:
    """A cluster whose nodes were stopped."""
    name = asked.named("cluster")
    return asked.reading(unresolved=[name], starts=name)
