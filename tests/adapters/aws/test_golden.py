"""Every operation of AWS that is read has a call, made and signed by botocore, read as stated, and an evasion of it.

A row has the parameters as a person gives them to boto3; the bytes are those that botocore would send. What the evasion
changes is changed in those bytes, or the parameters are others where AWS's own client says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from msgspec.structs import replace

from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.aws.documents import _REST, _SAGEMAKER
from kyc_gate.adapters.aws.ec2 import _READERS
from kyc_gate.adapters.aws.operations import GUARDED, REST
from kyc_gate.model.call import Call
from kyc_gate.model.job import Certainty, ProvisioningRequest

from ..calls import ACCOUNT, client_of, sent_by_botocore
from ..golden import Row, check, judged, rows

ROWS = rows(Path(__file__).parent)
UNCHECKED = (("parameter_validation", False),)


def sent(row: Row, params: dict[str, Any] | None = None) -> Call:
    """The row's call as botocore signs it. What only AWS's own checks of parameters refuse is sent, too."""
    given = row["params"] if params is None else params
    return sent_by_botocore(
        row["service"],
        lambda client: getattr(client, xform_name(row["operation"]))(**given),
        **dict(UNCHECKED),
    )


def evaded(row: Row) -> Call:
    """The call with what the row's evasion changes."""
    evasion = row["evasion"]
    params = evasion.get("params") or row["params"] | evasion.get("params_patch", {})
    call = sent(row, params)
    body = (call.body or b"").decode()
    for old, new in evasion.get("replace", ()):
        assert old in body, f"`{old}` is not in {body}"
        body = body.replace(old, new, 1)
    raw = (evasion.get("prepend", "") + body + evasion.get("append", "")).encode()
    path = call.raw_path
    if "path" in evasion:
        old, new = (each.encode() for each in evasion["path"])
        assert old in path
        path = path.replace(old, new, 1)
    fields = {
        **dict(call.headers),
        **{name.encode(): value.encode() for name, value in evasion.get("headers", {}).items()},
    }
    if "host" in evasion:
        fields[b"host"] = evasion["host"].encode()
    fields[b"content-length"] = str(len(raw)).encode()
    extra = tuple((name.lower().encode(), value.encode()) for name, value in evasion.get("extra_headers", {}).items())
    return replace(
        call,
        method=evasion.get("method", call.method),
        raw_path=path,
        query=evasion.get("query", "").encode(),
        headers=(*fields.items(), *extra),
        body=raw,
    )


@pytest.mark.parametrize("row", ROWS)
def test_a_call_is_read_as_stated(row: Row) -> None:
    """Operation, lines, time and names are those that the row states, and the account that of the access key."""
    check(judged(AWSAdapter(), sent(row)), {"operation": row["operation"], "account": ACCOUNT, **row["expected"]})


@pytest.mark.parametrize("row", ROWS)
def test_an_evasion_gets_its_answer(row: Row) -> None:
    """Another way to say it is refused, or read as what it may provision."""
    check(judged(AWSAdapter(), evaded(row)), row["evasion"]["answer"])


def test_every_operation_with_a_reader_has_a_row() -> None:
    """No operation that is read goes without a golden call."""
    stated = {(row["service"], row["operation"]) for row in json_rows()}
    read = {(service, name) for service in ("ec2", "autoscaling") for name in _READERS if name in GUARDED[service]}
    read |= {("sagemaker", name) for name in _SAGEMAKER}
    read |= {("pcs", "CreateComputeNodeGroup"), ("pcs", "UpdateComputeNodeGroup")}
    read |= {(service, name) for service, table in REST.items() for _, name, _ in table.values() if name in _REST}
    assert read <= stated, read - stated
    # A group is read by one reader, whatever the operation.
    assert {name for service, name in stated if service == "autoscaling"} >= {
        "CreateAutoScalingGroup",
        "UpdateAutoScalingGroup",
        "SetDesiredCapacity",
        "LaunchInstances",
    }


def json_rows() -> list[Row]:
    return [param.values[0] for param in ROWS]


OTHERS = sorted(
    {
        *((service, name) for service, names in GUARDED.items() for name in names),
        *((service, name) for service, table in REST.items() for _, name, _ in table.values()),
    }
    - {(row["service"], row["operation"]) for row in json_rows()}
)


@pytest.mark.parametrize(("service", "operation"), OTHERS)
def test_what_is_guarded_and_not_read_waits(service: str, operation: str) -> None:
    """Every other guarded operation, sent by boto3, is unresolved, so that a person looks at it."""
    shape = client_of(service, UNCHECKED).meta.service_model.operation_model(operation).input_shape
    named = {name: "x" for name, member in shape.members.items() if member.serialization.get("location") == "uri"}
    call = sent({"service": service, "operation": operation, "params": named})
    answer = judged(AWSAdapter(), call)
    assert isinstance(answer, ProvisioningRequest), answer
    assert (answer.operation, answer.certainty) == (operation, Certainty.UNRESOLVED)


@pytest.mark.parametrize(
    "machines",
    [
        {"LaunchTemplate": {"LaunchTemplateId": "lt-0abc", "Version": "3"}},
        {"LaunchConfigurationName": "c"},
        {"InstanceId": "i-0aaa"},
    ],
)
def test_a_small_override_does_not_stand_for_the_group(machines: dict[str, Any]) -> None:
    """What a group launches beside its mixed policy, or by an override without a type, is not what another names."""
    typed, untyped = {"InstanceType": "t3.micro"}, {"LaunchTemplateSpecification": {"LaunchTemplateName": "large"}}
    for overrides, beside in (([typed], machines), ([typed, untyped], {})):
        template = {"LaunchTemplateSpecification": {"LaunchTemplateName": "large"}, "Overrides": overrides}
        policy = {"MixedInstancesPolicy": {"LaunchTemplate": template}}
        params = {"AutoScalingGroupName": "g", "MinSize": 0, "MaxSize": 500, **policy, **beside}
        answer = judged(
            AWSAdapter(), sent({"service": "autoscaling", "operation": "CreateAutoScalingGroup", "params": params})
        )
        assert isinstance(answer, ProvisioningRequest)
        assert answer.certainty is Certainty.UNRESOLVED
