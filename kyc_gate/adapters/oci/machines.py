"""Compute: machines, configurations of them, pools, networks of pools, and capacity that is held for them."""

from __future__ import annotations

from collections.abc import Iterable

from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.oci.asked import Asked, line, lines_of
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import reference

_WHILE_STOPPED = frozenset({"STOP", "SOFTSTOP"})
_STARTS = frozenset({"START", "RESET", "SOFTRESET", "REBOOTMIGRATE", "DIAGNOSTICREBOOT"})
_NOTHING = frozenset({"SENDDIAGNOSTICINTERRUPT"})


def read_launch(asked: Asked) -> Reading:
    """One machine of a shape, or of a configuration."""
    configuration = asked.body.text("instanceConfigurationId")
    shape = asked.body.text("shape")
    hidden = [_configured(configuration)] if configuration else []
    if not hidden and not shape:
        hidden = [reference("parameter", "shape")]
    return asked.reading(lines_of([shape], 1), hidden)


def read_launch_configured(asked: Asked) -> Reading:
    """One machine of a configuration. Which of two shapes wins that the call says beside it is not told: all count."""
    shapes = _shapes(asked.body)
    return asked.reading(lines_of(shapes, 1), [_configured(asked.names.get("id"))])


def read_update(asked: Asked) -> Reading | None:
    """A machine that is given another shape. A change that says no shape changes none."""
    shape = asked.body.text("shape")
    return None if shape is None else asked.reading([line(shape, 1)], replaces=asked.named("instance"))


def stops(query: dict[str, str]) -> bool:
    """Return whether an action on a machine stops it."""
    return query.get("action", "").upper() in _WHILE_STOPPED


def read_action(asked: Asked) -> Reading | None:
    """A machine that runs afterwards: what counts already under its name is not new."""
    action = asked.query.get("action", "").upper()
    if action in _NOTHING:
        return None
    name = asked.named("instance")
    if action not in _STARTS:
        return asked.reading(unresolved=[reference("operation", f"action-{action[:40]}")])
    return asked.reading(unresolved=[name], replaces=name)


def read_configuration(asked: Asked) -> Reading:
    """Nothing that runs: what it defines is learnt. One made from a machine says not what is in it."""
    shapes = _shapes(asked.body.part("instanceDetails"))
    return asked.reading(one=lines_of(shapes, 1))


def _shapes(details: Fields) -> list[str]:
    """Return the shapes of machines that may be launched: of one description, or of a choice of them."""
    homes = [details, *details.parts("options")]
    found = [home.part("launchDetails").text("shape") for home in homes]
    return [shape for shape in found if shape]


def _configured(id: object) -> str:
    return reference("instance-configuration", id)


def read_pool(asked: Asked) -> Reading:
    """A pool at its size, of machines of a configuration."""
    return _several(asked, [asked.body], None)


def read_pool_update(asked: Asked) -> Reading | None:
    """A pool of another size, or of machines of another configuration."""
    return _resized(asked, asked.body, asked.named("instance-pool"))


def _resized(asked: Asked, body: Fields, name: str) -> Reading | None:
    size, configuration = body.number("size"), body.text("instanceConfigurationId")
    if configuration is not None:
        hidden = [_configured(configuration)] if size != 0 else []
        if size is None:
            hidden.append(reference("parameter", "size"))
        return asked.reading(unresolved=hidden, repeats=max(size or 1, 1), replaces=name)
    if size is None or size == 0:
        return None
    return asked.reading(unresolved=[name], repeats=size, replaces=name)


def read_detach(asked: Asked) -> Reading | None:
    """A machine that leaves a pool. Where it goes on running and the pool keeps its size, another takes its place."""
    if asked.body.flag("isDecrementSize") or asked.body.flag("isAutoTerminate"):
        return None
    return asked.reading(unresolved=[asked.named("instance-pool")])


def read_network(asked: Asked) -> Reading:
    """A cluster network: every pool in it."""
    return _several(asked, asked.body.parts("instancePools"), None)


def read_network_update(asked: Asked) -> Reading | None:
    """A cluster network whose pools get another size or other machines."""
    pools = [
        pool for pool in asked.body.parts("instancePools") if pool.has("size") or pool.has("instanceConfigurationId")
    ]
    if not pools:
        return None
    name = asked.named("cluster-network")
    if len(pools) == 1:
        return _resized(asked, pools[0], name)
    return asked.reading(unresolved=[name, reference("parameter", "instancePools")], replaces=name)


def _several(asked: Asked, pools: Iterable[Fields], name: str | None) -> Reading:
    """Return what pools ask for together: where their configurations differ, each is counted for all of them."""
    hidden, sizes = [], 0
    for pool in pools:
        size, configuration = pool.number("size"), pool.text("instanceConfigurationId")
        if size is None:
            hidden.append(reference("parameter", "size"))
        elif size and configuration is None:
            hidden.append(reference("parameter", "instanceConfigurationId"))
        elif size:
            hidden.append(_configured(configuration))
        sizes += size or 0
    return asked.reading(unresolved=hidden, repeats=max(sizes, 1), replaces=name)


def read_memory_cluster(asked: Asked) -> Reading:
    """Machines of one memory fabric, as many as it may grow to."""
    body = _largest(asked.body)
    if body is None:
        return asked.reading(unresolved=[reference("parameter", "size")])
    return asked.reading(unresolved=[_configured(asked.body.text("instanceConfigurationId"))], repeats=body)


def read_memory_cluster_update(asked: Asked) -> Reading | None:
    """The same of another size, or of other machines."""
    name, size = asked.named("memory-cluster"), _largest(asked.body)
    configuration = asked.body.text("instanceConfigurationId")
    if configuration is not None:
        hidden = [_configured(configuration), *([] if size else [reference("parameter", "size")])]
        return asked.reading(unresolved=hidden, repeats=size or 1, replaces=name)
    return asked.reading(unresolved=[name], repeats=size, replaces=name) if size else None


def _largest(body: Fields) -> int | None:
    """Return the size that is asked for, or the one that the service scales to by itself."""
    given = [body.number("size"), body.part("gpuMemoryClusterScaleConfig").number("targetSize")]
    return max((each for each in given if each), default=None)


def read_reservation(asked: Asked) -> Reading:
    """Capacity that is held from now on, in all."""
    return _reserved(asked, None)


def read_reservation_update(asked: Asked) -> Reading | None:
    """Capacity as it is to be held in all. What says no amounts changes none."""
    if not asked.body.has("instanceReservationConfigs"):
        return None
    return _reserved(asked, asked.named("capacity-reservation"))


def _reserved(asked: Asked, name: str | None) -> Reading:
    lines, hidden = [], []
    for each in asked.body.parts("instanceReservationConfigs"):
        shape, number = each.text("instanceShape"), each.number("reservedCount")
        if shape is None or number is None:
            hidden.append(reference("parameter", "instanceShape" if shape is None else "reservedCount"))
        else:
            lines.append(line(shape, number, "instanceShape"))
    return asked.reading(lines, hidden, replaces=name)


def read_autoscaling(asked: Asked) -> Reading:
    """A pool that may grow by itself to the most that a policy says."""
    home = asked.body.part("resource")
    most = [policy.part("capacity").number("max") for policy in asked.body.parts("policies")]
    pool = reference("instance-pool", home.text("id"))
    if (home.text("type") or "").lower() != "instancepool" or None in most or not most:
        return asked.unread()
    times = max(each for each in most if each is not None)
    return asked.reading(unresolved=[pool], repeats=max(times, 1), replaces=pool)
