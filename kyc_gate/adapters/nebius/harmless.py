"""Which calls to Nebius that are on no list are known to provision no machines."""

from __future__ import annotations

import re

_LOOKS = re.compile(
    r"[^/]+/(?!.*(?:Create|Update|Start|Restart|Run|Launch|Restore|Scale|Resize))"
    r"(?:Get|List|BatchGet|Delete|PreflightCheck)[A-Za-z]*"
)

_HARMLESS = re.compile(
    r"nebius\.(?:audit|billing|common|dns|iam|kms|logging|maintenance|mysterybox|quotas|registry|storage|tunnel|vpc)"
    r"\.[a-z0-9.]+\.[A-Za-z0-9]+/[A-Za-z]+|"
    r"nebius\.compute\.v1\.(?:Disk|DiskSnapshot|Filesystem|Image|GpuCluster|Maintenance|Node|Operation)Service/[A-Za-z]+|"
    r"nebius\.mk8s\.v1(?:alpha1)?\.ClusterService/[A-Za-z]+|nebius\.mk8s\.v1(?:alpha1)?\.NodeGroupService/Upgrade|"
    r"nebius\.msp\.(?:postgresql|mlflow)\.v1alpha1\.[A-Za-z]+/[A-Za-z]+"
)
"""Services that have no machines with accelerators; clusters of Kubernetes have none without a group of nodes, and a
GPU cluster is the network that machines join."""


def is_harmless(method: str) -> bool:
    """Return whether a method that is on no list, as `service/name`, is known to provision no machines."""
    return bool(_LOOKS.fullmatch(method) or _HARMLESS.fullmatch(method))
