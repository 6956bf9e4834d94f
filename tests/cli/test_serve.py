"""`kyc-gate serve`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError

import pytest

from kyc_gate.cli.demo_world import write_world

from .conftest import Ran


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_its_addresses_and_ends_cleanly(sign: signal.Signals, tmp_path: Path) -> None:
    """With `--json` the addresses stand on standard output once both ports answer; a signal ends it with status 0."""
    config = write_world(tmp_path, port=0, upstream="http://127.0.0.1:9")
    with subprocess.Popen(
        [sys.executable, "-m", "kyc_gate", "serve", "--config", str(config), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        with urllib.request.urlopen(f"{addresses['api']}/readyz", timeout=10) as answer:  # noqa: S310
            assert json.load(answer)["ready"] is True
        with pytest.raises(HTTPError) as caught:
            urllib.request.urlopen(f"{addresses['gateway']}/elsewhere", timeout=10)  # noqa: S310
        caught.value.close()
        assert caught.value.code == 502
        process.send_signal(sign)
        rest, log = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events[0] == "gate.opened"
    assert events[-1] == "server.stopped"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("[gateway]", "[gatway]", "did you mean `gateway`?", id="section"),
        pytest.param("port = 0", 'port = "0"', "`gateway.port`", id="type"),
        pytest.param('"us-in-force"', '"us-in-farce"', "no shipped policy `us-in-farce`", id="policy"),
        pytest.param("[gate]", "[gate", "is not TOML", id="not-toml"),
        pytest.param("csl_excerpt.csv", "csl.csv", "there is no file", id="list"),
        pytest.param("parties.jsonl", "people.jsonl", "cannot read", id="parties"),
        pytest.param('count = "count"', 'counts = "count"', "did you mean `count`?", id="route"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_line(
    old: str, new: str, said: str, tmp_path: Path, kyc_gate: Callable[..., Ran]
) -> None:
    """A mistake in the configuration ends the command at once, in one line that names it."""
    config = write_world(tmp_path, port=0, upstream="http://127.0.0.1:9")
    config.write_text(config.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    ran = kyc_gate("serve", "--config", str(config))
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    assert said in ran.err
