"""What objects of each kind ask for, and what they cannot hide."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from kyc_gate.adapters.kubernetes.counts import amounts_of
from kyc_gate.adapters.kubernetes.demand import Demand
from kyc_gate.adapters.kubernetes.objects import kind_of, read_demand
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.errors import RefusedCall

from . import objects as made
from .objects import DAY, H100, of, spec, template

SETTINGS = KubernetesSettings(cluster="test")
GPU = "NVIDIA-H100-80GB-HBM3"


def read(document: dict[str, Any], settings: KubernetesSettings = SETTINGS) -> Demand:
    """The demand of an object as it comes over the wire."""
    parsed = read_json_object(json.dumps(document).encode())
    return read_demand(kind_of(parsed), parsed, "team", settings)


def counted(document: dict[str, Any], settings: KubernetesSettings = SETTINGS) -> dict[str, int]:
    return amounts_of(read(document, settings).lines)


GOLDEN = [
    pytest.param(made.pod(activeDeadlineSeconds=60), {GPU: 8}, 60, id="pod"),
    pytest.param(made.job(parallelism=4, completions=16), {GPU: 32}, None, id="job"),
    pytest.param(made.job(parallelism=4, activeDeadlineSeconds=DAY), {GPU: 32}, DAY, id="job-with-a-limit"),
    pytest.param(made.cron_job(), {GPU: 8}, None, id="cron-job"),
    *(
        pytest.param(made.replicated(kind), {GPU: 24}, None, id=kind)
        for kind in ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
    ),
    pytest.param(made.job_set(), {GPU: 64}, DAY, id="job-set"),
    pytest.param(made.leader_worker_set(), {GPU: 48}, None, id="leader-worker-set"),
    pytest.param(made.train_job(), {"nvidia.com/gpu": 32}, DAY, id="train-job"),
    pytest.param(made.pytorch_job(), {GPU: 32}, DAY, id="pytorch"),
    pytest.param(
        made.kubeflow("TFJob", "tfReplicaSpecs", {"PS": 1, "Worker": 2, "Chief": 1}), {GPU: 32}, None, id="tf"
    ),
    pytest.param(made.kubeflow("XGBoostJob", "xgbReplicaSpecs", {"Master": 1, "Worker": 1}), {GPU: 16}, None, id="xgb"),
    pytest.param(made.kubeflow("PaddleJob", "paddleReplicaSpecs", {"Worker": 2}), {GPU: 16}, None, id="paddle"),
    pytest.param(made.kubeflow("JAXJob", "jaxReplicaSpecs", {"Worker": 2}), {GPU: 16}, None, id="jax"),
    pytest.param(made.mpi_job(), {GPU: 32}, None, id="mpi"),
    pytest.param(made.ray_cluster(), {GPU: 16}, None, id="ray-cluster"),
    pytest.param(made.ray_job(), {GPU: 16}, DAY, id="ray-job"),
    pytest.param(made.ray_service(), {GPU: 16}, None, id="ray-service"),
    pytest.param(made.volcano_job(), {GPU: 40}, None, id="volcano"),
    pytest.param(made.workload(), {GPU: 24}, DAY, id="kueue"),
    pytest.param(made.karpenter_pool(), {"h100": 64}, None, id="karpenter"),
    pytest.param(made.coreweave_pool(), {"machine gd-8xh100ib-i128": 2}, None, id="coreweave"),
    pytest.param(made.slurm_nodes(), {GPU: 24}, None, id="slurm-nodes"),
    pytest.param(made.claim(), {"device class gpu.nvidia.com": 4}, None, id="claim"),
    pytest.param(made.claim_template(), {"device class gpu.nvidia.com": 4}, None, id="claim-template"),
    pytest.param(made.training_runtime(), {GPU: 16}, None, id="runtime"),
]


@pytest.mark.parametrize(("document", "expected", "seconds"), GOLDEN)
def test_each_kind_is_read(document: dict[str, Any], expected: dict[str, int], seconds: int | None) -> None:
    """An object of each kind asks for what its own arithmetic says, and for nothing that cannot be told."""
    found = read(document)
    assert amounts_of(found.lines) == expected
    assert found.seconds == seconds
    assert found.unresolved == ()


def test_a_daemon_set_reaches_as_many_nodes_as_the_operator_says() -> None:
    """Its size is the cluster's, so that without a word of the operator nobody knows it."""
    document = made.replicated("DaemonSet")
    assert counted(document, KubernetesSettings(cluster="test", nodes=10)) == {GPU: 80}
    assert read(document).unresolved == ("nodes:daemon-set",)
    assert read(of("apps/v1", "DaemonSet", {"template": template(0)})).unresolved == ()


def test_what_is_only_defined_is_not_charged() -> None:
    """A template of claims and a runtime start nothing."""
    assert not read(made.claim_template()).charged
    assert not read(made.training_runtime()).charged


PARALLEL = [
    pytest.param({"parallelism": 100}, 100, None, id="no-completions"),
    pytest.param({"parallelism": 100, "completions": 3}, 3, None, id="fewer-completions"),
    pytest.param({"parallelism": 0}, 0, None, id="none-at-all"),
    pytest.param({"completions": 50}, 1, None, id="one-after-another"),
]


@pytest.mark.parametrize(("more", "pods", "seconds"), PARALLEL)
def test_a_job_counts_what_runs_side_by_side(more: dict[str, Any], pods: int, seconds: int | None) -> None:
    """Without a limit, the pods that run at once go on for ever."""
    found = read(made.job(**more))
    assert amounts_of(found.lines) == ({GPU: 8 * pods} if pods else {})
    assert found.seconds == seconds


RETRIES = [
    pytest.param({"completions": 5, "backoffLimit": 2}, 7, id="retries"),
    pytest.param({"completions": 5}, 11, id="six-retries-unless-it-says"),
    pytest.param({"completions": 5, "parallelism": 5, "backoffLimit": 0}, 9, id="beside-the-last-failure"),
    pytest.param({"completions": 5, "backoffLimitPerIndex": 3}, 20, id="retries-of-each-index"),
]


@pytest.mark.parametrize(("more", "starts"), RETRIES)
def test_where_pods_have_a_limit_every_start_counts(more: dict[str, Any], starts: int) -> None:
    """Pods with a limit of their own run one after another, so that completions and retries are what counts."""
    body = {"template": template(activeDeadlineSeconds=600), **more}
    found = read(of("batch/v1", "Job", body))
    assert (amounts_of(found.lines), found.seconds) == ({GPU: 8 * starts}, 600)


def test_failures_that_are_not_counted_have_no_end() -> None:
    """A job that ignores failures may start pods for ever."""
    body = {"template": template(activeDeadlineSeconds=600), "podFailurePolicy": {"rules": [{"action": "Ignore"}]}}
    assert read(of("batch/v1", "Job", body)).seconds is None


SCHEDULES = [
    pytest.param({"schedule": "0 3 * * *"}, 1, id="an-hour-a-day"),
    pytest.param({"schedule": "*/10 * * * *"}, 48, id="six-at-once"),
    pytest.param({"schedule": "*/10 * * * *", "concurrencyPolicy": "Forbid"}, 8, id="one-at-once"),
    pytest.param({"schedule": "@every 30m"}, 16, id="every-half-hour"),
    pytest.param({"schedule": "CRON_TZ=Asia/Shanghai 0 0-23 1 1 *"}, 8, id="rare-days-count-as-any"),
]


@pytest.mark.parametrize(("more", "chips"), SCHEDULES)
def test_a_schedule_counts_what_runs_on_average(more: dict[str, Any], chips: int) -> None:
    """Runs of an hour, as often as the schedule says, rounded up to whole chips."""
    assert counted(made.cron_job(**more)) == {GPU: chips}


def test_runs_without_a_limit_pile_up() -> None:
    """A schedule whose runs may overlap and never end has, on average over a month, half of all its runs going."""
    body = {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": template()}}}
    assert counted(of("batch/v1", "CronJob", body)) == {GPU: 8 * 15}
    assert counted(of("batch/v1", "CronJob", {**body, "concurrencyPolicy": "Replace"})) == {GPU: 8}


@pytest.mark.parametrize("schedule", ["", "* * * *", "60 * * * *", "*/0 * * * *", "5-1 * * * *", "a b c d e"])
def test_a_schedule_that_is_none_is_refused(schedule: str) -> None:
    """What the API server would not take is not guessed."""
    with pytest.raises(RefusedCall, match="schedule"):
        read(made.cron_job(schedule=schedule))


def with_container(**container: Any) -> dict[str, Any]:
    """A pod of one container, with fields of the pod in `pod`."""
    more = container.pop("pod", {})
    return of("v1", "Pod", {"containers": [{"name": "main", **container}], "nodeSelector": H100, **more})


def asks(amount: object, name: str = "nvidia.com/gpu", side: str = "limits") -> dict[str, Any]:
    return {"resources": {side: {name: amount}}}


CONTAINERS = [
    pytest.param({**asks(8, side="requests")}, 8, id="requests-only"),
    pytest.param(
        {"resources": {"limits": {"nvidia.com/gpu": 1}, "requests": {"nvidia.com/gpu": 8}}}, 8, id="larger-side"
    ),
    pytest.param({**asks(1), "pod": {"initContainers": [asks(8)]}}, 8, id="init-container"),
    pytest.param({**asks(2), "pod": {"initContainers": [{**asks(6), "restartPolicy": "Always"}]}}, 8, id="sidecar"),
    pytest.param(
        {**asks(1), "pod": {"initContainers": [{**asks(3), "restartPolicy": "Always"}, asks(5)]}},
        8,
        id="beside-a-sidecar",
    ),
    pytest.param(
        {**asks(1), "pod": {"initContainers": [asks(8), {**asks(2), "restartPolicy": "Always"}]}}, 8, id="before"
    ),
    pytest.param({**asks(3), "pod": {"overhead": {"nvidia.com/gpu": "5"}}}, 8, id="overhead"),
    pytest.param({**asks(3), "pod": {"resources": {"limits": {"nvidia.com/gpu": "8"}}}}, 8, id="of-the-pod"),
]


@pytest.mark.parametrize(("container", "chips"), CONTAINERS)
def test_every_container_of_a_pod_counts(container: dict[str, Any], chips: int) -> None:
    """Wherever in a pod the devices stand, its peak is what counts."""
    assert counted(with_container(**container)) == {GPU: chips}


QUANTITIES = [
    ("8", 8),
    (8, 8),
    ("1k", 1000),
    ("1e3", 1000),
    ("1E1", 10),
    ("8000m", 8),
    ("0.5", 1),
    ("2Ki", 2048),
    ("+8", 8),
]


@pytest.mark.parametrize(("amount", "chips"), QUANTITIES)
def test_quantities_are_read_as_the_api_server_reads_them(amount: object, chips: int) -> None:
    """Every suffix and exponent has its value, and a part of a device is one."""
    assert counted(with_container(**asks(amount))) == {GPU: chips}


@pytest.mark.parametrize("amount", ["", " 8", "8 ", "-1", "1e999", "8Gi8", "٨", "0x8", "1_0", True, [], "9E"])
def test_a_quantity_that_is_none_is_refused(amount: object) -> None:
    """What is no quantity, or no number of devices, is never read as none."""
    with pytest.raises(RefusedCall):
        counted(with_container(**asks(amount)))


RESOURCES = [
    pytest.param("nvidia.com/gpu.shared", 2, {GPU: 2}, id="shared-card"),
    pytest.param("nvidia.com/mig-3g.40gb", 2, {f"{GPU} MIG 3g.40gb": 2}, id="slice"),
    pytest.param("nvidia.com/GH200", 1, {"gh200": 1}, id="named-by-resource"),
    pytest.param("huawei.com/Ascend910B", 8, {"ascend910b": 8}, id="ascend"),
    pytest.param("huawei.com/Ascend910", 8, {GPU: 8}, id="family"),
    pytest.param("aws.amazon.com/neuroncore", 5, {GPU: 3}, id="two-cores-to-a-chip"),
    pytest.param("aws.amazon.com/neuron", 4, {GPU: 4}, id="neuron"),
    pytest.param("habana.ai/gaudi", 8, {GPU: 8}, id="gaudi"),
    pytest.param("google.com/tpu", 4, {GPU: 4}, id="tpu"),
    pytest.param("amd.com/gpu", 8, {GPU: 8}, id="amd"),
    pytest.param("nvidia.com/gpumem", 80000, {GPU: 1}, id="memory-of-a-card"),
    pytest.param("example.com/vgpu", 3, {GPU: 3}, id="a-word-in-its-name"),
    pytest.param("gpu.example.com/big", 3, {GPU: 3}, id="a-word-in-its-domain"),
    pytest.param("deviceclass.resource.kubernetes.io/anything", 2, {GPU: 2}, id="class-as-resource"),
    pytest.param("vpc.amazonaws.com/efa", 32, {}, id="network"),
    pytest.param("nvidia.com/hostdev", 8, {}, id="network-of-a-maker"),
    pytest.param("gpu.intel.com/i915_monitoring", 1, {}, id="monitoring"),
    pytest.param("memory", "80Gi", {}, id="memory"),
]


@pytest.mark.parametrize(("name", "amount", "expected"), RESOURCES)
def test_accelerators_are_told_by_their_names(name: str, amount: object, expected: dict[str, int]) -> None:
    """Makers and words tell what is an accelerator, and how many units of it make a chip."""
    assert counted(with_container(**asks(amount, name))) == expected


def test_memory_of_a_card_does_not_count_beside_the_card() -> None:
    """Where cards are asked for too, their memory and cores are the same cards."""
    limits = {"nvidia.com/gpu": 2, "nvidia.com/gpumem": 3000, "nvidia.com/gpucores": 30}
    assert counted(with_container(resources={"limits": limits})) == {GPU: 2}


def test_the_operators_names_count() -> None:
    """A resource or class that the operator names is one, of the chip that the operator says."""
    settings = KubernetesSettings(
        cluster="test", accelerators={"example.com/big": "B200", "gpu.nvidia.com": "H100 SXM"}
    )
    document = of("v1", "Pod", {"containers": [asks(2, "example.com/big")]})
    assert counted(document, settings) == {"B200": 2}
    assert counted(made.claim(), settings) == {"H100 SXM": 4}


def affinity(*terms: tuple[str, list[str]], kind: str = "requiredDuringSchedulingIgnoredDuringExecution") -> Any:
    expressions = [[{"key": key, "operator": "In", "values": values}] for key, values in terms]
    chosen = {"nodeSelectorTerms": [{"matchExpressions": each} for each in expressions]}
    return {"affinity": {"nodeAffinity": {kind: chosen}}, "nodeSelector": None}


MODELS = [
    pytest.param({"nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-l4"}}, "nvidia-l4", id="gke"),
    pytest.param({"nodeSelector": {"node.kubernetes.io/instance-type": "p5.48xlarge"}}, "H100 SXM", id="machine"),
    pytest.param({"nodeSelector": {"cloud.google.com/gke-tpu-accelerator": "tpu-v5p-slice"}}, "TPU v5p", id="tpu"),
    pytest.param(affinity(("karpenter.k8s.aws/instance-gpu-name", ["t4", "h100"])), "h100", id="strongest-of-some"),
    pytest.param(
        affinity(("nvidia.com/gpu.product", ["Tesla-T4"]), ("nvidia.com/gpu.product", ["NVIDIA-B200"])),
        "NVIDIA-B200",
        id="strongest-of-alternatives",
    ),
    pytest.param(affinity(("nvidia.com/gpu.product", ["T4"]), ("zone", ["a"])), "nvidia.com/gpu", id="any-in-one"),
    pytest.param(affinity(("nvidia.com/gpu.product", ["T4", "New-Card"])), "New-Card", id="unknown-counts-most"),
    pytest.param({"nodeSelector": {"team": "a"}}, "nvidia.com/gpu", id="no-label-of-a-chip"),
    pytest.param({"nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3-SHARED"}}, GPU, id="shared"),
]


@pytest.mark.parametrize(("more", "model"), MODELS)
def test_labels_of_nodes_tell_the_chip(more: dict[str, Any], model: str) -> None:
    """Only what the scheduler enforces narrows the chip, and of several the strongest counts."""
    assert counted(with_container(**asks(8), pod=more)) == {model: 8}


def test_a_preference_tells_nothing() -> None:
    """A pod that only prefers weak cards may get strong ones."""
    more = affinity(("nvidia.com/gpu.product", ["Tesla-T4"]), kind="preferredDuringSchedulingIgnoredDuringExecution")
    more["affinity"]["nodeAffinity"] = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}
    assert counted(with_container(**asks(8), pod=more)) == {"nvidia.com/gpu": 8}


OTHER_WAYS = [
    pytest.param({"pod": {"volumes": [{"name": "v", "hostPath": {"path": "/dev/nvidia0"}}]}}, id="host-path"),
    pytest.param({"pod": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}}, id="whole-host"),
    pytest.param({"env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]}, id="runtime"),
    pytest.param({"env": [{"name": "NVIDIA_VISIBLE_DEVICES", "valueFrom": {}}]}, id="runtime-by-reference"),
    pytest.param({"securityContext": {"privileged": True}}, id="privileged"),
    pytest.param({**asks(1), "securityContext": {"privileged": True}}, id="one-asked-for-and-all-reached"),
]


@pytest.mark.parametrize("container", OTHER_WAYS)
def test_devices_that_are_not_asked_for_are_unresolved(container: dict[str, Any]) -> None:
    """Ways round the scheduler reach every device of the node, so that nobody knows how many."""
    (group,) = read(with_container(**container)).groups
    assert [name.partition(":")[0] for name in group.pod.unresolved] == ["devices"]


def test_an_ordinary_pod_asks_for_nothing() -> None:
    """Volumes, variables and tolerations of every day are no way round."""
    container = {
        "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "none"}],
        "pod": {
            "volumes": [{"name": "v", "hostPath": {"path": "/var/log"}}, {"name": "c", "configMap": {"name": "c"}}],
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        },
    }
    (group,) = read(with_container(**container)).groups
    assert (group.pod.lines, group.pod.unresolved) == ((), ())


EVASIONS = [
    pytest.param(made.pytorch_job(elasticPolicy={"maxReplicas": 20}), {GPU: 168}, id="elastic-workers"),
    pytest.param(
        made.kubeflow("PyTorchJob", "PytorchReplicaSpecs", {"Worker": 2}), {GPU: 16}, id="field-in-another-case"
    ),
    pytest.param(made.ray_cluster(enableInTreeAutoscaling=True), {GPU: 80}, id="autoscaled-workers"),
    pytest.param(made.leader_worker_set(leaderTemplate=None), {GPU: 64}, id="leader-like-its-workers"),
    pytest.param(made.job_set(failurePolicy={"maxRestarts": 3}), {GPU: 64}, id="restarts"),
    pytest.param(made.coreweave_pool(autoscaling=True), {"machine gd-8xh100ib-i128": 16}, id="autoscaled-nodes"),
    pytest.param(
        made.coreweave_pool(instanceType="gb200-4x", targetNodes=None, targetRacks=10),
        {"machine gb200-4x": 180},
        id="racks",
    ),
    pytest.param(
        made.coreweave_pool(targetNodes=1, targetRacks=2), {"machine gd-8xh100ib-i128": 36}, id="nodes-and-racks"
    ),
    pytest.param(made.karpenter_pool(limits={"nvidia.com/gpu": "1k"}), {"h100": 1000}, id="thousand-in-a-letter"),
    pytest.param(made.workload(active=True), {GPU: 24}, id="active-workload"),
    pytest.param(made.ray_job(backoffLimit=4), {GPU: 16}, id="retried-ray-job"),
]


@pytest.mark.parametrize(("document", "expected"), EVASIONS)
def test_the_most_that_an_object_can_run_counts(document: dict[str, Any], expected: dict[str, int]) -> None:
    """What multiplies later, or is written in another way, is counted now."""
    assert counted(document) == expected


def test_restarts_make_a_run_longer() -> None:
    """All jobs of a set run again at each restart, and a Ray job at each retry."""
    assert read(made.job_set(failurePolicy={"maxRestarts": 3})).seconds == 4 * DAY
    assert read(made.ray_job(backoffLimit=4)).seconds == 5 * DAY


UNRESOLVED = [
    pytest.param(
        made.ray_cluster(enableInTreeAutoscaling=True, workerGroupSpecs=[{"template": template()}]), id="no-most"
    ),
    pytest.param(made.karpenter_pool(limits={"cpu": "1000"}), id="pool-without-limits"),
    pytest.param(made.coreweave_pool(instanceType=None), id="pool-without-a-type"),
    pytest.param(made.coreweave_pool(targetNodes=None), id="pool-without-a-size"),
    pytest.param(made.slurm_nodes(replicas=None), id="slurm-nodes-without-a-number"),
    pytest.param(made.slurm_nodes(template=None, pod=template()), id="slurm-nodes-in-another-field"),
    pytest.param(of("argoproj.io/v1alpha1", "Workflow", {"templates": [{"container": asks(8)}]}), id="unknown-kind"),
    pytest.param(of("x.example/v1", "Thing", {"minResources": {"nvidia.com/gpu": "8"}}), id="a-name-anywhere"),
    pytest.param(
        of("kubevirt.io/v1", "VirtualMachine", {"gpus": [{"deviceName": "nvidia.com/GH100"}]}), id="as-a-text"
    ),
    pytest.param(of("batch/v2", "Job", {"template": template()}), id="unknown-version"),
    pytest.param(of("apps/v1", "Deployment", {"template": template(0), "extra": spec()}), id="pod-in-an-unknown-field"),
    pytest.param(made.claim(allocationMode="All"), id="all-devices"),
]


@pytest.mark.parametrize("document", UNRESOLVED)
def test_what_cannot_be_told_is_unresolved(document: dict[str, Any]) -> None:
    """A demand without a known amount names what is missing, so that a person looks."""
    found = read(document)
    assert [*found.unresolved, *(name for group in found.groups for name in group.pod.unresolved)]


SMALL_TYPE = {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m5.large"]}
SMALL = {"spec": {"requirements": [SMALL_TYPE]}}
NOTHING = [
    pytest.param(of("argoproj.io/v1alpha1", "Workflow", {"container": {"image": "nvidia/cuda:12"}}), id="cpu"),
    pytest.param(of("v1", "ResourceQuota", {"hard": {"requests.nvidia.com/gpu": "8"}}), id="quota"),
    pytest.param(of("x.example/v1", "Thing", {"nodeSelector": H100}), id="selector"),
    pytest.param(made.claim(deviceClassName="dra.net"), id="network-claim"),
    pytest.param(made.karpenter_pool(limits=None, template=SMALL), id="pool-without-any"),
]


@pytest.mark.parametrize("document", NOTHING)
def test_what_asks_for_no_accelerator_is_left_alone(document: dict[str, Any]) -> None:
    """Objects without a demand are not looked at by anybody."""
    found = read(document)
    assert (found.lines, found.unresolved, found.references) == ((), (), ())


def test_a_train_job_leaves_the_rest_to_its_runtime() -> None:
    """What is not overridden is named, with its runtime, for whoever knows that."""
    document = made.train_job()
    del document["spec"]["trainer"]
    assert read(document).references == (("runtime:torch-distributed", 1),)
    half = made.train_job(numNodes=None)
    assert read(half).references == (("runtime-part:torch-distributed", 1),)


def test_claims_of_pods_are_named() -> None:
    """A pod names its claims and templates by namespace; the devices are theirs."""
    claims = [{"name": "a", "resourceClaimTemplateName": "t"}, {"name": "b", "resourceClaimName": "c"}]
    document = of(
        "apps/v1", "Deployment", {"replicas": 3, "template": {"spec": {"containers": [], "resourceClaims": claims}}}
    )
    assert read(document).references == (("claim-template:team/t", 3), ("claim:team/c", 3))


def test_alternatives_of_a_claim_count_at_the_most() -> None:
    """Of devices that may be chosen, the choice with the most counts."""
    some = [{"deviceClassName": "gpu.nvidia.com", "count": 2}, {"deviceClassName": "gpu.amd.com", "count": 8}]
    document = of("resource.k8s.io/v1beta1", "ResourceClaim", {"devices": {"requests": [{"firstAvailable": some}]}})
    assert counted(document) == {"device class gpu.amd.com": 8}
    flat = {"name": "g", "deviceClassName": "gpu.nvidia.com", "count": 3}
    old = of("resource.k8s.io/v1beta1", "ResourceClaim", {"devices": {"requests": [flat]}})
    assert counted(old) == {"device class gpu.nvidia.com": 3}


FIELDS = [
    pytest.param(made.replicated("Deployment", replicas="3"), id="replicas-in-quotes"),
    pytest.param(made.replicated("Deployment", replicas=-1), id="below-zero"),
    pytest.param(made.replicated("Deployment", replicas=1.5), id="a-part"),
    pytest.param(made.job(parallelism=True), id="a-truth"),
    pytest.param(made.job(activeDeadlineSeconds="60"), id="seconds-in-quotes"),
    pytest.param(made.volcano_job(template=[]), id="list-for-an-object"),
    pytest.param(of("v1", "Pod", {"containers": {}}), id="object-for-a-list"),
    pytest.param(made.ray_cluster(enableInTreeAutoscaling="true"), id="truth-in-quotes"),
]


@pytest.mark.parametrize("document", FIELDS)
def test_a_field_of_another_type_is_refused(document: dict[str, Any]) -> None:
    """Nothing that the API server would read differently is read as absent."""
    with pytest.raises(RefusedCall):
        read(document)


@pytest.mark.parametrize("document", [param.values[0] for param in GOLDEN], ids=[str(param.id) for param in GOLDEN])
def test_a_version_that_is_not_known_is_unresolved(document: dict[str, Any]) -> None:
    """Each kind under a version to come waits for a person, whatever its fields mean there."""
    later = copy.deepcopy(document)
    later["apiVersion"] = f"{later['apiVersion'].rpartition('/')[0]}/v9".removeprefix("/")
    assert read(later).unresolved == (f"kind:{later['apiVersion']} {later['kind']}",)


def test_where_nodes_are_counted_an_unknown_maker_of_nodes_is_unresolved() -> None:
    """A machine type with accelerators in a kind that nobody knows is one to look at, where customers make nodes."""
    document = of("cluster.x-k8s.io/v1beta1", "MachineDeployment", {"template": {"instanceType": "p5.48xlarge"}})
    assert read(document).unresolved == ()
    nodes = KubernetesSettings(cluster="test", charge="nodes")
    assert read(document, nodes).unresolved == ("kind:cluster.x-k8s.io/v1beta1 MachineDeployment",)
