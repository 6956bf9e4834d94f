"""What an operator asks AWS about references that a call does not spell out, and what the answers say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kyc_gate.adapters.reading import instance_type
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators, Inquired
from kyc_gate.model.record import Record

_TEMPLATE = re.compile(
    r"launch-template:(?:(lt-[0-9a-f]{8,32})|([A-Za-z0-9().\-/_]{3,128}))@([0-9]{1,9}|\$Latest|\$Default)"
)
_INSTANCE = re.compile(r"instance:(i-[0-9a-f]{8,32})")
_DEFINITION = re.compile(r"job-definition:([A-Za-z0-9_-]{1,128}):([1-9][0-9]{0,8})")

MOST_INSTANCES = 100
"""Instances that are asked about at once."""


class Question(Record):
    """One read-only call of an SDK's, about some references."""

    service: str
    operation: str
    parameters: dict[str, Any]
    references: tuple[str, ...]


def questions_of(references: Iterable[str]) -> tuple[Question, ...]:
    """Return what to ask about those references that something can be asked about."""
    instances, found = [], []
    for reference in references:
        if template := _TEMPLATE.fullmatch(reference):
            named = {"LaunchTemplateId": template[1]} if template[1] else {"LaunchTemplateName": template[2]}
            parameters = {**named, "Versions": [template[3]]}
            found.append(_question("ec2", "describe_launch_template_versions", parameters, reference))
        elif definition := _DEFINITION.fullmatch(reference):
            parameters = {"jobDefinitionName": definition[1]}
            found.append(_question("batch", "describe_job_definitions", parameters, reference))
        elif _INSTANCE.fullmatch(reference):
            instances.append(reference)
    if 0 < len(instances) <= MOST_INSTANCES:
        ids = [reference.partition(":")[2] for reference in instances]
        parameters = {"InstanceIds": ids}
        found.append(
            Question(service="ec2", operation="describe_instances", parameters=parameters, references=tuple(instances))
        )
    return tuple(found)


def _question(service: str, operation: str, parameters: dict[str, Any], reference: str) -> Question:
    return Question(service=service, operation=operation, parameters=parameters, references=(reference,))


def is_lasting(reference: str) -> bool:
    """Return whether the name stands for the same thing for ever: a numbered version of a template by its id, which is
    given once, and a numbered revision of a job definition. What a template's name stands for, or `$Latest`, moves.
    """
    template = _TEMPLATE.fullmatch(reference)
    return bool(_DEFINITION.fullmatch(reference) or (template and template[1] and template[3].isdigit()))


def is_moving(reference: str) -> bool:
    """Return whether the name may stand for something else by the time the call arrives, by a call that is not guarded.

    An instance is given another type by a guarded call, which counts by itself.
    """
    return not is_lasting(reference) and not _INSTANCE.fullmatch(reference)


def answers_of(question: Question, answer: Mapping[str, Any]) -> tuple[Inquired, ...]:
    """Return what the answer says of each reference; what it does not say plainly is left out. `at` is not set."""
    readers = {
        "describe_launch_template_versions": _read_versions,
        "describe_instances": _read_instances,
        "describe_job_definitions": _read_definitions,
    }
    try:
        return readers[question.operation](question, answer)
    except (
        RefusedCall,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ):  # not in the form that the service answers in
        return ()


def _read_versions(question: Question, answer: Mapping[str, Any]) -> tuple[Inquired, ...]:
    (version,) = answer["LaunchTemplateVersions"]
    data = version["LaunchTemplateData"]
    asked = question.parameters
    if any(asked.get(name, version[name]) != version[name] for name in ("LaunchTemplateId", "LaunchTemplateName")):
        return ()
    if data.get("InstanceRequirements") or not data.get("InstanceType"):
        return ()
    line = Accelerators(instance_type=instance_type(data["InstanceType"], "InstanceType"), count=1)
    means = f"launch-template:{version['LaunchTemplateId']}@{int(version['VersionNumber'])}"
    return (_inquired(question, question.references[0], (line,), means),)


def _read_instances(question: Question, answer: Mapping[str, Any]) -> tuple[Inquired, ...]:
    found = {}
    for reservation in answer["Reservations"]:
        for instance in reservation["Instances"]:
            line = Accelerators(instance_type=instance_type(instance["InstanceType"], "InstanceType"), count=1)
            found[f"instance:{instance['InstanceId']}"] = (line,)
    return tuple(_inquired(question, name, found[name], name) for name in question.references if name in found)


def _read_definitions(question: Question, answer: Mapping[str, Any]) -> tuple[Inquired, ...]:
    """Return how many GPUs a definition asks for, of a chip that it does not name.

    That it asks for none proves nothing: on machines whose container runtime hands GPUs to whoever wants them, an
    environment variable is enough.
    """
    revision = int(question.references[0].rpartition(":")[2])
    (definition,) = [each for each in answer["jobDefinitions"] if each["revision"] == revision]
    if definition["type"] != "container":
        return ()
    gpus = _gpus(definition["containerProperties"].get("resourceRequirements", ()))
    # A run that is tried again runs again.
    count = gpus * int(definition.get("retryStrategy", {}).get("attempts", 1))
    if not count:
        return ()
    line = Accelerators(model="unspecified", count=count)
    return (_inquired(question, question.references[0], (line,), question.references[0]),)


def _gpus(requirements: Sequence[Mapping[str, str]]) -> int:
    return sum(int(each["value"]) for each in requirements if each["type"] == "GPU")


def _inquired(question: Question, reference: str, lines: tuple[Accelerators, ...], means: str) -> Inquired:
    return Inquired(reference=reference, means=means, lines=lines, by=f"aws {question.service} {question.operation}")
