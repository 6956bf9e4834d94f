"""SkyPilot's RESTful admin policy: a task, written in YAML inside JSON inside JSON, read for what it asks for.

The shapes are those of skypilot 0.14 (`sky/admin_policy.py`, `docs/source/reference/yaml-spec.rst`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.adapters.values import count, reference
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators, Caller, Certainty, ProvisioningRequest, RequestKind
from kyc_gate.model.record import Record, digest

PASSING = frozenset({"validate", "optimize", "exec", "jobs.launch_cluster", "serve.launch_replica"})
"""Requests that start nothing that was not asked for before: checks, work on a cluster that runs, and what SkyPilot's
own controllers launch for a job or a service that was decided as a whole."""

_PLAIN_POD = {
    "metadata": frozenset({"labels"}),
    "spec": frozenset(
        {
            "affinity",
            "imagePullSecrets",
            "nodeSelector",
            "priorityClassName",
            "schedulerName",
            "serviceAccountName",
            "tolerations",
            "topologySpreadConstraints",
        }
    ),
}
"""What a `pod_config` of the server may say that brings no device. Annotations and runtime classes may."""

_LONGEST = 256 * 1024
_COPIES = ("replicas", "workers", "min_replicas", "max_replicas", "min_workers", "max_workers")
_COUNTED = re.compile(r"(?P<name>[A-Za-z0-9_.+-]{1,128})(?::(?P<number>[0-9]{1,6}))?")
_BODY = frozenset(
    {
        "task",
        "skypilot_config",
        "request_name",
        "request_options",
        "at_client_side",
        "user",
        "client_api_version",
        "client_version",
    }
)


class PolicyQuestion(Record):
    """What SkyPilot's server asks: what to send back unchanged, and what the task provisions, if it does."""

    task: str
    config: str
    request: ProvisioningRequest | None


def read_policy_question(body: bytes) -> PolicyQuestion:
    """Return the question. Raises `RefusedCall` 400 for one that cannot be read in one way."""
    document = _unwrapped(body)
    if not document.keys() <= _BODY or not {"task", "skypilot_config", "request_name", "user"} <= document.keys():
        raise RefusedCall(400, "policy", "the question has other members than a SkyPilot of release 0.14 sends")
    task, config, name = (_text(document, key) for key in ("task", "skypilot_config", "request_name"))
    if document.get("at_client_side") is not False:
        raise RefusedCall(400, "client-side", "configure the admin policy on the API server, which knows its users")
    request = None if name in PASSING else _request(_yaml(task, "task"), _pods(config), name, document)
    return PolicyQuestion(task=task, config=config, request=request)


def _unwrapped(body: bytes) -> Mapping[str, Any]:
    """Return the object in the JSON text that the body is: the server encodes it twice."""
    if not body.lstrip().startswith(b'"'):
        raise RefusedCall(400, "policy", "the body is not a JSON text, as SkyPilot's server sends it")
    wrapped = read_json_object(b'{"body":' + body + b"}")
    inner = wrapped.get("body")
    if len(wrapped) != 1 or not isinstance(inner, str):
        raise RefusedCall(400, "policy", "the body is not one JSON text")
    return read_json_object(inner.encode("utf-8"))


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise RefusedCall(400, "policy", f"`{key}` is not a text")
    return value


class _Plain(yaml.SafeLoader):
    """YAML without aliases and without keys that stand twice: both let readers differ."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise RefusedCall(400, "yaml", "the YAML has aliases; write out what they stand for")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        found = super().construct_mapping(node, deep=deep)
        if len(found) != len(node.value):
            raise RefusedCall(400, "yaml", "the YAML has a key twice in one mapping")
        return found


def _yaml(text: str, what: str) -> Mapping[str, Any]:
    if len(text) > _LONGEST:
        raise RefusedCall(413, "yaml", f"the {what} is longer than {_LONGEST} characters")
    try:
        value = yaml.load(text, Loader=_Plain)  # noqa: S506 - a safe loader, made stricter
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RefusedCall(400, "yaml", f"the {what} is not one document of YAML") from error
    if not isinstance(value, dict):
        raise RefusedCall(400, "yaml", f"the {what} is not a mapping")
    return value


def _request(
    task: Mapping[str, Any], pods: tuple[Any, ...], name: str, document: Mapping[str, Any]
) -> ProvisioningRequest | None:
    nodes = task.get("num_nodes")
    copies = (1 if nodes is None else count(nodes, "`num_nodes`")) * _replicas(task)
    lines, unresolved = _lines(_resources(task), copies)
    if any(_found(task, "pod_config")) or not all(map(_is_plain, pods)):
        unresolved.append(reference("field", "pod_config"))  # it may ask for any device of a cluster
    if not lines and not unresolved:
        return None
    user = _yaml(_text(document, "user"), "user") if document["user"] else {}
    account = user.get("id") if isinstance(user.get("id"), str) else None
    options = document.get("request_options")
    return ProvisioningRequest(
        provider="skypilot",
        service="skypilot",
        operation=name,
        kind=RequestKind.CREATE,
        lines=tuple(lines),
        certainty=Certainty.UNRESOLVED if unresolved else Certainty.EXACT if len(lines) < 2 else Certainty.RANGE,
        unresolved=tuple(dict.fromkeys(unresolved)),
        caller=Caller(account=account, verified=account is not None, how="skypilot-server"),
        dry_run=isinstance(options, dict) and options.get("dryrun") is True,
        fingerprint=digest({"account": account, "request": name, "task": task, "pods": pods}),
    )


def _found(value: object, key: str) -> Iterator[tuple[Any]]:
    """Yield what stands under a key, at any depth."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name == key:
                yield (each,)
            yield from _found(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _found(each, key)


def _pods(config: str) -> tuple[Any, ...]:
    """Return what the configuration adds to pods; something that is not plain where it cannot be read."""
    try:
        return tuple([each for (each,) in _found(_yaml(config or "{}", "configuration"), "pod_config")])
    except RefusedCall:
        return ("unread",)


def _is_plain(pod: object) -> bool:
    """Return whether a `pod_config` only says where pods stand and under which name, so that it brings no device."""
    if pod is None:
        return True
    if not isinstance(pod, dict) or not all(each is None or isinstance(each, dict) for each in pod.values()):
        return False
    return all(set(each or {}) <= _PLAIN_POD.get(key, frozenset()) for key, each in pod.items())


def _replicas(task: Mapping[str, Any]) -> int:
    """Return how many copies a service or a pool may have at most; one for anything else."""
    homes = [home for home in (task.get("service"), task.get("pool")) if isinstance(home, dict)]
    homes += [home["replica_policy"] for home in homes if isinstance(home.get("replica_policy"), dict)]
    found = [value for home in homes for value in (home.get(name) for name in _COPIES) if value is not None]
    numbers = [count(each, "the replicas", least=0) for each in found]
    return max([1, *numbers])


def _resources(task: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield each set of resources that the task may get: its own, with what `any_of` or `ordered` say instead."""
    given = task.get("resources") or {}
    if not isinstance(given, dict):
        raise RefusedCall(400, "resources", "`resources` is not a mapping")
    choices = [*(given.get("any_of") or ()), *(given.get("ordered") or ())]
    if not all(isinstance(each, dict) for each in choices):
        raise RefusedCall(400, "resources", "`any_of` and `ordered` are lists of mappings")
    own: dict[str, Any] = {key: value for key, value in given.items() if key not in ("any_of", "ordered")}
    for each in choices or [{}]:
        yield {**own, **each}


def _lines(choices: Iterator[Mapping[str, Any]], copies: int) -> tuple[list[Accelerators], list[str]]:
    """Return the lines of all choices, each counted: the gate takes the most that may come."""
    lines: dict[tuple[str, bool], int] = {}
    unresolved: list[str] = []
    for each in choices:
        chips = list(_accelerators(each.get("accelerators")))
        machine = each.get("instance_type")
        if machine is not None and not isinstance(machine, str):
            raise RefusedCall(400, "resources", f"`instance_type` {shown(machine)} is not a text")
        for name, number in chips:
            lines[name, False] = max(lines.get((name, False), 0), number)
        if machine is not None and not chips:
            lines[machine, True] = 1
            unresolved += () if machine else (reference("instance-type", "?"),)
    made = [
        Accelerators(count=number, instance_type=name, multiplier=copies)
        if is_machine
        else Accelerators(count=number, model=name, multiplier=copies)
        for (name, is_machine), number in lines.items()
    ]
    return made, unresolved


def _accelerators(value: object) -> Iterator[tuple[str, int]]:
    """Yield names and numbers of `H100:8`, `{H100: 8}`, or a list of either. A part of one counts as one."""
    if value is None:
        return
    if isinstance(value, dict):
        for name, number in value.items():
            whole = 1 if number is None else -(-number // 1) if isinstance(number, float) else number
            yield _named(name)[0], count(int(whole) if isinstance(whole, float) else whole, "the accelerators")
    elif isinstance(value, list):
        for each in value:
            yield from _accelerators(each)
    else:
        yield _named(value)


def _named(value: object) -> tuple[str, int]:
    found = _COUNTED.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise RefusedCall(400, "accelerators", f"the accelerators {shown(value)} are not such as `H100:8`")
    return found["name"], int(found["number"] or 1)
