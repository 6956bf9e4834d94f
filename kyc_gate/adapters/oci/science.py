"""Data Science: jobs and their runs, deployments of models, notebooks."""

from __future__ import annotations

from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.oci.asked import Asked, line, lines_of, minutes
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import reference
from kyc_gate.model.job import Accelerators

_INFRASTRUCTURE, _NODES = "jobInfrastructureConfigurationDetails", "jobNodeConfigurationDetails"


def read_job(asked: Asked) -> Reading:
    """Nothing that runs: the machine of one run is learnt. Runs of several nodes say them again, with their limit."""
    infrastructure, nodes = asked.body.part(_INFRASTRUCTURE), asked.body.part(_NODES)
    lines = _job_lines(infrastructure, nodes)
    several = bool(nodes.home) or "MULTI" in (infrastructure.text("jobInfrastructureType") or "").upper()
    return asked.reading(one=() if several or lines is None else lines)


def read_job_update(asked: Asked) -> Reading | None:
    """A job whose runs have other machines from now on: on how many nodes is not said again."""
    shape = asked.body.part(_INFRASTRUCTURE).text("shapeName")
    if shape is None and not asked.body.has(_INFRASTRUCTURE):
        return None
    return asked.reading(changes=[asked.named("job")])


def _job_lines(infrastructure: Fields, nodes: Fields) -> list[Accelerators] | None:
    """Return the machines of a run, None where it is not said which: each group of nodes may name its own."""
    shared = infrastructure.text("shapeName")
    groups = nodes.parts("jobNodeGroupConfigurationDetailsList")
    if not groups:
        return [line(shared, 1, "shapeName")] if shared and not nodes.home else None
    found = []
    for group in groups:
        shape = group.part(_INFRASTRUCTURE).text("shapeName") or shared
        number = group.number("replicas")
        if shape is None or number is None:
            return None
        found.append(line(shape, number, "shapeName"))
    return found


def read_job_run(asked: Asked) -> Reading:
    """A run of a job as learnt, until the limit that the run itself states.

    A run that says other machines than its job's says all of them, with the number of nodes, or is unresolved.
    """
    body = asked.body
    job = reference("job", body.text("jobId"))
    infrastructure = body.part("jobInfrastructureConfigurationOverrideDetails")
    nodes = body.part("jobNodeConfigurationOverrideDetails")
    seconds = minutes(body.part("jobConfigurationOverrideDetails"), "maximumRuntimeInMinutes")
    if nodes.home:
        seconds = minutes(nodes, "maximumRuntimeInMinutes")
    if not infrastructure.home and not nodes.home:
        return asked.reading(unresolved=[job], seconds=seconds)
    lines = _job_lines(infrastructure, nodes) if nodes.home else None
    if lines is None:
        return asked.reading(unresolved=[job, reference("parameter", "jobNodeConfigurationOverrideDetails")])
    return asked.reading(lines, seconds=seconds)


def read_deployment(asked: Asked) -> Reading:
    """A model on as many machines as it may grow to."""
    shapes, number, hidden = _deployed(asked)
    if not shapes or number is None:
        return asked.reading(unresolved=[*hidden, reference("parameter", "instanceShapeName")])
    return asked.reading(lines_of(shapes, number), hidden, one=lines_of(shapes, 1))


def read_deployment_update(asked: Asked) -> Reading | None:
    """The same with other machines or another number of them."""
    name = asked.named("model-deployment")
    shapes, number, hidden = _deployed(asked)
    if not shapes and number is None and not hidden:
        return None
    if number is None:
        return asked.reading(unresolved=[reference("parameter", "scalingPolicy"), *hidden], replaces=name)
    if not shapes:
        return asked.reading(unresolved=[name, *hidden], repeats=max(number, 1), replaces=name)
    return asked.reading(lines_of(shapes, number), hidden, replaces=name, one=lines_of(shapes, 1))


def _deployed(asked: Asked) -> tuple[list[str], int | None, list[str]]:
    """Return the shapes of a deployment, the most machines that it may have, and what cannot be read."""
    outer = asked.body.part("modelDeploymentConfigurationDetails")
    homes = [outer.part("modelConfigurationDetails"), outer.part("infrastructureConfigurationDetails")]
    shapes, numbers, hidden = [], [], []
    for home in homes:
        shapes.append(home.part("instanceConfiguration").text("instanceShapeName"))
        if home.has("scalingPolicy"):
            most = _most(home.part("scalingPolicy"))
            hidden += [] if most else [reference("parameter", "scalingPolicy")]
            numbers += [most] if most else []
        if home.has("computeTargetId"):
            hidden.append(reference("compute-target", home.text("computeTargetId")))
    return [shape for shape in shapes if shape], max(numbers, default=None), hidden


def _most(policy: Fields) -> int | None:
    """Return the most machines that a policy keeps, None where one of its parts does not say."""
    found = [policy.number("instanceCount"), policy.number("maximumInstanceCount")]
    inner = policy.parts("autoScalingPolicies")
    each = [part.number("maximumInstanceCount") for part in inner]
    return None if None in each else max((number for number in (*found, *each) if number), default=None)


def read_notebook(asked: Asked) -> Reading:
    """One machine."""
    shapes = _notebook_shapes(asked)
    hidden = [] if shapes else [reference("parameter", "shape")]
    return asked.reading(lines_of(shapes, 1), hidden)


def read_notebook_update(asked: Asked) -> Reading | None:
    """A notebook on another machine."""
    shapes = _notebook_shapes(asked)
    return asked.reading(lines_of(shapes, 1), replaces=asked.named("notebook-instance")) if shapes else None


def read_notebook_start(asked: Asked) -> Reading:
    """A notebook that was made earlier, on its machine or on another."""
    name, shapes = asked.named("notebook-instance"), _notebook_shapes(asked)
    if shapes:
        return asked.reading(lines_of(shapes, 1), replaces=name)
    return asked.reading(unresolved=[name], replaces=name)


def _notebook_shapes(asked: Asked) -> list[str]:
    fields = ("notebookSessionConfigurationDetails", "notebookSessionConfigDetails")
    found = [asked.body.part(name).text("shape") for name in fields]
    return [shape for shape in found if shape]
