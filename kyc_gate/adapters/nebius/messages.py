"""The messages of Nebius that ask for machines, by the numbers of their fields.

They are those of the SDK 0.6.29: compute, mk8s and ai in version 1.
"""

from __future__ import annotations

from kyc_gate.adapters.protobuf import Field, Table


def _known(*numbers: int) -> Table:
    return dict.fromkeys(numbers)


_TEXT_PAIR: Table = {1: Field("key", "text"), 2: Field("value", "text")}

_METADATA: Table = {
    1: Field("id", "text"),
    2: Field("parent_id", "text"),
    3: Field("name", "text"),
    7: Field("labels", _TEXT_PAIR, repeated=True),
    **_known(4, 5, 6),
}

_RESOURCES: Table = {1: Field("platform", "text"), 2: Field("preset", "text")}
_ID: Table = {1: Field("id", "text")}
_RESERVATION: Table = {1: None, 2: Field("reservation_ids", "text", repeated=True)}

_INSTANCE: Table = {
    2: Field("resources", _RESOURCES),
    3: Field("gpu_cluster", _ID),
    21: Field("nvl_instance_group_id", "text"),
    23: Field("reservation_policy", _RESERVATION),
    **_known(1, 4, 5, 6, 7, 8, 13, 15, 19, 20, 24, 25, 26, 27),
}

_NODES: Table = {1: Field("min_node_count", "int"), 2: Field("max_node_count", "int")}
_TEMPLATE: Table = {
    3: Field("resources", _RESOURCES),
    4: Field("gpu_cluster", _ID),
    18: Field("reservation_policy", _RESERVATION),
    **_known(1, 2, 5, 6, 7, 9, 10, 12, 13, 15, 16, 17, 19, 20, 21, 22, 23),
}
_NODE_GROUP: Table = {
    2: Field("fixed_node_count", "int"),
    3: Field("template", _TEMPLATE),
    5: Field("autoscaling", _NODES),
    **_known(1, 4, 6),
}

_DURATION: Table = {1: Field("seconds", "int"), 2: Field("nanos", "int")}
_CONTAINER: Table = {
    1: Field("image", "text"),
    20: Field("platform", "text"),
    21: Field("preset", "text"),
    **_known(2, 3, 4, 5, 6, 7, 10, 22, 23, 24, 25, 26, 27, 28, 30, 31, 32),
}
_JOB: Table = {
    **_CONTAINER,
    30: Field("restart_attempts", "int"),
    31: Field("timeout", _DURATION),
}
_DEVLAB: Table = {**_CONTAINER, 32: Field("template", {1: Field("id", "text"), 2: None}), **_known(33, 34)}


def _with(spec: Table) -> Table:
    return {1: Field("metadata", _METADATA), 2: Field("spec", spec)}


def _tried(spec: Table) -> Table:
    """Return a message that may only be tried. Of those without the field, a server passes over it and acts."""
    return {**_with(spec), 3: Field("dry_run", "bool")}


BY_ID: Table = {1: Field("id", "text")}
INSTANCE, NODE_GROUP = _with(_INSTANCE), _with(_NODE_GROUP)
JOB, ENDPOINT, DEVLAB = _tried(_JOB), _tried(_CONTAINER), _tried(_DEVLAB)
NOTHING: Table = {}

OPERATION: Table = {
    1: Field("id", "text"),
    7: Field("resource_id", "text"),
    **_known(2, 3, 4, 5, 6, 9, 10, 11, 12),
}
"""What every change is answered with."""
