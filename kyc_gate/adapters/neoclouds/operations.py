"""Which calls to Lambda, RunPod, Together and CoreWeave rent machines or end them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from kyc_gate.adapters.fields import Fields, folded
from kyc_gate.adapters.neoclouds import graphql
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import reference
from kyc_gate.compute.instance_types import find_instance_type
from kyc_gate.model.job import Accelerators, RequestKind

Names = Mapping[str, str]
Reader = Callable[[Names, Fields], Reading | None]

DAY = 86_400

_SAME_TIME = frozenset({"numgpus", "gputype", "clustertype", "clustername"})
"""Fields of a resize, folded, that do not reserve a cluster for longer; its type of chip is the one that it has."""


def _unread(names: Names, body: Fields) -> Reading:
    return Reading(kind=RequestKind.CREATE, unresolved=(reference("operation", "unread"),))


class Operation(NamedTuple):
    """One operation; `ends` is the kind of what it ends, by the name in the path or by `ids` of the body."""

    name: str
    read: Reader = _unread
    ends: str | None = None


class Cloud(NamedTuple):
    """A provider: its hosts, and its operations by path and method."""

    hosts: tuple[str, ...]
    operations: Mapping[str, Mapping[str, Operation]]


def _read_lambda(names: Names, body: Fields) -> Reading:
    """`quantity` machines of a type that spells out its chips."""
    kind, number = body.text("instance_type_name"), body.number("quantity", least=1)
    hidden = () if kind else (reference("parameter", "instance_type_name"),)
    lines = (Accelerators(instance_type=kind, count=number or 1),) if kind else ()
    return Reading(kind=RequestKind.CREATE, lines=lines, unresolved=hidden)


def _read_pod(names: Names, body: Fields) -> Reading:
    """A pod: each type that it may get x the number of them."""
    gpu = body.part("gpu") if body.has("gpu") else body
    kinds = gpu.texts("gpuTypeIds") or [each for each in (gpu.text("gpuTypeId"), gpu.text("id")) if each]
    number = gpu.number("gpuCount", least=1) or gpu.number("count", least=1) or 1
    if not kinds:
        if (body.text("computeType") or "").upper() == "CPU":
            return Reading(kind=RequestKind.CREATE, lines=(Accelerators(instance_type="e2-medium", count=1),))
        return Reading(kind=RequestKind.CREATE, unresolved=(reference("parameter", "gpuTypeIds"),))
    lines = tuple(Accelerators(model=kind, count=number) for kind in dict.fromkeys(kinds))
    return Reading(kind=RequestKind.CREATE, lines=lines, ranged=len(lines) > 1)


def _read_graphql(names: Names, body: Fields) -> Reading | None:
    found = graphql.read_document(body)
    if found is None:
        return None
    return Reading(kind=RequestKind.CREATE, lines=tuple(found[0]), unresolved=tuple(found[1]))


def _read_start(names: Names, body: Fields) -> Reading:
    name = reference("pod", names.get("pod", "?"))
    return Reading(kind=RequestKind.START, unresolved=(name,), references=(name,))


def _read_cluster(names: Names, body: Fields) -> Reading:
    """A cluster of `num_gpus` chips, for `duration_days` where it is reserved."""
    kind, number, days = body.text("gpu_type"), body.number("num_gpus"), body.number("duration_days", least=1)
    if kind is None or number is None:
        return Reading(kind=RequestKind.CREATE, unresolved=(reference("parameter", "gpu_type"),))
    lines = (Accelerators(model=kind, count=number),) if number else ()
    hidden = () if lines else (reference("parameter", "num_gpus"),)
    return Reading(
        kind=RequestKind.CREATE,
        lines=lines,
        unresolved=hidden,
        duration_seconds=days * DAY if days else None,
    )


def _read_resize(names: Names, body: Fields) -> Reading | None:
    """A new number of chips of the type that the cluster has; a longer reservation stays unresolved."""
    number = body.number("num_gpus")
    longer = [name for name in body.home if folded(name) not in _SAME_TIME]
    if number is None and not longer:
        return None
    name = reference("cluster", names["cluster"])
    return Reading(
        kind=RequestKind.SCALE,
        unresolved=(name, *(reference("parameter", each) for each in longer)),
        repeats=max(number or 1, 1),
        replaces=name,
    )


def _read_network_of_nodes(names: Names, body: Fields) -> Reading:
    """A cluster of Kubernetes. Its nodes come with objects in it, which a gate sees only where its webhook is in it."""
    return Reading(kind=RequestKind.CREATE, unresolved=(reference("operation", "cluster-without-webhook"),))


def _read_deployment(names: Names, body: Fields) -> Reading:
    """A model on the most replicas that it may have. An update says all of it again."""
    home, scaled = body.part("resources"), body.part("autoscaling")
    kind, each = home.text("instanceType"), home.number("gpuCount")
    most = max(scaled.number("max") or 0, scaled.number("min") or 0)
    name = reference("deployment", names["deployment"]) if "deployment" in names else None
    if kind is None or not most:
        missing = reference("parameter", "autoscaling.max" if kind else "instanceType")
        return Reading(kind=RequestKind.CREATE, unresolved=(missing,), replaces=name)
    one = _chips(kind, each)
    lines = tuple(replace(line, multiplier=most) for line in one)
    return Reading(kind=RequestKind.CREATE, lines=lines, replaces=name, references=(name,) if name else (), one=one)


def _chips(kind: str, number: int | None) -> tuple[Accelerators, ...]:
    """Return so many chips of a machine's kind, or of the kind that is named; without a number the whole machine."""
    machine = find_instance_type(kind, "coreweave")
    if machine is None:
        return (Accelerators(model=kind, count=number or 1),)
    if machine.chip is None or number is None:
        return (Accelerators(instance_type=kind, count=1),)
    return (Accelerators(model=machine.chip.model, count=number),) if number else ()


def _read_claim(names: Names, body: Fields) -> Reading:
    """Machines that are held, as many in each zone that is named."""
    home = body.part("resources")
    kind, number, zones = home.text("instanceId"), home.number("instanceCount"), home.texts("zones")
    name = reference("capacity-claim", names["claim"]) if "claim" in names else None
    if kind is None or number is None:
        return Reading(kind=RequestKind.RESERVE, unresolved=(reference("parameter", "instanceId"),), replaces=name)
    line = Accelerators(instance_type=kind, count=number, multiplier=max(len(zones), 1))
    lines = (line,) if number else ()
    return Reading(kind=RequestKind.RESERVE, lines=lines, replaces=name, references=(name,) if name else ())


def _kept(operation: str, kind: str, part: str, read: Reader) -> dict[str, dict[str, Operation]]:
    """Return the operations of a collection of CoreWeave's inference."""
    home = f"/v1alpha1/inference/{part}"
    name = kind.rpartition("-")[2]
    return {
        home: {"POST": Operation(f"{operation}.create", read)},
        f"{home}/{{{name}}}": {
            **{method: Operation(f"{operation}.update", read) for method in ("PATCH", "PUT")},
            "DELETE": Operation(f"{operation}.delete", ends=kind),
        },
    }


CLOUDS: dict[str, Cloud] = {
    "lambda": Cloud(
        ("cloud.lambda.ai", "cloud.lambdalabs.com"),
        {
            "/api/v1/instance-operations/launch": {"POST": Operation("launch", _read_lambda)},
            "/api/v1/instance-operations/terminate": {"POST": Operation("terminate", ends="instance")},
        },
    ),
    "runpod": Cloud(
        ("api.runpod.io", "rest.runpod.io"),
        {
            **{f"/{version}/pods": {"POST": Operation("pods.create", _read_pod)} for version in ("v1", "v2")},
            **{
                f"/{version}/pods/{{pod}}/{verb}": {"POST": Operation(f"pods.{verb}", _read_start)}
                for version in ("v1", "v2")
                for verb in ("start", "resume", "restart", "reset")
            },
            **{
                f"/{version}/{kind}/{{name}}/update": {"POST": Operation(f"{kind}.update")}
                for version in ("v1", "v2")
                for kind in ("pods", "endpoints")
            },
            **{
                f"/{version}/pods/{{pod}}/stop": {"POST": Operation("pods.stop", ends="pod")}
                for version in ("v1", "v2")
            },
            **{
                f"/{version}/pods/{{pod}}": {
                    "PATCH": Operation("pods.update"),
                    "DELETE": Operation("pods.delete", ends="pod"),
                }
                for version in ("v1", "v2")
            },
            **{f"/{version}/endpoints": {"POST": Operation("endpoints.create")} for version in ("v1", "v2")},
            **{
                f"/{version}/endpoints/{{endpoint}}": {"PATCH": Operation("endpoints.update")}
                for version in ("v1", "v2")
            },
            "/graphql": {"POST": Operation("graphql", _read_graphql), "GET": Operation("graphql")},
        },
    ),
    "together": Cloud(
        ("api.together.xyz", "api.together.ai"),
        {
            "/v1/compute/clusters": {"POST": Operation("clusters.create", _read_cluster)},
            "/v1/compute/clusters/{cluster}": {
                "PUT": Operation("clusters.update", _read_resize),
                "DELETE": Operation("clusters.delete", ends="cluster"),
            },
            "/v1/fine-tunes": {"POST": Operation("fine-tunes.create")},
            "/v1/endpoints": {"POST": Operation("endpoints.create")},
            "/v1/endpoints/{endpoint}": {"PATCH": Operation("endpoints.update")},
        },
    ),
    "coreweave": Cloud(
        ("api.coreweave.com",),
        {
            "/v1beta1/cks/clusters": {"POST": Operation("cks.create", _read_network_of_nodes)},
            **_kept("deployments", "deployment", "deployments", _read_deployment),
            **_kept("capacityClaims", "capacity-claim", "capacityclaims", _read_claim),
        },
    ),
}
"""Each provider (docs.lambda.ai/api/cloud, docs.runpod.io, docs.together.ai/reference, docs.coreweave.com)."""
