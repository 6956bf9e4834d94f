"""Kinds that run pods, each with its own arithmetic: replicas, parallelism, retries, schedules, workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from kyc_gate.adapters.kubernetes.demand import Demand, Group, together
from kyc_gate.adapters.kubernetes.fields import Object, flag, number, part, parts, seconds, text
from kyc_gate.adapters.kubernetes.pods import Pod, read_pod
from kyc_gate.adapters.kubernetes.schedule import runs_in_a_day
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.adapters.values import reference

RETRIES = 6
"""`backoffLimit` of a job that does not say (Kubernetes API reference, batch/v1)."""

CRON_DAYS = 30
"""Days over which runs of a schedule pile up that may overlap and have no end: half of them run on average."""

DAY_SECONDS = 86_400


class Reader:
    """Reads objects of one review, and keeps which pod specifications it has read: what it passed over is found."""

    def __init__(self, namespace: str, settings: KubernetesSettings) -> None:
        self.namespace = namespace
        self.settings = settings
        self.seen: set[int] = set()

    def pod(self, spec: Object) -> Pod:
        """Return what a pod with this specification asks for."""
        self.seen.add(id(spec))
        return read_pod(spec, self.namespace, self.settings)

    def template(self, home: Object, name: str = "template") -> Pod:
        """Return what a pod of the template in a field asks for."""
        return self.pod(part(part(home, name), "spec"))


def pod(reader: Reader, spec: Object) -> Demand:
    """A pod by itself."""
    own = reader.pod(spec)
    return Demand(groups=(Group(pod=own, count=1),), seconds=own.seconds)


def job(reader: Reader, spec: Object) -> Demand:
    """A job: as many pods as run side by side until its own limit.

    Where only its pods have a limit, each pod that can ever start counts, one after another: the completions, the
    failures that are forgiven, and what runs beside the last failure.
    """
    own = reader.template(spec)
    parallel = number(spec, "parallelism", 1)
    completions = number(spec, "completions", parallel)
    peak = min(parallel, completions) if spec.get("completions") is not None else parallel
    limit = seconds(spec, "activeDeadlineSeconds")
    if limit is not None or own.seconds is None or _forgives(spec):
        return Demand(groups=(Group(pod=own, count=peak),), seconds=limit)
    starts = completions + _retries(spec, completions) + max(peak - 1, 0) if peak else 0
    return Demand(groups=(Group(pod=own, count=starts),), seconds=own.seconds, ranged=starts > completions)


def _retries(spec: Object, completions: int) -> int:
    if spec.get("backoffLimitPerIndex") is not None:
        return number(spec, "backoffLimitPerIndex", 0) * completions
    return number(spec, "backoffLimit", RETRIES)


def _forgives(spec: Object) -> bool:
    """Return whether some failures are not counted at all, so that pods may start again for ever."""
    return any(text(rule, "action") == "Ignore" for rule in parts(part(spec, "podFailurePolicy"), "rules"))


def cron_job(reader: Reader, spec: Object) -> Demand:
    """A schedule: the pods of its jobs that run at once on average, for as long as the schedule stands."""
    each = job(reader, part(part(spec, "jobTemplate"), "spec"))
    overlapping = text(spec, "concurrencyPolicy") not in ("Forbid", "Replace")
    daily = runs_in_a_day(text(spec, "schedule"))
    if each.seconds is None:
        times = -(-daily * CRON_DAYS // 2) if overlapping else 1
        return replace(together([each], times), seconds=None, ranged=True)
    busy = daily * each.seconds if overlapping else min(daily * each.seconds, DAY_SECONDS)
    groups = tuple(
        replace(group, pod=_shared(group.pod, group.count * busy), count=1) for group in each.groups if group.count
    )
    return Demand(groups=groups, whole=each.pods, ranged=True)


def _shared(own: Pod, busy: int) -> Pod:
    """Return the pod with the chips that are busy on average, where it runs for `busy` seconds of each day."""
    return replace(own, lines=tuple(replace(line, count=-(-line.count * busy // DAY_SECONDS)) for line in own.lines))


def replicated(reader: Reader, spec: Object) -> Demand:
    """A deployment, stateful set, replica set or replication controller."""
    own = reader.template(spec)
    one = (Group(pod=own, count=1),)
    return Demand(groups=(Group(pod=own, count=number(spec, "replicas", 1)),), replica=one)


def slurm_nodes(reader: Reader, spec: Object) -> Demand:
    """A set of Slurm's nodes: a pod on each node, for as long as it stands, whatever jobs Slurm puts there."""
    if spec.get("replicas") is None or not part(part(spec, "template"), "spec"):
        return Demand(unresolved=(reference("parameter", "replicas and template"),))
    return replicated(reader, spec)


def daemon_set(reader: Reader, spec: Object) -> Demand:
    """A pod on each node; on how many is the operator's to say."""
    own = reader.template(spec)
    nodes = reader.settings.nodes
    if nodes is None and (own.lines or own.unresolved):
        return Demand(groups=(Group(pod=own, count=1),), unresolved=(reference("nodes", "daemon-set"),))
    return Demand(groups=(Group(pod=own, count=nodes or 1),), ranged=True)


def job_set(reader: Reader, spec: Object) -> Demand:
    """Jobs side by side, all of them again at each restart."""
    members = [
        together([job(reader, part(part(each, "template"), "spec"))], number(each, "replicas", 1))
        for each in parts(spec, "replicatedJobs")
    ]
    whole = together(members)
    again = 1 + number(part(spec, "failurePolicy"), "maxRestarts", 0)
    return replace(whole, seconds=None if whole.seconds is None else whole.seconds * again)


def leader_worker_set(reader: Reader, spec: Object) -> Demand:
    """Groups of a leader and its workers."""
    template = part(spec, "leaderWorkerTemplate")
    worker = reader.template(template, "workerTemplate")
    leader = reader.template(template, "leaderTemplate") if template.get("leaderTemplate") else worker
    size = max(number(template, "size", 1), 1)
    one = (Group(pod=leader, count=1), Group(pod=worker, count=size - 1))
    return replace(together([Demand(groups=one)], number(spec, "replicas", 1)), replica=one)


def train_job(reader: Reader, spec: Object) -> Demand:
    """Nodes of a Kubeflow trainer. What it leaves to the runtime is the runtime's to say."""
    trainer = part(spec, "trainer")
    resources = part(trainer, "resourcesPerNode")
    own = reader.pod({"containers": [{"resources": resources}]})
    limit = seconds(spec, "activeDeadlineSeconds")
    if resources and trainer.get("numNodes") is not None:
        return Demand(groups=(Group(pod=own, count=number(trainer, "numNodes", 1)),), seconds=limit)
    runtime = part(spec, "runtimeRef")
    cluster_wide = text(runtime, "kind") in ("", "ClusterTrainingRuntime")
    name = f"{'' if cluster_wide else reader.namespace + '/'}{text(runtime, 'name')}"
    changed = bool(resources) or trainer.get("numNodes") is not None
    kind = "runtime-part" if changed else "runtime"
    return Demand(groups=(Group(pod=replace(own, unresolved=(reference(kind, name),)), count=1),), seconds=limit)


def training_runtime(reader: Reader, spec: Object) -> Demand:
    """What a train job starts that says nothing else: only defined here."""
    nodes = number(part(spec, "mlPolicy"), "numNodes", 1)
    jobs = parts(part(part(spec, "template"), "spec"), "replicatedJobs")
    members = [together([job(reader, part(part(each, "template"), "spec"))], nodes) for each in jobs]
    return replace(together(members), charged=False)


def kubeflow_job(reader: Reader, spec: Object) -> Demand:
    """Roles of a training operator's job, each with its replicas; elastic ones at the most."""
    groups = []
    most = number(part(spec, "elasticPolicy"), "maxReplicas", 0)
    for field in sorted(name for name in spec if name.lower().endswith("replicaspecs")):
        roles = part(spec, field)
        for role in sorted(roles):
            own = part(roles, role)
            count = number(own, "replicas", 1)
            groups.append(Group(pod=reader.template(own), count=max(count, most) if role == "Worker" else count))
    return Demand(
        groups=tuple(groups), seconds=seconds(part(spec, "runPolicy"), "activeDeadlineSeconds"), ranged=bool(most)
    )


def ray_cluster(reader: Reader, spec: Object) -> Demand:
    """A head and groups of workers; with the autoscaler, as many as it may start."""
    groups = [Group(pod=reader.template(part(spec, "headGroupSpec")), count=1)]
    scaled = bool(flag(spec, "enableInTreeAutoscaling"))
    unbounded = False
    for group in parts(spec, "workerGroupSpecs"):
        own = reader.template(group)
        count = number(group, "replicas", number(group, "minReplicas", 0))
        if scaled:
            unbounded = unbounded or (group.get("maxReplicas") is None and bool(own.lines))
            count = max(count, number(group, "maxReplicas", count))
        groups.append(
            Group(pod=own, count=max(count, number(group, "minReplicas", 0)) * number(group, "numOfHosts", 1))
        )
    return Demand(
        groups=tuple(groups),
        unresolved=(reference("parameter", "maxReplicas"),) if unbounded else (),
        ranged=scaled,
    )


def ray_job(reader: Reader, spec: Object) -> Demand:
    """A Ray cluster for one job, the pod that submits it, and each retry; or a job on a cluster that is there."""
    submitter = part(spec, "submitterPodTemplate")
    extra = (Group(pod=reader.pod(part(submitter, "spec")), count=1),) if submitter else ()
    limit = seconds(spec, "activeDeadlineSeconds")
    again = 1 + number(spec, "backoffLimit", 0)
    cluster = ray_cluster(reader, part(spec, "rayClusterSpec")) if spec.get("rayClusterSpec") else Demand()
    return replace(cluster, groups=(*cluster.groups, *extra), seconds=None if limit is None else limit * again)


def ray_service(reader: Reader, spec: Object) -> Demand:
    """A Ray cluster that serves."""
    return ray_cluster(reader, part(spec, "rayClusterConfig"))


def volcano_job(reader: Reader, spec: Object) -> Demand:
    """Tasks side by side."""
    groups = [Group(pod=reader.template(task), count=number(task, "replicas", 1)) for task in parts(spec, "tasks")]
    return Demand(groups=tuple(groups))


def kueue_workload(reader: Reader, spec: Object) -> Demand:
    """Sets of pods."""
    groups = [Group(pod=reader.template(each), count=number(each, "count", 1)) for each in parts(spec, "podSets")]
    return Demand(groups=tuple(groups), seconds=seconds(spec, "maximumExecutionTimeSeconds"))


Read = Callable[[Reader, Object], Demand]

WORKLOADS: Mapping[tuple[str, str], tuple[frozenset[str], Read]] = MappingProxyType(
    {
        (group, kind): (frozenset(versions.split()), read)
        for group, kind, versions, read in (
            ("", "Pod", "v1", pod),
            ("", "ReplicationController", "v1", replicated),
            ("batch", "Job", "v1", job),
            ("batch", "CronJob", "v1 v1beta1", cron_job),
            ("apps", "Deployment", "v1", replicated),
            ("apps", "StatefulSet", "v1", replicated),
            ("apps", "ReplicaSet", "v1", replicated),
            ("apps", "DaemonSet", "v1", daemon_set),
            ("jobset.x-k8s.io", "JobSet", "v1alpha2", job_set),
            ("leaderworkerset.x-k8s.io", "LeaderWorkerSet", "v1", leader_worker_set),
            ("trainer.kubeflow.org", "TrainJob", "v1alpha1", train_job),
            ("trainer.kubeflow.org", "ClusterTrainingRuntime", "v1alpha1", training_runtime),
            ("trainer.kubeflow.org", "TrainingRuntime", "v1alpha1", training_runtime),
            ("kubeflow.org", "PyTorchJob", "v1", kubeflow_job),
            ("kubeflow.org", "TFJob", "v1", kubeflow_job),
            ("kubeflow.org", "XGBoostJob", "v1", kubeflow_job),
            ("kubeflow.org", "PaddleJob", "v1", kubeflow_job),
            ("kubeflow.org", "JAXJob", "v1", kubeflow_job),
            ("kubeflow.org", "MPIJob", "v1 v2beta1", kubeflow_job),
            ("ray.io", "RayCluster", "v1 v1alpha1", ray_cluster),
            ("ray.io", "RayJob", "v1 v1alpha1", ray_job),
            ("ray.io", "RayService", "v1 v1alpha1", ray_service),
            ("batch.volcano.sh", "Job", "v1alpha1", volcano_job),
            ("kueue.x-k8s.io", "Workload", "v1beta1 v1beta2", kueue_workload),
            ("sunk.coreweave.com", "NodeSet", "v1alpha1", slurm_nodes),
        )
    }
)
"""Kinds that run pods: the API versions whose fields are known, and how they are read."""
