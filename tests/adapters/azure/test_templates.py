"""Templates of Azure: what stands inside of other resources, and what is not on any list."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kyc_gate.adapters.azure import AzureAdapter
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Certainty, ProvisioningRequest

from ..calls import JSON, call

PATH = b"/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/deployments/d"
GPUS = "Standard_ND96isr_H100_v5"
POOL = {"type": "agentPools", "name": "p", "properties": {"vmSize": GPUS, "count": 4}}


def deployed(*resources: dict[str, Any]) -> ProvisioningRequest | None:
    """What a deployment of these resources asks for."""
    body = json.dumps({"properties": {"mode": "Incremental", "template": {"resources": resources}}}).encode()
    return AzureAdapter().read(call("PUT", PATH, body, JSON, host=b"management.azure.com"))


def test_what_stands_in_a_copied_resource_is_copied_with_it() -> None:
    """Ten copies of a cluster have ten times the pool that stands inside of it."""
    cluster = {
        "type": "Microsoft.ContainerService/managedClusters",
        "name": "c",
        "copy": {"name": "many", "count": 10},
        "properties": {},
        "resources": [POOL],
    }
    found = deployed(cluster)
    assert found is not None
    assert [line.count * line.multiplier for line in found.lines if line.instance_type == GPUS] == [40]


def test_a_child_goes_by_the_type_of_its_parent() -> None:
    """`computes` in a workspace are machines, at any depth. A size that nobody reads waits for a person."""
    compute = {"type": "computes", "name": "x", "properties": {"computeType": "AmlCompute", "properties": {
        "vmSize": GPUS, "scaleSettings": {"maxNodeCount": 8}}}}  # fmt: skip
    workspace = {"type": "Microsoft.MachineLearningServices/workspaces", "name": "w", "resources": [compute]}
    found = deployed(workspace)
    assert found is not None
    assert [(line.instance_type, line.count) for line in found.lines] == [(GPUS, 8)]
    other = deployed({**workspace, "type": "Microsoft.Network/workspaces"})
    assert other is not None
    assert [name.rpartition(".")[2] for name in other.unresolved] == ["vmSize", "maxNodeCount"]


def test_an_unknown_type_of_a_guarded_service_waits_for_a_person() -> None:
    """What a later version of a service provisions is not let through because nobody has heard of it."""
    found = deployed({"type": "Microsoft.Compute/superComputers", "name": "x", "properties": {}})
    assert found is not None
    assert found.certainty is Certainty.UNRESOLVED
    assert found.unresolved == ("template-resource:microsoft.compute/supercomputers",)


def test_known_types_that_provision_nothing_pass() -> None:
    """Disks, extensions and networks are nobody's business here."""
    for kind in ("Microsoft.Compute/disks", "Microsoft.Compute/virtualMachines/extensions", "Microsoft.Network/vnets"):
        assert deployed({"type": kind, "name": "x", "properties": {}}) is None, kind


def test_a_call_to_two_hosts_is_not_overlooked() -> None:
    """A call that says two hosts is refused where one of them is Azure's."""
    given = call("PUT", b"/subscriptions/s/providers/Microsoft.Compute/unheard/of", b"{}", JSON, (b"host", b"x"),
                 host=b"management.azure.com")  # fmt: skip
    with pytest.raises(RefusedCall, match=r"(?i)host"):
        AzureAdapter().guards(given)
