"""Calls and events that end what runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.aws.events import endings_of
from kyc_gate.errors import InputError
from kyc_gate.model.call import Call
from kyc_gate.model.ending import Ending

from ..calls import ACCOUNT, call, ec2, sagemaker, scope

ADAPTER = AWSAdapter()


@pytest.mark.parametrize(
    ("given", "references"),
    [
        pytest.param(
            ec2(b"Action=TerminateInstances&InstanceId.1=i-1&InstanceId.2=i-2"),
            ("instance:i-1", "instance:i-2"),
            id="terminate",
        ),
        pytest.param(ec2(b"Action=StopInstances&InstanceId.1=i-1&Force=true"), ("instance:i-1",), id="stop"),
        pytest.param(
            call(
                "GET",
                b"/",
                None,
                scope("ec2"),
                query=b"Action=StopInstances&InstanceId.1=i-1",
                host=b"ec2.us-east-1.amazonaws.com",
            ),
            ("instance:i-1",),
            id="by-get",
        ),
        pytest.param(
            sagemaker("StopTrainingJob", b'{"TrainingJobName":"llm-7"}'), ("training-job:us-east-1/llm-7",), id="job"
        ),
        pytest.param(sagemaker("DeleteEndpoint", b'{"EndpointName":"e"}'), ("endpoint:us-east-1/e",), id="endpoint"),
    ],
)
def test_a_call_that_ends_runs_is_read_and_free(given: Call, references: tuple[str, ...]) -> None:
    """It is read to learn what it ends; it asks for nothing, so nothing is decided."""
    assert ADAPTER.guards(given)
    assert ADAPTER.read(given) is None
    assert ADAPTER.ending(given) == Ending(provider="aws", account=ACCOUNT, references=references)


def test_other_calls_end_nothing() -> None:
    """Reading, rebooting and what cannot be understood end no run."""
    assert ADAPTER.ending(ec2(b"Action=DescribeInstances&InstanceId.1=i-1")) is None
    assert ADAPTER.ending(ec2(b"Action=TerminateInstances&InstanceId.1=%2A")) is None
    assert not ADAPTER.guards(sagemaker("DescribeTrainingJob", b"{}"))


def test_what_starts_names_itself() -> None:
    """The name under which a job is started is the name under which it ends."""
    body = {
        "TrainingJobName": "llm-7",
        "ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    asked = ADAPTER.read(sagemaker("CreateTrainingJob", json.dumps(body).encode()))
    assert asked is not None
    ending = ADAPTER.ending(sagemaker("StopTrainingJob", b'{"TrainingJobName":"llm-7"}'))
    assert ending is not None
    assert asked.references == ending.references


CLOUDTRAIL = {
    "eventName": "TerminateInstances",
    "eventTime": "2026-11-24T12:00:00Z",
    "awsRegion": "us-east-1",
    "recipientAccountId": ACCOUNT,
    "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}},
}
STATE_CHANGE = {
    "detail-type": "EC2 Instance State-change Notification",
    "account": ACCOUNT,
    "time": "2026-11-24T12:00:00Z",
    "detail": {"instance-id": "i-1", "state": "terminated"},
}
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "references"),
    [
        pytest.param(CLOUDTRAIL, ("instance:i-1", "instance:i-2"), id="call"),
        pytest.param({"Records": [CLOUDTRAIL]}, ("instance:i-1", "instance:i-2"), id="file"),
        pytest.param(
            {"detail-type": "AWS API Call via CloudTrail", "detail": CLOUDTRAIL},
            ("instance:i-1", "instance:i-2"),
            id="bus",
        ),
        pytest.param(STATE_CHANGE, ("instance:i-1",), id="state"),
        pytest.param(
            {
                **CLOUDTRAIL,
                "eventName": "StopTrainingJob",
                "requestParameters": {"trainingJobName": "llm-7"},
            },
            ("training-job:us-east-1/llm-7",),
            id="job",
        ),
    ],
)
def test_an_event_ends_runs(event: dict[str, object], references: tuple[str, ...]) -> None:
    """What happened outside the gate is told by events, with the time at which it happened."""
    assert list(endings_of(event)) == [(Ending(provider="aws", account=ACCOUNT, references=references), NOON)]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({**CLOUDTRAIL, "errorCode": "Client.UnauthorizedOperation"}, id="refused"),
        pytest.param({**CLOUDTRAIL, "eventName": "RunInstances"}, id="start"),
        pytest.param({**STATE_CHANGE, "detail": {"instance-id": "i-1", "state": "running"}}, id="running"),
        pytest.param({}, id="nothing"),
    ],
)
def test_another_event_ends_nothing(event: dict[str, object]) -> None:
    """An attempt that failed, or a start, ends no run."""
    assert list(endings_of(event)) == []


@pytest.mark.parametrize(
    ("event", "says"),
    [
        pytest.param({**CLOUDTRAIL, "eventTime": "noon"}, "`eventTime` `noon` is not a time", id="time"),
        pytest.param({**CLOUDTRAIL, "recipientAccountId": None}, "`recipientAccountId` is missing", id="account"),
    ],
)
def test_a_malformed_event_is_named(event: dict[str, object], says: str) -> None:
    """The error names the field and the fix."""
    with pytest.raises(InputError, match=says):
        list(endings_of(event))
