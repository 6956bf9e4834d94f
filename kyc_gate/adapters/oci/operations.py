"""Which calls to Oracle Cloud ask for machines or end them, by service, path and method.

Paths are those of the SDK 2.189: Core Services 20160918, Data Science 20190101, Container Engine 20180222,
Autoscaling 20181001, Resource Manager 20180917 and Generative AI 20231130.
"""

from __future__ import annotations

from typing import NamedTuple

from kyc_gate.adapters.oci import machines, node_pools, science
from kyc_gate.adapters.oci.asked import Asked, Reader
from kyc_gate.model.job import RequestKind

_CREATE, _START, _SCALE = RequestKind.CREATE, RequestKind.START, RequestKind.SCALE
_RESERVE, _RESIZE, _SUBMIT = RequestKind.RESERVE, RequestKind.RESIZE, RequestKind.SUBMIT


class Operation(NamedTuple):
    """One operation: what it does, and who reads it.

    `teaches` is the kind of what the answer names, `ends` the kind of what it ends; `defines` is true for one that
    starts nothing, and only says what others will start.
    """

    name: str
    kind: RequestKind = RequestKind.CREATE
    read: Reader = Asked.unread
    teaches: str | None = None
    ends: str | None = None
    defines: bool = False


Table = dict[str, dict[str, Operation]]


def _one(create: Operation, update: Operation | None, ends: str | None, home: str) -> Table:
    """Return the operations of a collection: what creates in it, and what changes or deletes one of it."""
    name = create.name.partition(".")[0]
    each = {"PUT": update} if update else {}
    if ends:
        each["DELETE"] = Operation(f"{name}.delete", ends=ends)
    return {home: {"POST": create}, f"{home}/{{id}}": each}


def _post(
    name: str, read: Reader = Asked.unread, kind: RequestKind = _CREATE, ends: str | None = None
) -> dict[str, Operation]:
    return {"POST": Operation(name, kind, read, ends=ends)}


def _put(name: str, read: Reader = Asked.unread, kind: RequestKind = _SCALE) -> Operation:
    return Operation(name, kind, read)


_C, _D, _K = "/20160918", "/20190101", "/20180222"

ACTION = f"{_C}/instances/{{id}}"
"""Where the parameter `action` of the query says what is done to a machine."""

STOP = Operation("instances.stop", ends="instance")

SERVICES: dict[str, Table] = {
    "iaas": {
        f"{_C}/instances": {"POST": Operation("instances.launch", _CREATE, machines.read_launch, "instance")},
        ACTION: {
            "POST": Operation("instances.action", _START, machines.read_action),
            "PUT": _put("instances.update", machines.read_update, _RESIZE),
            "DELETE": Operation("instances.terminate", ends="instance"),
        },
        f"{_C}/instanceConfigurations": {
            "POST": Operation(
                "instanceConfigurations.create",
                _CREATE,
                machines.read_configuration,
                "instance-configuration",
                defines=True,
            )
        },
        f"{_C}/instanceConfigurations/{{id}}/actions/launch": {
            "POST": Operation("instanceConfigurations.launch", _CREATE, machines.read_launch_configured, "instance")
        },
        **_one(
            Operation("instancePools.create", _CREATE, machines.read_pool, "instance-pool"),
            _put("instancePools.update", machines.read_pool_update),
            "instance-pool",
            f"{_C}/instancePools",
        ),
        f"{_C}/instancePools/{{id}}/actions/start": _post("instancePools.start", kind=_START),
        f"{_C}/instancePools/{{id}}/actions/reset": _post("instancePools.reset", kind=_START),
        f"{_C}/instancePools/{{id}}/actions/softreset": _post("instancePools.softreset", kind=_START),
        f"{_C}/instancePools/{{id}}/actions/stop": _post("instancePools.stop", ends="instance-pool"),
        f"{_C}/instancePools/{{id}}/actions/softstop": _post("instancePools.softstop", ends="instance-pool"),
        f"{_C}/instancePools/{{id}}/actions/detachInstance": _post(
            "instancePools.detachInstance", machines.read_detach, _SCALE
        ),
        **_one(
            Operation("clusterNetworks.create", _CREATE, machines.read_network, "cluster-network"),
            _put("clusterNetworks.update", machines.read_network_update),
            "cluster-network",
            f"{_C}/clusterNetworks",
        ),
        **_one(
            Operation(
                "computeCapacityReservations.create", _RESERVE, machines.read_reservation, "capacity-reservation"
            ),
            _put("computeCapacityReservations.update", machines.read_reservation_update, _RESERVE),
            "capacity-reservation",
            f"{_C}/computeCapacityReservations",
        ),
        **_one(
            Operation("computeGpuMemoryClusters.create", _CREATE, machines.read_memory_cluster, "memory-cluster"),
            _put("computeGpuMemoryClusters.update", machines.read_memory_cluster_update),
            "memory-cluster",
            f"{_C}/computeGpuMemoryClusters",
        ),
        f"{_C}/dedicatedVmHosts": _post("dedicatedVmHosts.create", kind=_RESERVE),
    },
    "datascience": {
        **_one(
            Operation("jobs.create", _CREATE, science.read_job, "job", defines=True),
            Operation("jobs.update", _CREATE, science.read_job_update, defines=True),
            None,
            f"{_D}/jobs",
        ),
        f"{_D}/jobRuns": {"POST": Operation("jobRuns.create", _SUBMIT, science.read_job_run, "job-run")},
        f"{_D}/jobRuns/{{id}}/actions/cancelJobRun": _post("jobRuns.cancel", ends="job-run"),
        **_one(
            Operation("modelDeployments.create", _CREATE, science.read_deployment, "model-deployment"),
            _put("modelDeployments.update", science.read_deployment_update),
            "model-deployment",
            f"{_D}/modelDeployments",
        ),
        f"{_D}/modelDeployments/{{id}}/actions/activate": _post("modelDeployments.activate", kind=_START),
        f"{_D}/modelDeployments/{{id}}/actions/deactivate": _post(
            "modelDeployments.deactivate", ends="model-deployment"
        ),
        **_one(
            Operation("notebookSessions.create", _CREATE, science.read_notebook, "notebook-instance"),
            _put("notebookSessions.update", science.read_notebook_update, _RESIZE),
            "notebook-instance",
            f"{_D}/notebookSessions",
        ),
        f"{_D}/notebookSessions/{{id}}/actions/activate": _post(
            "notebookSessions.activate", science.read_notebook_start, _START
        ),
        f"{_D}/notebookSessions/{{id}}/actions/deactivate": _post(
            "notebookSessions.deactivate", ends="notebook-instance"
        ),
        f"{_D}/pipelineRuns": _post("pipelineRuns.create", kind=_SUBMIT),
    },
    "containerengine": {
        **_one(
            Operation("nodePools.create", _CREATE, node_pools.read_pool, "node-pool"),
            _put("nodePools.update", node_pools.read_pool_update),
            "node-pool",
            f"{_K}/nodePools",
        ),
        f"{_K}/clusters/{{id}}/addons": _post("addons.install", node_pools.read_addon),
        f"{_K}/clusters/{{id}}/addons/{{addon}}": {"PUT": _put("addons.update", node_pools.read_addon)},
    },
    "autoscaling": {
        "/20181001/autoScalingConfigurations": _post("autoScaling.create", machines.read_autoscaling, _SCALE),
    },
    "resourcemanager": {"/20180917/jobs": _post("stackJobs.create")},
    "generativeai": {"/20231130/dedicatedAiClusters": _post("dedicatedAiClusters.create", kind=_RESERVE)},
}
"""Each operation by service, path pattern and method."""
