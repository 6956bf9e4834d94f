"""Microsoft.ContainerService: clusters and their pools of nodes."""

from __future__ import annotations

from kyc_gate.adapters.azure.asked import Asked, largest, line
from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import reference
from kyc_gate.model.job import Accelerators

DEFAULT_SIZE = "Standard_D4s_v5"
"""What stands for a pool that names no size: the service chooses one without accelerators."""


def _pool(pool: Fields) -> Accelerators:
    number = largest(pool.number("count"), pool.number("maxCount"))
    return line(pool.text("vmSize") or DEFAULT_SIZE, max(number, 1))


def read_cluster(asked: Asked) -> Reading:
    """Every pool of a cluster, and that it may provision by itself."""
    properties = asked.body.part("properties")
    lines = [_pool(pool) for pool in properties.parts("agentPoolProfiles")]
    mode = properties.part("nodeProvisioningProfile").text("mode")
    hidden = [reference("operation", "node-auto-provisioning")] if mode and mode.lower() != "manual" else []
    if not lines:
        lines = [line(DEFAULT_SIZE, 1)]
    return asked.reading(lines, hidden, replaces=asked.named("cluster"))


def read_pool(asked: Asked) -> Reading:
    """A pool at its size, or as large as it may grow."""
    return asked.reading([_pool(asked.body.part("properties"))], replaces=asked.named("node-pool"))


def read_cluster_start(asked: Asked) -> Reading:
    """A cluster whose nodes were stopped."""
    name = asked.named("cluster")
    return asked.reading(unresolved=[name], starts=name)
