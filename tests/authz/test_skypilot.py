"""SkyPilot's admin policy: questions as its server encodes them, YAML in JSON in JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gates import PARTIES, approve_waiting, make_gate
from wire import served

from kyc_gate import Gate
from kyc_gate.authz.app import AuthzApp
from kyc_gate.model.party import Account

yaml = pytest.importorskip("yaml", reason="the extra `skypilot` is not installed")

from kyc_gate.adapters.skypilot import read_policy_question  # noqa: E402


def question(task: object, user: str = "norge", name: str = "launch", **more: Any) -> bytes:
    """What skypilot 0.14 sends: `requests.post(json=text)`, where the text is JSON itself."""
    body = {
        "task": task if isinstance(task, str) else yaml.safe_dump(task),
        "skypilot_config": "active_workspace: default\n",
        "request_name": name,
        "request_options": {"cluster_name": "c", "idle_minutes_to_autostop": None, "down": False, "dryrun": False},
        "at_client_side": False,
        "user": yaml.safe_dump({"id": user, "name": "Ada"}),
        "client_api_version": 30,
        "client_version": "0.14.1",
    }
    return json.dumps(json.dumps({**body, **more})).encode()


H100 = {"resources": {"accelerators": "H100:8"}, "num_nodes": 2, "run": "train"}


@pytest.mark.parametrize(
    ("task", "chips"),
    [
        pytest.param(H100, 16, id="nodes"),
        pytest.param({"resources": {"accelerators": {"H100": 8}}}, 8, id="mapping"),
        pytest.param({"resources": {"accelerators": {"L4": 0.5}}}, 1, id="part"),
        pytest.param({"resources": {"accelerators": ["H100:8", "A100:8"]}}, 16, id="either"),
        pytest.param(
            {"resources": {"any_of": [{"accelerators": "H100:8"}, {"accelerators": "H100:4"}]}}, 8, id="any-of"
        ),
        pytest.param({"resources": {"accelerators": "H100"}, "service": {"replicas": 3}}, 3, id="replicas"),
        pytest.param(
            {
                "resources": {"accelerators": "H100"},
                "service": {"replica_policy": {"min_replicas": 1, "max_replicas": 9}},
            },
            9,
            id="replica-policy",
        ),
        pytest.param({"resources": {"accelerators": "H100"}, "pool": {"workers": 7}}, 7, id="pool"),
        pytest.param({"resources": {"accelerators": "H100"}, "pool": {"max_workers": 7}}, 7, id="growing-pool"),
        pytest.param(
            {"resources": {"accelerators": "H100"}, "service": {"pool": True, "workers": 7}}, 7, id="service-pool"
        ),
        pytest.param({"resources": {"instance_type": "p5.48xlarge"}}, 1, id="machine"),
    ],
)
def test_a_task_counts_at_its_most(task: object, chips: int) -> None:
    """Nodes and replicas multiply, and of several accelerators each counts."""
    request = read_policy_question(question(task)).request
    assert request is not None
    assert sum(line.count * line.multiplier for line in request.lines) == chips


GPUS = {"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": 8}}}]}}


@pytest.mark.parametrize(
    ("config", "open_"),
    [
        pytest.param({"kubernetes": {"pod_config": GPUS}}, True, id="gpus"),
        pytest.param({"kubernetes": {"context_configs": {"c": {"pod_config": GPUS}}}}, True, id="of-a-context"),
        pytest.param({"kubernetes": {"pod_config": {"spec": {"runtimeClassName": "nvidia"}}}}, True, id="runtime"),
        pytest.param({"kubernetes": {"pod_config": {"metadata": {"annotations": {"a": "b"}}}}}, True, id="annotations"),
        pytest.param({"kubernetes": {"pod_config": "text"}}, True, id="text"),
        pytest.param("a: &a {b: 1}\nc: *a\n", True, id="aliases"),
        pytest.param({"kubernetes": {"pod_config": {"spec": {"tolerations": [{"key": "k"}]}}}}, False, id="place"),
        pytest.param({"kubernetes": {"pod_config": None}}, False, id="nothing"),
        pytest.param("", False, id="empty"),
    ],
)
def test_pods_that_the_configuration_gives_devices_are_unresolved(config: object, open_: bool) -> None:
    """A task without accelerators gets them where the configuration gives them to every pod."""
    text = config if isinstance(config, str) else yaml.safe_dump(config)
    request = read_policy_question(question({"run": "true"}, skypilot_config=text)).request
    assert (request is not None and request.unresolved == ("field:pod_config",)) is open_


def test_what_asks_for_no_accelerator_is_nobodys_business() -> None:
    """A task without them, and requests that start nothing, are not decided."""
    assert read_policy_question(question({"run": "true"})).request is None
    for name in ("validate", "optimize", "exec", "jobs.launch_cluster"):
        assert read_policy_question(question(H100, name=name)).request is None
    assert read_policy_question(question(H100, name="something.new")).request is not None


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with make_gate(tmp_path) as gate:
        await gate.store.save_directory(
            PARTIES, [Account(provider="skypilot", id=party.id, party_id=party.id) for party in PARTIES]
        )
        yield gate


@pytest.fixture
async def policy(gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        served(AuthzApp(gate, skypilot=True), lifespan="off") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"Content-Type": "application/json"}) as client,
    ):
        yield client


async def ask(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await client.post("/skypilot", content=body)


async def test_an_allowed_request_comes_back_unchanged(policy: httpx.AsyncClient, gate: Gate) -> None:
    """The answer is JSON in JSON, as the server decodes it, with task and configuration as they came; it counts."""
    response = await ask(policy, question(H100))
    assert response.status_code == 200
    assert json.loads(response.json()) == {
        "task": yaml.safe_dump(H100),
        "skypilot_config": "active_workspace: default\n",
    }
    assert len(await gate.store.fetch_open_runs()) == 1


async def test_a_blocked_request_is_rejected(policy: httpx.AsyncClient) -> None:
    """400 is a rejection, and its text is for the user."""
    response = await ask(policy, question(H100, user="harbin"))
    assert (response.status_code, "refused; decision dec_" in response.text) == (400, True)


async def test_an_approval_lets_the_same_request_through(policy: httpx.AsyncClient, gate: Gate) -> None:
    """What waits names its case; approved, the same request passes, once."""
    response = await ask(policy, question(H100, user="nobody"))
    assert (response.status_code, "case case_" in response.text) == (400, True)
    await approve_waiting(gate)
    assert (await ask(policy, question(H100, user="nobody"))).status_code == 200
    assert (await ask(policy, question(H100, user="nobody"))).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(json.dumps({"task": "a: 1"}).encode(), id="encoded-once"),
        pytest.param(question(H100, at_client_side=True), id="from-a-client"),
        pytest.param(question(H100, mutated=True), id="unknown-member"),
        pytest.param(question("a: &x [1]\nb: *x\n"), id="alias"),
        pytest.param(question("num_nodes: 1\nnum_nodes: 9\n"), id="key-twice"),
        pytest.param(question("- 1\n"), id="no-mapping"),
        pytest.param(question("!!python/object/apply:os.system [true]"), id="tag"),
        pytest.param(question({**H100, "num_nodes": -1}), id="negative"),
        pytest.param(question({"resources": {"accelerators": "H100:8:9"}}), id="accelerators"),
        pytest.param(b'"a" , "b"', id="two-texts"),
        pytest.param(b"", id="empty"),
    ],
)
async def test_what_cannot_be_read_is_rejected(policy: httpx.AsyncClient, gate: Gate, body: bytes) -> None:
    """A question of no reading is rejected, and nothing counts."""
    assert (await ask(policy, body)).status_code == 400
    assert await gate.store.fetch_open_runs() == ()


async def test_what_may_ask_for_any_device_waits(policy: httpx.AsyncClient) -> None:
    """A `pod_config` in the task is not read here, so a person looks at it."""
    task = {"run": "true", "config": {"kubernetes": {"pod_config": {"spec": {}}}}}
    response = await ask(policy, question(task))
    assert "a person will look" in response.text
