"""The hook for `kubernetes` and `kubernetes_asyncio`: the real clients against a server that keeps objects."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from gates import approve, approve_waiting, make_gate
from msgspec.structs import replace
from webhook.api_server import Objects
from webhook.cluster import SETTINGS, deployment, job, pod, pod_spec, thing, used
from wire import served

from kyc_gate import Gate
from kyc_gate.adapters.kubernetes.adapter import KubernetesAdapter
from kyc_gate.client.blocking import BlockingGate
from kyc_gate.model.party import Account

kubernetes = pytest.importorskip("kubernetes", reason="the client `kubernetes` is not installed")
kubernetes_asyncio = pytest.importorskip("kubernetes_asyncio", reason="its async twin is not installed")

from kyc_gate.client.kubernetes import guard_kubernetes  # noqa: E402


class World(NamedTuple):
    gate: Gate
    objects: Objects
    client: Any

    async def call(self, made: Callable[..., Any], *arguments: Any) -> Any:
        """Call the blocking client beside the loop in which gate and server answer."""
        try:
            return await asyncio.to_thread(made, *arguments)
        finally:
            await self.gate.store.ready()  # names of runs are written behind

    @property
    def core(self) -> Any:
        return kubernetes.client.CoreV1Api(self.client)

    @property
    def batch(self) -> Any:
        return kubernetes.client.BatchV1Api(self.client)

    @property
    def apps(self) -> Any:
        return kubernetes.client.AppsV1Api(self.client)

    @property
    def custom(self) -> Any:
        return kubernetes.client.CustomObjectsApi(self.client)

    @property
    def writes(self) -> list[str]:
        return [call for call in self.objects.calls if not call.startswith("GET")]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    objects = Objects(None)
    async with served(objects.app) as port:
        settings = replace(SETTINGS, hosts=("127.0.0.1",))
        gate = make_gate(tmp_path, adapters=(KubernetesAdapter(settings),))
        async with gate:
            names = ("norge", "emirate", "harbin")
            accounts = [Account(provider="kubernetes", id=f"acct-{name}", party_id=name) for name in names]
            await gate.store.save_directory((), accounts)
            gate._standings.forget()
            configuration = kubernetes.client.Configuration(host=f"http://127.0.0.1:{port}")
            configuration.api_key = {"authorization": "Bearer alice"}
            client = kubernetes.client.ApiClient(configuration)
            yield World(gate, objects, guard_kubernetes(client, BlockingGate(gate, loop=asyncio.get_running_loop())))
            client.close()


def refused(error: Any) -> dict[str, Any]:
    """The `Status` of an exception, as every error of an API server has one."""
    status: dict[str, Any] = json.loads(error.body)
    assert (error.status, error.reason, status["kind"]) == (403, "Forbidden", "Status")
    assert (status["code"], status["reason"], status["status"]) == (403, "Forbidden", "Failure")
    assert len(status["message"]) < 256
    return status


async def test_an_allowed_object_goes_out_and_counts_until_it_is_deleted(world: World) -> None:
    """A job that is allowed is created once, and its deletion ends its run."""
    made = await world.call(world.batch.create_namespaced_job, "norge", job("8", parallelism=2))
    assert made.metadata.uid
    assert world.writes == ["POST /apis/batch/v1/namespaces/norge/jobs"]
    (run,) = await world.gate.store.fetch_runs_named("kubernetes:acct-norge", "k8s-object:jobs.batch/norge/run")
    assert run.ends_at is None
    assert await used(world.gate, "norge") > 0


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(pod("8", "harbin"), id="pod"),
        pytest.param({**pod("8", "harbin"), "kind": None, "apiVersion": None}, id="kind-by-path"),
        pytest.param({**pod("8", "harbin"), "spec": pod_spec("8e0")}, id="quantity"),
    ],
)
async def test_a_blocked_object_raises_and_is_not_sent(world: World, document: dict[str, Any]) -> None:
    """`ApiException` 403 with a `Status`, and nothing reaches the server."""
    with pytest.raises(kubernetes.client.ApiException) as caught:
        await world.call(world.core.create_namespaced_pod, "harbin", document)
    assert "this request was refused" in refused(caught.value)["message"]
    assert world.writes == []


async def test_typed_objects_and_utilities_are_seen(world: World) -> None:
    """Typed models, `create_from_dict` and custom objects go the same way."""
    limits = kubernetes.client.V1ResourceRequirements(limits={"nvidia.com/gpu": "8"})
    container = kubernetes.client.V1Container(name="main", image="i", resources=limits)
    spec = kubernetes.client.V1PodSpec(containers=[container])
    typed = kubernetes.client.V1Pod(metadata=kubernetes.client.V1ObjectMeta(name="p"), spec=spec)
    workers = {"replicas": 4, "template": {"spec": pod_spec("8")}}
    ray = thing("ray.io/v1", "RayCluster", {"headGroupSpec": {}, "workerGroupSpecs": [workers]}, "harbin")
    for made, arguments in (
        (world.core.create_namespaced_pod, ("harbin", typed)),
        (world.custom.create_namespaced_custom_object, ("ray.io", "v1", "harbin", "rayclusters", ray)),
        (kubernetes.utils.create_from_dict, (world.client, job("8", "harbin"))),
    ):
        with pytest.raises((kubernetes.client.ApiException, kubernetes.utils.FailToCreateError)):
            await world.call(made, *arguments)
    assert world.writes == []


async def test_what_waits_passes_once_approved(world: World) -> None:
    """The same call passes after the approval, once."""
    for attempt in range(2):
        with pytest.raises(kubernetes.client.ApiException) as caught:
            await world.call(world.core.create_namespaced_pod, "nobody", pod("8", "nobody"))
        assert "needs a review" in refused(caught.value)["message"], attempt
    await approve_waiting(world.gate)
    assert await world.call(world.core.create_namespaced_pod, "nobody", pod("8", "nobody"))
    assert world.writes == ["POST /api/v1/namespaces/nobody/pods"]
    with pytest.raises(kubernetes.client.ApiException):
        await world.call(world.core.create_namespaced_pod, "nobody", pod("8", "nobody"))


async def test_a_scale_counts_what_it_adds(world: World) -> None:
    """Replicas by the scale or by a patch count beyond those that run, and those of an unknown object wait."""
    await world.call(world.apps.create_namespaced_deployment, "norge", deployment("8", 2))
    before = await used(world.gate, "norge")
    body = {"spec": {"replicas": 4}}
    world.objects.put("deployments", {**deployment("8", 2), "metadata": {"name": "run", "namespace": "norge"}})
    await world.call(world.apps.patch_namespaced_deployment, "run", "norge", body)
    assert await used(world.gate, "norge") == pytest.approx(2 * before, rel=0.01)
    body = {"spec": {"replicas": 3}}
    await world.call(world.apps.patch_namespaced_deployment, "run", "norge", body)
    assert await used(world.gate, "norge") == pytest.approx(2 * before, rel=0.01)
    with pytest.raises(kubernetes.client.ApiException) as caught:
        await world.call(world.apps.patch_namespaced_deployment_scale, "other", "norge", body)
    assert "needs a review" in refused(caught.value)["message"]


@pytest.mark.parametrize(
    ("patch", "sent"),
    [
        pytest.param({"metadata": {"labels": {"a": "b"}}}, True, id="label"),
        pytest.param({"spec": {"suspend": True}}, True, id="suspend"),
        pytest.param({"spec": {"parallelism": 64}}, False, id="parallelism"),
        pytest.param([{"op": "replace", "path": "/spec/parallelism", "value": 64}], False, id="json-patch"),
        pytest.param([{"op": "test", "path": "/spec/parallelism", "value": 1}], True, id="only-a-test"),
        pytest.param({"metadata": {"finalizers": ["keep/it"]}}, False, id="finalizer"),
        pytest.param([{"op": "remove", "path": "/spec/suspend", "value": True}], False, id="remove-with-a-value"),
        pytest.param(
            [
                {"op": "move", "from": "/spec/suspend", "path": "/metadata/annotations/a"},
                {"op": "replace", "path": "/metadata/annotations/a", "value": "text"},
            ],
            False,
            id="moved-away",
        ),
    ],
)
async def test_a_patch_is_read_for_what_it_touches(world: World, patch: Any, sent: bool) -> None:
    """Labels and suspensions pass; what may make an object larger waits for a person."""
    world.objects.put("jobs", job("8"))
    with contextlib.suppress(kubernetes.client.ApiException):
        await world.call(world.batch.patch_namespaced_job, "run", "norge", patch)
    assert bool(world.writes) is sent
    assert bool(await world.gate.store.fetch_cases()) is not sent


async def test_a_number_that_is_copied_scales_nothing(world: World) -> None:
    """A JSON Patch that takes the replicas from another field is refused: nobody can read how many they are."""
    patch = [
        {"op": "add", "path": "/metadata/generation", "value": 1000},
        {"op": "copy", "from": "/metadata/generation", "path": "/spec/replicas"},
    ]
    with pytest.raises(kubernetes.client.ApiException, match=r"spec\.replicas"):
        await world.call(world.apps.patch_namespaced_deployment_scale, "serve", "norge", patch)
    assert world.writes == []


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"spec": {"suspend": False}}, id="release"),
        pytest.param({"spec": {"parallelism": 1000}}, id="parallelism"),
        pytest.param({}, id="what-was-applied-before-is-taken-away"),
    ],
)
async def test_an_apply_of_a_part_waits(world: World, more: dict[str, Any]) -> None:
    """A server-side apply is merged into an object that is not seen, and takes away what it leaves out."""
    part = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "run"}, **more}
    apply = partial(
        world.batch.patch_namespaced_job, field_manager="me", force=True, _content_type="application/apply-patch+yaml"
    )
    with pytest.raises(kubernetes.client.ApiException, match="needs a review"):
        await world.call(apply, "run", "norge", part)
    assert world.writes == []


async def test_a_job_that_waits_counts_at_its_release(world: World) -> None:
    """A suspended job passes without a decision, and its release is decided on what it starts."""
    await world.call(world.batch.create_namespaced_job, "norge", job("8", suspend=True))
    assert await used(world.gate, "norge") == 0
    await world.call(world.batch.patch_namespaced_job, "run", "norge", {"spec": {"suspend": False}})
    assert await used(world.gate, "norge") > 0
    await world.call(world.batch.create_namespaced_job, "harbin", job("8", "harbin", suspend=True))
    with pytest.raises(kubernetes.client.ApiException) as caught:
        await world.call(world.batch.patch_namespaced_job, "run", "harbin", {"spec": {"suspend": False}})
    assert "was refused" in refused(caught.value)["message"]


async def test_what_asks_for_no_accelerator_is_left_alone(world: World) -> None:
    """Reading, configuration and pods without devices pass without a decision."""
    plain = thing("v1", "Pod", {"containers": [{"name": "a", "image": "i"}]}, "harbin")
    await world.call(world.core.create_namespaced_pod, "harbin", plain)
    await world.call(world.core.list_namespaced_pod, "harbin")
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"nvidia.com/gpu": "8"}}
    await world.call(world.core.create_namespaced_config_map, "harbin", settings)
    assert [record async for record in world.gate.store.records()] == []


async def test_the_async_client_has_the_same_answers(world: World) -> None:
    """`kubernetes_asyncio` raises its own `ApiException` for what is not sent, and passes what is approved."""
    configuration = kubernetes_asyncio.client.Configuration(host=world.client.configuration.host)
    configuration.api_key = {"BearerToken": "Bearer alice", "authorization": "Bearer alice"}
    async with kubernetes_asyncio.client.ApiClient(configuration) as client:
        core = kubernetes_asyncio.client.CoreV1Api(guard_kubernetes(client, world.gate))
        for namespace, told in (("harbin", "was refused"), ("nobody", "needs a review")):
            with pytest.raises(kubernetes_asyncio.client.ApiException) as caught:
                await core.create_namespaced_pod(namespace, pod("8", namespace))
            assert told in refused(caught.value)["message"]
        assert world.writes == []
        (waits,) = [case for case in await world.gate.store.fetch_cases() if case.account == "kubernetes:"]
        await approve(world.gate, waits.id)
        await core.create_namespaced_pod("nobody", pod("8", "nobody"))
        await core.create_namespaced_pod("norge", pod("8"))
    assert len(world.writes) == 2
    assert await used(world.gate, "norge") > 0


async def test_what_is_no_client_is_told(world: World) -> None:
    """Another object is an error with its type, not a client that asks nobody."""
    with pytest.raises(TypeError, match="CoreV1Api"):
        guard_kubernetes(world.core, world.gate)
