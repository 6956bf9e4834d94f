"""Kubernetes Engine: clusters, their pools of nodes, and how far these may grow."""

from __future__ import annotations

from collections.abc import Iterable

from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.gcp.asked import Asked, accelerators_of, machine_lines, zones_of
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import MAX_COUNT, reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators
from kyc_gate.model.learned import Learned

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


def _nodes(pool: Fields, count_field: str) -> tuple[int, int]:
    """Return how many nodes a pool has or may grow to in each zone, and over all of them."""
    scaling = pool.part("autoscaling")
    each = [pool.number(count_field), scaling.number("maxNodeCount")]
    in_zone = max((number for number in each if number is not None), default=0)
    return in_zone, scaling.number("totalMaxNodeCount") or 0


def _pool_lines(pool: Fields, zones: int) -> list[Accelerators]:
    in_zone, total = _nodes(pool, "initialNodeCount")
    return _config_lines(pool.part("config"), min(MAX_COUNT, max(in_zone * (_zones(pool) or zones), total)))


def _zones(home: Fields) -> int:
    """Return over how many zones a pool or a cluster spreads by its own words, 0 where it does not say."""
    return len(set(home.texts("locations")))


def _config_lines(config: Fields, number: int) -> list[Accelerators]:
    machine = config.text("machineType") or DEFAULT_MACHINE
    lines = machine_lines(machine, accelerators_of(config.parts("accelerators")), number)
    return [line for line in lines if line.count and line.multiplier]


def one_node(pool: Fields) -> list[Accelerators]:
    """Return the lines of one node of a pool, in each zone where it names zones of its own."""
    return _config_lines(pool.part("config"), _zones(pool) or 1)


def read_pool(asked: Asked) -> Reading:
    """A pool at its size, or as large as it may grow, in the zones of its cluster unless it names its own.

    A pool that is made empty is counted when it is resized.
    """
    _check_parent(asked)
    pool = asked.body.part("nodePool")
    pool.part("placementPolicy").text("tpuTopology")
    lines = _pool_lines(pool, 1)
    hidden = [] if pool.home else [reference("parameter", "nodePool")]
    if _nodes(pool, "initialNodeCount")[0] and not _zones(pool):
        hidden.append(_spread(asked, asked.names.get("cluster")))
    name = _pool_name(asked, pool.text("name"))
    return asked.reading(lines or _nothing(), hidden, starts=name)


def _nothing() -> list[Accelerators]:
    """Return what stands for a pool without nodes: a machine without accelerators."""
    return [Accelerators(instance_type=DEFAULT_MACHINE, count=1)]


def _spread(asked: Asked, cluster: str | None) -> str:
    """Return the name of the zones of a cluster: each node stands in every one of them."""
    return asked.named("cluster-zones", cluster) or reference("cluster-zones", "?")


def learn_zones(asked: Asked) -> tuple[Learned, ...]:
    """Return over how many zones a cluster spreads that the call made."""
    cluster = asked.body.part("cluster")
    zones = _zones(cluster) or zones_of(asked.place)
    kind, _, id = _spread(asked, cluster.text("name")).partition(":")
    return (Learned(kind=kind, id=id, lines=(Accelerators(model="zone", count=zones),)),)


def _pool_name(asked: Asked, pool: str | None) -> str | None:
    cluster = asked.names.get("cluster")
    named = asked.named("node-pool", pool)
    return f"{named}@{cluster}" if named and cluster else None


def read_cluster(asked: Asked) -> Reading:
    """Every pool of a new cluster, and what it may provision by itself."""
    _check_parent(asked)
    cluster = asked.body.part("cluster")
    zones = _zones(cluster) or zones_of(asked.place)
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
        changes=_parts(asked, cluster.text("name"), ["default-pool", *(pool.text("name") for pool in pools)]),
    )


def _parts(asked: Asked, cluster: str | None, pools: Iterable[str | None]) -> list[str]:
    """Return the names of a cluster's zones and of its pools."""
    named = (asked.named("node-pool", pool) for pool in pools)
    return [_spread(asked, cluster), *(f"{name}@{cluster}" for name in named if name)]


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
    return _sized(asked, number, spreads=True)


def read_autoscaling(asked: Asked) -> Reading | None:
    """A pool that may grow by itself."""
    _check_parent(asked)
    scaling = asked.body.part("autoscaling")
    if not scaling.flag("enabled"):
        return None
    in_zone, total = _nodes(asked.body, "nodeCount")
    number = max(in_zone, total)
    return _sized(asked, number, spreads=bool(in_zone)) if number else asked.unread()


def _sized(asked: Asked, number: int, *, spreads: bool) -> Reading | None:
    """Return the reading of a pool that is to have so many nodes, in each zone of its cluster or over all of them."""
    if number == 0:
        return None
    name = _pool_name(asked, asked.names.get("pool"))
    hidden = [name or reference("node-pool", "?")]
    if spreads:
        hidden.append(_spread(asked, asked.names.get("cluster")))
    return asked.reading(unresolved=hidden, repeats=min(number, MAX_COUNT), replaces=name)


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
    changes = [_spread(asked, asked.names.get("cluster"))] if update.has("desiredLocations") else []
    return asked.reading(lines, [reference("operation", asked.operation)], changes=changes)


def read_locations(asked: Asked) -> Reading:
    """Zones that every pool of the cluster spreads over."""
    _check_parent(asked)
    spread = _spread(asked, asked.names.get("cluster"))
    return asked.reading(unresolved=[reference("operation", asked.operation)], changes=[spread])
