"""`serve`: the gateway behind the gate and the interface beside it, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gates import PATH, job, make_gate, used
from service.bundles import HEAD, MACAU, RULE, configure, write_policy
from wire import exchange, status_of, upstream

from kyc_gate import Gate
from kyc_gate.errors import ConfigurationError
from kyc_gate.gateway.serve import Addresses, serve
from kyc_gate.service.config import Configuration, configuration_of

DIGEST = hashlib.sha256(b"token").hexdigest()


def configuration(url: str, **gateway: object) -> Configuration:
    return configuration_of(
        {
            "gateway": {"port": 0, "upstreams": [{"url": url}], "upstream_seconds": 0.5, **gateway},
            "api": {"port": 0, "tokens_sha256": [DIGEST]},
        }
    )


@contextlib.asynccontextmanager
async def serving(gate: Gate, settings: Configuration) -> AsyncIterator[tuple[int, int]]:
    """The ports of the gateway and of the interface."""
    stop = asyncio.Event()
    ready: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(gate, settings, ready=ready.set_result, stop=stop))
    await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    addresses = ready.result()
    try:
        yield _port(addresses.gateway), _port(addresses.api)
    finally:
        stop.set()
        await task


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def call(account: str, body: bytes) -> bytes:
    head = f"POST {PATH} HTTP/1.1\r\nHost: api.example\r\nContent-Type: application/json\r\nX-Account: {account}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def test_allowed_passes_and_blocked_does_not(tmp_path: Path) -> None:
    """Behind `serve`, the upstream sees the allowed call byte for byte, and no other."""
    gate = make_gate(tmp_path)
    async with upstream() as cloud, serving(gate, configuration(cloud.url)) as (port, api):
        allowed = await exchange(port, call("acct-norge", job()))
        blocked = await exchange(port, call("acct-harbin", job()))
        ready = await exchange(api, b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        shadowed = await exchange(port, b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [status_of(raw) for raw in (allowed, blocked, ready, shadowed)] == [200, 403, 200, 200]
    assert b"kyc-decision-id: dec_" in allowed
    assert cloud.bodies == [job(), b""]
    assert cloud.heads[0][:2] == [f"POST {PATH} HTTP/1.1", "host: api.example"]
    assert cloud.heads[1][0] == "GET /readyz HTTP/1.1"


async def _hold_after(answer: bytes | None, tmp_path: Path, *, silent: bool = False) -> tuple[int, bool]:
    """The status that the client got, and whether the hold is kept."""
    gate = make_gate(tmp_path)
    async with upstream() as cloud:
        settings = configuration(cloud.url)
        if answer is None:
            settings = configuration("http://127.0.0.1:1")
        cloud.answer = answer or b""
        if silent:
            cloud.hold.clear()
        async with serving(gate, settings) as (port, _):
            raw = await exchange(port, call("acct-norge", job()))
            kept = await used(gate, "norge") > 0
    return status_of(raw), kept


@pytest.mark.parametrize(
    ("answer", "silent", "expected"),
    [
        pytest.param(b"HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n", False, (201, True), id="accepted"),
        pytest.param(b"HTTP/1.1 409 No\r\nContent-Length: 0\r\n\r\n", False, (409, False), id="refused"),
        pytest.param(None, False, (502, False), id="never-left"),
        pytest.param(b"", False, (502, True), id="broke-off"),
        pytest.param(b"", True, (504, True), id="no-answer"),
    ],
)
async def test_hold_follows_what_became_of_the_call(
    answer: bytes | None, silent: bool, expected: tuple[int, bool], tmp_path: Path
) -> None:
    """A hold is kept unless the call never left or the upstream refused it."""
    assert await _hold_after(answer, tmp_path, silent=silent) == expected


async def test_call_under_way_ends_before_the_server_stops(tmp_path: Path) -> None:
    """A stop lets the calls under way end, and what they did is settled before the store closes."""
    gate = make_gate(tmp_path)
    async with upstream() as cloud:
        cloud.hold.clear()
        async with serving(gate, configuration(cloud.url, upstream_seconds=10)) as (port, _):
            under_way = asyncio.create_task(exchange(port, call("acct-norge", job())))
            await cloud.arrived.wait()
            asyncio.get_running_loop().call_later(0.3, cloud.hold.set)
        raw = await under_way
    assert status_of(raw) == 200
    async with make_gate(tmp_path) as again:
        assert await used(again, "norge") > 0


async def test_port_that_is_taken_is_one_clear_error(tmp_path: Path) -> None:
    """A port that is not to be had is an error of configuration that names the key."""
    async with upstream() as cloud:
        settings = configuration(cloud.url, port=cloud.port)
        with pytest.raises(ConfigurationError, match=r"`gateway.port`: cannot listen on 127.0.0.1 port"):
            await serve(make_gate(tmp_path), settings, stop=asyncio.Event())


@pytest.mark.parametrize(
    ("upstreams", "says"),
    [
        pytest.param([], "at least one upstream", id="none"),
        pytest.param([{"url": "http://a/path"}], "scheme, host and port alone", id="path"),
        pytest.param([{"url": "a:80"}], "is not an address|scheme, host and port", id="no-scheme"),
        pytest.param([{"url": "http://a"}, {"url": "http://b"}], "stands twice", id="twice"),
    ],
)
async def test_upstream_that_cannot_be_is_one_clear_error(
    upstreams: list[dict[str, str]], says: str, tmp_path: Path
) -> None:
    """An upstream that could not be forwarded to exactly is an error of configuration."""
    settings = configuration_of({"gateway": {"port": 0, "upstreams": upstreams}, "api": {"port": 0}})
    with pytest.raises(ConfigurationError, match=says):
        await serve(make_gate(tmp_path), settings, stop=asyncio.Event())


async def test_websocket_is_not_forwarded(tmp_path: Path) -> None:
    """A websocket handshake on a guarded path is refused and nothing reaches the upstream."""
    async with upstream() as cloud, serving(make_gate(tmp_path), configuration(cloud.url)) as (port, _):
        raw = await exchange(
            port,
            f"GET {PATH} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode(),
        )
        assert status_of(raw) == 400
        assert cloud.received == []


async def test_large_unguarded_body_is_not_bounded_here(tmp_path: Path) -> None:
    """An unguarded upload is streamed through, however large."""
    body = os.urandom(3 * 1024 * 1024)
    head = f"PUT /files/a HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with upstream() as cloud, serving(make_gate(tmp_path), configuration(cloud.url)) as (port, _):
        assert status_of(await exchange(port, head, body)) == 200
        assert cloud.bodies == [body]


def test_signal_stops_the_command(tmp_path: Path) -> None:
    """SIGTERM ends `kyc-gate serve` with status 0, and SIGINT does so too."""
    (tmp_path / "list.jsonl").write_text('{"id": "1", "name": "Sealed Machinery Works", "list": "SDN"}\n')
    config = tmp_path / "kyc-gate.toml"
    config.write_text(
        """
        lists.files = ["list.jsonl"]
        api.port = 0
        [aws]
        [gateway]
        port = 0
        upstreams = [{url = "http://127.0.0.1:9"}]
        """
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        command = [sys.executable, "-m", "kyc_gate", "serve", "--json", "--config", str(config)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert json.loads(process.stdout.readline()).keys() == {"gateway", "api"}
            process.send_signal(number)
            assert process.wait(20) == 0
            assert b"Traceback" not in process.stderr.read()


async def test_a_signal_and_a_call_have_the_policies_read(tmp_path: Path) -> None:
    """SIGHUP and `POST /v1/policies/reload` take up what stands there now; what does not read is 409."""
    (tmp_path / "policies").mkdir()
    write_policy(tmp_path / "policies")
    file = configure(tmp_path)
    file.write_text(file.read_text().replace("watch_seconds = 0.02", "watch_seconds = 3600") + "[aws]\n")
    gate = Gate.from_config(file)
    async with upstream() as cloud, serving(gate, configuration(cloud.url)) as (_, api):
        first = gate.active.digests
        write_policy(tmp_path / "policies", HEAD + MACAU + RULE)
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(60):
            while gate.active.digests == first:  # noqa: ASYNC110 - what it waits for happens in another process
                await asyncio.sleep(0.02)
        second = gate.active.digests
        assert status_of(await exchange(api, _reload(""))) == 401
        assert gate.active.digests == second
        write_policy(tmp_path / "policies")
        assert status_of(await exchange(api, _reload("Authorization: Bearer token\r\n"))) == 200
        assert gate.active.digests == first
        write_policy(tmp_path / "policies", HEAD + RULE.replace("customer.", "customers."))
        refused = await exchange(api, _reload("Authorization: Bearer token\r\n"))
        assert status_of(refused) == 409
        assert b"unknown fact `customers.headquarters`" in refused
        assert gate.active.digests == first


def _reload(header: str) -> bytes:
    return f"POST /v1/policies/reload HTTP/1.1\r\nHost: a\r\n{header}Content-Length: 0\r\n\r\n".encode()


async def test_the_door_for_proxies_is_served_where_it_is_configured(tmp_path: Path) -> None:
    """With `[authz]` both of its ports answer, and without upstreams there is no gateway."""
    pytest.importorskip("envoy.service.auth.v3", reason="the package `xds-protos` is not installed")
    gate, stop = make_gate(tmp_path), asyncio.Event()
    settings = configuration_of({"authz": {"port": 0, "grpc_port": 0}, "api": {"port": 0}})
    ready: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(gate, settings, ready=ready.set_result, stop=stop))
    addresses = await asyncio.wait_for(ready, 10)
    assert addresses.gateway == ""
    port = int(addresses.authz.rpartition(":")[2])
    answer = await exchange(port, b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert status_of(answer) == 200
    _, writer = await asyncio.open_connection("127.0.0.1", int(addresses.authz_grpc.rpartition(":")[2]))
    writer.close()
    stop.set()
    await task
