"""Kubernetes Engine: clusters, their pools of nodes, and how far these may grow."""

from __future__ import annotations

from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.gcp.asked import Asked, accelerators_of, machine_lines, zones_of
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import MAX_COUNT, reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators

DEFAULT_MACHINE = "e2-medium"
"""The machine of a pool that names none (container.v1, `NodeConfig.machineType`): it has no accelerators."""


def _check_parent(asked: Asked) -> None:
    """Refuse (400) a body that says another project or place than the path: some readers take it from there."""
    home = f"projects/{asked.names.get('project', '')}/locations/{asked.place}"
    for field in ("parent", "name"):
        value = asked.body.text(field)
        if value is not None and value != home and not value.startswith(f"{home}/"):
            raise RefusedCall(400, "field", f"body.{field} {shown(value)} is not in `{home}`, as the path is")
    for field, said in (("projectId", "project"), ("zone", ""), ("clusterId", "cluster"), ("nodePoolId", "pool")):
        value = asked.body.text(field)
        if value is not None and value != (asked.names.get(said) if said else asked.place):
            raise RefusedCall(400, "field", f"body.{field} {shown(value)} is not what the path says")


def _nodes(pool: Fields, count_field: str, zones: int) -> int:
    """Return how many nodes a pool has or may grow to, over all its zones."""
    scaling = pool.part("autoscaling")
    each = [pool.number(count_field), scaling.number("maxNodeCount")]
    in_zones = max((number for number in each if number is not None), default=0) * zones
    return min(MAX_COUNT, max(in_zones, scaling.number("totalMaxNodeCount") or 0))


def _pool_lines(pool: Fields, zones: int) -> list[Accelerators]:
    zones = len(set(pool.texts("locations"))) or zones
    return _config_lines(pool.part("config"), _nodes(pool, "initialNodeCount", zones))


def _config_lines(config: Fields, number: int) -> list[Accelerators]:
    machine = config.text("machineType") or DEFAULT_MACHINE
    lines = machine_lines(machine, accelerators_of(config.parts("accelerators")), number)
    return [line for line in lines if line.count and line.multiplier]


def one_node(pool: Fields) -> list[Accelerators]:
    """Return the lines of one node of a pool."""
    return _config_lines(pool.part("config"), 1)


def read_pool(asked: Asked) -> Reading:
    """A pool at its size, or as large as it may grow. A pool that is made empty is counted when it is resized."""
    _check_parent(asked)
    pool = asked.body.part("nodePool")
    pool.part("placementPolicy").text("tpuTopology")
    lines = _pool_lines(pool, zones_of(asked.place))
    hidden = [] if pool.home else [reference("parameter", "nodePool")]
    name = _pool_name(asked, pool.text("name"))
    return asked.reading(lines or _nothing(), hidden, starts=name)


def _nothing() -> list[Accelerators]:
    """Return what stands for a pool without nodes: a machine without accelerators."""
    return [Accelerators(instance_type=DEFAULT_MACHINE, count=1)]


def _pool_name(asked: Asked, pool: str | None) -> str | None:
    cluster = asked.names.get("cluster")
    named = asked.named("node-pool", pool)
    return f"{named}@{cluster}" if named and cluster else None


def read_cluster(asked: Asked) -> Reading:
    """Every pool of a new cluster, and what it may provision by itself."""
    _check_parent(asked)
    cluster = asked.body.part("cluster")
    zones = len(set(cluster.texts("locations"))) or zones_of(asked.place)
    pools = cluster.parts("nodePools")
    lines = [line for pool in pools for line in _pool_lines(pool, zones)]
    number = cluster.number("initialNodeCount")
    if number or cluster.has("nodeConfig"):
        lines += _config_lines(cluster.part("nodeConfig"), min(MAX_COUNT, (number or 1) * zones))
    limits, hidden = _limits(cluster.part("autoscaling")), []
    if cluster.part("autopilot").flag("enabled"):
        hidden.append(reference("operation", "autopilot"))
    for pool in pools:
        pool.part("placementPolicy").text("tpuTopology")
    return asked.reading(
        (lines + limits) or _nothing(),
        hidden if cluster.home else [reference("parameter", "cluster")],
        starts=asked.named("cluster", cluster.text("name")),
    )


def _limits(scaling: Fields) -> list[Accelerators]:
    """Return the accelerators that node auto-provisioning may add: it adds none without a limit for them."""
    lines = []
    for limit in scaling.parts("resourceLimits"):
        kind, number = limit.text("resourceType"), limit.number("maximum")
        if kind not in (None, "cpu", "memory") and number:
            lines.append(Accelerators(model=kind, count=number))
    return lines


def read_size(asked: Asked) -> Reading | None:
    """A pool that is to have so many nodes in each of its zones."""
    _check_parent(asked)
    number = asked.body.number("nodeCount")
    if number is None:
        return asked.unread()
    return _sized(asked, number * zones_of(asked.place))


def read_autoscaling(asked: Asked) -> Reading | None:
    """A pool that may grow by itself."""
    _check_parent(asked)
    scaling = asked.body.part("autoscaling")
    if not scaling.flag("enabled"):
        return None
    number = _nodes(asked.body, "nodeCount", zones_of(asked.place))
    return _sized(asked, number) if number else asked.unread()


def _sized(asked: Asked, number: int) -> Reading | None:
    if number == 0:
        return None
    name = _pool_name(asked, asked.names.get("pool"))
    return asked.reading(
        unresolved=[name or reference("node-pool", "?")], repeats=min(number, MAX_COUNT), replaces=name
    )


def read_pool_change(asked: Asked) -> Reading | None:
    """A pool that is given other machines, or more zones; another change provisions nothing."""
    _check_parent(asked)
    body = asked.body
    if body.has("machineType") or body.has("accelerators") or body.has("locations"):
        lines = machine_lines(body.text("machineType"), accelerators_of(body.parts("accelerators")), 1)
        return asked.reading(
            lines, [reference("operation", asked.operation)], replaces=_pool_name(asked, asked.names.get("pool"))
        )
    return None


def read_cluster_change(asked: Asked) -> Reading | None:
    """A cluster that may grow further; another change provisions nothing."""
    _check_parent(asked)
    update = asked.body.part("update")
    if not any(
        update.has(field) for field in ("desiredNodePoolAutoscaling", "desiredLocations", "desiredClusterAutoscaling")
    ):
        return None
    lines = _limits(update.part("desiredClusterAutoscaling"))
    return asked.reading(lines, [reference("operation", asked.operation)])


def read_locations(asked: Asked) -> Reading:
    """Zones that every pool of the cluster spreads over."""
    _check_parent(asked)
    return asked.unread()
