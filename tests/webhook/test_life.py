"""An object's life in the ledger: it grows, is scaled, is paused and ends, and its parts count once."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from kyc_gate.adapters.kubernetes.settings import KubernetesSettings

from .cluster import (
    ALICE,
    DEPLOYMENTS,
    H100,
    JOBS,
    REPLICAS,
    SETTINGS,
    Cluster,
    deployment,
    job,
    open_gate,
    owned_by,
    pod,
    pod_of,
    pod_spec,
    replica_set,
    thing,
    used,
)

CLAIMS = "system:serviceaccount:kube-system:resource-claim-controller"
JOB_SETS = "system:serviceaccount:jobset-system:jobset-controller-manager"


async def chips(cluster: Cluster) -> int:
    """Chips that run without an end, by the pace at which the ledger counts them."""
    one = 990_000_000_000_000 * 33 // 100  # the likely share of the dense rate of an H100
    await cluster.gate.store.ready()  # what was given back is written by now
    runs = await cluster.gate.store.fetch_open_runs(limit=100)
    return round(sum(run.likely_rate for run in runs) / one)


async def test_the_chain_of_a_deployment_counts_once(cluster: Cluster) -> None:
    """Its replica set, its pods, and the next replica set of a rollout are parts of what was charged."""
    made = (await cluster.create(deployment(8, 2))).document
    assert await chips(cluster) == 16
    for _ in range(2):
        small = (await cluster.create(replica_set(made), user=DEPLOYMENTS)).document
        assert (await cluster.update(small, user=DEPLOYMENTS, replicas=2)).allowed
        assert (await cluster.create(pod_of(small), user=REPLICAS)).allowed
        assert (await cluster.create(pod_of(small), user=REPLICAS)).allowed
    assert await chips(cluster) == 16


async def test_the_chain_of_an_operator_counts_once(cluster: Cluster) -> None:
    """A job set's jobs and their pods pass where the operator's controller is named in the configuration."""
    body = {"parallelism": 2, "completions": 2, "template": {"spec": pod_spec(8)}}
    jobs = [{"name": "a", "replicas": 3, "template": {"spec": body}}]
    made = (await cluster.create(thing("jobset.x-k8s.io/v1alpha2", "JobSet", {"replicatedJobs": jobs}))).document
    assert await chips(cluster) == 48
    one = (await cluster.create(owned_by(thing("batch/v1", "Job", body), made), user=JOB_SETS)).document
    assert (await cluster.create(pod_of(one), user=JOBS)).allowed
    assert await chips(cluster) == 48
    stranger = "system:serviceaccount:team:jobset-controller-manager"
    assert (await cluster.create(owned_by(thing("batch/v1", "Job", body), made), user=stranger)).allowed
    assert await chips(cluster) == 64


TRICKS = [
    pytest.param({"user": ALICE}, id="a-customer-writes-the-owner"),
    pytest.param({"user": JOBS, "uid": "99999999-0000-4000-8000-000000000009"}, id="an-owner-that-nobody-charged"),
    pytest.param({"user": JOBS, "controller": False}, id="an-owner-that-does-not-control"),
    pytest.param({"user": "system:serviceaccount:norge:job-controller"}, id="a-controller-of-a-namespace"),
]


@pytest.mark.parametrize("trick", TRICKS)
async def test_an_owner_is_not_believed_without_all_of_it(cluster: Cluster, trick: dict[str, Any]) -> None:
    """Controller, charged uid and control are all needed."""
    made = (await cluster.create(job(8))).document
    asked = owned_by(pod(8), made)
    reference = asked["metadata"]["ownerReferences"][0]
    reference |= {name: trick[name] for name in ("uid", "controller") if name in trick}
    assert (await cluster.create(asked, user=trick["user"])).allowed
    assert await chips(cluster) == 16


async def test_an_owner_that_has_ended_covers_nothing(cluster: Cluster) -> None:
    """A deleted owner's uid buys nothing more."""
    made = (await cluster.create(job(8))).document
    await cluster.delete(made)
    assert (await cluster.create(pod_of(made), user=JOBS)).allowed
    assert await chips(cluster) == 8


async def test_a_pod_that_its_owner_lets_go_is_counted(cluster: Cluster) -> None:
    """A customer relabels a pod: the controller releases it and makes another, and the first runs on by itself."""
    made = (await cluster.create(deployment(8, 1))).document
    small = (await cluster.create(replica_set(made), user=DEPLOYMENTS)).document
    running = (await cluster.create(pod_of(small), user=REPLICAS)).document
    relabelled = copy.deepcopy(running)
    relabelled["metadata"]["labels"] = {"app": "mine"}
    assert (await cluster.replace(running, relabelled)).allowed
    assert await chips(cluster) == 8
    released = copy.deepcopy(relabelled)
    del released["metadata"]["ownerReferences"]
    assert (await cluster.replace(relabelled, released, user=REPLICAS)).allowed
    assert await chips(cluster) == 16


async def test_only_growth_counts(cluster: Cluster) -> None:
    """More replicas count what is more; fewer give nothing back, and the old size again costs nothing."""
    two = (await cluster.create(deployment(8, 2))).document
    five = (await cluster.update(two, replicas=5)).document
    assert await chips(cluster) == 40
    one = (await cluster.update(five, replicas=1)).document
    assert (await cluster.update(one, replicas=5)).allowed
    assert await chips(cluster) == 40
    assert (await cluster.update(one, replicas=6)).allowed
    assert await chips(cluster) == 48


async def test_a_change_that_asks_for_nothing_more_is_not_decided(cluster: Cluster) -> None:
    """Labels, images and status of a running object leave no record."""
    made = (await cluster.create(deployment(8, 2))).document
    before = [record async for record in cluster.gate.store.records()]
    changed = copy.deepcopy(made)
    changed["metadata"]["labels"] = {"team": "a"}
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/train:2"
    assert (await cluster.replace(made, changed)).allowed
    assert [record async for record in cluster.gate.store.records()] == before


HIDDEN = [
    pytest.param({"name": "kube-api-access-abcde", "resources": {"limits": {"nvidia.com/gpu": 8}}}, id="made-up-name"),
    pytest.param({"metadata": {}, "resources": {"requests": {"nvidia.com/gpu": 8}}}, id="metadata"),
]


@pytest.mark.parametrize("container", HIDDEN)
async def test_growth_hides_in_nothing_that_the_fingerprint_leaves_out(
    cluster: Cluster, container: dict[str, Any]
) -> None:
    """A container is counted whatever its name: only volumes of the cluster's own are left out of what is the same."""
    made = (await cluster.create(deployment(8, 2))).document
    changed = copy.deepcopy(made)
    changed["spec"]["template"]["spec"]["containers"].append(container)
    assert (await cluster.replace(made, changed)).allowed
    assert await chips(cluster) == 32


async def test_the_clusters_own_volumes_change_nothing(cluster: Cluster) -> None:
    """A pod that is sent again after its approval passes, though each time another volume and label is added to it."""
    for name in ("abcde", "fghij"):
        asked = pod(8, "nobody")
        asked["metadata"]["labels"] = {"try": name}
        asked["spec"]["volumes"] = [{"name": f"kube-api-access-{name}", "projected": {}}]
        await cluster.create(asked)
    (case,) = await cluster.gate.store.fetch_cases()
    assert len(case.decision_ids) == 2


async def test_growth_is_refused_where_it_must_wait(cluster: Cluster) -> None:
    """A small object does not grow past a line, by an update or by a scale, until a person looked."""
    made = (await cluster.create(deployment(8, 2, "emirate"))).document
    assert (await cluster.update(made, replicas=2000)).code == 403
    assert (await cluster.scale(made, 2, 2000)).code == 403
    assert await used(cluster.gate, "emirate") < 10**12
    assert await chips(cluster) == 16


async def test_another_chip_is_growth(cluster: Cluster) -> None:
    """The same number of stronger cards is counted whole."""
    asked = thing("apps/v1", "Deployment", {"replicas": 2, "template": {"spec": pod_spec(8)}})
    asked["spec"]["template"]["spec"]["nodeSelector"] = {"nvidia.com/gpu.product": "Tesla-T4"}
    made = (await cluster.create(asked)).document
    runs = await cluster.gate.store.fetch_open_runs()
    changed = copy.deepcopy(made)
    changed["spec"]["template"]["spec"]["nodeSelector"] = H100
    assert (await cluster.replace(made, changed)).allowed
    assert len(await cluster.gate.store.fetch_open_runs()) == len(runs) + 1


async def test_a_longer_limit_is_growth(cluster: Cluster) -> None:
    """A job of a minute does not become one without an end for nothing."""
    made = (await cluster.create(job(8, activeDeadlineSeconds=60))).document
    assert await chips(cluster) == 0
    assert (await cluster.update(made, activeDeadlineSeconds=None)).allowed
    assert await chips(cluster) == 8


async def test_a_scale_counts_what_was_learnt(cluster: Cluster) -> None:
    """A scale says replicas only; what one is was told when the object was admitted."""
    made = (await cluster.create(deployment(8, 2))).document
    assert (await cluster.scale(made, 2, 5)).allowed
    assert await chips(cluster) == 40
    assert (await cluster.scale(made, 5, 2)).allowed
    assert (await cluster.scale(made, 2, 5)).allowed
    assert await chips(cluster) == 40


async def test_a_scale_of_a_web_server_is_not_decided(cluster: Cluster) -> None:
    """What was admitted without accelerators is scaled by an autoscaler as it likes."""
    made = (await cluster.create(deployment(0, 2))).document
    assert (
        await cluster.scale(made, 2, 500, user="system:serviceaccount:kube-system:horizontal-pod-autoscaler")
    ).allowed
    assert [record async for record in cluster.gate.store.records()] == []


async def test_a_scale_of_something_unknown_waits(cluster: Cluster) -> None:
    """Nobody knows what a replica of it is."""
    never = deployment(8, 2)
    never["metadata"]["uid"] = "77777777-0000-4000-8000-000000000007"
    assert (await cluster.scale(never, 2, 3)).code == 403
    assert (await cluster.scale(never, 3, 2)).allowed


async def test_deleting_ends_the_run(cluster: Cluster) -> None:
    """What was counted without an end counts no more, growth included; parts that go end nothing."""
    made = (await cluster.create(deployment(8, 2))).document
    small = (await cluster.create(replica_set(made), user=DEPLOYMENTS)).document
    grown = (await cluster.update(made, replicas=3)).document
    await cluster.delete(small, user=DEPLOYMENTS)
    assert await chips(cluster) == 24
    await cluster.delete(grown)
    assert await chips(cluster) == 0


KEPT = [
    pytest.param({"propagationPolicy": "Orphan"}, id="orphan"),
    pytest.param({"orphanDependents": True}, id="orphan-in-old-words"),
]


@pytest.mark.parametrize("options", KEPT)
async def test_what_stays_behind_goes_on_counting(cluster: Cluster, options: dict[str, Any]) -> None:
    """Deleting an owner and leaving its pods is no end."""
    made = (await cluster.create(deployment(8, 2))).document
    await cluster.delete(made, **options)
    assert await chips(cluster) == 16


async def test_parts_that_stay_once_stay(cluster: Cluster) -> None:
    """A deletion that orphans, and the removal of the finalizers after it, end nothing in any order."""
    asked = deployment(8, 2)
    asked["metadata"]["finalizers"] = ["example.com/mine"]
    made = (await cluster.create(asked)).document
    await cluster.delete(made, propagationPolicy="Orphan")
    leaving = copy.deepcopy(made)
    leaving["metadata"] |= {"deletionTimestamp": "2026-11-27T08:00:00Z"}
    gone = copy.deepcopy(leaving)
    gone["metadata"]["finalizers"] = []
    await cluster.replace(leaving, gone)
    assert await chips(cluster) == 16


async def test_a_finalizer_keeps_what_runs(cluster: Cluster) -> None:
    """An object that is deleted and stays goes on running; it ends when its last finalizer goes."""
    asked = deployment(8, 2)
    asked["metadata"]["finalizers"] = ["example.com/mine"]
    made = (await cluster.create(asked)).document
    await cluster.delete(made)
    assert await chips(cluster) == 16
    leaving = copy.deepcopy(made)
    leaving["metadata"] |= {"deletionTimestamp": "2026-11-27T08:00:00Z"}
    gone = copy.deepcopy(leaving)
    gone["metadata"]["finalizers"] = []
    assert (await cluster.replace(leaving, gone)).allowed
    assert await chips(cluster) == 0


async def test_a_long_grace_keeps_what_runs(cluster: Cluster) -> None:
    """A pod that may go on for a year after its deletion counts until the node says that it is over."""
    made = (await cluster.create(pod(8, terminationGracePeriodSeconds=31_536_000))).document
    await cluster.delete(made)
    assert await chips(cluster) == 8
    await cluster.delete(made, user="system:node:a", gracePeriodSeconds=0)
    assert await chips(cluster) == 0


async def test_a_name_that_is_taken_teaches_nothing(cluster: Cluster) -> None:
    """An object that the API server will refuse for its name does not make a replica of the other one small."""
    made = (await cluster.create(deployment(8, 2, "emirate"))).document
    await cluster.create(deployment(0, 2, "emirate"))
    assert (await cluster.scale(made, 2, 2000)).code == 403


async def test_the_job_of_a_schedule_is_a_part_of_it(cluster: Cluster) -> None:
    """A schedule that is busy for a part of the day is charged with that part, and its whole job passes."""
    body = {"activeDeadlineSeconds": 600, "template": {"spec": pod_spec(8)}}
    spec = {"schedule": "0 0 * * *", "jobTemplate": {"spec": body}}
    made = (await cluster.create(thing("batch/v1", "CronJob", spec))).document
    assert await chips(cluster) == 1
    crons = "system:serviceaccount:kube-system:cronjob-controller"
    one = (await cluster.create(owned_by(thing("batch/v1", "Job", body), made), user=crons)).document
    assert (await cluster.create(pod_of(one), user=JOBS)).allowed
    assert len(await cluster.gate.store.fetch_open_runs()) == 1


async def test_a_dry_deletion_ends_nothing(cluster: Cluster) -> None:
    """`kubectl delete --dry-run=server` changes nothing."""
    made = (await cluster.create(pod(8))).document
    review = cluster.review("DELETE", None, made, dry_run=True)
    assert (await cluster.post("/validate", review))["allowed"]
    assert await chips(cluster) == 8


STATUS = [
    pytest.param(job(8), {"conditions": [{"type": "Complete", "status": "True"}]}, JOBS, 0, id="job"),
    pytest.param(pod(8), {"phase": "Succeeded"}, "system:node:a", 0, id="pod"),
    pytest.param(job(8), {"conditions": [{"type": "Complete", "status": "False"}]}, JOBS, 8, id="not-yet"),
    pytest.param(pod(8), {"phase": "Running"}, "system:node:a", 8, id="running"),
    pytest.param(job(8), {"conditions": [{"type": "Failed", "status": "True"}]}, ALICE, 8, id="by-the-customer"),
]


@pytest.mark.parametrize(("asked", "status", "user", "left"), STATUS)
async def test_a_last_status_ends_the_run(
    cluster: Cluster, asked: dict[str, Any], status: dict[str, Any], user: str, left: int
) -> None:
    """A controller or a node says that it is over; a customer's word ends nothing."""
    made = (await cluster.create(asked)).document
    over = {**made, "status": status}
    assert (await cluster.replace(made, over, user=user, subresource="status")).allowed
    assert await chips(cluster) == left


async def test_suspending_ends_and_releasing_is_decided_again(cluster: Cluster) -> None:
    """A job in a queue counts when it starts, not while it waits, and again when it starts again."""
    queued = (await cluster.create(job(8, suspend=True))).document
    assert await chips(cluster) == 0
    started = (await cluster.update(queued, suspend=False)).document
    assert await chips(cluster) == 8
    again = (await cluster.update(started, suspend=True)).document
    assert await chips(cluster) == 8
    assert (await cluster.update(again, suspend=False)).allowed
    assert await chips(cluster) == 8
    stopped = {**again, "status": {"conditions": [{"type": "Suspended", "status": "True"}]}}
    await cluster.replace(again, stopped, user=JOBS, subresource="status")
    assert await chips(cluster) == 0
    assert (await cluster.update(stopped, suspend=False)).allowed
    assert await chips(cluster) == 8


async def test_a_queues_entry_is_not_counted_beside_its_job(cluster: Cluster) -> None:
    """Kueue's entry for a job that waits passes, and the job counts when it starts; a customer's own entry counts."""
    kueue = "system:serviceaccount:kueue-system:kueue-controller-manager"
    queued = (await cluster.create(job(8, parallelism=2, suspend=True))).document
    sets = [{"name": "main", "count": 2, "template": {"spec": pod_spec(8)}}]
    entry = owned_by(thing("kueue.x-k8s.io/v1beta1", "Workload", {"podSets": sets}), queued)
    assert (await cluster.create(entry, user=kueue)).allowed
    assert await chips(cluster) == 0
    assert (await cluster.update(queued, user=kueue, suspend=False)).allowed
    assert await chips(cluster) == 16
    assert (await cluster.create(entry, user=ALICE)).allowed
    assert await chips(cluster) == 32
    sets[0]["template"] = {"spec": pod_spec(16)}
    larger = owned_by(thing("kueue.x-k8s.io/v1beta1", "Workload", {"podSets": sets}), queued)
    assert (await cluster.create(larger, user=kueue)).allowed
    assert await chips(cluster) == 64


async def test_a_suspended_schedule_keeps_counting(cluster: Cluster) -> None:
    """Jobs that it started go on when a schedule is suspended."""
    body = {"template": {"spec": pod_spec(8)}}
    spec = {"schedule": "0 * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": {"spec": body}}
    made = (await cluster.create(thing("batch/v1", "CronJob", spec))).document
    asleep = (await cluster.update(made, suspend=True)).document
    assert await chips(cluster) == 8
    assert (await cluster.update(asleep, suspend=False)).allowed
    assert await chips(cluster) == 8


async def test_a_release_that_is_also_a_change_is_decided_as_changed(cluster: Cluster) -> None:
    """An approval of a small job does not release a large one."""
    small = await cluster.create(job(8, "emirate", parallelism=1, suspend=True))
    assert small.allowed
    grown = await cluster.update(small.document, suspend=False, parallelism=2000)
    assert grown.code == 403


async def test_pods_that_share_a_claim_count_its_devices_once(cluster: Cluster) -> None:
    """A claim is counted by itself, and pods that name it add nothing; one that nobody knows is waited for."""
    requests = [{"name": "g", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": 4}}]
    claim = thing("resource.k8s.io/v1", "ResourceClaim", {"devices": {"requests": requests}})
    settings = KubernetesSettings(
        cluster="test", accounts=SETTINGS.accounts, accelerators={"gpu.nvidia.com": "H100 SXM"}
    )
    cluster = Cluster(cluster.gate, settings, mutates=False)
    sharing = {"containers": [{}], "resourceClaims": [{"name": "g", "resourceClaimName": "run"}]}
    assert (await cluster.create(thing("v1", "Pod", sharing))).code == 403
    assert (await cluster.create(claim)).allowed
    assert (await cluster.create(thing("v1", "Pod", sharing))).allowed
    assert await chips(cluster) == 4


async def test_each_pod_of_a_claim_template_counts(cluster: Cluster) -> None:
    """A template costs nothing; each replica that names it claims its devices, and the claims made for them pass."""
    settings = KubernetesSettings(
        cluster="test", accounts=SETTINGS.accounts, accelerators={"gpu.nvidia.com": "H100 SXM"}
    )
    cluster = Cluster(cluster.gate, settings, mutates=False)
    requests = [{"name": "g", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": 4}}]
    body = {"devices": {"requests": requests}}
    await cluster.create(thing("resource.k8s.io/v1", "ResourceClaimTemplate", {"spec": body}))
    assert await chips(cluster) == 0
    spec = {"containers": [{}], "resourceClaims": [{"name": "g", "resourceClaimTemplateName": "run"}]}
    made = (await cluster.create(thing("apps/v1", "ReplicaSet", {"replicas": 3, "template": {"spec": spec}}))).document
    assert await chips(cluster) == 12
    one = (await cluster.create(pod_of(made), user=REPLICAS)).document
    claim = owned_by(thing("resource.k8s.io/v1", "ResourceClaim", body), one)
    assert (await cluster.create(claim, user=CLAIMS)).allowed
    assert await chips(cluster) == 12


async def test_a_larger_template_under_the_same_name_does_not_pass(cluster: Cluster) -> None:
    """A customer makes the template anew with more devices: pods made from then on are larger than what was charged."""
    requests: list[Any] = [{"name": "g", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": 1}}]
    body = {"devices": {"requests": requests}}
    settings = KubernetesSettings(
        cluster="test", accounts=SETTINGS.accounts, accelerators={"gpu.nvidia.com": "H100 SXM"}
    )
    cluster = Cluster(cluster.gate, settings, mutates=False)
    await cluster.create(thing("resource.k8s.io/v1", "ResourceClaimTemplate", {"spec": body}))
    spec = {"containers": [{}], "resourceClaims": [{"name": "g", "resourceClaimTemplateName": "run"}]}
    made = (await cluster.create(thing("apps/v1", "ReplicaSet", {"replicas": 3, "template": {"spec": spec}}))).document
    requests[0]["exactly"]["count"] = 8
    await cluster.create(thing("resource.k8s.io/v1", "ResourceClaimTemplate", {"spec": body}))
    requests[0]["exactly"]["count"] = 1  # refused by the API server for its name, and no less for the gate
    await cluster.create(thing("resource.k8s.io/v1", "ResourceClaimTemplate", {"spec": body}))
    assert (await cluster.create(pod_of(made), user=REPLICAS)).allowed
    assert await chips(cluster) == 3 + 8


async def test_a_runtime_tells_what_its_jobs_are(cluster: Cluster) -> None:
    """A train job that leaves all to a runtime counts as the runtime does, and waits where nobody knows it."""
    cluster = Cluster(cluster.gate, mutates=False)
    jobs = [{"name": "node", "template": {"spec": {"template": {"spec": pod_spec(8)}}}}]
    spec = {"mlPolicy": {"numNodes": 2}, "template": {"spec": {"replicatedJobs": jobs}}}
    runtime = thing("trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime", spec, "")
    train = thing("trainer.kubeflow.org/v1alpha1", "TrainJob", {"runtimeRef": {"name": "run"}})
    assert (await cluster.create(train)).code == 403
    assert (await cluster.create(runtime)).allowed
    assert (await cluster.create(train)).allowed
    assert await chips(cluster) == 16


async def test_nodes_or_what_runs_on_them_count(tmp_path: Path) -> None:
    """Where customers make the nodes, pools are decided and pods pass; else it is the other way round."""
    gate = await open_gate(tmp_path)
    pool = thing(
        "compute.coreweave.com/v1alpha1", "NodePool", {"instanceType": "gd-8xh100ib-i128", "targetNodes": 2}, ""
    )
    everybody = [{"cluster": "test", "accounts": SETTINGS.accounts, "charge": each} for each in ("workloads", "nodes")]
    first, second = (Cluster(gate, KubernetesSettings(**each), mutates=False) for each in everybody)
    assert (await first.create(pool)).allowed
    assert await chips(first) == 0
    assert (await second.create(pod(8))).allowed
    assert await chips(second) == 0
    assert (await second.create(pool)).code == 403  # a pool has no namespace, so that no account is known
    await gate.close()


ANY: dict[str, Any] = {"template": {}}
BODY = {"template": {"spec": ANY}}
HEAD = {"headGroupSpec": ANY}
TRAINER = {"numNodes": 1, "resourcesPerNode": {"limits": {"nvidia.com/gpu": 8}}}
PAUSED = [
    pytest.param("batch/v1", "CronJob", {"schedule": "0 0 * * *", "jobTemplate": {"spec": ANY}}, "suspend", id="cron"),
    pytest.param("jobset.x-k8s.io/v1alpha2", "JobSet", {"replicatedJobs": [BODY]}, "suspend", id="set"),
    pytest.param("trainer.kubeflow.org/v1alpha1", "TrainJob", {"trainer": TRAINER}, "suspend", id="train"),
    pytest.param("kubeflow.org/v1", "PyTorchJob", {"pytorchReplicaSpecs": {"Worker": ANY}}, "runPolicy", id="pytorch"),
    pytest.param(
        "kubeflow.org/v2beta1",
        "MPIJob",
        {"runPolicy": {"backoffLimit": 1}, "mpiReplicaSpecs": {"Worker": ANY}},
        "runPolicy",
        id="mpi",
    ),
    pytest.param("ray.io/v1", "RayCluster", HEAD, "suspend", id="ray"),
    pytest.param(
        "ray.io/v1", "RayJob", {"shutdownAfterJobFinishes": True, "rayClusterSpec": HEAD}, "suspend", id="job"
    ),
    pytest.param("kueue.x-k8s.io/v1beta1", "Workload", {"podSets": [{"count": 1, **ANY}]}, "active", id="kueue"),
]


@pytest.mark.parametrize(("api", "kind", "spec", "field"), PAUSED)
async def test_every_kind_with_a_pause_is_paused(
    cluster: Cluster, api: str, kind: str, spec: dict[str, Any], field: str
) -> None:
    """A customer that nobody knows gets the object in, and nothing runs; released unseen, it is refused."""
    asked = thing(api, kind, _filled(spec), "nobody")
    paused = await cluster.create(asked)
    assert paused.allowed
    assert paused.warnings[0].startswith(f"{kind} is paused for a review")
    expected = {"suspend": True, "active": False, "runPolicy": {**spec.get("runPolicy", {}), "suspend": True}}[field]
    assert paused.document["spec"][field] == expected
    released = copy.deepcopy(paused.document)
    released["spec"][field] = {"suspend": False, "active": True, "runPolicy": {"suspend": False}}[field]
    assert (await cluster.replace(paused.document, released)).code == 403


def _filled(value: Any) -> Any:
    """Put a pod of eight cards into every empty template."""
    if isinstance(value, dict):
        return {
            name: {"spec": pod_spec(8)} if name == "template" and not each else _filled(each)
            for name, each in value.items()
        }
    return [_filled(each) for each in value] if isinstance(value, list) else value


FULL = {"template": {"spec": pod_spec(8)}}
GROUP = {"leaderWorkerTemplate": {"workerTemplate": {"spec": pod_spec(8)}}}
UNPAUSED = [
    pytest.param(thing("ray.io/v1", "RayJob", {"rayClusterSpec": {"headGroupSpec": FULL}}, "nobody"), id="ray-job"),
    pytest.param(thing("batch.volcano.sh/v1alpha1", "Job", {"tasks": [FULL]}, "nobody"), id="volcano"),
    pytest.param(thing("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", GROUP, "nobody"), id="leader"),
    pytest.param(thing("argoproj.io/v1alpha1", "Workflow", {"podSpec": pod_spec(8)}, "norge"), id="unknown-kind"),
    pytest.param(pod(8, "nobody", nodeName="node-1"), id="bound-pod"),
]


@pytest.mark.parametrize("asked", UNPAUSED)
async def test_kinds_without_a_pause_are_refused(cluster: Cluster, asked: dict[str, Any]) -> None:
    """What cannot wait inside the cluster waits outside."""
    answered = await cluster.create(asked)
    assert answered.code == 403
    assert "case_" in answered.message
