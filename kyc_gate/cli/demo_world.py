"""The files of the demo: parties, accounts, a list and a configuration, written into a state folder of its own."""

from __future__ import annotations

import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from kyc_gate.cli.demo_script import SCRIPT

SAMPLE = ("parties.jsonl", "accounts.jsonl", "csl_excerpt.csv")
"""Files beside this module. The list is an excerpt of the Consolidated Screening List of 2026-07-31: organisations.
It is written anew for each demo and so is as old as the demo, or it would count as stale."""

ALLOWED_KEY, BLOCKED_KEY = "AKIABTX3GSDSQBSGK3LP", "AKIAE3HHASRZQBSGK3LP"
"""Access key ids that encode the AWS accounts of Fjordlys and Yunheng."""

CONFIGURATION = """\
[gate]
policies = ["us-in-force", "us-ai-diffusion"]
state = "kyc-gate.db"
data_centre = "US"

[directory]
parties = ["parties.jsonl"]
accounts = ["accounts.jsonl"]

[lists]
files = ["csl_excerpt.csv"]

# A call that is signed as AWS calls are is read as one; the others speak the sample cloud's own API.
[aws]
signatures = "unverified"

[generic]
account_header = "X-Account-Id"

[[generic.routes]]
operation = "CreateCluster"
path = "/v1/clusters"
other_fields = ["name"]

[generic.routes.fields]
accelerator = "accelerator"
count = "count"
duration_hours = "duration_hours"
workload = "workload"

[gateway]
port = {port}
upstreams = [{{ url = "{upstream}" }}]

[api]
port = 0

# Everything is on this machine, and nothing of it outlives the demo.
[access]
unsafe_plain_http = true

[log]
format = "json"
"""


def write_world(folder: Path, *, port: int, upstream: str) -> Path:
    """Write the demo's files into `folder` and return its configuration. `port` 0 is a free one."""
    for name in SAMPLE:
        (folder / name).write_bytes(files("kyc_gate.cli").joinpath("sample", name).read_bytes())
    config = folder / "kyc-gate.toml"
    config.write_text(CONFIGURATION.format(port=port, upstream=upstream), encoding="utf-8")
    return config


PEOPLE = (("ana", "analyst"), ("bo", "approver"))
"""Who may sign in to the demo's console."""


def hints(gateway: str, api: str, config: Path, password: str) -> list[str]:
    """Return lines that a person can copy to try the gate."""
    names = " or ".join(f"`{name}` ({role})" for name, role in PEOPLE)
    return [
        f"the gate listens on {gateway}, its own API on {api}",
        f"the console is at {api}/console: sign in as {names} with `{password}`",
        "try, in another terminal:",
        "",
        *(_curl(gateway, number) for number in ("1", "2")),
        "",
        _boto3(gateway, ALLOWED_KEY, "allowed"),
        _boto3(gateway, BLOCKED_KEY, "blocked"),
        "",
        *(f"  {_command()} {step} --config {config}" for step in ("cases list", "audit verify", "ledger show")),
        "",
        "Ctrl-C ends the demo and removes its state",
    ]


def _command() -> str:
    """Return how a person calls `kyc-gate` from this folder: by its name, by its path, or through this Python."""
    if which("kyc-gate"):
        return "kyc-gate"
    beside = Path(sys.executable).with_name("kyc-gate")
    return _near(beside) if beside.exists() else f"{_near(Path(sys.executable))} -m kyc_gate"


def _near(path: Path) -> str:
    """Return `path` as seen from the current folder, where that is shorter."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _curl(gateway: str, number: str) -> str:
    step = next(step for step in SCRIPT if step.number == number)
    body = ", ".join(f'"{name}": {_json(value)}' for name, value in step.body.items())
    headers = f"-H 'X-Account-Id: {step.account}' -H 'Content-Type: application/json'"
    return f"  curl -i {gateway}/v1/clusters {headers} -d '{{{body}}}'"


def _json(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _boto3(gateway: str, key: str, outcome: str) -> str:
    """Return a program for boto3; its instances are allowed or refused by whose access key it uses."""
    client = (
        f"boto3.client('ec2', region_name='us-east-1', endpoint_url='{gateway}', "
        f"aws_access_key_id='{key}', aws_secret_access_key='any')"
    )
    call = "run_instances(ImageId='ami-1', InstanceType='p5.48xlarge', MinCount=1, MaxCount=1)"
    python = _near(Path(sys.executable)) if find_spec("boto3") else "python"
    return f'  {python} -c "import boto3; print({client}.{call})"  # needs boto3; {outcome}'
