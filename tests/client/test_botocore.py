"""The hooks for botocore and aiobotocore: real boto3 clients in front of a real gate."""

from __future__ import annotations

import asyncio
import base64
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, HTTPHeaders
from botocore.exceptions import ClientError, EndpointConnectionError
from gates import AWS_ACCOUNTS, approve_waiting, make_gate

from kyc_gate import Gate
from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.client.asking import Asking
from kyc_gate.client.blocking import BlockingGate
from kyc_gate.client.botocore import _first_look, guard_aiobotocore, guard_botocore
from kyc_gate.model.call import Call
from kyc_gate.service.admission import Admission

from .clouds import Cloud, serving

MACHINES: dict[str, Any] = {"ImageId": "ami-12345678", "InstanceType": "p5.48xlarge", "MinCount": 2, "MaxCount": 2}
TRAINING: dict[str, Any] = {
    "TrainingJobName": "j",
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "RoleArn": "arn:aws:iam::111111111111:role/SageMaker",
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
    "ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}


def access_key(account: str) -> str:
    """An access key id of `account`, which stands in its first forty bits after the prefix."""
    return "AKIA" + base64.b32encode((int(account) << 7).to_bytes(6, "big") + b"key1").decode()


def credentials(party: str, url: str) -> dict[str, str]:
    account = AWS_ACCOUNTS.get(party, "999999999999")
    keys = {"aws_access_key_id": access_key(account), "aws_secret_access_key": "secret"}
    return {"endpoint_url": url, "region_name": "us-east-1", **keys}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with serving() as cloud:
        yield cloud


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return make_gate(tmp_path, adapters=(AWSAdapter(signatures="upstream"),))


@pytest.fixture
def blocking(gate: Gate) -> Iterator[BlockingGate]:
    with BlockingGate(gate) as blocking:
        yield blocking


def running(blocking: BlockingGate, gate: Gate) -> int:
    """How many runs without an end the ledger holds."""
    assert blocking.wait(gate.store.ready())  # a write of its own, after all that was asked for before
    return len(blocking.wait(gate.store.fetch_open_runs()))


def guarded(service: str, party: str, cloud: Cloud, blocking: BlockingGate) -> Any:
    client = boto3.client(service, **credentials(party, cloud.url))  # type: ignore[call-overload]
    guard_botocore(client, blocking)
    return client


def test_allowed_machines_start_and_are_learnt(cloud: Cloud, blocking: BlockingGate, gate: Gate) -> None:
    """An allowed call is sent and counted, and what it started can be started again without a question."""
    client = guarded("ec2", "norge", cloud, blocking)
    client.run_instances(**MACHINES)
    assert len(cloud.requests) == 1
    assert running(blocking, gate) == 1
    known = blocking.wait(gate.store.fetch_learned("aws", AWS_ACCOUNTS["norge"], "instance", "i-0123456789abcdef0"))
    assert [line.count for line in known] == [1]


@pytest.mark.parametrize(
    ("service", "call", "arguments", "code"),
    [
        pytest.param("ec2", "run_instances", MACHINES, "UnauthorizedOperation", id="form"),
        pytest.param("sagemaker", "create_training_job", TRAINING, "AccessDeniedException", id="json"),
    ],
)
def test_a_blocked_call_raises_the_services_own_error(
    service: str, call: str, arguments: dict[str, Any], code: str, cloud: Cloud, blocking: BlockingGate
) -> None:
    """The caller's `except ClientError` catches the refusal, which is not retried, and nothing is sent."""
    with pytest.raises(ClientError) as caught:
        getattr(guarded(service, "harbin", cloud, blocking), call)(**arguments)
    error = caught.value.response
    assert error["Error"]["Code"] == code
    assert error["ResponseMetadata"]["RetryAttempts"] == 0
    assert error["ResponseMetadata"]["HTTPHeaders"]["kyc-decision-id"].startswith("dec_")
    assert cloud.requests == []


def test_an_approval_lets_the_same_call_through(cloud: Cloud, blocking: BlockingGate, gate: Gate) -> None:
    """A call that waits raises the code for it; approved, the same call with another signature and token is sent."""
    client = guarded("ec2", "nobody", cloud, blocking)
    with pytest.raises(ClientError, match="PendingVerification"):
        client.run_instances(**MACHINES)
    assert cloud.requests == []
    blocking.wait(approve_waiting(gate))
    assert client.run_instances(**MACHINES)["ReservationId"] == "r-1"
    assert len(cloud.requests) == 1


def test_retries_of_one_call_count_once(cloud: Cloud, blocking: BlockingGate, gate: Gate) -> None:
    """Each attempt is decided, and one client token is one hold, kept while nobody knows what the cloud did."""
    cloud.status = 500
    client = guarded("ec2", "norge", cloud, blocking)
    with pytest.raises(ClientError):
        client.run_instances(**MACHINES)
    assert len(cloud.requests) > 1
    assert running(blocking, gate) == 1
    cloud.status = 200
    client.run_instances(**MACHINES)
    assert running(blocking, gate) == 2


def test_what_never_left_holds_nothing(
    cloud: Cloud, blocking: BlockingGate, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint that cannot be reached gives the hold back."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    cloud.url = "http://127.0.0.1:9"
    with pytest.raises(EndpointConnectionError):
        guarded("ec2", "norge", cloud, blocking).run_instances(**MACHINES)
    assert running(blocking, gate) == 0


def test_a_session_guards_every_client_made_of_it(cloud: Cloud, blocking: BlockingGate) -> None:
    """Put into the session, the hook stands in the clients that are made afterwards."""
    import botocore.session

    session = botocore.session.get_session()
    guard_botocore(session, blocking)
    client = boto3.Session(botocore_session=session).client("ec2", **credentials("harbin", cloud.url))
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        client.run_instances(**MACHINES)
    assert cloud.requests == []


def test_a_gate_that_fails_sends_nothing(
    cloud: Cloud, blocking: BlockingGate, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the gate raises, the call stays here."""

    async def failing(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(gate, "admit", failing)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ClientError):
        guarded("ec2", "norge", cloud, blocking).run_instances(**MACHINES)
    assert cloud.requests == []


def test_an_interrupted_caller_sends_nothing_and_keeps_its_hold(
    cloud: Cloud, blocking: BlockingGate, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancellation after the hold and before the first byte leaves the hold in the ledger."""
    admit = gate.admit

    async def interrupted(call: Call) -> Admission:
        await admit(call)
        raise asyncio.CancelledError

    monkeypatch.setattr(gate, "admit", interrupted)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(CancelledError):
        guarded("ec2", "norge", cloud, blocking).run_instances(**MACHINES)
    assert cloud.requests == []
    assert running(blocking, gate) == 1


def test_a_decision_that_takes_too_long_sends_nothing(
    tmp_path: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a decision in its time the call stays here, and the client has an error."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    gate = make_gate(tmp_path, adapters=(AWSAdapter(signatures="upstream"),), decision_seconds=0.05)
    gate._decided = lambda *_: asyncio.sleep(60)  # type: ignore[assignment]
    with BlockingGate(gate) as blocking, pytest.raises(ClientError):
        guarded("ec2", "norge", cloud, blocking).run_instances(**MACHINES)
    assert cloud.requests == []


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://batch.us-east-1.amazonaws.com/v1/submitjob;x", id="parameters-that-are-cut-off"),
        pytest.param("https://ec2.us-east-1.amazonaws.com\\@other.example/", id="two-hosts"),
    ],
)
def test_an_address_that_is_not_sent_as_it_reads_is_refused(url: str, blocking: BlockingGate, gate: Gate) -> None:
    """botocore drops parameters of a path, and clients differ about a backslash before the host."""
    headers = HTTPHeaders()
    headers["Content-Type"] = "application/json"
    request = AWSPreparedRequest("POST", url, headers, b"{}", False)
    admission, call = _first_look(Asking(gate), request)
    assert call is None
    assert admission is not None
    assert admission.refusal is not None
    assert admission.refusal.status == 400


def test_a_closed_gate_sends_nothing(tmp_path: Path, cloud: Cloud) -> None:
    """A client that outlives its gate raises, and does not send."""
    with BlockingGate(make_gate(tmp_path, adapters=(AWSAdapter(),))) as blocking:
        client = guarded("ec2", "norge", cloud, blocking)
    with pytest.raises(Exception, match="not open"):
        client.run_instances(**MACHINES)
    assert cloud.requests == []


async def test_an_aiobotocore_client_is_gated_too(tmp_path: Path, cloud: Cloud, gate: Gate) -> None:
    """An async client: refused, then approved, then sent, in the gate's own loop."""
    session = pytest.importorskip(
        "aiobotocore.session", reason="the extra `aiobotocore` is not installed"
    ).get_session()
    async with gate:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client_of = session.create_client("ec2", **credentials("nobody", cloud.url))
            async with client_of as client:
                guard_aiobotocore(client, gate)
                with pytest.raises(ClientError, match="PendingVerification"):
                    await client.run_instances(**MACHINES)
                assert cloud.requests == []
                await approve_waiting(gate)
                assert (await client.run_instances(**MACHINES))["ReservationId"] == "r-1"
        assert len(cloud.requests) == 1
        known = await gate.store.fetch_learned("aws", "999999999999", "instance", "i-0123456789abcdef0")
        assert [line.count for line in known] == [1]
