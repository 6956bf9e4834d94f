"""Microsoft.Resources: templates, and the resources that hide in them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from kyc_gate.adapters.azure import clusters, learning, machines
from kyc_gate.adapters.azure.asked import LEARNT, SENSITIVE, Asked, Reader, is_free
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


_EVERYTHING = tuple(f"{kind}:*" for kind in sorted(LEARNT))

_LITERAL = re.compile(r"[A-Za-z0-9_.()-]+(?:/[A-Za-z0-9_.()-]+)*")

Known = Mapping[tuple[str, str], JsonValue]
"""What parameters and variables stand for."""


class _Found(NamedTuple):
    lines: list[Accelerators]
    hidden: list[str]
    changes: tuple[str, ...] = ()


class _Home(NamedTuple):
    """The resource that another stands in: its type and its name, the latter None where it is computed."""

    kind: str = ""
    name: str | None = ""


def read_deployment(asked: Asked) -> Reading | None:
    """Every machine of every resource of a template; None for a template without any."""
    found = _of_deployment(asked, asked.body.part("properties"), 0)
    if not found.lines and not found.hidden and not found.changes:
        return None
    return asked.reading(found.lines, found.hidden, changes=found.changes)


def _of_deployment(asked: Asked, properties: Fields, depth: int, outer: Known | None = None) -> _Found:
    """Return what a template asks for. With `outer` its expressions are those of the template around it."""
    if properties.has("templateLink") or properties.has("parametersLink") or depth > MAX_NESTED:
        return _unknown(reference("template", "linked" if depth <= MAX_NESTED else "nested"))
    if not properties.has("template"):
        return _unknown(reference("parameter", "template"))
    template = properties.part("template")
    known = _known(template, properties.part("parameters")) if outer is None else outer
    return _together(_of_resource(asked, each, known, depth) for each in _resources(template))


def _known(template: Fields, given: Fields) -> Known:
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


def _unknown(hidden: str) -> _Found:
    """Return what stands for resources that are not read: they may be any."""
    return _Found([], [hidden], _EVERYTHING)


def _together(parts: Iterable[_Found]) -> _Found:
    lines: list[Accelerators] = []
    hidden: list[str] = []
    changes: tuple[str, ...] = ()
    for part in parts:
        lines += part.lines
        hidden += part.hidden
        changes += part.changes
    return _Found(lines, hidden, changes)


def _resources(home: Fields) -> Iterator[Fields]:
    """Yield the resources that stand in a template, or in another resource."""
    value = home.value("resources")
    yield from home.parts("resources") if isinstance(value, list) else (each for _, each in home.members("resources"))


def _of_resource(asked: Asked, resource: Fields, known: Known, depth: int, home: _Home | None = None) -> _Found:
    """Return what one resource and those inside of it ask for, as often as it is copied."""
    kind = _filled(resource.text("type"), known)
    if not isinstance(kind, str) or _is_expression(kind):
        return _unknown(reference("template-expression", "type"))
    here = _placed(kind.lower(), _filled(resource.text("name"), known), home)
    inside = () if here.kind == "microsoft.resources/deployments" else _resources(resource)
    children = (_of_resource(asked, each, known, depth, here) for each in inside)
    return _copied(_together((_of_itself(asked, resource, here, known, depth), *children)), resource, known)


def _placed(kind: str, name: JsonValue, home: _Home | None) -> _Home:
    """Return type and name as they are outside of any other resource, the name only where it is certain."""
    named = name.lower() if isinstance(name, str) and _LITERAL.fullmatch(name) else None
    if home is not None and "/" not in kind:
        kind = f"{home.kind}/{kind}"
        named = f"{home.name}/{named}" if named and home.name else None
    if named is None or named.count("/") != kind.count("/") - 1:
        named = None
    return _Home(kind, named)


def _of_itself(asked: Asked, resource: Fields, here: _Home, known: Known, depth: int) -> _Found:
    if here.kind == "microsoft.resources/deployments":
        return _of_nested(asked, resource, known, depth)
    if here.kind.startswith(_OPAQUE):
        return _unknown(reference("template-resource", here.kind))
    home = {key: value for key, value in resource.home.items() if key.lower() != "resources"}
    body = Fields(_as_object(_filled(home, known)), resource.path, any_case=True)
    reader = READERS.get(here.kind)
    if reader is None:
        if not is_harmless_type(here.kind):
            return _unknown(reference("template-resource", here.kind))
        return _Found([], [reference("field", path) for path in body.unread(SENSITIVE, is_free)])
    inner = dataclasses.replace(
        asked, operation=here.kind, method="PUT", names=_names(asked, resource, here), body=body
    )
    if _has_expression(body.home):
        return _unknown(reference("template-expression", here.kind))
    reading = reader(inner)
    unread = [reference("field", path) for path in body.unread(SENSITIVE, is_free)]
    if reading is None:
        return _Found([], unread)
    return _Found(list(reading.lines), [*_unfollowed(reading), *unread], _changed(reading))


def _names(asked: Asked, resource: Fields, here: _Home) -> dict[str, str]:
    """Return the names by which the resource is known; `?` for all where one of them is computed."""
    group = asked.names.get("group")
    found = {"subscription": asked.names.get("subscription", "?")}
    if group is None or here.name is None or resource.has("scope"):
        return found | {"group": "?"}
    return found | {"group": group} | {f"name{index}": each for index, each in enumerate(here.name.split("/"))}


def _unfollowed(reading: Reading) -> list[str]:
    """Return what is unresolved. What a template refers to may be made by it, and is not what was learnt before."""
    return [
        reference("template-reference", each) if each.partition(":")[0] in LEARNT else each
        for each in reading.unresolved
    ]


def _changed(reading: Reading) -> tuple[str, ...]:
    names = (*reading.changed(), *(each for each in reading.unresolved if each.partition(":")[0] in LEARNT))
    return tuple(f"{name.partition(':')[0]}:*" if ":?" in name else name for name in names)


def _of_nested(asked: Asked, resource: Fields, known: Known, depth: int) -> _Found:
    """Return what a nested deployment asks for, in its own resource group where it names one."""
    inner = resource.part("properties")
    scope = (inner.part("expressionEvaluationOptions").text("scope") or "outer").lower()
    names = dict(asked.names)
    subscription = _filled(resource.text("subscriptionId"), known)
    if subscription is not None and str(subscription).lower() != names.get("subscription"):
        return _unknown(reference("template", "elsewhere"))
    group = _filled(resource.text("resourceGroup"), known)
    if resource.has("resourceGroup") or resource.has("scope"):
        names.pop("group", None)
        if isinstance(group, str) and _LITERAL.fullmatch(group) and not resource.has("scope"):
            names["group"] = group.lower()
    outer = known if scope != "inner" else None
    return _of_deployment(dataclasses.replace(asked, names=names), _for_scope(inner, known, scope), depth + 1, outer)


def _copied(found: _Found, resource: Fields, known: Known) -> _Found:
    copy = resource.part("copy")
    if not copy.home or not (found.lines or found.hidden):
        return found
    times = _filled(copy.value("count"), known)
    if isinstance(times, bool) or not isinstance(times, int) or not 0 <= times <= MAX_COUNT:
        return found._replace(hidden=[*found.hidden, reference("template-expression", "copy.count")])
    return found._replace(lines=[replace(line, multiplier=line.multiplier * times) for line in found.lines if times])


def _for_scope(inner: Fields, known: Known, scope: str) -> Fields:
    """Return a nested deployment with what the outer template knows: all of it, or only its parameters."""
    home = dict(inner.home)
    for key, value in inner.home.items():
        if key.lower() != "template" or scope != "inner":
            home[key] = _filled(value, known)
    return Fields(home, inner.path, any_case=True)


def _as_object(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _filled(value: JsonValue, known: Known) -> JsonValue:
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
