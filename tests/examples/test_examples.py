"""Each example runs, with real servers and clients on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

HOUSE = Path(__file__).parents[2]
EXAMPLES = HOUSE / "examples"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The example configuration in a folder of its own, with its list as fresh as the copy."""
    for name in ("kyc-gate.toml", "parties.jsonl", "accounts.jsonl"):
        shutil.copyfile(EXAMPLES / name, tmp_path / name)
    (tmp_path / "lists").mkdir()
    shutil.copyfile(EXAMPLES / "lists" / "csl_excerpt.csv", tmp_path / "lists" / "csl_excerpt.csv")
    config = tmp_path / "kyc-gate.toml"
    text = config.read_text(encoding="utf-8")
    # A busy machine is not what is tested.
    config.write_text(text.replace("decision_seconds = 0.95", "decision_seconds = 10.0"), encoding="utf-8")
    return config


@contextlib.contextmanager
def serving(app: str, config: Path) -> Iterator[str]:
    """Serve an application with uvicorn in a process of its own, and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, "--http", "h11", "--port", str(port), "--log-level", "warning"]
    environment = {**os.environ, "KYC_GATE_CONFIG": str(config), "PYTHONPATH": str(HOUSE)}
    with subprocess.Popen(command, cwd=HOUSE, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _wait(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            assert process.stderr is not None
            pytest.fail(process.stderr.read())
        time.sleep(0.05)
    pytest.fail("the example does not listen")


def post(address: str, account: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Send a body as an account, and return status and answer."""
    request = urllib.request.Request(  # noqa: S310
        f"{address}/v1/clusters",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "X-Account-Id": account},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def asked(count: int) -> dict[str, Any]:
    """Return a body that asks for H100."""
    return {"accelerator": "H100", "count": count, "duration_hours": 720, "workload": "pre_training"}


@pytest.mark.parametrize("app", ["examples.starlette_app:app", "examples.fastapi_app:app"])
def test_an_application_behind_the_gate(app: str, config: Path) -> None:
    """An allowed request reaches the application as it was sent; others are held or blocked."""
    with serving(app, config) as address:
        assert post(address, "fjordlys", asked(8)) == (201, {"id": "cluster-1", "count": 8})
        status, problem = post(address, "qasr", asked(16_384))
        assert (status, problem["outcome"]) == (403, "escalate")
        assert problem["case_id"]
        status, problem = post(address, "yunheng", asked(512))
        assert (status, problem["outcome"]) == (403, "block")
        assert post(address, "nobody", asked(8))[1]["outcome"] == "escalate"


def test_what_is_not_guarded_is_untouched(config: Path) -> None:
    """The Starlette example's health check answers without the gate."""
    with serving("examples.starlette_app:app", config) as address:
        with urllib.request.urlopen(f"{address}/health", timeout=20) as answer:  # noqa: S310
            assert answer.read() == b"ok"
            assert "kyc-decision-id" not in answer.headers
        with pytest.raises(URLError):
            urllib.request.urlopen(f"{address}/nothing", timeout=20)  # noqa: S310


@pytest.mark.parametrize(
    ("account", "count", "status", "said"),
    [("fjordlys", 8, 0, "allowed: 201"), ("qasr", 16_384, 1, "held: case_"), ("yunheng", 512, 1, "blocked: dec_")],
)
def test_a_client_with_the_gate(account: str, count: int, status: int, said: str, config: Path) -> None:
    """The client's request leaves only when it is allowed; otherwise the error names case or decision."""
    with serving("tests.examples.cloud:app", config) as address:
        done = subprocess.run(
            [sys.executable, str(EXAMPLES / "aiohttp_client.py"), address, account, str(count)],
            env={**os.environ, "KYC_GATE_CONFIG": str(config), "PYTHONPATH": str(HOUSE)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout.startswith(said)) == (status, True), done.stderr
        with urllib.request.urlopen(f"{address}/v1/clusters", timeout=20) as answer:  # noqa: S310
            assert len(json.load(answer)["clusters"]) == (1 if status == 0 else 0)


def test_the_wrapping_takes_three_lines() -> None:
    """What the readme shows is what the example does: an import, a gate, and the gate around the application."""
    readme = (HOUSE / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(from kyc_gate import .*?)```", readme, re.DOTALL)
    assert block is not None
    lines = [line for line in block[1].replace('"kyc-gate.toml"', "CONFIG").splitlines() if line]
    assert len(lines) == 3
    example = (EXAMPLES / "starlette_app.py").read_text(encoding="utf-8").splitlines()
    assert [line for line in example if line in lines] == lines


def test_the_sample_files_are_those_of_the_demo() -> None:
    """Parties, accounts and list of the examples are the demo's, so that there is one made-up world."""
    sample = HOUSE / "kyc_gate" / "cli" / "sample"
    for name, other in (("parties.jsonl", ""), ("accounts.jsonl", ""), ("csl_excerpt.csv", "lists")):
        assert (EXAMPLES / other / name).read_bytes() == (sample / name).read_bytes()
