"""Microsoft.Resources: templates, and the resources that hide in them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from kyc_gate.adapters.azure import clusters, learning, machines
from kyc_gate.adapters.azure.asked import Asked, Reader
from kyc_gate.adapters.azure.harmless import is_harmless_type
from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.adapters.values import MAX_COUNT, reference
from kyc_gate.model.job import Accelerators

_SIMPLE = re.compile(r"(?i)\[\s*(parameters|variables)\(\s*'([A-Za-z_][A-Za-z0-9_]*)'\s*\)\s*\]")

READERS: dict[str, Reader] = {
    "microsoft.compute/virtualmachines": machines.read_machine,
    "microsoft.compute/virtualmachinescalesets": machines.read_set,
    "microsoft.compute/capacityreservationgroups/capacityreservations": machines.read_capacity,
    "microsoft.insights/autoscalesettings": machines.read_autoscale,
    "microsoft.machinelearningservices/workspaces/jobs": learning.read_job,
    "microsoft.machinelearningservices/workspaces/computes": learning.read_compute,
    "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments": learning.read_deployment,
    "microsoft.containerservice/managedclusters": clusters.read_cluster,
    "microsoft.containerservice/managedclusters/agentpools": clusters.read_pool,
}
"""Who reads a resource of a template, by its type."""

_OPAQUE = (
    "microsoft.compute/hostgroups/hosts",
    "microsoft.compute/interconnectgroups",
    "microsoft.compute/interconnectblocks",
    "microsoft.azurefleet/",
    "microsoft.batch/",
    "microsoft.resources/deploymentscripts",
    "microsoft.resources/deploymentstacks",
    "microsoft.resources/templatespecs",
    "microsoft.machinelearningservices/workspaces/schedules",
    "microsoft.machinelearningservices/workspaces/batchendpoints/deployments",
    "microsoft.machinelearningservices/registries",
)
"""Types that provision machines, or may, in a manner that is not read."""

MAX_NESTED = 8
"""Templates inside of templates that are followed."""


class _Found(NamedTuple):
    lines: list[Accelerators]
    hidden: list[str]


def read_deployment(asked: Asked) -> Reading | None:
    """Every machine of every resource of a template; None for a template without any."""
    found = _of_deployment(asked, asked.body.part("properties"), 0)
    if not found.lines and not found.hidden:
        return None
    return asked.reading(found.lines, found.hidden)


def _of_deployment(asked: Asked, properties: Fields, depth: int) -> _Found:
    if properties.has("templateLink") or properties.has("parametersLink") or depth > MAX_NESTED:
        return _Found([], [reference("template", "linked" if depth <= MAX_NESTED else "nested")])
    if not properties.has("template"):
        return _Found([], [reference("parameter", "template")])
    template = properties.part("template")
    known = _known(template, properties.part("parameters"))
    return _together(_of_resource(asked, each, known, depth) for each in _resources(template))


def _known(template: Fields, given: Fields) -> dict[tuple[str, str], JsonValue]:
    """Return what parameters and variables stand for, as far as it is written out."""
    known: dict[tuple[str, str], JsonValue] = {}
    for name, parameter in template.members("parameters"):
        default = parameter.value("defaultValue")
        if default is not None and not _is_expression(default):
            known["parameters", name.lower()] = default
    for name, each in _members(given):
        known.pop(("parameters", name.lower()), None)
        value = each.value("value")
        if value is not None and not _is_expression(value):
            known["parameters", name.lower()] = value
    for name, value in template.part("variables").home.items():
        if not _is_expression(value):
            known["variables", name.lower()] = _filled(value, known)
    return known


def _members(given: Fields) -> Iterator[tuple[str, Fields]]:
    for name, value in given.home.items():
        yield name, Fields(value if isinstance(value, dict) else {}, f"{given.path}.{name}", any_case=True)


def _together(parts: Iterable[_Found]) -> _Found:
    lines: list[Accelerators] = []
    hidden: list[str] = []
    for part in parts:
        lines += part.lines
        hidden += part.hidden
    return _Found(lines, hidden)


def _resources(home: Fields) -> Iterator[Fields]:
    """Yield the resources that stand in a template, or in another resource."""
    value = home.value("resources")
    yield from home.parts("resources") if isinstance(value, list) else (each for _, each in home.members("resources"))


def _of_resource(
    asked: Asked, resource: Fields, known: Mapping[tuple[str, str], JsonValue], depth: int, parent: str = ""
) -> _Found:
    """Return what one resource and those inside of it ask for, as often as it is copied."""
    kind = _filled(resource.text("type"), known)
    if not isinstance(kind, str) or _is_expression(kind):
        return _Found([], [reference("template-expression", "type")])
    kind = f"{parent}/{kind}".lower() if parent and "/" not in kind else kind.lower()
    inside = () if kind == "microsoft.resources/deployments" else _resources(resource)
    children = (_of_resource(asked, each, known, depth, kind) for each in inside)
    return _copied(_together((_of_itself(asked, resource, kind, known, depth), *children)), resource, known)


def _of_itself(
    asked: Asked, resource: Fields, kind: str, known: Mapping[tuple[str, str], JsonValue], depth: int
) -> _Found:
    if kind == "microsoft.resources/deployments":
        inner = resource.part("properties")
        scope = (inner.part("expressionEvaluationOptions").text("scope") or "outer").lower()
        return _of_deployment(asked, _for_scope(inner, known, scope), depth + 1)
    if kind.startswith(_OPAQUE):
        return _Found([], [reference("template-resource", kind)])
    reader = READERS.get(kind)
    if reader is None:
        return _Found([], [] if is_harmless_type(kind) else [reference("template-resource", kind)])
    body = Fields(_as_object(_filled(dict(resource.home), known)), resource.path, any_case=True)
    if _has_expression(body.home):
        return _Found([], [reference("template-expression", kind)])
    reading = reader(dataclasses.replace(asked, operation=kind, method="PUT", body=body))
    return _Found(list(reading.lines), list(reading.unresolved)) if reading else _Found([], [])


def _copied(found: _Found, resource: Fields, known: Mapping[tuple[str, str], JsonValue]) -> _Found:
    copy = resource.part("copy")
    if not copy.home or not (found.lines or found.hidden):
        return found
    times = _filled(copy.value("count"), known)
    if isinstance(times, bool) or not isinstance(times, int) or not 0 <= times <= MAX_COUNT:
        return _Found(found.lines, [*found.hidden, reference("template-expression", "copy.count")])
    return _Found([replace(line, multiplier=line.multiplier * times) for line in found.lines if times], found.hidden)


def _for_scope(inner: Fields, known: Mapping[tuple[str, str], JsonValue], scope: str) -> Fields:
    """Return a nested deployment with what the outer template knows: all of it, or only its parameters."""
    home = dict(inner.home)
    for key, value in inner.home.items():
        if key.lower() != "template" or scope != "inner":
            home[key] = _filled(value, known)
    return Fields(home, inner.path, any_case=True)


def _as_object(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _filled(value: JsonValue, known: Mapping[tuple[str, str], JsonValue]) -> JsonValue:
    """Return the value with parameters and variables written out, as far as they are known."""
    if isinstance(value, str):
        found = _SIMPLE.fullmatch(value)
        return known.get((found[1].lower(), found[2].lower()), value) if found else value
    if isinstance(value, list):
        return [_filled(each, known) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, known) for key, each in value.items()}
    return value


def _is_expression(value: JsonValue) -> bool:
    return isinstance(value, str) and value.startswith("[") and not value.startswith("[[")


_NEEDED = frozenset(
    """sku capacity vmsize vmsizes name count maxcount instancetype instancecount maxnodecount maxinstances computeid
    jobtype timeout trialtimeout maxtotaltrials maxconcurrenttrials agentvmsize agentcount hardwareprofile properties
    agentpoolprofiles scalesettings resources limits trial skuprofile copy mode computetype maximum profiles
    targetresourceuri nodeprovisioningprofile virtualmachinesprofile""".split()
)
"""Fields that say what is provisioned, in lower case: an expression in one of them is not followed."""

_FREE = frozenset({"name", "id", "location", "tags", "dependson", "apiversion", "zones"})


def _has_expression(home: Mapping[str, JsonValue], top: bool = True) -> bool:
    """Return whether a field that says what is provisioned is an expression, or a loop, after all that is known."""
    for key, value in home.items():
        name = key.lower()
        if top and name in (*_FREE, "copy", "resources"):
            continue
        if name not in _NEEDED:
            continue
        if name == "copy" or _is_expression(value):
            return True
        inner = value if isinstance(value, list) else [value]
        if any(_is_expression(each) for each in inner):
            return True
        if any(isinstance(each, dict) and _has_expression(each, False) for each in inner):
            return True
    return False
