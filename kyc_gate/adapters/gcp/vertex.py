"""Vertex AI: jobs, endpoints and whatever else asks for machines by a machine spec."""

from __future__ import annotations

import math
import re

from msgspec.structs import replace

from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.gcp.asked import Asked, machine_lines, tail
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import MAX_COUNT, count, reference
from kyc_gate.adapters.words import shown
from kyc_gate.compute.instance_types import find_instance_type
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators

_TOPOLOGY = re.compile(r"[0-9]{1,4}(?:x[0-9]{1,4}){1,2}")
_CUSTOM_TASK = re.compile(r"gs://google-cloud-aiplatform/schema/trainingjob/definition/custom_task_[0-9.]+\.yaml")


def topology_chips(topology: str, field: str) -> int:
    """Return the chips of a TPU topology such as `4x4x4`. Raises `RefusedCall` 400."""
    if not _TOPOLOGY.fullmatch(topology):
        raise RefusedCall(400, "topology", f"{field} {shown(topology)} is not a topology such as `4x4x4`")
    return count(math.prod(int(each) for each in topology.split("x")), field)


def spec_lines(spec: Fields, replicas: int) -> list[Accelerators]:
    """Return the lines of `replicas` machines of a machine spec. A topology makes each replica a slice of machines."""
    machine = spec.text("machineType")
    kind, number = spec.text("acceleratorType"), spec.number("acceleratorCount")
    attached = [(tail(kind, f"{spec.path}.acceleratorType"), 1 if number is None else number)] if kind else []
    attached = [(name, each) for name, each in attached if each and name != "ACCELERATOR_TYPE_UNSPECIFIED"]
    topology = spec.text("tpuTopology")
    if topology and machine:
        chips = topology_chips(topology, f"{spec.path}.tpuTopology")
        found = find_instance_type(tail(machine, "machineType"), "gcp")
        replicas = min(MAX_COUNT, replicas * -(-chips // max(found.chips if found else 1, 1)))
    if machine == "cloud-tpu":  # a host without chips of its own: they are named beside it
        return [Accelerators(model=name, count=each, multiplier=max(replicas, 1)) for name, each in attached]
    return machine_lines(machine, attached, replicas, f"{spec.path}.machineType")


def _pool(pool: Fields) -> tuple[list[Accelerators], list[str]]:
    """Return the lines of a worker pool, and what it does not say. An empty pool is left out by the API, too."""
    replicas = pool.number("replicaCount")
    spec = pool.part("machineSpec")
    if not spec.home:
        return [], ([] if replicas in (None, 0) else [reference("parameter", "machineSpec")])
    return spec_lines(spec, 1 if replicas is None else replicas), []


def _job_spec(spec: Fields) -> tuple[list[Accelerators], list[str], int | None]:
    lines, hidden = [], []
    for pool in spec.parts("workerPoolSpecs"):
        more, less = _pool(pool)
        lines += more
        hidden += less
    persistent = spec.text("persistentResourceId")
    if not lines and not hidden:
        hidden = [reference("persistent-resource", persistent) if persistent else reference("parameter", "machineSpec")]
    return lines, hidden, spec.part("scheduling").seconds("timeout")


def read_custom_job(asked: Asked) -> Reading:
    """Every worker pool, for as long as the job may take."""
    lines, hidden, seconds = _job_spec(asked.body.part("jobSpec"))
    return asked.reading(lines, hidden, seconds=seconds)


def read_tuning(asked: Asked) -> Reading:
    """Every trial, each for as long as it may take: how many run at once changes the pace, not the amount."""
    lines, hidden, seconds = _job_spec(asked.body.part("trialJobSpec"))
    numbers = [asked.body.number("maxTrialCount"), asked.body.number("parallelTrialCount")]
    trials = max((each for each in numbers if each is not None), default=0)
    if not trials:
        hidden = [*hidden, reference("parameter", "maxTrialCount")]
    times = max(trials, 1)
    lines = [replace(line, multiplier=line.multiplier * times) for line in lines]
    return asked.reading(lines, hidden, seconds=seconds)


def read_pipeline(asked: Asked) -> Reading:
    """A training pipeline: a custom task says its machines; what the other kinds use is not in the call."""
    inputs = asked.body.part("trainingTaskInputs")
    custom = _CUSTOM_TASK.fullmatch(asked.body.text("trainingTaskDefinition") or "")
    if not custom or not inputs.has("workerPoolSpecs"):
        return asked.unread()
    lines, hidden, seconds = _job_spec(inputs)
    return asked.reading(lines, hidden, seconds=seconds)


def read_batch_prediction(asked: Asked) -> Reading:
    """As many replicas as the job may grow to."""
    resources = asked.body.part("dedicatedResources")
    if not resources.home:
        return asked.unread()
    numbers = [resources.number("startingReplicaCount"), resources.number("maxReplicaCount")]
    number = max((each for each in numbers if each is not None), default=1)
    hidden = [] if resources.has("maxReplicaCount") else [reference("parameter", "maxReplicaCount")]
    return asked.reading(spec_lines(resources.part("machineSpec"), number), hidden)


def read_persistent(asked: Asked) -> Reading:
    """Every pool of machines, as large as it may grow, until it is deleted."""
    lines, hidden = [], []
    for pool in asked.body.parts("resourcePools"):
        numbers = [pool.number("replicaCount"), pool.part("autoscalingSpec").number("maxReplicaCount")]
        number = max((each for each in numbers if each is not None), default=1)
        lines += spec_lines(pool.part("machineSpec"), number)
    if not lines:
        hidden.append(reference("parameter", "resourcePools"))
    name = asked.query.get("persistentresourceid") or asked.names.get("resource")
    named = asked.named("persistent-resource", name)
    return asked.reading(lines, hidden, starts=named, replaces=named if "resource" in asked.names else None)


def _serving(home: Fields) -> tuple[list[Accelerators], list[str]]:
    """Return the lines of what serves a model, as many replicas as it may grow to."""
    resources = home.part("dedicatedResources")
    numbers = [resources.number("minReplicaCount"), resources.number("maxReplicaCount")]
    number = max((each for each in numbers if each is not None), default=1)
    lines = spec_lines(resources.part("machineSpec"), number)
    return lines, [] if lines else [reference("parameter", "machineSpec")]


def read_deploy(asked: Asked) -> Reading | None:
    """A model on machines of its own. Automatic resources are machines without accelerators."""
    model = asked.body.part("deployedModel")
    if model.has("automaticResources") and not model.has("dedicatedResources") and not model.has("sharedResources"):
        return None
    if model.has("sharedResources"):
        return asked.reading(unresolved=[reference("deployment-resource-pool", model.text("sharedResources"))])
    lines, hidden = _serving(model)
    return asked.reading(lines, hidden)


def read_serving_pool(asked: Asked) -> Reading:
    """Machines on which models will be deployed."""
    lines, hidden = _serving(asked.body.part("deploymentResourcePool"))
    return asked.reading(lines, hidden)


def read_execution(asked: Asked) -> Reading:
    """A notebook that is executed, where it says on which machine."""
    spec = asked.body.part("customEnvironmentSpec").part("machineSpec")
    if not spec.has("machineType"):
        return asked.unread()
    return asked.reading(spec_lines(spec, 1), seconds=asked.body.seconds("executionTimeout"))
