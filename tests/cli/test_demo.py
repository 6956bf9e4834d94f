"""`kyc-gate demo`: the whole path, over real HTTP."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from kyc_gate.cli.demo_script import SCRIPT
from kyc_gate.cli.demo_world import ALLOWED_KEY, BLOCKED_KEY

from .conftest import Ran


def test_the_script_comes_out_as_expected(kyc_gate: Callable[..., Ran]) -> None:
    """`demo --once` sends every request, each with the outcome, rule and citation that it is there to show."""
    started = time.monotonic()
    ran = kyc_gate("demo", "--once", "--json")
    assert ran.status == 0, ran.err
    assert time.monotonic() - started < 10
    rows = {row["step"]: row for row in ran.rows}
    assert list(rows) == [step.number for step in SCRIPT]
    assert [row["outcome"] for row in rows.values()] == [
        "allow",
        "escalate",
        "block",
        "allow",
        "allow",
        "escalate",
        "allow",
    ]
    assert all(row["as_expected"] for row in rows.values())
    assert rows["2"]["status"] == 403
    assert "red-flag-28" in [finding["rule"] for finding in rows["2"]["findings"]]
    assert "d5-military-training" in [finding["rule"] for finding in rows["3"]["findings"]]
    assert "red-flag-28" in [finding["rule"] for finding in rows["4c"]["findings"]]
    assert rows["4c"]["case_id"] != rows["2"]["case_id"]
    assert all(finding["cites"] for row in rows.values() for finding in row["findings"])


def test_a_line_tells_outcome_rule_citation_and_id(kyc_gate: Callable[..., Ran]) -> None:
    """Without `--json` each request is one line, and nothing is said on standard error."""
    ran = kyc_gate("demo", "--once")
    lines = ran.out.splitlines()
    assert len(lines) == len(SCRIPT) + 1
    assert "escalate" in lines[1]
    assert "red-flag-28 [US-AIDR-03" in lines[1]
    assert "case_" in lines[1]
    assert ran.err == ""


def test_the_readme_tells_what_is_printed(kyc_gate: Callable[..., Ran]) -> None:
    """The block in the README is the demo's own output, ids cut short."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    told = readme.partition("```text\n")[2].partition("```")[0]
    assert told.splitlines() == [_CUT.sub(r"\1...", line) for line in told.splitlines()]
    shown, printed = (_CUT.sub("id", text).splitlines() for text in (told, kyc_gate("demo", "--once").out))
    assert shown == printed


_CUT = re.compile(r"\b((?:dec|case)_[0-9a-f]{4})(?:\.\.\.|[0-9a-f]+)")


def test_a_taken_port_is_a_clear_error(demo: Demo, kyc_gate: Callable[..., Ran]) -> None:
    """A port that somebody listens on is named in one line."""
    ran = kyc_gate("demo", "--once", "--port", demo.gateway.rpartition(":")[2])
    assert ran.status == 1
    assert ran.err.count("\n") == 1
    assert "cannot listen" in ran.err


class Demo:
    """A demo that keeps serving, and what it printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.lines: list[str] = []
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                break
        (told,) = [line for line in self.lines if line.startswith("the gate listens on ")]
        self.gateway, self.api = [word.rstrip(",;") for word in told.split() if word.startswith("http://")]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """A demo that keeps serving; it ends quietly at SIGINT and takes its state with it."""
    with subprocess.Popen(
        [sys.executable, "-m", "kyc_gate", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield Demo(process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, "")


def test_the_printed_curl_lines_work(demo: Demo) -> None:
    """Each curl line, as printed, is answered by the gate: one passes, one waits for a person."""
    lines = [line.strip() for line in demo.lines if line.strip().startswith("curl ")]
    answers = [subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout for line in lines]  # noqa: S602
    assert [answer.split()[1] for answer in answers] == ["201", "403"]


def test_a_changed_request_waits_for_a_person(demo: Demo) -> None:
    """A request that nobody approved is answered with a problem document that names its case."""
    body = {"accelerator": "H100", "count": 20_000, "duration_hours": 720, "workload": "pre_training"}
    request = urllib.request.Request(  # noqa: S310
        f"{demo.gateway}/v1/clusters",
        json.dumps(body).encode(),
        {"X-Account-Id": "qasr", "Content-Type": "application/json"},
    )
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310
    with caught.value as answer:
        problem = json.load(answer)
    assert (answer.code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert problem["outcome"] == "escalate"
    assert problem["case_id"].startswith("case_")


def test_the_printed_people_sign_in_to_the_console(demo: Demo) -> None:
    """The console is where the demo says, and its people sign in with the password that is printed."""
    (told,) = [line for line in demo.lines if line.startswith("the console is at ")]
    password = told.split("`")[-2]
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(f"{demo.api}/console", timeout=10) as page:
        fields = dict(re.findall(r'name="(csrf|next)" value="([^"]*)"', page.read().decode()))
    form = urllib.parse.urlencode({**fields, "name": "ana", "password": password}).encode()
    with opener.open(f"{demo.api}/sign-in", form, timeout=10) as page:
        text = page.read().decode()
    assert page.url == f"{demo.api}/console/cases"
    assert "Signed in as <b>ana</b>" in text


def test_the_printed_boto3_lines_work(demo: Demo) -> None:
    """The programs for boto3, as printed, run: the first starts an instance, the second is refused."""
    programs = [line for line in demo.lines if "import boto3" in line]
    allowed, blocked = (
        subprocess.run(program, shell=True, capture_output=True, text=True, check=False, timeout=60)  # noqa: S602
        for program in programs
    )
    assert allowed.returncode == 0, allowed.stderr
    assert "'InstanceId': 'i-" in allowed.stdout
    assert blocked.returncode == 1
    assert "UnauthorizedOperation" in blocked.stderr


@pytest.mark.parametrize(("key", "passes"), [(ALLOWED_KEY, True), (BLOCKED_KEY, False)])
def test_boto3_needs_no_change(key: str, passes: bool, demo: Demo) -> None:
    """boto3 starts instances through the gate, or raises its own typed error after one request."""
    client = boto3.client(
        "ec2",
        region_name="us-east-1",
        endpoint_url=demo.gateway,
        aws_access_key_id=key,
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 3}),
    )
    ask = {"ImageId": "ami-1", "InstanceType": "p5.48xlarge", "MinCount": 1, "MaxCount": 2}
    if passes:
        assert len(client.run_instances(**ask)["Instances"]) == 2
        assert len(client.describe_instances()["Reservations"][0]["Instances"]) >= 2
        return
    with pytest.raises(ClientError) as caught:
        client.run_instances(**ask)
    assert caught.value.response["Error"]["Code"] == "UnauthorizedOperation"
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_the_printed_commands_work(demo: Demo, kyc_gate: Callable[..., Ran]) -> None:
    """The printed `kyc-gate` lines answer about the running gate: its cases, its chain, its ledger."""
    for line in demo.lines:
        command, found, config = line.strip().partition(" --config ")
        if found:
            ran = kyc_gate(*command.split()[-2:], "--config", config, "--json")
            assert (ran.status, ran.err) == (0, "")
            assert ran.rows
