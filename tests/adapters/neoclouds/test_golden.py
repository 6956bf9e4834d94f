"""Every operation of the smaller clouds that is read has a call read as stated, and an evasion with its answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.bearer import key_id
from kyc_gate.adapters.neoclouds import NeocloudAdapter
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.job import ProvisioningRequest

from ..golden import Row, call_of, check, evasion_of, judged, rows

ROWS = rows(Path(__file__).parent)
KEY = (b"authorization", b"Bearer a-secret-key")


@pytest.mark.parametrize("row", ROWS)
def test_a_call_is_read_as_stated(row: Row) -> None:
    """Operation, lines and time are those that the row states, and the account is the digest of the key."""
    answer = judged(NeocloudAdapter(row["provider"]), call_of(row, KEY))
    check(answer, {"account": key_id(b"a-secret-key"), **row["expected"]})


@pytest.mark.parametrize("row", ROWS)
def test_an_evasion_gets_its_answer(row: Row) -> None:
    """Another way to say it is refused, or left to a person."""
    check(judged(NeocloudAdapter(row["provider"]), call_of(evasion_of(row), KEY)), row["evasion"]["answer"])


@pytest.mark.parametrize(
    "query", ["query { myself { id } }", "{ pods { id } }", 'mutation { podStop(input: {podId: "a"}) { id } }']
)
def test_what_rents_nothing_is_not_guarded(query: str) -> None:
    """Queries and stops pass unseen."""
    row = {"host": "api.runpod.io", "method": "POST", "path": "/graphql", "body": {"query": query}}
    assert judged(NeocloudAdapter("runpod"), call_of(row, KEY)) is None


H100 = "NVIDIA H100 80GB HBM3"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        pytest.param(
            'mutation { podStop(input: {podId: "x"}) { id } ... { saveEndpoint(input: {workersMax: 9}) { id } } }',
            {},
            id="fragment-beside-a-stop",
        ),
        pytest.param(
            'mutation { podFindAndDeployOnDemand(input: {gpuTypeId: "L4", gpuCount: 1}) { id } ... { a } }',
            {},
            id="fragment-beside-a-deployment",
        ),
        pytest.param(
            'mutation M($input: I = {gpuTypeId: "L4", gpuCount: 1}) { podFindAndDeployOnDemand(input: $input) { id } }',
            {"input": {"gpuTypeId": H100, "gpuCount": 32000}},
            id="default-and-variable",
        ),
        pytest.param(
            "mutation M($n: Int = 8) { podFindAndDeployOnDemand(input: $input) { id } }",
            {"input": {"gpuTypeId": H100, "gpuCount": 1}},
            id="default",
        ),
        pytest.param(
            'mutation { podFindAndDeployOnDemand(input: $input) { id a(gpuTypeId: "L4", gpuCount: 1) } }',
            {"input": {"gpuTypeId": H100, "gpuCount": 32000}},
            id="in-both",
        ),
        pytest.param(
            "mutation { podFindAndDeployOnDemand(input: $input) { a(gpuCount: 1) b(gpuCount: 2) } }",
            {"input": {"gpuTypeId": H100, "gpuCount": 1}},
            id="twice-and-beside",
        ),
    ],
)
def test_a_document_that_hides_what_it_rents_is_unresolved(query: str, variables: dict[str, object]) -> None:
    """Fragments, defaults, and what is told twice reach a person."""
    body = {"query": query, "variables": variables}
    row = {"host": "api.runpod.io", "method": "POST", "path": "/graphql", "body": body}
    request = judged(NeocloudAdapter("runpod"), call_of(row, KEY))
    assert isinstance(request, ProvisioningRequest)
    assert request.unresolved
    assert request.lines == ()


@pytest.mark.parametrize(
    ("provider", "host", "method", "path"),
    [
        ("runpod", "rest.runpod.io", "POST", "/v1/pods/abc/update"),
        ("runpod", "rest.runpod.io", "POST", "/v1/endpoints/abc/update"),
        ("runpod", "rest.runpod.io", "POST", "/v1/pods/abc/restart"),
        ("runpod", "rest.runpod.io", "PUT", "/v1/pods/abc/gpus"),
        ("runpod", "api.runpod.io", "POST", "/v3/clusters"),
        ("lambda", "cloud.lambda.ai", "POST", "/api/v2/instances"),
        ("together", "api.together.xyz", "POST", "/v1/deployments"),
        ("together", "api.together.xyz", "PATCH", "/v1/compute/clusters/c1/nodes"),
    ],
)
def test_what_is_on_no_list_is_unresolved(provider: str, host: str, method: str, path: str) -> None:
    """A call to a guarded host that may rent, and that nobody described, reaches a person."""
    row = {"host": host, "method": method, "path": path, "body": {"workersMax": 32000}}
    request = judged(NeocloudAdapter(provider), call_of(row, KEY))
    assert isinstance(request, ProvisioningRequest)
    assert request.unresolved


@pytest.mark.parametrize(
    ("provider", "host", "method", "path"),
    [
        ("lambda", "cloud.lambda.ai", "POST", "/api/v1/ssh-keys"),
        ("lambda", "cloud.lambda.ai", "POST", "/api/v1/instance-operations/restart"),
        ("lambda", "cloud.lambda.ai", "POST", "/api/v1/instances/i-1"),
        ("runpod", "rest.runpod.io", "POST", "/v1/networkvolumes"),
        ("runpod", "rest.runpod.io", "PATCH", "/v1/templates/t1"),
        ("runpod", "api.runpod.io", "POST", "/v2/endpoint1/runsync"),
        ("together", "api.together.xyz", "POST", "/v1/chat/completions"),
        ("together", "api.together.xyz", "POST", "/v1/files/upload"),
        ("together", "api.together.xyz", "POST", "/v1/fine-tunes/f1/cancel"),
        ("together", "api.together.xyz", "POST", "/v1/compute/clusters/storage/volumes"),
        ("together", "api.together.xyz", "GET", "/v1/deployments"),
        ("together", "other.example", "POST", "/v1/deployments"),
    ],
)
def test_inference_files_and_keys_are_not_guarded(provider: str, host: str, method: str, path: str) -> None:
    """What rents nothing passes unseen."""
    row = {"host": host, "method": method, "path": path, "body": None if method == "GET" else {"a": 1}}
    assert judged(NeocloudAdapter(provider), call_of(row, KEY)) is None


def test_a_shared_host_leaves_each_cloud_its_own() -> None:
    """Where several are reached under one host, none takes the other's paths for calls that nobody described."""
    path, inference = "/v1/pods", "/v1/chat/completions"
    for provider, found in (("lambda", False), ("runpod", True), ("together", False)):
        adapter = NeocloudAdapter(provider, hosts=("gpu.example",))
        row = {"host": "gpu.example", "method": "POST", "path": path, "body": {"gpuTypeIds": [H100]}}
        assert (judged(adapter, call_of(row, KEY)) is not None) is found
        assert judged(adapter, call_of({**row, "path": inference}, KEY)) is None
        assert judged(adapter, call_of({**row, "path": "/v9/machines"}, KEY)) is not None


def test_a_cluster_keeps_its_type_when_it_grows() -> None:
    """A type that a resize names is not believed, and a longer reservation stays unresolved."""
    path = "/v1/compute/clusters/c1"
    row = {"host": "api.together.xyz", "method": "PUT", "path": path, "body": {"num_gpus": 9, "gpu_type": "Tesla K80"}}
    adapter = NeocloudAdapter("together")
    check(judged(adapter, call_of(row, KEY)), {"lines": [], "unresolved": ["cluster:c1"], "replaces": "cluster:c1"})
    for body in ({"num_gpus": 9, "duration_days": 90}, {"duration_days": 90}):
        unresolved = ["cluster:c1", "parameter:duration_days"]
        check(judged(adapter, call_of({**row, "body": body}, KEY)), {"unresolved": unresolved})
    assert judged(adapter, call_of({**row, "body": {"cluster_type": "SLURM"}}, KEY)) is None


def test_an_end_that_says_another_method_ends_nothing() -> None:
    """The upstream may read it as something else, so it is refused, and the run goes on counting."""
    row = {"host": "rest.runpod.io", "method": "DELETE", "path": "/v1/pods/p1"}
    adapter = NeocloudAdapter("runpod")
    plain = call_of({**row, "headers": {}}, KEY)
    assert adapter.guards(plain)
    assert adapter.ending(plain) is not None
    with pytest.raises(RefusedCall, match="may not replace the method"):
        adapter.guards(call_of({**row, "headers": {"x-http-method-override": "GET"}}, KEY))


def test_a_launch_teaches_its_machines_and_a_terminate_ends_them() -> None:
    """Each machine that the answer names is known by its type, and ends by its id."""
    adapter = NeocloudAdapter("lambda")
    launch = call_of(ROWS[0].values[0], KEY)
    request = adapter.read(launch)
    assert request is not None
    learned = adapter.learn(request, launch, 200, b'{"data":{"instance_ids":["i-1","i-2"]}}')
    assert [(each.id, each.lines[0].count) for each in learned] == [("i-1", 1), ("i-2", 1)]
    body = json.dumps({"instance_ids": ["i-1"]}).encode()
    path = b"/api/v1/instance-operations/terminate"
    end = Call(method="POST", raw_path=path, headers=((b"host", b"cloud.lambda.ai"), KEY), body=body)
    assert (adapter.guards(end), adapter.read(end)) == (True, None)
    ending = adapter.ending(end)
    assert ending is not None
    assert ending.references == ("instance:i-1",)


def test_refusals_are_in_each_dialect() -> None:
    """A wait and a block have codes of their own, in the members that the providers' clients read."""
    refusal = Refusal(status=403, code="review-required", title="t", detail="a person will look")
    rest = NeocloudAdapter("lambda").refuse(call_of(ROWS[0].values[0]), refusal)
    assert json.loads(rest.body)["error"]["code"] == "kyc/review-pending"
    graph = NeocloudAdapter("runpod").refuse(call_of(ROWS[3].values[0]), refusal)
    assert json.loads(graph.body)["errors"][0]["extensions"]["code"] == "kyc/review-pending"
