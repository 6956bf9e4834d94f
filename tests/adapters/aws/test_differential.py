"""What the gate reads and what moto's own parsers read never differ on a call that passes.

Calls are ones that a client sends, changed as an evader would: parameters twice, other cases and escapes, other
indices of lists, the query against the body, numbers that some readers take and others do not, other content types.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from moto.core.model import ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.responses import BaseResponse
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model

from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.aws.operations import is_harmless
from kyc_gate.adapters.values import reference
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.job import Accelerators, ProvisioningRequest

from ..calls import call, ec2, scope

P5, T3 = "p5.48xlarge", "t3.micro"
LONG = 10_000
"""Calls of each kind that the long versions try."""

ADAPTER = AWSAdapter()


class Reading:
    """What moto reads of a call: the operation, its parameters by the service's model, and the plain ones."""

    def __init__(self, given: Call, service: str, *, rest: bool = False) -> None:
        url = f"https://{(given.value(b'host') or b'').decode()}{given.raw_path.decode()}"
        url += f"?{given.query.decode('latin-1')}" if given.query else ""
        headers = {name.decode(): value.decode("latin-1") for name, value in given.headers if name != b"host"}
        request = Request.from_primitives(given.method, url, headers, given.body)
        self.plain = BaseResponse(service_name=service)
        self.plain.setup_class(request)
        model: ServiceModel = get_service_model(service)
        parameters: dict[str, Any] = {}
        if rest:
            operation, parameters = get_service_router(service).match(request)
            self.action = operation.name
        else:
            self.action = self.plain._get_action()
        protocol = determine_request_protocol(model, request.content_type)
        self.parsed = PROTOCOL_PARSERS[protocol](model.operation_model(self.action)).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": parameters,
            }
        )


def gate_reads(given: Call) -> ProvisioningRequest | RefusedCall | None:
    """What the gate reads: a request, None for what passes unseen, or the refusal."""
    try:
        return ADAPTER.read(given) if ADAPTER.guards(given) else None
    except RefusedCall as refused:
        return refused


def both(given: Call, service: str, *, rest: bool = False) -> tuple[ProvisioningRequest | None, Reading] | None:
    """Both readings of a call that passes and that moto carries out; None where either refuses."""
    mine = gate_reads(given)
    if isinstance(mine, RefusedCall):
        return None
    try:
        theirs = Reading(given, service, rest=rest)
    except Exception:  # noqa: BLE001 - whatever moto raises, it starts nothing
        return None
    return mine, theirs


def types_in(value: object) -> set[str]:
    """Every instance type in what moto parsed, wherever it stands."""
    if isinstance(value, dict):
        found = {each for name, each in value.items() if name == "InstanceType" and isinstance(each, str)}
        listed = value.get("instanceTypes")
        found |= {each for each in listed if isinstance(each, str)} if isinstance(listed, list) else set()
        return found.union(*map(types_in, value.values()))
    return set().union(*map(types_in, value)) if isinstance(value, list) else set()


def amounts(request: ProvisioningRequest) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    for line in request.lines:
        found[line.instance_type] = max(found.get(line.instance_type, 0), line.count * line.multiplier)
    return found


# The query protocol

_VALUES = st.sampled_from(
    [
        *("1", "2", "010", "+3", " 4", "5 ", "1_0", "１", "0x10", "1e2", "-1", ""),
        *(P5, T3, P5.upper(), f" {P5}", f"{P5}\0"),
        *("RunInstances", "DescribeInstances", "runinstances", "true", "True", "lt-1", "$Latest"),
    ]
)
_COUNTS = st.sampled_from(["1", "9", "010", "+3", " 4", "5 ", "1_0", "１", "0x10", "1e2", "-1", "", "1.0", "007"])
_NAMES = st.sampled_from(
    [
        "Action",
        "InstanceType",
        "MinCount",
        "MaxCount",
        "LaunchTemplate.LaunchTemplateId",
        "LaunchTemplate.Version",
        "InstanceId.1",
        "InstanceId.01",
        "InstanceId.2",
        "InstanceType.Value",
        "Attribute",
        "DryRun",
        "Version",
        "LaunchTemplateConfigs.1.Overrides.1.InstanceType",
        "LaunchTemplateConfigs.1.Overrides.2.InstanceType",
        "LaunchTemplateConfigs.2.Overrides.1.InstanceType",
        "LaunchTemplateConfigs.01.Overrides.1.InstanceType",
        "LaunchTemplateConfigs.1.Override.1.InstanceType",
        "LaunchTemplateConfig.1.Overrides.1.InstanceType",
        "TargetCapacitySpecification.TotalTargetCapacity",
        "InstanceType.1",
        "InstanceType[]",
        "InstanceType.member.1",
    ]
)
_BASES = (
    [("Action", "RunInstances"), ("ImageId", "ami-1"), ("InstanceType", T3), ("MinCount", "1"), ("MaxCount", "2")],
    [("Action", "RunInstances"), ("LaunchTemplate.LaunchTemplateId", "lt-1"), ("MinCount", "1"), ("MaxCount", "2")],
    [("Action", "StartInstances"), ("InstanceId.1", "i-1"), ("InstanceId.2", "i-2")],
    [("Action", "ModifyInstanceAttribute"), ("InstanceId", "i-1"), ("InstanceType.Value", P5)],
    [
        ("Action", "CreateFleet"),
        ("LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateId", "lt-1"),
        ("LaunchTemplateConfigs.1.Overrides.1.InstanceType", T3),
        ("LaunchTemplateConfigs.1.Overrides.2.InstanceType", P5),
        ("TargetCapacitySpecification.TotalTargetCapacity", "7"),
    ],
    [("Action", "DescribeInstances"), ("MaxResults", "5")],
)


def _mostly(usual: list[Any], odd: list[Any]) -> st.SearchStrategy[Any]:
    """One of the usual values nine times in ten, so that most calls pass and are compared."""
    return st.integers(0, 9).flatmap(lambda number: st.sampled_from(usual if number else odd))


def _plain(text: str) -> str:
    return quote(text, safe="-._~")


def _lower(text: str) -> str:
    return "".join(part.lower() if part.startswith("%") else part for part in _split(quote(text, safe="-._~")))


def _all(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _plus(text: str) -> str:
    return quote(text, safe="-._~").replace("%20", "+")


def _twice(text: str) -> str:
    return quote(quote(text, safe="-._~"), safe="")


def _raw(text: str) -> str:
    return text


def _split(text: str) -> list[str]:
    return [text[at : at + 3] if text[at] == "%" else text[at] for at in range(len(text)) if not _inside(text, at)]


def _inside(text: str, at: int) -> bool:
    return "%" in text[max(at - 2, 0) : at]


_SPELLINGS = _mostly([_plain, _plain, _all, _plus], [_lower, _twice, _raw])


@st.composite
def forms(draw: st.DrawFn) -> Call:
    """A form of EC2's, changed in up to four ways."""
    pairs, elsewhere = list(draw(st.sampled_from(_BASES))), []
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(pairs) - 1))
        name, value = pairs[at]
        how = draw(
            st.sampled_from(["add", "add", "value", "value", "drop", "twice", "case", "space", "index", "query"])
        )
        if how == "add":
            pairs.insert(at, (draw(_NAMES), draw(_VALUES)))
        elif how == "value":
            pairs[at] = (name, draw(_COUNTS if name.endswith(("Count", "Capacity")) else _VALUES))
        elif how == "query":
            elsewhere.append((name, draw(_COUNTS if name.endswith(("Count", "Capacity")) else _VALUES)))
        elif how == "twice":
            pairs.append((name, draw(_VALUES)))
        elif how == "case":
            pairs.append((draw(st.sampled_from([name.upper(), name.lower(), name.swapcase()])), draw(_VALUES)))
        elif how == "drop" and len(pairs) > 1:
            pairs.pop(at)
        elif how == "space":
            pairs[at] = (draw(st.sampled_from([f" {name}", f"{name} ", f"{name}\0", f"{name}[]", f"{name}."])), value)
        elif how == "index":
            pairs[at] = (
                name.replace(".1", draw(st.sampled_from([".01", ".2", ".0", ".-1", ".member.1", ".１"]))),
                value,
            )
    written = [f"{draw(_SPELLINGS)(name)}={draw(_SPELLINGS)(value)}" for name, value in pairs]
    cut = draw(_mostly([0, 1], [2, len(written)]))
    joint = draw(_mostly(["&"], [";", "&&"]))
    also = [f"{_plain(name)}={_plain(value)}" for name, value in elsewhere]
    query, body = "&".join(written[:cut] + also), joint.join(written[cut:])
    method = draw(_mostly(["POST"], ["GET"]))
    kind = draw(_mostly(["application/x-www-form-urlencoded; charset=utf-8"], _KINDS))
    head = [scope("ec2"), *([(b"content-type", kind.encode())] if kind else [])]
    data = None if method == "GET" else (draw(_mostly([b""], [b"\xef\xbb\xbf"])) + body.encode())
    if method == "GET":
        query = "&".join(written)
    host = b"ec2.us-east-1.amazonaws.com"
    return call(method, b"/", data, *head, query=query.encode("utf-8"), host=host)


_KINDS = [
    "application/x-www-form-urlencoded",
    "APPLICATION/X-WWW-FORM-URLENCODED",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded;charset=latin-1",
    "application/x-amz-json-1.1",
    "application/json",
    "text/plain",
    "multipart/form-data; boundary=x",
    "",
]


def check_form(given: Call) -> None:
    """Fail where the gate lets a form pass that moto reads otherwise."""
    found = both(given, "ec2")
    if found is None:
        return
    mine, theirs = found
    plain = theirs.plain
    if mine is None:
        unseen = is_harmless("ec2", theirs.action) or theirs.action == "ModifyInstanceAttribute"
        assert unseen, theirs.action
        if theirs.action == "ModifyInstanceAttribute":
            assert plain._get_param("InstanceType.Value") is None
            assert plain._get_param("InstanceType") is None
        return
    assert mine.operation == theirs.action
    if mine.dry_run:
        assert plain._get_param("DryRun") == "true"
    told = amounts(mine)
    if mine.operation == "RunInstances":
        # As moto's two readers see it: the plain one, which its EC2 uses, and the one by the service's model.
        for kind, least, most in (
            (plain._get_param("InstanceType"), plain._get_param("MinCount"), plain._get_param("MaxCount")),
            tuple(theirs.parsed.get(name) for name in ("InstanceType", "MinCount", "MaxCount")),
        ):
            number = max(int(least or 0), int(most or 0))
            if kind is None:
                assert mine.unresolved
                assert mine.repeats >= number
            else:
                assert told == {kind: number or 1}
        template = theirs.parsed.get("LaunchTemplate", {})
        if plain._get_param("InstanceType") is None and template.get("LaunchTemplateId"):
            version = template.get("Version", "$Default")
            assert reference("launch-template", f"{template['LaunchTemplateId']}@{version}") in mine.unresolved
    elif mine.operation == "StartInstances":
        ids = {reference("instance", id) for id in theirs.parsed.get("InstanceIds", ())}
        assert ids <= {*mine.unresolved}
    elif mine.operation == "CreateFleet":
        number = int(theirs.parsed.get("TargetCapacitySpecification", {}).get("TotalTargetCapacity") or 0)
        assert types_in(theirs.parsed) <= {*told} or mine.unresolved or not number
        assert all(count == number for count in told.values())
    elif mine.operation == "ModifyInstanceAttribute":
        assert types_in(theirs.parsed) <= {*told} or mine.unresolved


_SMALL = b"Action=RunInstances&ImageId=ami-1&InstanceType=t3.micro&MinCount=1&MaxCount="


@example(ec2(_SMALL + b"010"))
@example(ec2(_SMALL + b"1", query=b"MaxCount=9"))
@example(ec2(_SMALL + b"1&MaxCount=9"))
@example(ec2(_SMALL + b"1&maxCount=9&InstanceType=p5.48xlarge"))
@given(forms())
@settings(max_examples=250)
def test_forms_are_read_as_moto_reads_them(given: Call) -> None:
    """The operation, types, counts and references of a form that passes are those that moto carries out."""
    check_form(given)


@pytest.mark.long
@given(forms())
@settings(max_examples=LONG)
def test_many_forms_are_read_as_moto_reads_them(given: Call) -> None:
    """The same over many more."""
    check_form(given)


# JSON: by the target, and by the path

_NUMBERS = _mostly(
    ["1", "16", "3"], ["016", "1.0", "1e2", "1E2", "-1", '"16"', "true", "null", "NaN", "1e400", "[16]", "{}", "16.5"]
)
_TEXTS = _mostly(
    [f'"ml.{P5}"', '"ml.t3.medium"', '"\\u006dl.p5.48xlarge"'], [f'" ml.{P5}"', "null", "1", '["ml.t3.medium"]']
)


@st.composite
def documents(draw: st.DrawFn, types: str, counts: list[str], outer: str, more: str) -> bytes:
    """A document with an inner object that names types and counts, its members twice, in other cases or elsewhere."""
    members = [f'"{types}": {draw(_TEXTS)}', *(f'"{name}": {draw(_NUMBERS)}' for name in counts)]
    for _ in range(draw(_mostly([0, 0, 1], [2, 3]))):
        name = draw(st.sampled_from([types, *counts]))
        other = [name, name.lower(), name.upper(), f"{name} ", f"\\u{ord(name[0]):04x}{name[1:]}"]
        value = draw(_TEXTS if name == types else _NUMBERS)
        members.insert(draw(st.integers(0, len(members))), f'"{draw(st.sampled_from(other))}": {value}')
    inner = "{" + draw(_mostly([",", " ,\n"], [",,", ""])).join(members) + "}"
    parts = [f'"{outer}": {inner}', more]
    if draw(st.integers(0, 9)) == 0:
        parts.append(f'"{draw(st.sampled_from([outer, outer.lower(), outer.upper()]))}": {{"{types}": "ml.{P5}"}}')
    text = "{" + ", ".join(parts) + "}" + draw(_mostly(["", "\n"], ["{}", "//", "\0"]))
    return text.encode(draw(_mostly(["utf-8"], ["utf-8-sig", "utf-16"])))


_TRAINING = documents("InstanceType", ["InstanceCount", "VolumeSizeInGB"], "ResourceConfig", '"TrainingJobName": "t"')
_JSON_KINDS = _mostly(
    ["application/x-amz-json-1.1"],
    [
        "application/json",
        "application/x-amz-json-1.0",
        "APPLICATION/JSON",
        "text/plain",
        "application/x-amz-json-1.1;charset=utf-16",
    ],
)
_TARGETS = _mostly(
    ["SageMaker.CreateTrainingJob"],
    [
        "SageMaker.createTrainingJob",
        "sagemaker.CreateTrainingJob",
        "SageMaker.ListTrainingJobs",
        "CreateTrainingJob",
        "SageMaker.X.CreateTrainingJob",
        " SageMaker.CreateTrainingJob",
        "SageMaker.CreateTrainingJob.ListTrainingJobs",
    ],
)


def check_target(target: str, kind: str, body: bytes) -> None:
    """Fail where the gate lets a call with a target pass that moto reads otherwise."""
    head = ((b"x-amz-target", target.encode()), (b"content-type", kind.encode()), scope("sagemaker"))
    found = both(call("POST", b"/", body, *head, host=b"api.sagemaker.us-east-1.amazonaws.com"), "sagemaker")
    if found is None:
        return
    mine, theirs = found
    if mine is None:
        assert is_harmless("sagemaker", theirs.action)
        return
    assert mine.operation == theirs.action
    config = json.loads(body)["ResourceConfig"]
    if config["InstanceType"] is None or config["InstanceCount"] is None:
        assert mine.unresolved
        return
    assert theirs.parsed["ResourceConfig"]["InstanceType"] == config["InstanceType"]
    assert mine.lines == (Accelerators(instance_type=config["InstanceType"], count=config["InstanceCount"]),)
    assert theirs.parsed["ResourceConfig"]["InstanceCount"] == mine.lines[0].count


@given(_TARGETS, _JSON_KINDS, _TRAINING)
@settings(max_examples=250)
def test_targets_are_read_as_moto_reads_them(target: str, kind: str, body: bytes) -> None:
    """The operation, type and count of a SageMaker call that passes are those that moto carries out."""
    check_target(target, kind, body)


@pytest.mark.long
@given(_TARGETS, _JSON_KINDS, _TRAINING)
@settings(max_examples=LONG)
def test_many_targets_are_read_as_moto_reads_them(target: str, kind: str, body: bytes) -> None:
    """The same over many more."""
    check_target(target, kind, body)


_NODES = documents("nodeRole", ["desiredSize", "maxSize", "minSize"], "scalingConfig", f'"instanceTypes": ["{P5}"]')
_PATHS = _mostly(
    ["/clusters/c/node-groups"],
    [
        "/clusters/c/node-groups/",
        "/clusters//node-groups",
        "/Clusters/c/node-groups",
        "/clusters/c/node%2Dgroups",
        "/clusters/c%2Fd/node-groups",
        "/clusters/./node-groups",
        "/clusters/c/../c/node-groups",
        "/clusters",
        "/clusters/c/node-groups;x",
        "/clusters/c/node-groups/g",
        "/clusters/c/node-groups/g/update-config",
        "//clusters/c/node-groups",
        "/clusters/%63/node-groups",
    ],
)
_METHODS = _mostly(["POST"], ["GET", "PUT", "DELETE"])


def check_rest(method: str, path: str, body: bytes) -> None:
    """Fail where the gate lets a call to a path pass that moto routes or reads otherwise."""
    head = ((b"content-type", b"application/json"), scope("eks"))
    given = call(method, path.encode(), None if method == "GET" else body, *head, host=b"eks.us-east-1.amazonaws.com")
    found = both(given, "eks", rest=True)
    if found is None:
        return
    mine, theirs = found
    if mine is None:
        assert theirs.action not in ("CreateNodegroup", "UpdateNodegroupConfig")
        return
    assert mine.operation == theirs.action
    if mine.operation != "CreateNodegroup":
        return
    scaling = theirs.parsed.get("scalingConfig") or {}
    sizes = [scaling[name] for name in ("desiredSize", "maxSize", "minSize") if scaling.get(name) is not None]
    number = max(sizes, default=0)
    if not mine.unresolved:
        assert amounts(mine) == ({P5: number} if number else {})


@given(_METHODS, _PATHS, _NODES)
@settings(max_examples=200)
def test_paths_are_read_as_moto_reads_them(method: str, path: str, body: bytes) -> None:
    """The operation, types and sizes of an EKS call that passes are those that moto routes to and carries out."""
    check_rest(method, path, body)


@pytest.mark.long
@given(_METHODS, _PATHS, _NODES)
@settings(max_examples=LONG)
def test_many_paths_are_read_as_moto_reads_them(method: str, path: str, body: bytes) -> None:
    """The same over many more."""
    check_rest(method, path, body)
