"""One way round for each kind: more than its plain figures say, which is counted, refused, or left to a person."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kyc_gate.errors import RefusedCall

from . import objects as made
from .test_objects import GOLDEN, counted, read

KINDS = {param.id: param.values[0] for param in GOLDEN}


def changed(id: str, **spec: Any) -> dict[str, Any]:
    """The golden object of a kind with other fields in its specification."""
    document: dict[str, Any] = copy.deepcopy(KINDS[id])
    document["spec"] |= spec
    return document


def inside(id: str, *path: str | int, **fields: Any) -> dict[str, Any]:
    """The golden object of a kind with other fields deep inside it."""
    document: dict[str, Any] = copy.deepcopy(KINDS[id])
    home = document["spec"]
    for name in path:
        home = home[name]
    home.update(fields)
    return document


SIDECAR = [{**made.spec()["containers"][0], "name": "side", "restartPolicy": "Always"}]
REQUESTS = {"name": "main", "image": "i", "resources": {"requests": {"nvidia.com/gpu": 64}}}

ALL = {"deviceClassName": "gpu.nvidia.com", "allocationMode": "All"}

EVASIONS = {
    "pod": changed("pod", initContainers=SIDECAR),
    "job": changed("job", parallelism="64"),
    "job-with-a-limit": inside("job-with-a-limit", "template", "spec", initContainers=SIDECAR),
    "cron-job": changed("cron-job", schedule="* * * * *"),
    "Deployment": inside("Deployment", "template", "spec", containers=[REQUESTS]),
    "StatefulSet": changed("StatefulSet", replicas="64"),
    "ReplicaSet": changed("ReplicaSet", shadow=made.template(64)),
    "ReplicationController": changed("ReplicationController", replicas=3.5),
    "job-set": changed("job-set", failurePolicy={"maxRestarts": 9}),
    "leader-worker-set": inside("leader-worker-set", "leaderWorkerTemplate", leaderTemplate=None),
    "train-job": inside("train-job", "trainer", resourcesPerNode=None),
    "pytorch": changed("pytorch", elasticPolicy={"maxReplicas": 64}),
    "tf": changed("tf", TFREPLICASPECS={"worker": {"replicas": 64, "template": made.template()}}),
    "xgb": inside("xgb", "xgbReplicaSpecs", Extra={"replicas": 64, "template": made.template()}),
    "paddle": inside("paddle", "paddleReplicaSpecs", "Worker", replicas="64"),
    "jax": changed("jax", elasticPolicy={"maxReplicas": 64}),
    "mpi": inside("mpi", "mpiReplicaSpecs", "Launcher", template=made.template()),
    "ray-cluster": changed("ray-cluster", enableInTreeAutoscaling=True),
    "ray-job": inside("ray-job", "rayClusterSpec", "workerGroupSpecs", 0, numOfHosts=8),
    "ray-service": inside("ray-service", "rayClusterConfig", "headGroupSpec", template=made.template()),
    "volcano": inside("volcano", "tasks", 0, "template", "spec", containers=[REQUESTS]),
    "kueue": inside("kueue", "podSets", 0, count=64),
    "karpenter": changed("karpenter", limits={"cpu": "1k"}),
    "coreweave": changed("coreweave", autoscaling=True),
    "slurm-nodes": changed("slurm-nodes", replicas="24"),
    "claim": inside("claim", "devices", "requests", 0, exactly=ALL),
    "claim-template": {**KINDS["claim-template"], "apiVersion": "resource.k8s.io/v9"},
    "runtime": inside("runtime", "mlPolicy", numNodes=64),
}


def test_every_kind_has_one() -> None:
    """No kind is left out, and each way round differs from the plain object."""
    assert set(EVASIONS) == set(KINDS)
    assert [id for id, document in EVASIONS.items() if document == KINDS[id]] == []


@pytest.mark.parametrize("id", EVASIONS)
def test_no_way_round_is_cheaper(id: str) -> None:
    """What hides more of itself counts more, or longer, or is refused, or is unresolved."""
    plain = read(KINDS[id])
    try:
        found = read(EVASIONS[id])
    except RefusedCall:
        return
    open_ended = found.unresolved or found.references
    longer = plain.seconds is not None and (found.seconds is None or found.seconds > plain.seconds)
    more = sum(counted(EVASIONS[id]).values()) > sum(counted(KINDS[id]).values())
    assert open_ended or longer or more
