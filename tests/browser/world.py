"""A gate as an operator starts it: before a cloud that checks signatures, with people, customers and cases."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from moto_cloud import Keys, check_signatures, client_of, gate_served, make_keys, moto

from kyc_gate.cli.demo_world import SAMPLE, write_world

PASSWORD = "a long enough password"
PEOPLE = {
    "ana": ("analyst", "policy_author"),
    "bo": ("approver", "policy_publisher", "admin"),
    "vi": ("viewer",),
}
"""Who signs in, and their roles."""

ACCOUNTS = {"fjordlys": "111111111111", "qasr": "222222222222", "yunheng": "333333333333", "kestrel": "444444444444"}
"""AWS accounts by the party that rents through them: one passes, one is held, one refused, one resembles an entry."""

LARGE = 4_000
"""Machines of eight H100s: over a month, more than a tenth of 1e26 operations."""

_CONFIGURATION = """\
[gate]
policies = ["us-in-force", "us-ai-diffusion"]
state = "kyc-gate.db"
data_centre = "US"
decision_seconds = 20

[directory]
parties = ["parties.jsonl"]
accounts = ["accounts.jsonl"]

[lists]
files = ["csl_excerpt.csv", "watched.jsonl"]

[aws]
signatures = "upstream"

[gateway]
port = 0
upstreams = [{{url = "{upstream}"}}]

[api]
port = 0

[access]
unsafe_plain_http = true

[cases]
four_eyes = "always"

[audit]
key = "audit.key"
"""

_KESTREL = {
    "id": "kestrel",
    "name": "Kestrel Optics Computing",
    "kind": "company",
    "location": "Norway",
    "headquarters": "Norway",
    "ultimate_parent": {"name": "Kestrel Group AS", "headquarters": "Norway"},
    "owners": [
        {"name": "Kestrel Group AS", "share": "0.7", "headquarters": "Norway"},
        {"name": "Fjord Pension Fund", "share": "0.3", "headquarters": "Norway"},
    ],
    "place_of_use": "Norway",
    "reseller": False,
    "military_end_use": False,
    "wmd_end_use": False,
    "verified": True,
}
_WATCHED = {"id": "7", "name": "Kestrel Optical Computing", "list": "UVL"}


class World(NamedTuple):
    """Where the gate answers, and whose keys call the cloud through it."""

    console: str
    gateway: str
    upstream: str
    keys: dict[str, Keys]
    config: Path

    def rents(self, party: str, count: int = 1) -> dict[str, Any]:
        """Ask for machines as the party would, with boto3 as it is; raises `ClientError` where it is refused."""
        found: dict[str, Any] = client_of("ec2", self.gateway, self.keys[party]).run_instances(
            ImageId="ami-03cf127a", InstanceType="p5.48xlarge", MinCount=count, MaxCount=count
        )
        return found

    def trains(self, party: str, count: int = LARGE) -> None:
        """Ask for a training job of 28 days on many machines, with boto3 as it is."""
        client_of("sagemaker", self.gateway, self.keys[party]).create_training_job(
            TrainingJobName="frontier",
            RoleArn=f"arn:aws:iam::{ACCOUNTS[party]}:role/SageMaker",
            AlgorithmSpecification={"TrainingInputMode": "File", "TrainingImage": "train:1"},
            OutputDataConfig={"S3OutputPath": "s3://bucket/out"},
            ResourceConfig={"InstanceType": "ml.p5.48xlarge", "InstanceCount": count, "VolumeSizeInGB": 100},
            StoppingCondition={"MaxRuntimeInSeconds": 28 * 86_400},
        )

    def jobs(self, party: str) -> int:
        """How many training jobs the cloud itself says that the party has."""
        cloud = client_of("sagemaker", self.upstream, self.keys[party])
        return len(cloud.list_training_jobs()["TrainingJobSummaries"])


@contextlib.contextmanager
def world(folder: Path) -> Iterator[World]:
    """Yield the world. Its case of `kestrel` resembles an entry, that of `yunheng` is urgent; `qasr` asks later."""
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(moto(folder))
        keys = {party: make_keys(upstream, account) for party, account in ACCOUNTS.items()}
        check_signatures(upstream)
        config = _files(folder, upstream)
        _command("audit", "keygen", "--name", "kyc.example.com/gate", "--output", str(folder / "audit.key"))
        addresses = stack.enter_context(gate_served(config))
        for name, roles in PEOPLE.items():
            of = [part for role in roles for part in ("--role", role)]
            _command(
                "access",
                "add",
                name,
                *of,
                "--password-stdin",
                "--config",
                str(config),
                given=f"{PASSWORD}\n{PASSWORD}\n",
            )
        made = World(addresses["api"], addresses["gateway"], upstream, keys, config)
        made.rents("fjordlys")
        for party, count in (("yunheng", 64), ("kestrel", 1)):
            with contextlib.suppress(ClientError):
                made.rents(party, count)
        yield made


def _files(folder: Path, upstream: str) -> Path:
    config = write_world(folder, port=0, upstream=upstream)
    config.write_text(_CONFIGURATION.format(upstream=upstream), encoding="utf-8")
    with (folder / SAMPLE[0]).open("a", encoding="utf-8") as parties:
        parties.write(json.dumps(_KESTREL) + "\n")
    accounts = ({"provider": "aws", "id": id, "party_id": party} for party, id in ACCOUNTS.items())
    (folder / SAMPLE[1]).write_text("".join(json.dumps(each) + "\n" for each in accounts), encoding="utf-8")
    (folder / "watched.jsonl").write_text(json.dumps(_WATCHED) + "\n", encoding="utf-8")
    return config


def _command(*arguments: str, given: str = "") -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kyc_gate", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
