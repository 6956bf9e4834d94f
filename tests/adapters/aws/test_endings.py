"""Calls and events that end what runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.aws.events import endings_of
from kyc_gate.errors import InputError
from kyc_gate.model.call import Call
from kyc_gate.model.ending import Ending

from ..calls import ACCOUNT, call, ec2, sagemaker, scope, sent_by_botocore

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


@pytest.mark.parametrize(
    ("service", "ask", "references"),
    [
        pytest.param(
            "eks",
            lambda eks: eks.delete_nodegroup(clusterName="c", nodegroupName="n"),
            ("nodegroup:us-east-1/c/n",),
            id="nodegroup",
        ),
        pytest.param(
            "batch", lambda batch: batch.terminate_job(jobId="0f-1", reason="done"), ("batch-job:0f-1",), id="job"
        ),
        pytest.param(
            "batch",
            lambda batch: batch.delete_compute_environment(
                computeEnvironment="arn:aws:batch:us-east-1:123456789012:compute-environment/gpu"
            ),
            ("compute-environment:us-east-1/gpu",),
            id="compute-environment",
        ),
    ],
)
def test_a_call_of_botocore_ends_runs(service: str, ask: Callable[[Any], object], references: tuple[str, ...]) -> None:
    """What the SDK sends to end groups, jobs and fleets is read as that, and asks for nothing."""
    given = sent_by_botocore(service, ask)
    assert ADAPTER.guards(given)
    assert ADAPTER.read(given) is None
    assert ADAPTER.ending(given) == Ending(provider="aws", account=ACCOUNT, references=references)


@pytest.mark.parametrize(
    ("service", "ask"),
    [
        pytest.param(
            "ec2",
            lambda ec2: ec2.delete_fleets(FleetIds=["fleet-1"], TerminateInstances=True),
            id="answered-200-for-fleets-that-stay",
        ),
        pytest.param(
            "autoscaling",
            lambda group: group.update_auto_scaling_group(AutoScalingGroupName="g", MinSize=0, MaxSize=0),
            id="protected-instances-stay",
        ),
        pytest.param(
            "autoscaling",
            lambda group: group.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=0),
            id="desired",
        ),
        pytest.param("batch", lambda batch: batch.cancel_job(jobId="0f-1", reason="no"), id="cancelled-before-it-ran"),
        pytest.param("eks", lambda eks: eks.describe_nodegroup(clusterName="c", nodegroupName="n"), id="described"),
    ],
)
def test_what_may_go_on_ends_nothing(service: str, ask: Callable[[Any], object]) -> None:
    """Machines that stay, and groups that can grow again by themselves, go on counting."""
    assert ADAPTER.ending(sent_by_botocore(service, ask)) is None


@pytest.mark.parametrize(
    ("service", "ask", "answer", "end"),
    [
        pytest.param(
            "eks",
            lambda eks: eks.create_nodegroup(
                clusterName="c", nodegroupName="n", nodeRole="r", subnets=["s"], instanceTypes=["p5.48xlarge"]
            ),
            b"{}",
            lambda eks: eks.delete_nodegroup(clusterName="c", nodegroupName="n"),
            id="nodegroup",
        ),
        pytest.param(
            "batch",
            lambda batch: batch.submit_job(
                jobName="j",
                jobQueue="q",
                jobDefinition="d",
                containerOverrides={"resourceRequirements": [{"type": "GPU", "value": "8"}]},
            ),
            b'{"jobId":"0f-1","jobName":"j"}',
            lambda batch: batch.terminate_job(jobId="0f-1", reason="done"),
            id="job",
        ),
        pytest.param(
            "batch",
            lambda batch: batch.create_compute_environment(
                computeEnvironmentName="gpu",
                type="MANAGED",
                computeResources={
                    "type": "EC2",
                    "maxvCpus": 384,
                    "subnets": ["s"],
                    "instanceTypes": ["p5.48xlarge"],
                    "instanceRole": "r",
                },
            ),
            b"{}",
            lambda batch: batch.delete_compute_environment(computeEnvironment="gpu"),
            id="compute-environment",
        ),
    ],
)
def test_what_a_call_starts_its_end_names(
    service: str, ask: Callable[[Any], object], answer: bytes, end: Callable[[Any], object]
) -> None:
    """The names that the start, or its answer, gives to what runs are those of the call that ends it."""
    given = sent_by_botocore(service, ask)
    asked = ADAPTER.read(given)
    assert asked is not None
    learned = ADAPTER.learn(asked, given, 200, answer) if ADAPTER.learns(asked) else ()
    names = (*asked.references, *(f"{each.kind}:{each.id}" for each in learned))
    ending = ADAPTER.ending(sent_by_botocore(service, end))
    assert ending is not None
    assert names == ending.references


@pytest.mark.parametrize(
    ("ask", "answer", "name"),
    [
        pytest.param(
            lambda ec2: ec2.create_fleet(
                LaunchTemplateConfigs=[
                    {
                        "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1", "Version": "1"},
                        "Overrides": [{"InstanceType": "p5.48xlarge"}],
                    }
                ],
                TargetCapacitySpecification={"TotalTargetCapacity": 2},
            ),
            b"<CreateFleetResponse><fleetId>fleet-1</fleetId></CreateFleetResponse>",
            "fleet:fleet-1",
            id="fleet",
        ),
        pytest.param(
            lambda ec2: ec2.request_spot_fleet(
                SpotFleetRequestConfig={
                    "IamFleetRole": "r",
                    "TargetCapacity": 2,
                    "LaunchSpecifications": [{"ImageId": "ami-1", "InstanceType": "p5.48xlarge"}],
                }
            ),
            b"<RequestSpotFleetResponse><spotFleetRequestId>sfr-1</spotFleetRequestId></RequestSpotFleetResponse>",
            "spot-fleet:sfr-1",
            id="spot-fleet",
        ),
    ],
)
def test_a_fleet_is_known_by_the_id_of_its_answer(ask: Callable[[Any], object], answer: bytes, name: str) -> None:
    """A fleet whose answer names no instances is named by its own id, under which records tell of its end."""
    given = sent_by_botocore("ec2", ask)
    asked = ADAPTER.read(given)
    assert asked is not None
    assert [f"{each.kind}:{each.id}" for each in ADAPTER.learn(asked, given, 200, answer)] == [name]


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
        pytest.param(
            {
                **CLOUDTRAIL,
                "eventName": "DeleteNodegroup",
                "requestParameters": {"name": "c", "nodegroupName": "n"},
            },
            ("nodegroup:us-east-1/c/n",),
            id="nodegroup",
        ),
        pytest.param(
            {
                **CLOUDTRAIL,
                "eventName": "DeleteFleets",
                "requestParameters": {
                    "DeleteFleetsRequest": {
                        "FleetId": [{"tag": 1, "content": "fleet-1"}, {"tag": 2, "content": "fleet-2"}],
                        "TerminateInstances": True,
                    }
                },
                "responseElements": {
                    "DeleteFleetsResponse": {
                        "successfulFleetDeletionSet": {"item": {"fleetId": "fleet-1", "currentFleetState": "deleted"}},
                        "unsuccessfulFleetDeletionSet": {"item": {"fleetId": "fleet-2", "error": {"code": "no"}}},
                    }
                },
            },
            ("fleet:fleet-1",),
            id="fleets",
        ),
        pytest.param(
            {**CLOUDTRAIL, "eventName": "TerminateJob", "requestParameters": {"jobId": "0f-1", "reason": "done"}},
            ("batch-job:0f-1",),
            id="batch-job",
        ),
        pytest.param(
            {
                **CLOUDTRAIL,
                "eventName": "DeleteComputeEnvironment",
                "requestParameters": {"computeEnvironment": "gpu"},
            },
            ("compute-environment:us-east-1/gpu",),
            id="compute-environment",
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
        pytest.param(
            {
                **CLOUDTRAIL,
                "eventName": "UpdateAutoScalingGroup",
                "requestParameters": {"autoScalingGroupName": "g", "maxSize": 0},
            },
            id="protected-instances-stay",
        ),
        pytest.param(
            {
                **CLOUDTRAIL,
                "eventName": "DeleteFleets",
                "requestParameters": {
                    "DeleteFleetsRequest": {"FleetId": {"tag": 1, "content": "fleet-1"}, "TerminateInstances": False}
                },
                "responseElements": {"successfulFleetDeletionSet": {"item": {"fleetId": "fleet-1"}}},
            },
            id="instances-stay",
        ),
        pytest.param(
            {
                **CLOUDTRAIL,
                "eventName": "DeleteFleets",
                "requestParameters": {"DeleteFleetsRequest": {"FleetId": "fleet-1", "TerminateInstances": True}},
            },
            id="nobody-says-that-it-went",
        ),
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
