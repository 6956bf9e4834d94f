"""Which calls to Azure Resource Manager ask for machines or end them, by path and method.

Paths are in lower case: Azure does not tell case apart. They are those of Microsoft.Compute 2026-04-01,
Microsoft.MachineLearningServices 2026-09-01, Microsoft.ContainerService and Microsoft.Resources.
"""

from __future__ import annotations

from typing import NamedTuple

from kyc_gate.adapters.azure import clusters, learning, machines, templates
from kyc_gate.adapters.azure.asked import Asked, Reader
from kyc_gate.model.job import RequestKind

_CREATE, _START, _SCALE, _SUBMIT = RequestKind.CREATE, RequestKind.START, RequestKind.SCALE, RequestKind.SUBMIT


class Operation(NamedTuple):
    """One operation: what it does, and who reads it. `ends` is the kind of what it ends."""

    name: str
    kind: RequestKind = RequestKind.CREATE
    read: Reader = Asked.unread
    ends: str | None = None


_S = "/subscriptions/{subscription}"
_G = f"{_S}/resourcegroups/{{group}}"
_C = f"{_G}/providers/microsoft.compute"
_W = f"{_G}/providers/microsoft.machinelearningservices/workspaces/{{workspace}}"
_K = f"{_G}/providers/microsoft.containerservice/managedclusters/{{cluster}}"
_D = "microsoft.resources/deployments/{deployment}"

Table = dict[str, dict[str, Operation]]


def _resource(name: str, read: Reader, kind: RequestKind = _CREATE, ends: str | None = None) -> dict[str, Operation]:
    found = {method: Operation(f"{name}.{verb}", kind, read) for method, verb in (("PUT", "put"), ("PATCH", "update"))}
    return found | ({"DELETE": Operation(f"{name}.delete", ends=ends)} if ends else {})


def _post(name: str, read: Reader = Asked.unread, kind: RequestKind = _START) -> dict[str, Operation]:
    return {"POST": Operation(name, kind, read)}


def _ends(name: str, kind: str) -> dict[str, Operation]:
    return {"POST": Operation(name, ends=kind)}


OPERATIONS: Table = {
    f"{_C}/virtualmachines/{{name}}/start": _post("virtualMachines.start", machines.read_machine_start),
    f"{_C}/virtualmachines/{{name}}/deallocate": _ends("virtualMachines.deallocate", "instance"),
    f"{_C}/virtualmachines/{{name}}": _resource("virtualMachines", machines.read_machine, ends="instance"),
    f"{_C}/virtualmachinescalesets/{{name}}/start": _post("virtualMachineScaleSets.start"),
    f"{_C}/virtualmachinescalesets/{{name}}": _resource(
        "virtualMachineScaleSets", machines.read_set, _SCALE, "scale-set"
    ),
    f"{_C}/capacityreservationgroups/{{home}}/capacityreservations/{{name}}": _resource(
        "capacityReservations", machines.read_capacity, RequestKind.RESERVE, "capacity-reservation"
    ),
    f"{_C}/hostgroups/{{home}}/hosts/{{name}}": _resource("dedicatedHosts", Asked.unread, RequestKind.RESERVE),
    f"{_G}/providers/microsoft.insights/autoscalesettings/{{setting}}": _resource(
        "autoscaleSettings", machines.read_autoscale, _SCALE
    ),
    f"{_G}/providers/microsoft.azurefleet/fleets/{{name}}": _resource("fleets", Asked.unread),
    f"{_W}/jobs/{{name}}/cancel": _ends("jobs.cancel", "ml-job"),
    f"{_W}/jobs/{{name}}": _resource("jobs", learning.read_job, _SUBMIT, "ml-job"),
    f"{_W}/computes/{{name}}/start": _post("computes.start", learning.read_compute_start),
    f"{_W}/computes/{{name}}/stop": _ends("computes.stop", "ml-compute"),
    f"{_W}/computes/{{name}}/resize": _post("computes.resize", learning.read_compute_size, RequestKind.RESIZE),
    f"{_W}/computes/{{name}}": _resource("computes", learning.read_compute, ends="ml-compute"),
    f"{_W}/onlineendpoints/{{endpoint}}/deployments/{{name}}": _resource(
        "onlineDeployments", learning.read_deployment, ends="ml-deployment"
    ),
    f"{_W}/batchendpoints/{{endpoint}}/deployments/{{name}}": _resource("batchDeployments", Asked.unread),
    f"{_W}/schedules/{{name}}": _resource("schedules", Asked.unread, _SUBMIT),
    f"{_K}/start": _post("managedClusters.start", clusters.read_cluster_start),
    f"{_K}/stop": _ends("managedClusters.stop", "cluster"),
    f"{_K}/agentpools/{{pool}}": _resource("agentPools", clusters.read_pool, _SCALE, "node-pool"),
    _K: {
        "PUT": Operation("managedClusters.put", _CREATE, clusters.read_cluster),
        "DELETE": Operation("managedClusters.delete", ends="cluster"),
    },
    **{
        f"{home}{deployment}": {"PUT": Operation("deployments.put", _CREATE, templates.read_deployment)}
        for home, deployment in (
            (f"{_G}/providers/", _D),
            (f"{_S}/providers/", _D),
            ("/providers/microsoft.management/managementgroups/{management}/providers/", _D),
            ("/providers/", _D),
            (f"{_G}/", "deployments/{deployment}"),
        )
    },
    **{
        f"{home}/providers/microsoft.resources/deploymentstacks/{{deployment}}": {
            "PUT": Operation("deploymentStacks.put", _CREATE, templates.read_deployment)
        }
        for home in (_G, _S, "/providers/microsoft.management/managementgroups/{management}")
    },
}
"""Each operation by path pattern and method."""
