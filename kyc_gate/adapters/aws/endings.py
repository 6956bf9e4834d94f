"""Which AWS operations end what runs, and under which names it was started."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kyc_gate.adapters.values import reference

STARTS = {
    "CreateTrainingJob": ("training-job", "TrainingJobName"),
    "CreateProcessingJob": ("processing-job", "ProcessingJobName"),
    "CreateTransformJob": ("transform-job", "TransformJobName"),
    "CreateHyperParameterTuningJob": ("tuning-job", "HyperParameterTuningJobName"),
    "CreateAutoMLJob": ("automl-job", "AutoMLJobName"),
    "CreateAutoMLJobV2": ("automl-job", "AutoMLJobName"),
    "CreateEndpoint": ("endpoint", "EndpointName"),
    "UpdateEndpoint": ("endpoint", "EndpointName"),
    "CreateCluster": ("cluster", "ClusterName"),
    "UpdateCluster": ("cluster", "ClusterName"),
    "CreateNotebookInstance": ("notebook-instance", "NotebookInstanceName"),
    "StartNotebookInstance": ("notebook-instance", "NotebookInstanceName"),
    "CreateComputeEnvironment": ("compute-environment", "computeEnvironmentName"),
    "CreateAutoScalingGroup": ("auto-scaling-group", "AutoScalingGroupName"),
    "UpdateAutoScalingGroup": ("auto-scaling-group", "AutoScalingGroupName"),
    "SetDesiredCapacity": ("auto-scaling-group", "AutoScalingGroupName"),
}
"""Operations that name what they start: the kind and the parameter (botocore service models)."""

ENDS = {
    "StopTrainingJob": ("training-job", "TrainingJobName"),
    "StopProcessingJob": ("processing-job", "ProcessingJobName"),
    "StopTransformJob": ("transform-job", "TransformJobName"),
    "StopHyperParameterTuningJob": ("tuning-job", "HyperParameterTuningJobName"),
    "StopAutoMLJob": ("automl-job", "AutoMLJobName"),
    "DeleteEndpoint": ("endpoint", "EndpointName"),
    "DeleteCluster": ("cluster", "ClusterName"),
    "StopNotebookInstance": ("notebook-instance", "NotebookInstanceName"),
    "DeleteNotebookInstance": ("notebook-instance", "NotebookInstanceName"),
    "DeleteComputeEnvironment": ("compute-environment", "computeEnvironment"),
    "DeleteAutoScalingGroup": ("auto-scaling-group", "AutoScalingGroupName"),
}
"""Operations that end what bears a name. A group that is scaled to nothing keeps its instances that are protected from
scale-in or stand by, and they go on: only its deletion ends it."""

ENDS_INSTANCES = frozenset({"TerminateInstances", "StopInstances"})
"""Operations of EC2 that end the instances whose ids they list. What hibernates is stopped, too."""

ENDS_FLEETS = {"DeleteFleets": ("fleet", "fleetId"), "CancelSpotFleetRequests": ("spot-fleet", "spotFleetRequestId")}
"""Operations of EC2 that end fleets by id. They answer 200 for fleets that stay, too, so that no call ends one: the
record of the call does, which says which of them went."""

ENDS_BY_PATH = {
    "DELETE /clusters/{cluster}/node-groups/{name}": ("eks", "DeleteNodegroup"),
    "POST /v1/terminatejob": ("batch", "TerminateJob"),
    "POST /v1/terminateservicejob": ("batch", "TerminateServiceJob"),
    "POST /v1/deletecomputeenvironment": ("batch", "DeleteComputeEnvironment"),
}
"""Operations of the REST services that end runs, by method and path (botocore service models). A group of nodes that is
scaled down can grow again by itself as long as it is there, so only its deletion ends what it runs."""

_INSTANCE = re.compile(r"InstanceIds?\.[0-9]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+=-]{0,255}")

MOST_ENDED = 1_000
"""Instances of one call: as many as EC2 takes."""


def ends(operation: str) -> bool:
    """Return whether the operation ends runs."""
    return operation in ENDS or operation in ENDS_INSTANCES


def path_operation(method: str, path: bytes) -> tuple[str, str, dict[str, object]] | None:
    """Return service, operation and the names in the path of a REST call that ends runs, or None.

    Only the plain spelling is one: whatever else the upstream may read as an end goes on counting.
    """
    given = path.decode("latin-1").split("/")
    for known, (service, operation) in ENDS_BY_PATH.items():
        verb, _, pattern = known.partition(" ")
        parts = pattern.split("/")
        if verb != method or len(parts) != len(given):
            continue
        names: dict[str, object] = {}
        for part, text in zip(parts, given, strict=True):
            if part.startswith("{") and _ID.fullmatch(text):
                names[part[1:-1]] = text
            elif part != text:
                break
        else:
            return service, operation, names
    return None


def ended(operation: str, values: Mapping[str, object], region: str | None) -> tuple[str, ...]:
    """Return the names of what the operation ends, from its parameters or its document."""
    if operation == "DeleteNodegroup":
        return _nodegroup(values.get("cluster"), values.get("name"), region)
    if operation in ("TerminateJob", "TerminateServiceJob"):
        return named("batch-job", (values.get("jobId"),))
    if operation in ENDS_INSTANCES:
        ids = [value for name, value in values.items() if _INSTANCE.fullmatch(name)]
        return named("instance", ids)
    return _named(ENDS.get(operation), values, region)


def started(operation: str, values: Mapping[str, object], region: str | None) -> tuple[str, ...]:
    """Return the names that the operation gives to what it starts."""
    if operation == "StartInstances":
        ids = [value for name, value in values.items() if _INSTANCE.fullmatch(name)]
        return named("instance", ids)
    return _named(STARTS.get(operation), values, region)


def started_at_path(operation: str, path: bytes, document: Mapping[str, object], region: str | None) -> tuple[str, ...]:
    """Return the names that a REST operation gives to what it starts, from its path and its document."""
    if operation == "CreateNodegroup":
        parts = path.decode("latin-1").split("/")
        return _nodegroup(parts[2] if len(parts) == 4 else None, document.get("nodegroupName"), region)
    return _named(STARTS.get(operation), document, region)


def _nodegroup(cluster: object, name: object, region: str | None) -> tuple[str, ...]:
    """Return the name of a node group, which is taken once in each cluster."""
    if region is None or not all(isinstance(each, str) and _ID.fullmatch(each) for each in (cluster, name)):
        return ()
    return (f"nodegroup:{region}/{cluster}/{name}",)


def named(kind: str, ids: Iterable[object]) -> tuple[str, ...]:
    """Return the names of what bears these ids, as far as they are ids."""
    some = list(ids)[:MOST_ENDED]
    return tuple(reference(kind, id) for id in some if isinstance(id, str) and _ID.fullmatch(id))


def _named(known: tuple[str, str] | None, values: Mapping[str, object], region: str | None) -> tuple[str, ...]:
    """Return the name that stands in the parameter, as it is known over all regions: a name is taken once in each."""
    if known is None or region is None:
        return ()
    kind, field = known
    name = values.get(field)
    if kind == "compute-environment" and isinstance(name, str):
        name = name.rpartition("/")[2]  # its ARN ends with its name
    return (f"{kind}:{region}/{name}",) if isinstance(name, str) and _ID.fullmatch(name) else ()
