"""A call to the API server, taken apart: which object, which operation on it, and what a patch touches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from kyc_gate.adapters.form import read_form
from kyc_gate.adapters.head import check_head
from kyc_gate.adapters.kubernetes.fields import Object
from kyc_gate.adapters.kubernetes.objects import CLAIMS, NODE_POOLS, UNCOUNTED, Kind
from kyc_gate.adapters.kubernetes.workloads import WORKLOADS
from kyc_gate.adapters.strict_json import JsonValue, read_json
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.record import Record

_NAME = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?"
_PATH = re.compile(
    rf"/(?:api|apis/(?P<group>{_NAME}))/(?P<version>v[a-z0-9]+)(?:/namespaces/(?P<namespace>{_NAME})(?=/))?"
    rf"/(?P<plural>[a-z0-9]+)(?:/(?P<name>{_NAME})(?:/(?P<sub>[a-z]+))?)?"
)
_PROXY = re.compile(rf"/api/v1/(?:namespaces/{_NAME}/)?(?:pods|services|nodes)/[a-z0-9.:-]+/proxy(?:/.*)?")

_IRREGULAR = {"NetworkPolicy": "networkpolicies", "Cohort": "cohorts"}
KINDS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (group, _IRREGULAR.get(kind, f"{kind.lower()}s")): kind
        for group, kind in (*WORKLOADS, *CLAIMS, *NODE_POOLS, *UNCOUNTED)
    }
)
"""The kind behind a group and the plural of a path."""

JSON, JSON_PATCH, APPLY = "application/json", "application/json-patch+json", "application/apply-patch+yaml"
_MERGES = frozenset({"application/merge-patch+json", "application/strategic-merge-patch+json"})

PAUSES = frozenset({("spec", "suspend"), ("spec", "active"), ("spec", "runPolicy", "suspend")})
"""Fields that have an object wait or go on."""

REPLICAS = ("spec", "replicas")

_HARMLESS = frozenset({"apiVersion", "kind", "status"})
_SAID = frozenset({"labels", "annotations", "name", "namespace", "resourceVersion", "uid", "managedFields"})


class Target(Record):
    """What a path names: a collection where `name` is empty; `sub` is a part of an object such as `scale`."""

    kind: Kind
    plural: str
    namespace: str = ""
    name: str = ""
    sub: str = ""

    @property
    def resource(self) -> str:
        """The plural with its group, such as `deployments.apps`."""
        return ".".join(filter(None, (self.plural, self.kind.group)))

    def named(self, name: str) -> str:
        """Return how the ledger names an object of this collection."""
        return f"{self.resource}/{self.namespace}/{name}"


def target_of(raw_path: bytes) -> Target | None:
    """Return what the path names, None for a path of no resource."""
    found = _PATH.fullmatch(raw_path.decode("latin-1"))
    if found is None:
        return None
    part = {name: value or "" for name, value in found.groupdict().items()}
    kind = KINDS.get((part["group"], part["plural"]), part["plural"])
    return Target(
        kind=Kind(group=part["group"], version=part["version"], kind=kind),
        plural=part["plural"],
        namespace=part["namespace"],
        name=part["name"],
        sub=part["sub"],
    )


def is_proxied(raw_path: bytes) -> bool:
    """Return whether the path leads to a program in the cluster, past the objects."""
    return _PROXY.fullmatch(raw_path.decode("latin-1")) is not None


def content_type_of(call: Call) -> str:
    """Return the type of the body. Raises `RefusedCall` for a head of two readings, and 415 for what is no JSON."""
    check_head(call)
    kind = (call.value(b"content-type") or JSON.encode()).decode("latin-1").partition(";")[0].strip().lower()
    if kind not in (JSON, JSON_PATCH, APPLY, *_MERGES):
        raise RefusedCall(415, "content-type", f"Content-Type {shown(kind)} is not read here; send `{JSON}`")
    return kind


def is_dry_run(call: Call) -> bool:
    """Return whether the API server is told to keep nothing."""
    return read_form(call.query, what="query").get("dryRun") == "All"


def object_of(body: bytes, target: Target) -> Object:
    """Return the object in a body, with the kind that its path says where it says none. Raises `RefusedCall` 400."""
    document = read_json(body)
    if not isinstance(document, dict):
        raise RefusedCall(400, "json", "the body is no JSON object")
    version = f"{target.kind.group}/{target.kind.version}".removeprefix("/")
    said = {"apiVersion": document.get("apiVersion") or version, "kind": document.get("kind") or target.kind.kind}
    if said["apiVersion"] != version or (target.kind.kind != target.plural and said["kind"] != target.kind.kind):
        raise RefusedCall(400, "kind", f"the object is no {target.kind.kind} of {version}, as the path says")
    return {**document, **said}


def touched_by(body: bytes, content_type: str) -> dict[tuple[str, ...], JsonValue]:
    """Return what a patch sets, by the path of each field. Raises `RefusedCall` 400 for a patch of two readings.

    A field that is removed, also by moving it, is null. What is copied or moved is told by its `from` alone, below the
    field: nobody knows its value here.
    """
    patch = read_json(body)
    if content_type != JSON_PATCH:
        return dict(_leaves(patch, ()))
    if not isinstance(patch, list):
        raise RefusedCall(400, "patch", "a JSON Patch is a list of steps")
    found: dict[tuple[str, ...], JsonValue] = {}
    for step in patch:
        path = step.get("path") if isinstance(step, dict) else None
        if not isinstance(step, dict) or not isinstance(path, str) or not path.startswith("/"):
            raise RefusedCall(400, "patch", "a step of the JSON Patch has no path")
        if step.get("op") == "test":
            continue
        at = _pointed(path)
        if step.get("op") in ("move", "copy"):
            source = step.get("from")
            if not isinstance(source, str) or not source.startswith("/"):
                raise RefusedCall(400, "patch", "a step of the JSON Patch has no path to take its value from")
            found[(*at, "from")] = source
            if step["op"] == "move":
                found[_pointed(source)] = None
        else:
            # The API server takes no notice of the value of what is removed.
            found |= dict(_leaves(None if step.get("op") == "remove" else step.get("value"), at))
    return found


def takes(touched: Mapping[tuple[str, ...], JsonValue]) -> bool:
    """Return whether a JSON Patch takes a value from another place of the object, which nobody can read here."""
    return any(path[-1] == "from" and isinstance(value, str) for path, value in touched.items())


def _pointed(pointer: str) -> tuple[str, ...]:
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def significant(touched: Mapping[tuple[str, ...], JsonValue]) -> dict[tuple[str, ...], JsonValue]:
    """Return what may change how much runs, or for how long: no label, no annotation, no status."""
    return {
        path: value
        for path, value in touched.items()
        if path[:1] and path[0] not in _HARMLESS and not (path[0] == "metadata" and set(path[1:2]) <= _SAID)
    }


def nested(touched: Mapping[tuple[str, ...], JsonValue]) -> Object:
    """Return what a patch touches as an object, in which names can be looked for."""
    found: Object = {}
    for path, value in touched.items():
        home = found
        for name in path[:-1]:
            inner = home.setdefault(name, {})
            if not isinstance(inner, dict):
                break
            home = inner
        home[path[-1]] = value
    return found


def _leaves(value: JsonValue, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], JsonValue]]:
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _leaves(each, (*at, name))
    else:
        yield at, value
