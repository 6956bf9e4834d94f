"""Objects as people write them, one of each kind, with accelerators in it."""

from __future__ import annotations

from typing import Any

H100 = {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}
DAY = 86_400


def spec(gpus: object = 8, **more: Any) -> dict[str, Any]:
    """A pod with one container, on nodes with H100."""
    limits = {"cpu": "96", "memory": "1Ti", "nvidia.com/gpu": gpus}
    container = {"name": "main", "image": "registry.example/train:1", "resources": {"limits": limits}}
    return {"containers": [container], "nodeSelector": H100, **more}


def template(gpus: object = 8, **more: Any) -> dict[str, Any]:
    """A pod's template."""
    return {"metadata": {"labels": {"app": "train"}}, "spec": spec(gpus, **more)}


def of(api: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """An object of any kind."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "run", "namespace": "team"}, "spec": spec}


def pod(**more: Any) -> dict[str, Any]:
    return of("v1", "Pod", spec(**more))


def job(**more: Any) -> dict[str, Any]:
    return of("batch/v1", "Job", {"template": template(), **more})


def cron_job(pods: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    body = {"template": pods or template(), "activeDeadlineSeconds": 3600, "parallelism": 1}
    return of("batch/v1", "CronJob", {"schedule": "0 * * * *", "jobTemplate": {"spec": body}, **more})


def replicated(kind: str, **more: Any) -> dict[str, Any]:
    api = "v1" if kind == "ReplicationController" else "apps/v1"
    return of(api, kind, {"replicas": 3, "template": template(), **more})


def job_set(**more: Any) -> dict[str, Any]:
    body = {"parallelism": 4, "completions": 4, "activeDeadlineSeconds": DAY, "template": template()}
    jobs = [{"name": "workers", "replicas": 2, "template": {"spec": body}}]
    return of("jobset.x-k8s.io/v1alpha2", "JobSet", {"replicatedJobs": jobs, **more})


def leader_worker_set(**more: Any) -> dict[str, Any]:
    body = {"size": 4, "leaderTemplate": template(0), "workerTemplate": template(), **more}
    return of("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", {"replicas": 2, "leaderWorkerTemplate": body})


def train_job(**trainer: Any) -> dict[str, Any]:
    body = {"numNodes": 4, "resourcesPerNode": {"limits": {"nvidia.com/gpu": "8"}}, **trainer}
    made = {"runtimeRef": {"name": "torch-distributed"}, "trainer": body, "activeDeadlineSeconds": DAY}
    return of("trainer.kubeflow.org/v1alpha1", "TrainJob", made)


def training_runtime() -> dict[str, Any]:
    jobs = [{"name": "node", "template": {"spec": {"template": template()}}}]
    made = {"mlPolicy": {"numNodes": 2}, "template": {"spec": {"replicatedJobs": jobs}}}
    return of("trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime", made)


def pytorch_job(**more: Any) -> dict[str, Any]:
    roles = {"Master": {"replicas": 1, "template": template()}, "Worker": {"replicas": 3, "template": template()}}
    made = {"pytorchReplicaSpecs": roles, "runPolicy": {"activeDeadlineSeconds": DAY}, **more}
    return of("kubeflow.org/v1", "PyTorchJob", made)


def kubeflow(kind: str, field: str, roles: dict[str, int], api: str = "kubeflow.org/v1") -> dict[str, Any]:
    made = {name: {"replicas": count, "template": template()} for name, count in roles.items()}
    return of(api, kind, {field: made})


def mpi_job() -> dict[str, Any]:
    roles = {
        "Launcher": {"replicas": 1, "template": template(0)},
        "Worker": {"replicas": 4, "template": template()},
    }
    return of("kubeflow.org/v2beta1", "MPIJob", {"slotsPerWorker": 8, "mpiReplicaSpecs": roles})


def ray_cluster_spec(**more: Any) -> dict[str, Any]:
    workers = {"groupName": "gpu", "replicas": 2, "minReplicas": 1, "maxReplicas": 10, "template": template()}
    head = {"rayStartParams": {}, "template": template(0)}
    return {"headGroupSpec": head, "workerGroupSpecs": [workers], **more}


def ray_cluster(**more: Any) -> dict[str, Any]:
    return of("ray.io/v1", "RayCluster", ray_cluster_spec(**more))


def ray_job(**more: Any) -> dict[str, Any]:
    made = {"entrypoint": "python train.py", "rayClusterSpec": ray_cluster_spec(), "activeDeadlineSeconds": DAY}
    return of("ray.io/v1", "RayJob", {**made, "shutdownAfterJobFinishes": True, **more})


def ray_service() -> dict[str, Any]:
    return of("ray.io/v1", "RayService", {"serveConfigV2": "", "rayClusterConfig": ray_cluster_spec()})


def volcano_job(**more: Any) -> dict[str, Any]:
    tasks = [{"name": "worker", "replicas": 5, "template": template(), **more}]
    return of("batch.volcano.sh/v1alpha1", "Job", {"minAvailable": 5, "tasks": tasks})


def workload(**more: Any) -> dict[str, Any]:
    sets = [{"name": "main", "count": 3, "template": template()}]
    return of("kueue.x-k8s.io/v1beta1", "Workload", {"podSets": sets, "maximumExecutionTimeSeconds": DAY, **more})


def karpenter_pool(**more: Any) -> dict[str, Any]:
    requirements = [{"key": "karpenter.k8s.aws/instance-gpu-name", "operator": "In", "values": ["h100"]}]
    made = {"template": {"spec": {"requirements": requirements}}, "limits": {"cpu": "1k", "nvidia.com/gpu": "64"}}
    return of("karpenter.sh/v1", "NodePool", {**made, **more})


def coreweave_pool(**more: Any) -> dict[str, Any]:
    made = {"instanceType": "gd-8xh100ib-i128", "targetNodes": 2, "minNodes": 0, "maxNodes": 16, "autoscaling": False}
    return of("compute.coreweave.com/v1alpha1", "NodePool", {**made, **more})


def slurm_nodes(**more: Any) -> dict[str, Any]:
    return of("sunk.coreweave.com/v1alpha1", "NodeSet", {"replicas": 3, "template": template(), **more})


def claim(**exactly: Any) -> dict[str, Any]:
    requests = [{"name": "gpus", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": 4, **exactly}}]
    return of("resource.k8s.io/v1", "ResourceClaim", {"devices": {"requests": requests}})


def claim_template(count: int = 4) -> dict[str, Any]:
    return of("resource.k8s.io/v1", "ResourceClaimTemplate", {"spec": claim(count=count)["spec"]})
