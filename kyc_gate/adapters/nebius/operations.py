"""Which calls to Nebius ask for machines or end them, by service and method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kyc_gate.adapters.fields import LONGEST_SECONDS, Fields
from kyc_gate.adapters.nebius import messages
from kyc_gate.adapters.protobuf import Table
from kyc_gate.adapters.reading import Asking, Reading
from kyc_gate.adapters.values import reference
from kyc_gate.model.job import Accelerators, RequestKind


@dataclass(frozen=True, slots=True)
class Asked(Asking):
    """A guarded call and its message."""

    operation: str
    kind: RequestKind
    body: Fields

    def named(self, kind: str) -> str:
        """Return the name of what the message changes."""
        return reference(kind, self.body.text("id") or self.body.part("metadata").text("id"))


Reader = Callable[[Asked], Reading | None]


class Operation(NamedTuple):
    """One method: its message, who reads it, the kind of what its answer names (`teaches`) or of what it ends."""

    name: str
    table: Table = messages.NOTHING
    kind: RequestKind = RequestKind.CREATE
    read: Reader = Asked.unread
    teaches: str | None = None
    ends: str | None = None


def _machine(home: Fields, number: int) -> tuple[list[Accelerators], list[str]]:
    """Return the line of `number` machines of a platform and a preset, and what is missing of them."""
    platform, preset = home.text("platform"), home.text("preset")
    missing = [
        reference("parameter", name) for name, value in (("platform", platform), ("preset", preset)) if not value
    ]
    if missing:
        return [], missing
    return [Accelerators(instance_type=f"{platform} {preset}", count=number)], []


def read_instance(asked: Asked) -> Reading:
    """One machine, also one that is made to start later."""
    return asked.reading(*_machine(asked.body.part("spec").part("resources"), 1))


def read_instance_update(asked: Asked) -> Reading:
    """A machine that may have other resources afterwards, or may start: what counts already is not new."""
    name, resources = asked.named("instance"), asked.body.part("spec").part("resources")
    if not resources.home:
        return asked.reading(unresolved=[name], replaces=name)
    return asked.reading(*_machine(resources, 1), replaces=name)


def _starts(kind: str) -> Reader:
    def read(asked: Asked) -> Reading:
        """Something that was made earlier: what counts already is not new."""
        name = asked.named(kind)
        return asked.reading(unresolved=[name], replaces=name)

    return read


def _nodes(asked: Asked) -> int | None:
    """Return the most nodes of a group, None where it does not say."""
    spec = asked.body.part("spec")
    scaled = spec.part("autoscaling")
    given = [spec.number("fixed_node_count"), scaled.number("max_node_count"), scaled.number("min_node_count")]
    if spec.has("autoscaling") and given[1] is None:
        return None
    return max((each for each in given if each is not None), default=None)


def read_group(asked: Asked) -> Reading:
    """A group of nodes as large as it may grow."""
    number = _nodes(asked)
    if number is None:
        return asked.reading(unresolved=[reference("parameter", "fixed_node_count")])
    resources = asked.body.part("spec").part("template").part("resources")
    lines, missing = _machine(resources, number)
    return asked.reading(lines, missing, one=_machine(resources, 1)[0])


def read_group_update(asked: Asked) -> Reading | None:
    """A group of another size, or of other machines. Other machines in a number that is not said are not counted."""
    name, number = asked.named("node-group"), _nodes(asked)
    spec = asked.body.part("spec")
    resources = spec.part("template").part("resources")
    if resources.home:
        lines, missing = _machine(resources, number or 1)
        if number is None:
            missing.append(reference("parameter", "fixed_node_count"))
        return asked.reading(lines if number != 0 else [], missing, replaces=name, one=_machine(resources, 1)[0])
    if number is None and spec.has("autoscaling"):
        return asked.reading(unresolved=[name, reference("parameter", "max_node_count")], replaces=name)
    return asked.reading(unresolved=[name], repeats=number, replaces=name) if number else None


def read_job(asked: Asked) -> Reading:
    """A job on one machine, for as long as each of its attempts may take."""
    spec = asked.body.part("spec")
    timeout = spec.part("timeout")
    whole = (timeout.number("seconds") or 0) + bool(timeout.number("nanos"))
    seconds = whole * (1 + (spec.number("restart_attempts") or 0))
    return asked.reading(*_machine(spec, 1), seconds=seconds if 0 < seconds <= LONGEST_SECONDS else None)


def read_container(asked: Asked) -> Reading:
    """An endpoint or a laboratory on one machine; what a template adds is not known."""
    spec = asked.body.part("spec")
    lines, missing = _machine(spec, 1)
    template = [reference("template", spec.part("template").text("id"))] if spec.has("template") else []
    return asked.reading(lines, [*missing, *template])


_CREATE, _START, _SCALE, _SUBMIT = RequestKind.CREATE, RequestKind.START, RequestKind.SCALE, RequestKind.SUBMIT

_INSTANCES, _GROUPS = "nebius.compute.v1.InstanceService", "nebius.mk8s.v1.NodeGroupService"
_JOBS, _ENDPOINTS, _LABS = (f"nebius.ai.v1.{name}Service" for name in ("Job", "Endpoint", "Devlab"))

OPERATIONS: Mapping[str, Operation] = {
    f"{_INSTANCES}/Create": Operation("instances.create", messages.INSTANCE, _CREATE, read_instance, "instance"),
    f"{_INSTANCES}/Update": Operation("instances.update", messages.INSTANCE, RequestKind.RESIZE, read_instance_update),
    f"{_INSTANCES}/Start": Operation("instances.start", messages.BY_ID, _START, _starts("instance")),
    f"{_INSTANCES}/Stop": Operation("instances.stop", messages.BY_ID, ends="instance"),
    f"{_INSTANCES}/Delete": Operation("instances.delete", messages.BY_ID, ends="instance"),
    f"{_GROUPS}/Create": Operation("nodeGroups.create", messages.NODE_GROUP, _CREATE, read_group, "node-group"),
    f"{_GROUPS}/Update": Operation("nodeGroups.update", messages.NODE_GROUP, _SCALE, read_group_update),
    f"{_GROUPS}/Delete": Operation("nodeGroups.delete", messages.BY_ID, ends="node-group"),
    f"{_JOBS}/Create": Operation("jobs.create", messages.JOB, _SUBMIT, read_job, "job"),
    f"{_JOBS}/Restart": Operation("jobs.restart", messages.BY_ID, _START, _starts("job")),
    f"{_JOBS}/Cancel": Operation("jobs.cancel", messages.BY_ID, ends="job"),
    f"{_JOBS}/Delete": Operation("jobs.delete", messages.BY_ID, ends="job"),
    f"{_ENDPOINTS}/Create": Operation("endpoints.create", messages.ENDPOINT, _CREATE, read_container, "endpoint"),
    f"{_ENDPOINTS}/Start": Operation("endpoints.start", messages.BY_ID, _START, _starts("endpoint")),
    f"{_ENDPOINTS}/Restart": Operation("endpoints.restart", messages.BY_ID, _START, _starts("endpoint")),
    f"{_ENDPOINTS}/Stop": Operation("endpoints.stop", messages.BY_ID, ends="endpoint"),
    f"{_ENDPOINTS}/Delete": Operation("endpoints.delete", messages.BY_ID, ends="endpoint"),
    f"{_LABS}/Create": Operation("devlabs.create", messages.DEVLAB, _CREATE, read_container, "devlab"),
    f"{_LABS}/Restart": Operation("devlabs.restart", messages.BY_ID, _START, _starts("devlab")),
    f"{_LABS}/Stop": Operation("devlabs.stop", messages.BY_ID, ends="devlab"),
    f"{_LABS}/Delete": Operation("devlabs.delete", messages.BY_ID, ends="devlab"),
}
"""Each method by service and name."""
