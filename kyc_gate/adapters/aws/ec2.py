"""EC2 and Auto Scaling: form parameters to a reading."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence

from kyc_gate.adapters.aws.operations import EC2, NEVER_DRY, TOKENS, kind_of
from kyc_gate.adapters.reading import Reading, instance_type
from kyc_gate.adapters.values import digits, reference, token
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators, RequestKind

Parameters = Mapping[str, str]

_WELL_NAMED = re.compile(r"[A-Z][A-Za-z0-9_]*(?:\.(?:[A-Za-z0-9_]+))*")
_SIGNING = re.compile(r"(?i:X-Amz-[A-Za-z0-9-]+)")
_TAG = re.compile(r"(TagSpecifications?\.[0-9]+\.)Tags?\.[0-9]+\.Key|(Tags?\.(?:member\.)?[0-9]+\.)Key")
_TYPE_FIELD = re.compile(r"(?:^|\.)InstanceType(?:\.Value)?$")
_MEMBER_TYPE = re.compile(r"(?:^|\.)InstanceTypes?\.(?:member\.)?[0-9]+$")

_CONFIGURATION = re.compile(r"(?:[A-Za-z]+\.)?LaunchTemplateConfigs?\.(?:member\.)?[0-9]+\.")
_OVERRIDE = re.compile(r"Overrides?\.([0-9]+)\.")
_TYPED_OVERRIDE = re.compile(r"Overrides?\.[0-9]+\.InstanceType")
# Parameters that carry no meaning: when and how it is signed, and the token that makes a retry a retry. Who signs, in
# version 2 (`AWSAccessKeyId`), stays: it is all that tells one caller from another there.
_FLEETING = re.compile(r"(?i)X-Amz-.*|ClientToken|DryRun|Signature(Version|Method)?|Timestamp|Expires|SecurityToken")

_TARGET = "CapacityReservationSpecification.CapacityReservationTarget"
_LINKS = {
    "ImageId": "image",
    "KeyName": "key",
    "IamInstanceProfile.Arn": "role",
    "IamInstanceProfile.Name": "role",
    "SubnetId": "subnet",
    "Placement.GroupName": "placement-group",
    "LaunchTemplate.LaunchTemplateId": "launch-template",
    "LaunchTemplate.LaunchTemplateName": "launch-template",
    "InstanceMarketOptions.MarketType": "market",
    f"{_TARGET}.CapacityReservationId": "capacity-reservation",
    f"{_TARGET}.CapacityReservationResourceGroupArn": "capacity-reservation",
    "CapacityBlockOfferingId": "offering",
    "AutoScalingGroupName": "auto-scaling-group",
}


def check_names(parameters: Parameters) -> None:
    """Refuse (400) a parameter that only a reader who ignores case or punctuation would take for a known one."""
    for name in parameters:
        if not _WELL_NAMED.fullmatch(name) and not _SIGNING.fullmatch(name):
            raise RefusedCall(
                400, "parameter-name", f"parameter {shown(name)} is not spelled as the API spells its parameters"
            )


def meaning(parameters: Parameters) -> dict[str, str]:
    """Return the parameters that say what is asked for, without signatures, dates and tokens."""
    return {name: value for name, value in parameters.items() if not _FLEETING.fullmatch(name)}


def read_ec2(operation: str, parameters: Parameters) -> Reading | None:
    """Return what an EC2 operation asks for, or None when these parameters provision nothing."""
    reader = _READERS.get(operation, _read_any)
    reading = reader("ec2", operation, parameters)
    return None if reading is None else _with_common("ec2", operation, reading, parameters)


def read_autoscaling(operation: str, parameters: Parameters) -> Reading | None:
    """Return what an Auto Scaling operation asks for."""
    reading = _read_group("autoscaling", operation, parameters)
    return None if reading is None else _with_common("autoscaling", operation, reading, parameters)


def _with_common(service: str, operation: str, reading: Reading, parameters: Parameters) -> Reading:
    token_field = TOKENS[service].get(operation)
    return Reading(
        kind=reading.kind,
        lines=reading.lines,
        unresolved=tuple(dict.fromkeys(reading.unresolved)),
        ranged=reading.ranged,
        tags=_tags(parameters),
        linkage=_linkage(parameters),
        token=token(parameters.get(token_field), token_field) if token_field else None,
        dry_run=_dry_run(service, operation, parameters),
        repeats=reading.repeats,
    )


def _dry_run(service: str, operation: str, parameters: Parameters) -> bool:
    """Return whether the upstream is sure to start nothing. Elsewhere `DryRun` may be ignored, and the call is real."""
    asked = _boolean(parameters, "DryRun")
    return asked and service == "ec2" and operation in EC2 and operation not in NEVER_DRY


def _boolean(parameters: Parameters, name: str) -> bool:
    value = parameters.get(name, "false")
    if value not in ("true", "false"):  # as every SDK writes them: who knows how others are read upstream
        raise RefusedCall(400, "boolean", f"{name} {shown(value)} is neither `true` nor `false`")
    return value == "true"


def _tags(parameters: Parameters) -> tuple[tuple[str, str], ...]:
    found = []
    for name, value in parameters.items():
        if _TAG.fullmatch(name):
            found.append((value, parameters.get(name.removesuffix("Key") + "Value", "")))
    return tuple(sorted(found))


def _linkage(parameters: Parameters) -> tuple[tuple[str, str], ...]:
    links = {(kind, parameters[name]) for name, kind in _LINKS.items() if parameters.get(name)}
    if parameters.get("UserData"):
        links.add(("user-data", hashlib.sha256(parameters["UserData"].encode()).hexdigest()))
    links.update(("job-name", value) for name, value in _tags(parameters) if name == "Name" and value)
    return tuple(sorted(links))


def _line(parameters: Parameters, number: int, field: str = "InstanceType") -> Accelerators:
    return Accelerators(instance_type=instance_type(parameters[field], field), count=number)


def _read_run(service: str, operation: str, parameters: Parameters) -> Reading:
    """`MaxCount` is charged: the upstream may launch as many. An explicit type overrides the launch template's."""
    counts = [digits(parameters[name], name) for name in ("MinCount", "MaxCount") if name in parameters]
    unresolved = [] if counts else [reference("parameter", "MaxCount")]
    number = max(counts, default=1)
    if "InstanceType" in parameters:
        return Reading(
            kind=kind_of(service, operation), lines=(_line(parameters, number),), unresolved=tuple(unresolved)
        )
    unresolved.append(_hidden_type(parameters))
    return Reading(kind=kind_of(service, operation), unresolved=tuple(unresolved), repeats=number)


def _hidden_type(parameters: Parameters) -> str:
    """Return where the instance type comes from when the call does not say."""
    if (template := _template(parameters, "LaunchTemplate.")) is not None:
        return template
    if any("InstanceRequirements." in name for name in parameters):
        return reference("instance-requirements", "any")
    return reference("parameter", "InstanceType")


def _template(parameters: Parameters, home: str) -> str | None:
    """Return the template and its version that stand below `home`. One that is named twice is refused upstream."""
    named = parameters.get(f"{home}LaunchTemplateId") or parameters.get(f"{home}LaunchTemplateName")
    return reference("launch-template", f"{named}@{parameters.get(f'{home}Version', '$Default')}") if named else None


def _read_start(service: str, operation: str, parameters: Parameters) -> Reading:
    ids = [value for name, value in parameters.items() if re.fullmatch(r"InstanceIds?\.[0-9]+", name)]
    if not ids:
        raise RefusedCall(400, "parameter", "StartInstances names no instance; send `InstanceId.1`")
    return Reading(kind=kind_of(service, operation), unresolved=tuple(reference("instance", id) for id in ids))


def _read_attribute(service: str, operation: str, parameters: Parameters) -> Reading | None:
    """A change of the type is a resize of one machine; a change of another attribute provisions nothing."""
    field = next((name for name in ("InstanceType.Value", "InstanceType") if name in parameters), None)
    if field is None and parameters.get("Attribute") == "instanceType":
        field = "Value" if "Value" in parameters else None
        if field is None:
            return Reading(kind=kind_of(service, operation), unresolved=(reference("parameter", "InstanceType.Value"),))
    if field is None:
        return None
    return Reading(kind=kind_of(service, operation), lines=(_line(parameters, 1, field),))


def _read_fleet(service: str, operation: str, parameters: Parameters) -> Reading:
    """Every type that the fleet may choose is charged for the whole target: which one it chooses is not known here."""
    targets = (
        "TargetCapacitySpecification.TotalTargetCapacity",
        "SpotFleetRequestConfig.TargetCapacity",
        "TargetCapacity",
    )
    field = next((name for name in targets if name in parameters), None)
    number = digits(parameters[field], field, least=0) if field else None
    types = _types(parameters)
    # A configuration whose overrides do not name each a type launches what its template says.
    unresolved = _fleet_templates(parameters)
    if not types and not unresolved:
        unresolved.append(_fleet_reference(parameters))
    if number is None:
        unresolved.append(reference("parameter", "TotalTargetCapacity"))
    if any(name.endswith(("TargetCapacityUnitType", "WeightedCapacity", "WeightedCapacity.1")) for name in parameters):
        unresolved.append(reference("parameter", "WeightedCapacity"))
    if any("InstanceRequirements." in name for name in parameters):
        unresolved.append(reference("instance-requirements", "any"))
    return _any_of(types, number, unresolved, kind_of(service, operation))


def _fleet_templates(parameters: Parameters) -> list[str]:
    found = {}
    for name in parameters:
        if config := _CONFIGURATION.match(name):
            home = config[0]
            below = [each.removeprefix(home) for each in parameters if each.startswith(home)]
            overrides = {each[1] for each in map(_OVERRIDE.match, below) if each}
            typed = {each.split(".")[1] for each in below if _TYPED_OVERRIDE.fullmatch(each)}
            if not overrides or overrides - typed:
                found[_template(parameters, f"{home}LaunchTemplateSpecification.") or reference("parameter", home)] = 0
    return list(found)


def _fleet_reference(parameters: Parameters) -> str:
    fleet = parameters.get("FleetId") or parameters.get("SpotFleetRequestId")
    return reference("fleet", fleet) if fleet else reference("parameter", "InstanceType")


def _types(parameters: Parameters) -> list[str]:
    """Return every instance type that the parameters name, in order, each once."""
    found = [
        instance_type(value, name)
        for name, value in parameters.items()
        if _TYPE_FIELD.search(name) or _MEMBER_TYPE.search(name)
    ]
    return list(dict.fromkeys(found))


def _counted(type_field: str, *count_fields: str) -> Callable[[str, str, Parameters], Reading]:
    """Return a reader for an operation with one type field and one count field; a missing count is one."""

    def read(service: str, operation: str, parameters: Parameters) -> Reading:
        number = max((digits(parameters[name], name) for name in count_fields if name in parameters), default=1)
        if type_field in parameters:
            return Reading(kind=kind_of(service, operation), lines=(_line(parameters, number, type_field),))
        return Reading(kind=kind_of(service, operation), unresolved=(reference("operation", operation),))

    return read


def _offering(kind: str, field: str) -> Callable[[str, str, Parameters], Reading]:
    """Return a reader for an operation that names only an offering or a reservation."""

    def read(service: str, operation: str, parameters: Parameters) -> Reading:
        id = parameters.get(field) or parameters.get(f"{field}.1") or "?"
        return Reading(kind=kind_of(service, operation), unresolved=(reference(kind, id),))

    return read


def _read_any(service: str, operation: str, parameters: Parameters) -> Reading:
    """What is evident is counted, and the operation as a whole stays unresolved."""
    lines = tuple(Accelerators(instance_type=name, count=1) for name in _types(parameters))
    return Reading(kind=kind_of(service, operation), lines=lines, unresolved=(reference("operation", operation),))


def _any_of(types: Sequence[str], number: int | None, unresolved: Sequence[str], kind: RequestKind) -> Reading:
    """Return that any of the types may be launched for the whole number; None is a number that is not known."""
    return Reading(
        kind=kind,
        lines=tuple([Accelerators(instance_type=name, count=number) for name in types]) if number else (),
        unresolved=tuple(unresolved),
        ranged=len(types) > 1,
        repeats=number or 1,
    )


def _read_departure(service: str, operation: str, parameters: Parameters) -> Reading | None:
    """Machines that leave a group run on, and the group launches as many again unless its desired size shrinks."""
    if _boolean(parameters, "ShouldDecrementDesiredCapacity"):
        return None
    return Reading(kind=kind_of(service, operation), unresolved=(_group_reference(operation, parameters),))


def _read_group(service: str, operation: str, parameters: Parameters) -> Reading | None:
    if operation in ("DetachInstances", "EnterStandby"):
        return _read_departure(service, operation, parameters)
    sizes = [
        digits(value, name, least=0)
        for name, value in parameters.items()
        if name in ("MaxSize", "DesiredCapacity", "RequestedCapacity", "MaxGroupPreparedCapacity") and value
    ]
    number = max(sizes, default=None)
    if number == 0 and operation == "SetDesiredCapacity":
        return None
    types = _types(parameters)
    # A type among the overrides says nothing of what stands beside them, or of an override without one.
    hidden = any(parameters.get(name) for name in _GROUP_MACHINES) or _has_untyped_override(parameters)
    unresolved = [] if number and types and not hidden else [_group_reference(operation, parameters)]
    if number is None:
        unresolved.append(reference("parameter", "MaxSize"))
    if any("InstanceRequirements." in name or name.endswith("WeightedCapacity") for name in parameters):
        unresolved.append(reference("instance-requirements", "any"))
    return _any_of(types, number, unresolved, kind_of(service, operation))


_GROUP_MACHINES = (
    "LaunchTemplate.LaunchTemplateId",
    "LaunchTemplate.LaunchTemplateName",
    "LaunchConfigurationName",
    "InstanceId",
)
"""Where a group's machines stand outside its mixed policy (botocore service model)."""


def _has_untyped_override(parameters: Parameters) -> bool:
    """Return whether an override of a mixed policy leaves the type to its template."""
    below = [name.removeprefix(_MIXED) for name in parameters if name.startswith(_MIXED)]
    overrides = {each.split(".")[1] for each in below}
    return bool(overrides - {each.split(".")[1] for each in below if each.endswith(".InstanceType")})


_MIXED = "MixedInstancesPolicy.LaunchTemplate.Overrides."


def _group_reference(operation: str, parameters: Parameters) -> str:
    if (template := _template(parameters, "LaunchTemplate.")) is not None:
        return template
    for field, kind in (
        ("LaunchConfigurationName", "launch-configuration"),
        ("InstanceId", "instance-template"),
        ("AutoScalingGroupName", "auto-scaling-group"),
    ):
        if parameters.get(field):
            return reference(kind, parameters[field])
    return reference("operation", operation)


_READERS: dict[str, Callable[[str, str, Parameters], Reading | None]] = {
    "RunInstances": _read_run,
    "StartInstances": _read_start,
    "ModifyInstanceAttribute": _read_attribute,
    "CreateFleet": _read_fleet,
    "ModifyFleet": _read_fleet,
    "RequestSpotFleet": _read_fleet,
    "ModifySpotFleetRequest": _read_fleet,
    "RequestSpotInstances": _counted("LaunchSpecification.InstanceType", "InstanceCount"),
    "CreateCapacityReservation": _counted("InstanceType", "InstanceCount"),
    "AllocateHosts": _counted("InstanceType", "Quantity"),
    "ImportInstance": _counted("LaunchSpecification.InstanceType"),
    "ModifyCapacityReservation": _offering("capacity-reservation", "CapacityReservationId"),
    "PurchaseCapacityBlock": _offering("offering", "CapacityBlockOfferingId"),
    "PurchaseCapacityBlockExtension": _offering("offering", "CapacityBlockExtensionOfferingId"),
    "PurchaseReservedInstancesOffering": _offering("offering", "ReservedInstancesOfferingId"),
    "PurchaseHostReservation": _offering("offering", "OfferingId"),
    "AcceptCapacityReservationBillingOwnership": _offering("capacity-reservation", "CapacityReservationId"),
}
