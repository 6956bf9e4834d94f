"""A JSON provisioning API, described in configuration: which path, and which field means what."""

from __future__ import annotations

from typing import Literal

from kyc_gate.model.job import RequestKind, Workload
from kyc_gate.model.record import Record


class GenericFields(Record):
    """Where the facts stand in the body: a dotted path such as `resources.gpu_count`, or a JSON Pointer.

    `count` is chips when `accelerator` names them, machines when `instance_type` does; `nodes` multiplies it.
    `base_model` and the fields below it say what a run starts from and what it will train; `lineage` names an object
    that says all of it, and stands alone. Durations: at most one of the four. A field that is not mapped is not read.
    """

    instance_type: str | None = None
    accelerator: str | None = None
    count: str | None = None
    nodes: str | None = None
    duration_seconds: str | None = None
    duration_minutes: str | None = None
    duration_hours: str | None = None
    duration_days: str | None = None
    workload: str | None = None
    declared_operations: str | None = None
    region: str | None = None
    place_of_use: str | None = None
    data_centre: str | None = None
    account: str | None = None
    dry_run: str | None = None
    base_model: str | None = None
    base_weights: str | None = None
    base_operations: str | None = None
    parameters: str | None = None
    tokens: str | None = None
    epochs: str | None = None
    biological: str | None = None
    lineage: str | None = None


class GenericRoute(Record):
    """One guarded operation.

    `path` is a pattern of segments, `{name}` for one segment. `fields` says where facts stand, `linkage` which fields
    link requests that belong together. `run_id` is where the answer has the id of what was started: `DELETE` of that id
    below the path, or a call to `cancel`, `stop`, `terminate`, `delete` or `abort` below it, then ends the run.
    `other_fields` names body fields that mean nothing to the gate; any other field
    is refused while `unknown_fields` is `refuse`: a field that the gate does not know may change what is provisioned.
    `assume_accelerator` and `assume_workload` state what the route always means.
    """

    operation: str
    path: str
    methods: tuple[str, ...] = ("POST",)
    kind: RequestKind = RequestKind.CREATE
    service: str = "api"
    fields: GenericFields = GenericFields()
    other_fields: tuple[str, ...] = ()
    linkage: tuple[str, ...] = ()
    query_parameters: tuple[str, ...] = ()
    unknown_fields: Literal["refuse", "ignore"] = "refuse"
    assume_accelerator: str | None = None
    assume_workload: Workload | None = None
    run_id: str | None = None
