"""Which AWS operations end what runs, and under which names it was started."""

from __future__ import annotations

import re
from collections.abc import Mapping

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
    "DeleteAutoScalingGroup": ("auto-scaling-group", "AutoScalingGroupName"),
}
"""Operations that end what bears a name."""

ENDS_INSTANCES = frozenset({"TerminateInstances", "StopInstances"})
"""Operations of EC2 that end the instances whose ids they list. What hibernates is stopped, too."""

_INSTANCE = re.compile(r"InstanceIds?\.[0-9]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+=-]{0,255}")

MOST_ENDED = 1_000
"""Instances of one call: as many as EC2 takes."""


def ends(operation: str) -> bool:
    """Return whether the operation ends runs."""
    return operation in ENDS or operation in ENDS_INSTANCES


def ended(operation: str, values: Mapping[str, object], region: str | None) -> tuple[str, ...]:
    """Return the names of what the operation ends, from its parameters or its document."""
    if operation in ENDS_INSTANCES:
        ids = [value for name, value in values.items() if _INSTANCE.fullmatch(name)]
        return tuple(reference("instance", id) for id in ids[:MOST_ENDED] if isinstance(id, str) and _ID.fullmatch(id))
    return _named(ENDS.get(operation), values, region)


def started(operation: str, values: Mapping[str, object], region: str | None) -> tuple[str, ...]:
    """Return the names that the operation gives to what it starts."""
    if operation == "StartInstances":
        ids = [value for name, value in values.items() if _INSTANCE.fullmatch(name)]
        return tuple(reference("instance", id) for id in ids[:MOST_ENDED] if isinstance(id, str) and _ID.fullmatch(id))
    return _named(STARTS.get(operation), values, region)


def _named(known: tuple[str, str] | None, values: Mapping[str, object], region: str | None) -> tuple[str, ...]:
    """Return the name that stands in the parameter, as it is known over all regions: a name is taken once in each."""
    if known is None or region is None:
        return ()
    kind, field = known
    name = values.get(field)
    return (f"{kind}:{region}/{name}",) if isinstance(name, str) and _ID.fullmatch(name) else ()
