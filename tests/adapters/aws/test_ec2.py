"""EC2 and Auto Scaling calls, as botocore sends them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators, Certainty, ProvisioningRequest, RequestKind, Workload

from ..calls import ACCOUNT, FORM, call, ec2, scope, sent_by_botocore


def ask(ask: Callable[[Any], object], service: str = "ec2") -> ProvisioningRequest | None:
    """What the adapter reads from the call that botocore makes."""
    given = sent_by_botocore(service, ask)
    adapter = AWSAdapter()
    return adapter.read(given) if adapter.guards(given) else None


def run(**more: Any) -> ProvisioningRequest:
    """RunInstances with these parameters."""
    found = ask(lambda client: client.run_instances(**{"MinCount": 1, "MaxCount": 2, "ImageId": "ami-1", **more}))
    assert found is not None
    return found


def machine(name: str, count: int) -> tuple[Accelerators, ...]:
    return (Accelerators(instance_type=name, count=count),)


def test_machines_are_read_as_asked_for() -> None:
    """`MaxCount` is charged, tags are declarations, and what links requests is kept."""
    asked = run(
        InstanceType="p5.48xlarge",
        MaxCount=16,
        KeyName="k",
        UserData="#!/bin/sh",
        IamInstanceProfile={"Arn": "arn:aws:iam::123456789012:instance-profile/x"},
        TagSpecifications=[
            {
                "ResourceType": "instance",
                "Tags": [
                    {"Key": "kyc:workload", "Value": "pre-training"},
                    {"Key": "kyc:operations", "Value": "3.5e25"},
                    {"Key": "kyc:place-of-use", "Value": "NO"},
                    {"Key": "job", "Value": "a b+c/é"},
                ],
            }
        ],
    )
    assert (asked.provider, asked.service, asked.operation, asked.region) == ("aws", "ec2", "RunInstances", "us-east-1")
    assert asked.kind is RequestKind.CREATE
    assert asked.lines == machine("p5.48xlarge", 16)
    assert asked.certainty is Certainty.EXACT
    assert asked.caller.account == ACCOUNT
    assert asked.workload is Workload.PRE_TRAINING
    assert asked.declared_operations == 35 * 10**24
    assert asked.place_of_use == "NO"
    assert asked.duration_seconds is None
    assert {kind for kind, _ in asked.linkage} == {"image", "key", "role", "user-data"}
    assert not asked.dry_run


def test_an_approval_tag_means_nothing() -> None:
    """A tag that claims an approval changes nothing but the fingerprint."""
    plain = run(InstanceType="p5.48xlarge")
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "kyc-approved", "Value": "true"}]}]
    tagged = run(InstanceType="p5.48xlarge", TagSpecifications=tags)
    assert (plain.lines, plain.workload, plain.certainty) == (tagged.lines, tagged.workload, tagged.certainty)


@pytest.mark.parametrize(
    ("more", "unresolved"),
    [
        pytest.param(
            {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "3"}}, ("launch-template:lt-1@3",), id="template"
        ),
        pytest.param({"LaunchTemplate": {"LaunchTemplateName": "x"}}, ("launch-template:x@$Default",), id="by-name"),
        pytest.param({}, ("parameter:InstanceType",), id="no-type"),
    ],
)
def test_a_hidden_type_is_unresolved(more: dict[str, Any], unresolved: tuple[str, ...]) -> None:
    """Where the type comes from elsewhere, the call says where, and is not a call for nothing."""
    asked = run(**more)
    assert asked.unresolved == unresolved
    assert asked.certainty is Certainty.UNRESOLVED
    assert asked.lines == ()


def test_an_explicit_type_overrides_the_template() -> None:
    """The upstream takes the call's own type over the template's."""
    asked = run(InstanceType="p5.48xlarge", LaunchTemplate={"LaunchTemplateId": "lt-1"})
    assert asked.lines == machine("p5.48xlarge", 2)
    assert asked.unresolved == ()


def test_a_dry_run_says_so_and_means_the_same() -> None:
    """`DryRun` is kept apart from the meaning, so an approval fits the try and the run."""
    tried, real = run(InstanceType="p5.48xlarge", DryRun=True), run(InstanceType="p5.48xlarge", DryRun=False)
    assert (tried.dry_run, real.dry_run) == (True, False)
    assert tried.fingerprint == real.fingerprint


def test_the_same_call_again_has_the_same_fingerprint() -> None:
    """A new client token, date and signature do not matter; any parameter does."""
    one, again = run(InstanceType="p5.48xlarge"), run(InstanceType="p5.48xlarge")
    assert one.idempotency_key != again.idempotency_key
    assert one.fingerprint == again.fingerprint
    others = [
        run(InstanceType="p5.48xlarge", MaxCount=3),
        run(InstanceType="p5.4xlarge"),
        run(InstanceType="p5.48xlarge", KeyName="k"),
    ]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_the_client_token_is_the_key_of_retries() -> None:
    """The token that botocore adds by itself is the idempotency key, scoped by account and operation."""
    asked = run(InstanceType="p5.48xlarge", ClientToken="tok-1")
    assert asked.idempotency_key == f"aws/{ACCOUNT}/RunInstances/tok-1"


def test_starting_names_each_machine() -> None:
    """StartInstances has nothing but ids, each of which may be known from an earlier answer."""
    asked = ask(lambda client: client.start_instances(InstanceIds=["i-1", "i-2"]))
    assert asked is not None
    assert asked.kind is RequestKind.START
    assert asked.unresolved == ("instance:i-1", "instance:i-2")
    assert asked.lines == ()


FLEET = {"LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1", "Version": "1"}}


@pytest.mark.parametrize(
    ("call", "lines", "certainty"),
    [
        pytest.param(
            lambda c: c.modify_instance_attribute(InstanceId="i-1", InstanceType={"Value": "p5.48xlarge"}),
            machine("p5.48xlarge", 1),
            Certainty.EXACT,
            id="resize",
        ),
        pytest.param(
            lambda c: c.create_fleet(
                LaunchTemplateConfigs=[{**FLEET, "Overrides": [{"InstanceType": "p5.48xlarge"}]}],
                TargetCapacitySpecification={"TotalTargetCapacity": 512},
            ),
            machine("p5.48xlarge", 512),
            Certainty.EXACT,
            id="fleet",
        ),
        pytest.param(
            lambda c: c.create_fleet(
                LaunchTemplateConfigs=[
                    {**FLEET, "Overrides": [{"InstanceType": "p5.48xlarge"}, {"InstanceType": "g5.xlarge"}]}
                ],
                TargetCapacitySpecification={"TotalTargetCapacity": 8},
            ),
            (*machine("p5.48xlarge", 8), *machine("g5.xlarge", 8)),
            Certainty.RANGE,
            id="fleet-of-two",
        ),
        pytest.param(
            lambda c: c.create_fleet(
                LaunchTemplateConfigs=[FLEET], TargetCapacitySpecification={"TotalTargetCapacity": 8}
            ),
            (),
            Certainty.UNRESOLVED,
            id="fleet-of-template",
        ),
        pytest.param(
            lambda c: c.request_spot_instances(InstanceCount=4, LaunchSpecification={"InstanceType": "p4d.24xlarge"}),
            machine("p4d.24xlarge", 4),
            Certainty.EXACT,
            id="spot",
        ),
        pytest.param(
            lambda c: c.create_capacity_reservation(
                InstanceType="p5.48xlarge", InstancePlatform="Linux/UNIX", InstanceCount=7
            ),
            machine("p5.48xlarge", 7),
            Certainty.EXACT,
            id="reservation",
        ),
        pytest.param(
            lambda c: c.allocate_hosts(InstanceType="p4d.24xlarge", Quantity=2, AvailabilityZone="us-east-1a"),
            machine("p4d.24xlarge", 2),
            Certainty.EXACT,
            id="hosts",
        ),
        pytest.param(
            lambda c: c.purchase_capacity_block(CapacityBlockOfferingId="cb-1", InstancePlatform="Linux/UNIX"),
            (),
            Certainty.UNRESOLVED,
            id="capacity-block",
        ),
        pytest.param(
            lambda c: c.modify_capacity_reservation(CapacityReservationId="cr-1", InstanceCount=64),
            (),
            Certainty.UNRESOLVED,
            id="grow-reservation",
        ),
    ],
)
def test_other_ways_to_provision_are_seen(
    call: Callable[[Any], object], lines: tuple[Accelerators, ...], certainty: Certainty
) -> None:
    """What is evident is counted; what is not is unresolved."""
    asked = ask(call)
    assert asked is not None
    assert (asked.lines, asked.certainty) == (lines, certainty)


GROUP = {"AutoScalingGroupName": "g", "MinSize": 0}


@pytest.mark.parametrize(
    ("call", "lines", "unresolved"),
    [
        pytest.param(
            lambda c: c.create_auto_scaling_group(**GROUP, MaxSize=9, LaunchTemplate={"LaunchTemplateId": "lt-1"}),
            (),
            ("launch-template:lt-1@$Default",),
            id="template",
        ),
        pytest.param(
            lambda c: c.create_auto_scaling_group(
                **GROUP,
                MaxSize=9,
                MixedInstancesPolicy={
                    "LaunchTemplate": {
                        "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1"},
                        "Overrides": [{"InstanceType": "p5.48xlarge"}],
                    }
                },
            ),
            machine("p5.48xlarge", 9),
            (),
            id="mixed",
        ),
        pytest.param(
            lambda c: c.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=5),
            (),
            ("auto-scaling-group:g",),
            id="scale",
        ),
    ],
)
def test_groups_that_scale_are_seen(
    call: Callable[[Any], object], lines: tuple[Accelerators, ...], unresolved: tuple[str, ...]
) -> None:
    """A group is charged with its largest size, where its machines are known."""
    asked = ask(call, "autoscaling")
    assert asked is not None
    assert (asked.lines, asked.unresolved) == (lines, unresolved)


@pytest.mark.parametrize(
    ("service", "call"),
    [
        pytest.param(
            "ec2", lambda c: c.describe_instances(Filters=[{"Name": "tag:x", "Values": ["a*", "é"]}]), id="describe"
        ),
        pytest.param("ec2", lambda c: c.terminate_instances(InstanceIds=["i-1"]), id="terminate"),
        pytest.param("ec2", lambda c: c.stop_instances(InstanceIds=["i-1"]), id="stop"),
        pytest.param("ec2", lambda c: c.create_tags(Resources=["i-1"], Tags=[{"Key": "a", "Value": ""}]), id="tag"),
        pytest.param("ec2", lambda c: c.create_security_group(GroupName="a", Description="b"), id="security-group"),
        pytest.param(
            "ec2",
            lambda c: c.create_launch_template(
                LaunchTemplateName="x", LaunchTemplateData={"InstanceType": "p5.48xlarge"}
            ),
            id="template",
        ),
        pytest.param(
            "ec2", lambda c: c.modify_instance_attribute(InstanceId="i-1", EbsOptimized={"Value": True}), id="attribute"
        ),
        pytest.param(
            "autoscaling",
            lambda c: c.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=0),
            id="to-nothing",
        ),
        pytest.param("sts", lambda c: c.get_caller_identity(), id="sts"),
        pytest.param("s3", lambda c: c.put_object(Bucket="b", Key="a/b;c", Body=b"x"), id="s3"),
        pytest.param("iam", lambda c: c.list_users(), id="iam"),
    ],
)
def test_what_provisions_nothing_passes(service: str, call: Callable[[Any], object]) -> None:
    """Reading, labelling, giving back, and every other service are not guarded."""
    assert ask(call, service) is None


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=-1", "MaxCount"),
        (b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=0", "MaxCount"),
        (b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=1e3", "MaxCount"),
        (b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=%EF%BC%98", "MaxCount"),
        (b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=8_000", "MaxCount"),
        (b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=+8", "MaxCount"),
        (b"Action=RunInstances&InstanceType=P5.48XLARGE&MaxCount=1", "InstanceType"),
        (b"Action=RunInstances&InstanceType=&MaxCount=1", "InstanceType"),
        (b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=1&DryRun=maybe", "DryRun"),
        (b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=1&maxcount=9", "maxcount"),
        (b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=1&instanceType.1=x", "instanceType.1"),
        (b"Action=Run%20Instances", "Action"),
        (b"", "Action"),
    ],
)
def test_a_wrong_parameter_is_named(form: bytes, says: str) -> None:
    """The refusal is 400 and names the parameter."""
    with pytest.raises(RefusedCall) as caught:
        AWSAdapter().read(ec2(form))
    assert caught.value.status == 400
    assert says in caught.value.detail


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        (b"kyc:workload&TagSpecification.1.Tag.1.Value=inferense", "did you mean `inference`?"),
        (b"kyc:operations&TagSpecification.1.Tag.1.Value=1.5", "whole number"),
        (b"kyc:operations&TagSpecification.1.Tag.1.Value=1e99", "whole number"),
        (b"kyc:operations&TagSpecification.1.Tag.1.Value=-1e25", "whole number"),
    ],
)
def test_a_declaration_is_readable_or_refused(tags: bytes, says: str) -> None:
    """A declaration that cannot be read is refused, never guessed."""
    form = b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=1&TagSpecification.1.Tag.1.Key=" + tags.replace(
        b":", b"%3A"
    )
    with pytest.raises(RefusedCall, match=says.replace("?", r"\?")):
        AWSAdapter().read(ec2(form))


@pytest.mark.parametrize(
    ("form", "status"),
    [
        pytest.param(b"%41ction=RunInstances&InstanceType=p5.48xlarge&MaxCount=1", None, id="escaped"),
        pytest.param(b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=1", None, id="plain"),
        pytest.param(b"action=RunInstances&InstanceType=p5.48xlarge&MaxCount=1", 400, id="lower-case"),
        pytest.param(b"Action=RunInstances%00&InstanceType=p5.48xlarge", 400, id="nul"),
        pytest.param(b"a=1&" * 3000, 400, id="huge"),
    ],
)
def test_a_form_without_signature_is_judged_by_its_action(form: bytes, status: int | None) -> None:
    """Where nothing says which service a form is for, whatever may be read as a guarded `Action` is read strictly."""
    given = call("POST", b"/", form, FORM, host=b"localhost:8080")
    adapter = AWSAdapter()
    assert adapter.guards(given)
    if status is None:
        found = adapter.read(given)
        assert found is not None
        assert (found.operation, found.caller.account) == ("RunInstances", None)
        return
    with pytest.raises(RefusedCall) as caught:
        adapter.read(given)
    assert caught.value.status == status


@pytest.mark.parametrize("form", [b"name=a&message=b;c&&x", b"action=login&user=%ff", b"", b"Action=DescribeInstances"])
def test_another_form_passes(form: bytes) -> None:
    """A form of another application is not this adapter's to judge."""
    given = call("POST", b"/", form, FORM, host=b"shop.example")
    assert AWSAdapter().read(given) is None


def test_a_dry_run_that_the_api_does_not_know_is_real() -> None:
    """Auto Scaling ignores `DryRun` and launches, so such a call is charged like any other."""
    form = b"Action=SetDesiredCapacity&AutoScalingGroupName=g&DesiredCapacity=8&DryRun=true"
    asked = AWSAdapter().read(call("POST", b"/", form, FORM, scope("autoscaling")))
    assert asked is not None
    assert not asked.dry_run
    asked = AWSAdapter().read(ec2(b"Action=AllocateHosts&InstanceType=p5.48xlarge&Quantity=1&DryRun=true"))
    assert asked is not None
    assert not asked.dry_run


@pytest.mark.parametrize("value", [b"TRUE", b"True", b"1", b"true+", b"yes", b""])
def test_a_dry_run_is_spelled_one_way(value: bytes) -> None:
    """What one reader takes for true and another for false is refused."""
    with pytest.raises(RefusedCall, match="DryRun"):
        AWSAdapter().read(ec2(b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=1&DryRun=" + value))


def test_only_a_token_of_the_operation_is_a_key() -> None:
    """`CreateAutoScalingGroup` knows no client token: each call is another group."""
    form = b"Action=CreateAutoScalingGroup&AutoScalingGroupName=g&MaxSize=8&ClientToken=same"
    asked = AWSAdapter().read(call("POST", b"/", form, FORM, scope("autoscaling")))
    assert asked is not None
    assert asked.idempotency_key is None


@pytest.mark.parametrize("operation", ["DetachInstances", "EnterStandby"])
def test_machines_that_a_group_replaces_are_more_machines(operation: str) -> None:
    """What leaves a group runs on; unless the desired size shrinks, the group launches as many again."""
    form = f"Action={operation}&AutoScalingGroupName=g&InstanceIds.member.1=i-1&ShouldDecrementDesiredCapacity="
    given = [call("POST", b"/", f"{form}{value}".encode(), FORM, scope("autoscaling")) for value in ("false", "true")]
    asked = AWSAdapter().read(given[0])
    assert asked is not None
    assert asked.unresolved == ("auto-scaling-group:g",)
    assert AWSAdapter().read(given[1]) is None


def test_callers_of_old_signatures_are_told_apart() -> None:
    """With a version 2 signature only `AWSAccessKeyId` names the caller: one caller's approval fits no other."""
    form = b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=1&SignatureVersion=2&Signature=x&AWSAccessKeyId="
    host = b"ec2.us-east-1.amazonaws.com"
    asked = [AWSAdapter().read(call("POST", b"/", form + key, FORM, host=host)) for key in (b"AKIA1", b"AKIA2")]
    assert asked[0] is not None
    assert asked[1] is not None
    assert asked[0].fingerprint != asked[1].fingerprint


CONFIG = {"LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1", "Version": "3"}}


@pytest.mark.parametrize(
    ("configs", "unresolved"),
    [
        pytest.param([CONFIG], ("launch-template:lt-1@3",), id="alone"),
        pytest.param([{**CONFIG, "Overrides": [{"InstanceType": "t3.micro"}]}], (), id="overridden"),
        pytest.param(
            [{**CONFIG, "Overrides": [{"InstanceType": "t3.micro"}, {"SubnetId": "subnet-1"}]}],
            ("launch-template:lt-1@3",),
            id="overridden in part",
        ),
        pytest.param(
            [
                {**CONFIG, "Overrides": [{"InstanceType": "t3.micro"}]},
                {"LaunchTemplateSpecification": {"LaunchTemplateName": "big"}},
            ],
            ("launch-template:big@$Default",),
            id="another beside it",
        ),
    ],
)
def test_a_fleet_launches_what_its_templates_say(configs: list[Any], unresolved: tuple[str, ...]) -> None:
    """A type that one configuration names says nothing of the others, whose templates stay to be resolved."""
    asked = ask(
        lambda c: c.create_fleet(
            LaunchTemplateConfigs=configs, TargetCapacitySpecification={"TotalTargetCapacity": 50}, Type="instant"
        )
    )
    assert asked is not None
    assert (asked.unresolved, asked.repeats) == (unresolved, 50)


def test_a_template_is_asked_for_as_often_as_machines() -> None:
    """What a template says is multiplied by the number of machines."""
    asked = ask(
        lambda c: c.run_instances(
            ImageId="ami-1", MinCount=1, MaxCount=30, LaunchTemplate={"LaunchTemplateId": "lt-1", "Version": "2"}
        )
    )
    assert asked is not None
    assert (asked.unresolved, asked.repeats) == (("launch-template:lt-1@2",), 30)
