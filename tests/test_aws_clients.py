"""boto3 and the aws command line, unmodified, through `kyc-gate serve`, to a cloud that checks every signature."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError
from moto_cloud import REGION, Keys, check_signatures, client_of, gate_served, make_keys, moto, party_line
from relay import Relay

ROLE = "arn:aws:iam::111111111111:role/SageMaker"
ALLOWED, HELD, BLOCKED = "111111111111", "222222222222", "333333333333"
COUNTRIES = {ALLOWED: "Norway", HELD: "United Arab Emirates", BLOCKED: "China"}
EC2_CODES = {HELD: "PendingVerification", BLOCKED: "UnauthorizedOperation"}
"""EC2's own error codes for a request that waits, and for one that is refused."""

MANY = 4000
"""Machines of eight H100s: over a month, more than a tenth of 1e26 operations."""


class Cloud(NamedTuple):
    """The gate between two relays: what clients sent, and what the cloud saw."""

    gateway: str
    upstream: str
    front: Relay
    back: Relay
    keys: dict[str, Keys]
    config: Path

    def client(self, service: str, account: str, *, direct: bool = False) -> Any:
        """An ordinary client of `account`; `direct` goes round the gate, to look at what the cloud holds."""
        return client_of(service, self.upstream if direct else self.gateway, self.keys[account])

    def instances(self, account: str) -> int:
        reservations = self.client("ec2", account, direct=True).describe_instances()["Reservations"]
        return sum(len(reservation["Instances"]) for reservation in reservations)

    def jobs(self, account: str) -> int:
        return len(self.client("sagemaker", account, direct=True).list_training_jobs()["TrainingJobSummaries"])


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("aws")
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(moto(folder))
        keys = {account: make_keys(upstream, account) for account in COUNTRIES}
        check_signatures(upstream)
        back = stack.enter_context(Relay.to(upstream))
        config = _configuration(folder, back.url)
        front = stack.enter_context(Relay.to(stack.enter_context(gate_served(config))["gateway"]))
        yield Cloud(front.url, upstream, front, back, keys, config)


def _configuration(folder: Path, upstream: str) -> Path:
    (folder / "parties.jsonl").write_text(
        "".join(party_line(account, country) for account, country in COUNTRIES.items())
    )
    (folder / "accounts.jsonl").write_text(
        "".join(
            json.dumps({"provider": "aws", "id": account, "party_id": f"party-{account}"}) + "\n"
            for account in COUNTRIES
        )
    )
    (folder / "list.jsonl").write_text('{"id": "1", "name": "Sealed Machinery Works", "list": "SDN"}\n')
    config = folder / "kyc-gate.toml"
    config.write_text(
        f"""
        [directory]
        parties = ["parties.jsonl"]
        accounts = ["accounts.jsonl"]
        [lists]
        files = ["list.jsonl"]
        [aws]
        signatures = "upstream"
        [gateway]
        port = 0
        upstreams = [{{url = "{upstream}"}}]
        [api]
        port = 0
        """
    )
    return config


@pytest.fixture
def counted(cloud: Cloud) -> Cloud:
    """The cloud with both relays' counts at nought."""
    cloud.front.clear()
    cloud.back.clear()
    return cloud


def run_instances(cloud: Cloud, account: str, count: int = 1, **more: Any) -> Any:
    return cloud.client("ec2", account).run_instances(
        ImageId="ami-03cf127a", InstanceType="p5.48xlarge", MinCount=count, MaxCount=count, **more
    )


def create_training_job(cloud: Cloud, account: str, name: str, count: int = 1) -> Any:
    return cloud.client("sagemaker", account).create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingInputMode": "File", "TrainingImage": "train:1"},
        OutputDataConfig={"S3OutputPath": "s3://bucket/out"},
        ResourceConfig={"InstanceType": "ml.p5.48xlarge", "InstanceCount": count, "VolumeSizeInGB": 100},
        StoppingCondition={"MaxRuntimeInSeconds": 28 * 86400 if count > 1 else 86400},
    )


def test_the_cloud_checks_signatures(cloud: Cloud) -> None:
    """The cloud behind the gate refuses a call whose signature is wrong, so what it accepts came through unchanged."""
    wrong = client_of("ec2", cloud.gateway, Keys(cloud.keys[ALLOWED].id, "wrong"))
    with pytest.raises(ClientError) as caught:
        wrong.describe_instances()
    assert caught.value.response["Error"]["Code"] in ("AuthFailure", "SignatureDoesNotMatch")


def test_unguarded_calls_pass(counted: Cloud) -> None:
    """Calls that rent nothing pass unseen, with their signatures intact: query, JSON and REST protocols."""
    account = counted.client("sts", BLOCKED).get_caller_identity()["Account"]
    assert account == BLOCKED
    assert counted.client("ec2", BLOCKED).describe_instances(MaxResults=5)["Reservations"] == []
    assert counted.client("sagemaker", BLOCKED).list_training_jobs()["TrainingJobSummaries"] == []
    bucket = counted.client("s3", ALLOWED)
    bucket.create_bucket(Bucket="a-bucket")
    bucket.put_object(Bucket="a-bucket", Key="odd //key ~+%é.txt", Body=b"\x00body\r\n")
    assert bucket.get_object(Bucket="a-bucket", Key="odd //key ~+%é.txt")["Body"].read() == b"\x00body\r\n"
    assert counted.front.requests == counted.back.requests


def test_run_instances_is_allowed(counted: Cloud) -> None:
    """An ordinary request starts its machine, and carries the decision's id in its answer."""
    before = counted.instances(ALLOWED)
    response = run_instances(counted, ALLOWED)
    assert len(response["Instances"]) == 1
    assert response["ResponseMetadata"]["HTTPHeaders"]["kyc-decision-id"].startswith("dec_")
    assert counted.instances(ALLOWED) == before + 1


def test_create_training_job_is_allowed(counted: Cloud) -> None:
    """An ordinary training job starts."""
    assert create_training_job(counted, ALLOWED, "fine")["TrainingJobArn"]
    assert counted.jobs(ALLOWED) == 1


@pytest.mark.parametrize("account", [HELD, BLOCKED])
def test_refused_run_instances_is_one_typed_error(account: str, counted: Cloud) -> None:
    """A held or blocked RunInstances raises `ClientError` after exactly one request, and the cloud sees none."""
    with pytest.raises(ClientError) as caught:
        run_instances(counted, account, MANY)
    error, metadata = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    assert (error["Code"], metadata["HTTPStatusCode"]) == (EC2_CODES[account], 403)
    assert (metadata["RetryAttempts"], counted.front.requests, counted.back.requests) == (0, 1, 0)
    assert "case_" in error["Message"] or account == BLOCKED
    assert counted.instances(account) == 0


@pytest.mark.parametrize("account", [HELD, BLOCKED])
def test_refused_training_job_is_one_typed_error(account: str, counted: Cloud) -> None:
    """A held or blocked CreateTrainingJob raises `ClientError` after exactly one request, and the cloud sees none."""
    with pytest.raises(ClientError) as caught:
        create_training_job(counted, account, "big", MANY)
    error, metadata = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    assert (error["Code"], metadata["HTTPStatusCode"]) == ("AccessDeniedException", 403)
    assert (metadata["RetryAttempts"], counted.front.requests, counted.back.requests) == (0, 1, 0)
    assert counted.jobs(account) == 0


def test_dry_run_charges_nothing(counted: Cloud) -> None:
    """A dry run is decided and answered by the cloud, and starts nothing."""
    with pytest.raises(ClientError) as caught:
        run_instances(counted, ALLOWED, DryRun=True)
    assert caught.value.response["Error"]["Code"] == "DryRunOperation"


def test_instance_that_was_let_through_is_known_when_it_starts_again(counted: Cloud) -> None:
    """What RunInstances answered is learnt, so that StartInstances of the same instance is decided and not held."""
    instance = run_instances(counted, ALLOWED)["Instances"][0]["InstanceId"]
    ec2 = counted.client("ec2", ALLOWED)
    ec2.stop_instances(InstanceIds=[instance])
    assert ec2.start_instances(InstanceIds=[instance])["StartingInstances"]
    with pytest.raises(ClientError) as caught:
        ec2.start_instances(InstanceIds=["i-0123456789abcdef0"])
    assert caught.value.response["Error"]["Code"] == EC2_CODES[HELD]


def test_approved_case_passes_on_resubmission(counted: Cloud) -> None:
    """The same job, sent again after a reviewer approved its case, passes once and is held again after that."""
    with pytest.raises(ClientError) as caught:
        create_training_job(counted, HELD, "reviewed", MANY)
    message = caught.value.response["Error"]["Message"]
    case = next(word.strip(",.;") for word in message.split() if word.startswith("case_"))
    command = ["cases", "approve", case, "--reviewer", "ingrid", "--note", "licence on file"]
    approve = [sys.executable, "-m", "kyc_gate", *command, "--config", str(counted.config)]
    done = subprocess.run(approve, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert create_training_job(counted, HELD, "reviewed", MANY)["TrainingJobArn"]
    with pytest.raises(ClientError):
        create_training_job(counted, HELD, "reviewed", MANY)
    assert counted.jobs(HELD) == 1


def _aws(cloud: Cloud, account: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(cloud.config.parent),
        "AWS_ACCESS_KEY_ID": cloud.keys[account].id,
        "AWS_SECRET_ACCESS_KEY": cloud.keys[account].secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": cloud.gateway,
    }
    command = [str(Path(sys.executable).with_name("aws")), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_the_command_line_is_allowed_held_and_blocked(counted: Cloud) -> None:
    """The aws command line starts what is allowed, and fails with the service's own error for the rest."""
    asked = ["ec2", "run-instances", "--image-id", "ami-03cf127a", "--instance-type", "p5.48xlarge", "--count"]
    allowed = _aws(counted, ALLOWED, *asked, "1")
    assert allowed.returncode == 0, allowed.stderr
    assert len(json.loads(allowed.stdout)["Instances"]) == 1
    assert (counted.front.requests, counted.back.requests) == (1, 1)
    # One more than others asked for: an approval of their case may have given that very request a grant.
    held = _aws(counted, HELD, *asked, str(MANY + 1))
    blocked = _aws(counted, BLOCKED, *asked, "1")
    assert (counted.front.requests, counted.back.requests) == (3, 1)
    for refused, account in ((held, HELD), (blocked, BLOCKED)):
        assert refused.returncode != 0
        assert f"An error occurred ({EC2_CODES[account]}) when calling the RunInstances operation" in refused.stderr
    assert "case_" in held.stderr


def test_the_command_line_trains(counted: Cloud) -> None:
    """The aws command line creates an allowed training job, and gets a typed error for a blocked one."""
    asked = [
        *("sagemaker", "create-training-job", "--training-job-name", "from-the-shell", "--role-arn", f"{ROLE}-Shell"),
        *("--algorithm-specification", "TrainingInputMode=File,TrainingImage=train:1"),
        *("--output-data-config", "S3OutputPath=s3://shell/out"),
        *("--resource-config", "InstanceType=ml.p5.48xlarge,InstanceCount=1,VolumeSizeInGB=100"),
        *("--stopping-condition", "MaxRuntimeInSeconds=3600"),
    ]
    allowed = _aws(counted, ALLOWED, *asked)
    assert allowed.returncode == 0, allowed.stderr
    blocked = _aws(counted, BLOCKED, *asked)
    assert "An error occurred (AccessDeniedException) when calling the CreateTrainingJob operation" in blocked.stderr
    assert (counted.front.requests, counted.back.requests) == (2, 1)
