"""What is asked about references, and which answers are believed."""

from __future__ import annotations

from typing import Any

import pytest

from kyc_gate.adapters.aws.pins import pinned
from kyc_gate.adapters.aws.questions import answers_of, is_lasting, is_moving, questions_of
from kyc_gate.model.job import Accelerators, Inquired, ProvisioningRequest, RequestKind

P5 = "p5.48xlarge"


@pytest.mark.parametrize(
    ("reference", "lasting", "moving"),
    [
        ("launch-template:lt-0123456789abcdef0@3", True, False),
        ("launch-template:lt-0123456789abcdef0@$Latest", False, True),
        ("launch-template:lt-0123456789abcdef0@$Default", False, True),
        ("launch-template:train@3", False, True),
        ("instance:i-0123456789abcdef0", False, False),
        ("job-definition:train:7", True, False),
    ],
)
def test_what_stands_for_the_same(reference: str, *, lasting: bool, moving: bool) -> None:
    """An id and a number last; a name, and what is the newest, move; an instance changes by a guarded call."""
    assert (is_lasting(reference), is_moving(reference)) == (lasting, moving)
    assert len(questions_of([reference])) == 1


@pytest.mark.parametrize(
    "reference",
    [
        "launch-template:?@1",
        "launch-template:lt-0123456789abcdef0@",
        "launch-template:lt-0123456789abcdef0@1,2",
        "job-definition:train",
        "job-definition:arn:aws:batch:us-east-1:999999999999:job-definition/train:7",
        "instance:i-0123 or others",
        "offering:cbo-1",
        "parameter:InstanceType",
    ],
)
def test_what_cannot_be_asked(reference: str) -> None:
    """Nothing is asked about what has no form of its own, or may be another account's."""
    assert questions_of([reference]) == ()


def version(**data: Any) -> dict[str, Any]:
    told = {"LaunchTemplateId": "lt-0123456789abcdef0", "LaunchTemplateName": "train", "VersionNumber": 3}
    return {"LaunchTemplateVersions": [{**told, "LaunchTemplateData": data}]}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(version(), id="no type"),
        pytest.param(version(InstanceType=P5, InstanceRequirements={"VCpuCount": {"Min": 1}}), id="requirements"),
        pytest.param(version(InstanceType="p5 and more"), id="no type of a machine"),
        pytest.param({"LaunchTemplateVersions": []}, id="none"),
        pytest.param({"LaunchTemplateVersions": version(InstanceType=P5)["LaunchTemplateVersions"] * 2}, id="two"),
        pytest.param({}, id="nothing"),
        pytest.param({"LaunchTemplateVersions": [{}]}, id="another form"),
    ],
)
def test_an_answer_that_says_nothing_plainly(answer: dict[str, Any]) -> None:
    """Whatever is not one version with one type leaves the reference unresolved."""
    (question,) = questions_of(["launch-template:lt-0123456789abcdef0@$Latest"])
    assert answers_of(question, answer) == ()


def test_an_answer_about_another_template() -> None:
    """The template that was asked about is the one that is told of."""
    (question,) = questions_of(["launch-template:lt-00000000000000000@3"])
    assert answers_of(question, version(InstanceType=P5)) == ()


def test_a_name_is_pinned_to_what_it_stood_for() -> None:
    """The form goes on with the id and the number; all else in it stays, byte for byte."""
    (question,) = questions_of(["launch-template:train@$Latest"])
    (inquired,) = answers_of(question, version(InstanceType=P5))
    assert inquired.lines == (Accelerators(instance_type=P5, count=1),)
    asked = request(inquired)
    body = (
        b"Action=RunInstances&LaunchTemplate.LaunchTemplateName=train&MaxCount=2&LaunchTemplate.Version=%24Latest&A=%7e"
    )
    assert pinned(body, asked) == (
        b"Action=RunInstances&MaxCount=2&A=%7e"
        b"&LaunchTemplate.LaunchTemplateId=lt-0123456789abcdef0&LaunchTemplate.Version=3"
    )
    (question,) = questions_of(["launch-template:lt-0123456789abcdef0@3"])
    assert pinned(body, request(*answers_of(question, version(InstanceType=P5)))) is body
    assert pinned(body, None) is body
    for name in (b"LaunchTemplate%2EVersion", b"%4CaunchTemplate.Version", b"launchtemplate.Version"):
        assert pinned(b"Action=RunInstances&" + name + b"=%24Latest", asked) == (
            b"Action=RunInstances&LaunchTemplate.LaunchTemplateId=lt-0123456789abcdef0&LaunchTemplate.Version=3"
        )


def request(*inquired: Inquired) -> ProvisioningRequest:
    return ProvisioningRequest(
        provider="aws", service="ec2", operation="RunInstances", kind=RequestKind.CREATE, inquired=inquired
    )


def test_instances_are_asked_about_at_once() -> None:
    """One question for all of them; those that it is not told of stay unresolved."""
    names = [f"instance:i-{number:017x}" for number in range(3)]
    (question,) = questions_of(names)
    told = [{"InstanceId": name.partition(":")[2], "InstanceType": P5} for name in names[:2]]
    found = answers_of(question, {"Reservations": [{"Instances": told}]})
    assert [each.reference for each in found] == names[:2]
