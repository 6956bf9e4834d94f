"""moto as a cloud of AWS that checks every signature, and `kyc-gate serve` as a process in front of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from relay import free_port

REGION = "us-east-1"
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


class Keys(NamedTuple):
    id: str
    secret: str


@contextlib.contextmanager
def moto(folder: Path) -> Iterator[str]:
    """A moto server that will check signatures once it is told to."""
    port = free_port()
    environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "inf"}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _await(url, process, folder / "moto.log")
            yield url
        finally:
            process.terminate()
            process.wait(60)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError):
            call(url, "GET", "/moto-api/")
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def check_signatures(upstream: str) -> None:
    assert call(upstream, "POST", "/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}) == 200


def call(url: str, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> int:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        return connection.getresponse().status
    finally:
        connection.close()


def party_line(account: str, country: str) -> str:
    return (
        json.dumps(
            {
                "id": f"party-{account}",
                "name": f"Plain Compute of {country}",
                "kind": "company",
                "location": country,
                "headquarters": country,
                "ultimate_parent": {"is_self": True},
                "owners": [],
                "place_of_use": country,
                "reseller": False,
                "military_end_use": country == "China",
                "wmd_end_use": False,
                "verified": True,
            }
        )
        + "\n"
    )


def make_keys(upstream: str, account: str) -> Keys:
    """An access key of an account of its own. moto takes the account from a header before there is a key."""
    iam = boto3.client(
        "iam", endpoint_url=upstream, region_name=REGION, aws_access_key_id="setup", aws_secret_access_key="setup"
    )

    def for_account(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = account

    iam.meta.events.register("before-sign.iam.*", for_account)
    iam.create_user(UserName="operator")
    iam.put_user_policy(UserName="operator", PolicyName="all", PolicyDocument=POLICY)
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    return Keys(key["AccessKeyId"], key["SecretAccessKey"])


def client_of(service: str, url: str, keys: Keys) -> Any:
    """An ordinary client of boto3 that sends its calls to `url`."""
    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id=keys.id, aws_secret_access_key=keys.secret
    )


@contextlib.contextmanager
def gate_served(config: Path, **environment: str) -> Iterator[dict[str, str]]:
    """`kyc-gate serve` in a process of its own; its addresses."""
    command = [sys.executable, "-m", "kyc_gate", "serve", "--json", "--config", str(config)]
    log = config.with_suffix(".log")
    with log.open("wb") as errors:
        own = {**os.environ, **environment}
        process = subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=errors)
        killer = threading.Timer(60, process.kill)
        killer.start()
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text()
            killer.cancel()
            yield json.loads(line)
        finally:
            killer.cancel()
            process.terminate()
            assert process.wait(30) == 0, log.read_text()
            assert process.stdout is not None
            process.stdout.close()
    assert "Traceback" not in log.read_text()
