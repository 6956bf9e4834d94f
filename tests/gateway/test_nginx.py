"""A real nginx in front of the gateway, which hands every byte on as it came."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from gates import PATH, job, make_gate
from relay import free_port
from wire import Upstream, served, upstream

from kyc_gate import KYCGateMiddleware
from kyc_gate.gateway.app import Gateway
from kyc_gate.service.config import Upstream as Target

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 1m;
    location / {{
      proxy_pass http://127.0.0.1:{gate};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
    }}
  }}
}}
"""


class Front(NamedTuple):
    url: str
    cloud: Upstream


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    gate = make_gate(tmp_path)
    async with upstream() as cloud:
        gateway = Gateway([Target(url=cloud.url)])
        async with served(KYCGateMiddleware(gateway, gate)) as port:
            with _nginx(tmp_path, port) as url:
                yield Front(url, cloud)


@contextlib.contextmanager
def _nginx(folder: Path, gate: int) -> Iterator[str]:
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, port=port, gate=gate))
    process = subprocess.Popen([NGINX or "nginx", "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")])
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert process.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


async def test_calls_come_through_nginx_as_they_were_sent(front: Front) -> None:
    """An allowed call reaches the cloud with its host, path, query and body; a blocked one gets the gate's answer."""
    headers = {"X-Account": "acct-norge", "Content-Type": "application/json", "Host": "api.example"}
    async with httpx.AsyncClient() as client:
        assert (await client.post(front.url + PATH, headers=headers, content=job())).status_code == 200
        assert (await client.get(front.url + "/a%2Fb//c?x=%20&x=+", headers=headers)).status_code == 200
        blocked = await client.post(front.url + PATH, headers={**headers, "X-Account": "acct-harbin"}, content=job())
    assert (blocked.status_code, blocked.json()["outcome"]) == (403, "block")
    assert blocked.headers["kyc-decision-id"].startswith("dec_")
    first, second = front.cloud.heads
    assert first[0] == f"POST {PATH} HTTP/1.1"
    assert "host: api.example" in [line.lower() for line in first]
    assert front.cloud.bodies[0] == job()
    assert second[0] == "GET /a%2Fb//c?x=%20&x=+ HTTP/1.1"


async def test_a_stream_through_nginx_is_decided_whole(front: Front) -> None:
    """A chunked body arrives with a length, and is decided as it is."""

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(job()), 9):
            yield job()[at : at + 9]

    headers = {"X-Account": "acct-norge", "Content-Type": "application/json"}
    async with httpx.AsyncClient() as client:
        assert (await client.post(front.url + PATH, headers=headers, content=pieces())).status_code == 200
    assert front.cloud.bodies == [job()]
