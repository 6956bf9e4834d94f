"""Microsoft.MachineLearningServices: jobs, computes and deployments."""

from __future__ import annotations

from msgspec.structs import replace

from kyc_gate.adapters.azure.asked import Asked, duration, largest, line
from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import reference
from kyc_gate.model.job import Accelerators


def read_job(asked: Asked) -> Reading:
    """A command or a sweep of commands; what other kinds of jobs run on is inside of them, or chosen by the service."""
    job = asked.body.part("properties")
    kind = (job.text("jobType") or "").lower()
    name = asked.named("ml-job")
    limits = job.part("limits")
    if kind == "command":
        lines, hidden, number = _resources(asked, job, job.part("resources"))
        return asked.reading(lines, hidden, seconds=duration(limits, "timeout"), repeats=number, starts=name)
    if kind == "sweep":
        return _sweep(asked, job, limits, name)
    return asked.reading(unresolved=[reference("operation", f"{kind or 'unknown'}-job")], starts=name)


def _sweep(asked: Asked, job: Fields, limits: Fields, name: str) -> Reading:
    """Every trial, each for as long as it may take."""
    trial = job.part("trial")
    resources = trial.part("resources") if trial.has("resources") else job.part("resources")
    lines, hidden, number = _resources(asked, job, resources)
    trials = largest(limits.number("maxTotalTrials"), limits.number("maxConcurrentTrials"))
    if not trials:
        hidden = [*hidden, reference("parameter", "maxTotalTrials")]
    times = max(trials, 1)
    lines = [replace(each, multiplier=each.multiplier * times) for each in lines]
    seconds = duration(limits, "trialTimeout") or duration(limits, "timeout")
    return asked.reading(lines, hidden, seconds=seconds, repeats=number * times, starts=name)


def _resources(asked: Asked, job: Fields, resources: Fields) -> tuple[list[Accelerators], list[str], int]:
    """Return the lines of a job, what it does not say, and on how many machines of a compute it runs."""
    number = resources.number("instanceCount", least=1) or 1
    size, compute = resources.text("instanceType"), job.text("computeId")
    if compute:
        return [], [_compute(asked, compute)], number
    if size:
        return [line(size, number, "instanceType")], [], 1
    return [], [reference("parameter", "instanceType")], number


def _compute(asked: Asked, id: str) -> str:
    """Return the name of a compute of the same workspace; one elsewhere stays as it is written."""
    parts = id.lower().strip("/").split("/")
    group, workspace = asked.names.get("group", ""), asked.names.get("workspace", "")
    subscription = asked.names.get("subscription", "")
    home = f"subscriptions/{subscription}/resourcegroups/{group}/providers/microsoft.machinelearningservices"
    if len(parts) > 1 and "/".join(parts[:-1]) != f"{home}/workspaces/{workspace}/computes":
        return reference("ml-compute", f"?/{id}")
    return reference("ml-compute", f"{group}/{workspace}/{parts[-1]}")


def read_compute(asked: Asked) -> Reading | None:
    """A compute as large as it may grow. What is only attached is there already."""
    outer = asked.body.part("properties")
    inner = outer.part("properties")
    size = inner.text("vmSize") or inner.text("agentVmSize")
    scale = inner.part("scaleSettings") if inner.has("scaleSettings") else outer.part("scaleSettings")
    number = largest(scale.number("maxNodeCount"), inner.number("agentCount"))
    name = asked.named("ml-compute")
    if size:
        is_cluster = (outer.text("computeType") or "").lower() != "computeinstance"
        hidden = [reference("parameter", "maxNodeCount")] if is_cluster and not number else []
        return asked.reading([line(size, max(number, 1))], hidden, replaces=name)
    if number:
        return asked.reading(unresolved=[name], repeats=number, replaces=name)
    attached = (outer.text("computeType") or "").lower()
    if asked.method == "PATCH" or attached in _ATTACHED:
        return None
    return asked.reading(unresolved=[reference("operation", asked.operation)], replaces=name)


_ATTACHED = frozenset({"kubernetes", "databricks", "datafactory", "hdinsight", "datalakeanalytics", "synapsespark"})


def read_compute_size(asked: Asked) -> Reading:
    """A compute that is given other machines."""
    return asked.reading(unresolved=[reference("operation", asked.operation)], replaces=asked.named("ml-compute"))


def read_compute_start(asked: Asked) -> Reading:
    """A compute that was made earlier."""
    name = asked.named("ml-compute")
    return asked.reading(unresolved=[name], starts=name)


def read_deployment(asked: Asked) -> Reading | None:
    """A model on as many machines as it may grow to. One that names no type of machine is as it was."""
    properties = asked.body.part("properties")
    number = largest(asked.body.part("sku").number("capacity"), properties.part("scaleSettings").number("maxInstances"))
    size = properties.text("instanceType")
    name = asked.named("ml-deployment")
    if size:
        return asked.reading([line(size, max(number, 1), "instanceType")], replaces=name)
    if asked.method == "PATCH" and not number:
        return None
    return asked.reading(unresolved=[name], repeats=max(number, 1), replaces=name)
