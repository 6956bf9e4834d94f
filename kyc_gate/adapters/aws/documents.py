"""JSON bodies of SageMaker, Batch, EKS, Parallel Computing Service and Bedrock: a document to a reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from kyc_gate.adapters.aws.operations import TOKENS, kind_of
from kyc_gate.adapters.reading import Reading, instance_type
from kyc_gate.adapters.strict_json import JsonValue, read_json_object
from kyc_gate.adapters.values import MAX_COUNT, count, digits, reference, token
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators, RequestKind

Document: TypeAlias = "Mapping[str, JsonValue]"

# What links requests that belong together, by the name of the field, wherever it stands.
_LINKS = {
    "rolearn": "role",
    "executionrole": "role",
    "noderole": "role",
    "trainingimage": "image",
    "imageuri": "image",
    "image": "image",
    "algorithmname": "algorithm",
    "s3outputpath": "output",
    "trainingplanarn": "training-plan",
    "experimentname": "experiment",
    "s3uri": "data",
    "modelname": "model",
    "basemodelidentifier": "model",
    "clustername": "cluster",
}
_TYPE_FIELDS = ("InstanceType", "instanceType", "ProductionVariantInstanceType")
_COUNT_FIELDS = (
    "InstanceCount",
    "InitialInstanceCount",
    "DesiredInstanceCount",
    "TargetCount",
    "MinInstanceCount",
    "MaxInstanceCount",
    "maxInstanceCount",
)
# Jobs whose name stays taken after they end, since nothing deletes them: a second call of the same name fails upstream.
_NAMED = frozenset({"CreateTransformJob"})
_FLEETING = frozenset(field for operations in TOKENS.values() for field in operations.values())


def read_sagemaker(operation: str, document: Document) -> Reading | None:
    """Return what a SageMaker operation asks for."""
    reader = _SAGEMAKER.get(operation, _read_evident)
    return _complete("sagemaker", reader, kind_of("sagemaker", operation), operation, document)


def read_pcs(operation: str, document: Document) -> Reading | None:
    """Return what an operation of the Parallel Computing Service asks for."""
    return _complete("pcs", _read_node_group, kind_of("pcs", operation), operation, document)


def read_rest(service: str, operation: str, kind: RequestKind, document: Document) -> Reading | None:
    """Return what a Batch, EKS or Bedrock operation asks for."""
    return _complete(service, _REST.get(operation, _read_evident), kind, operation, document)


def meaning(document: Document) -> dict[str, JsonValue]:
    """Return the document without idempotency tokens."""
    return {name: value for name, value in document.items() if name not in _FLEETING}


Reader: TypeAlias = "Callable[[RequestKind, str, Document], Reading | None]"


def _complete(service: str, reader: Reader, kind: RequestKind, operation: str, document: Document) -> Reading | None:
    reading = reader(kind, operation, document)
    if reading is None:
        return None
    token_field = TOKENS[service].get(operation)
    return Reading(
        kind=reading.kind,
        lines=reading.lines,
        unresolved=tuple(dict.fromkeys(reading.unresolved)),
        ranged=reading.ranged,
        duration_seconds=reading.duration_seconds,
        repeats=reading.repeats,
        tags=_tags(document),
        linkage=tuple(sorted({*_links(document), *_resumed(document)})),
        token=token(document.get(token_field), token_field) if token_field else None,
        named=operation in _NAMED,
    )


def _part(document: Document, name: str) -> Document:
    """Return the object at `name`, empty when absent. Raises `RefusedCall` 400 for anything else."""
    value = document.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise RefusedCall(400, "field", f"{name} is not an object")


def _parts(document: Document, name: str) -> list[Document]:
    """Return the objects in the list at `name`, empty when absent."""
    value = document.get(name)
    if value is None:
        return []
    if isinstance(value, list):
        objects = [part for part in value if isinstance(part, dict)]
        if len(objects) == len(value):
            return list(objects)
    raise RefusedCall(400, "field", f"{name} is not a list of objects")


def _tags(document: Document) -> tuple[tuple[str, str], ...]:
    tags = document.get("Tags", document.get("tags"))
    if isinstance(tags, dict):
        return tuple(sorted((key, value) for key, value in tags.items() if isinstance(value, str)))
    found: list[tuple[str, str]] = []
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, dict):
            key, value = tag.get("Key"), tag.get("Value", "")
            if isinstance(key, str) and isinstance(value, str):
                found.append((key, value))
    return tuple(sorted(found))


def _resumed(document: Document) -> Iterator[tuple[str, str]]:
    """Yield where a job keeps its checkpoints, and its name: what a run that is started again has in common."""
    checkpoints = document.get("CheckpointConfig")
    if isinstance(checkpoints, dict) and isinstance(checkpoints.get("S3Uri"), str) and checkpoints["S3Uri"]:
        yield "checkpoint", str(checkpoints["S3Uri"])[:1024]
    for field in ("TrainingJobName", "jobName"):
        name = document.get(field)
        if isinstance(name, str) and name:
            yield "job-name", name[:1024]


def _links(value: JsonValue | Document, inside: str = "") -> Iterator[tuple[str, str]]:
    """Yield kind and value of every field that links requests."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            kind = _LINKS.get(name.lower())
            if kind and isinstance(part, str) and part:
                yield ("checkpoint" if inside == "CheckpointConfig" and kind == "data" else kind, part[:1024])
            else:
                yield from _links(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _links(part, inside)


def _seconds(document: Document, field: str, inside: str) -> int | None:
    if document.get(field) is None:
        return None
    value = document[field]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**9:
        raise RefusedCall(400, "duration", f"{inside}.{field} {shown(value)} is not a whole number of seconds above 0")
    return value


# SageMaker


def _resources(config: Document, field: str) -> tuple[list[Accelerators], list[str]]:
    """Return the lines of a `ResourceConfig`, and what it leaves to be looked up."""
    unresolved: list[str] = []
    groups = _parts(config, "InstanceGroups")
    lines = [_line(group, f"{field}.InstanceGroups[]", "InstanceCount") for group in groups]
    if config.get("InstanceType") is not None:
        lines.append(_line(config, field, "InstanceCount"))
    for preference in _parts(config, "InstancePreferences"):
        # Any of the preferred types may be chosen: each is charged with the whole count.
        number = (
            config.get("InstanceCount") if preference.get("InstanceCount") is None else preference.get("InstanceCount")
        )
        chosen = {"InstanceType": preference.get("InstanceType"), "InstanceCount": number}
        lines.append(_line(chosen, f"{field}.InstancePreferences[]", "InstanceCount"))
    if not lines:
        plan = config.get("TrainingPlanArn")
        unresolved.append(reference("training-plan", plan) if plan else reference("parameter", f"{field}.InstanceType"))
    return lines, unresolved


def _line(document: Document, field: str, *counts: str) -> Accelerators:
    numbers = [count(document[name], f"{field}.{name}", least=0) for name in counts if document.get(name) is not None]
    if not numbers:
        raise RefusedCall(400, "count", f"{field} names no count; send `{counts[0]}`")
    return Accelerators(
        instance_type=instance_type(document.get("InstanceType"), f"{field}.InstanceType"), count=max(numbers)
    )


def _runtime(document: Document) -> int | None:
    """Seconds that a training job may run: its limit times its attempts, and how long machines are kept after it."""
    limit = _seconds(_part(document, "StoppingCondition"), "MaxRuntimeInSeconds", "StoppingCondition")
    if limit is None:
        return None
    strategy, config = _part(document, "RetryStrategy"), _part(document, "ResourceConfig")
    attempts = strategy.get("MaximumRetryAttempts")
    retries = 0 if attempts is None else count(attempts, "RetryStrategy.MaximumRetryAttempts", least=0)
    keep = (
        _seconds(config, "KeepAlivePeriodInSeconds", "ResourceConfig") if config.get("KeepAlivePeriodInSeconds") else 0
    )
    return limit * (1 + retries) + (keep or 0)


def _read_training(kind: RequestKind, operation: str, document: Document) -> Reading:
    lines, unresolved = _resources(_part(document, "ResourceConfig"), "ResourceConfig")
    return Reading(
        kind=kind,
        lines=tuple(line for line in lines if line.count),
        unresolved=tuple(unresolved),
        ranged=bool(_part(document, "ResourceConfig").get("InstancePreferences")),
        duration_seconds=_runtime(document),
    )


def _read_tuning(kind: RequestKind, operation: str, document: Document) -> Reading:
    """Every job of the search is charged: jobs x machines x runtime of one job."""
    definitions = _parts(document, "TrainingJobDefinitions")
    if document.get("TrainingJobDefinition") is not None:
        definitions.append(_part(document, "TrainingJobDefinition"))
    limits = _part(_part(document, "HyperParameterTuningJobConfig"), "ResourceLimits")
    jobs = [
        count(limits[name], f"ResourceLimits.{name}")
        for name in ("MaxNumberOfTrainingJobs", "MaxParallelTrainingJobs")
        if limits.get(name) is not None
    ]
    lines: list[Accelerators] = []
    unresolved = [] if jobs else [reference("parameter", "ResourceLimits.MaxNumberOfTrainingJobs")]
    seconds: list[int | None] = []
    for definition in definitions:
        field = (
            "ResourceConfig" if definition.get("ResourceConfig") is not None else "HyperParameterTuningResourceConfig"
        )
        config = _part(definition, field)
        found, missing = _tuning_resources(config, field)
        lines += found
        unresolved += missing
        seconds.append(_runtime(definition))
    if not definitions:
        unresolved.append(reference("parameter", "TrainingJobDefinition"))
    known = [each for each in seconds if each is not None]
    return Reading(
        kind=kind,
        lines=tuple(
            Accelerators(instance_type=line.instance_type, count=line.count, multiplier=max(jobs, default=1))
            for line in lines
            if line.count
        ),
        unresolved=tuple(unresolved),
        ranged=True,
        duration_seconds=max(known) if known and len(known) == len(seconds) else None,
    )


def _tuning_resources(config: Document, field: str) -> tuple[list[Accelerators], list[str]]:
    configs = _parts(config, "InstanceConfigs")
    if not configs:
        return _resources(config, field)
    return [_line(each, f"{field}.InstanceConfigs[]", "InstanceCount") for each in configs], []


def _read_cluster(kind: RequestKind, operation: str, document: Document) -> Reading:
    """A HyperPod cluster has no stated end. An update states absolute targets, which are charged whole."""
    lines: list[Accelerators] = []
    unresolved: list[str] = []
    groups = _parts(document, "InstanceGroups") + _parts(document, "RestrictedInstanceGroups")
    for group in groups:
        if group.get("InstanceType") is not None:
            lines.append(_line(group, "InstanceGroups[]", "InstanceCount", "MinInstanceCount"))
        elif group.get("InstanceRequirements") is not None:
            lines += _requirements(group)
        else:
            unresolved.append(reference("parameter", "InstanceGroups.InstanceType"))
    if document.get("AutoScaling") is not None:
        unresolved.append(reference("parameter", "AutoScaling"))
    if not groups and operation == "UpdateCluster" and not unresolved:
        unresolved.append(reference("cluster", document.get("ClusterName")))
    return Reading(kind=kind, lines=tuple(line for line in lines if line.count), unresolved=tuple(unresolved))


def _requirements(group: Document) -> list[Accelerators]:
    """Return one line for each type that the group may choose, each with the whole count."""
    types = _part(group, "InstanceRequirements").get("InstanceTypes")
    if not isinstance(types, list):
        raise RefusedCall(400, "field", "InstanceGroups[].InstanceRequirements.InstanceTypes is not a list")
    return [
        _line({**group, "InstanceType": each}, "InstanceGroups[]", "InstanceCount", "MinInstanceCount")
        for each in types
    ]


def _read_nodes(kind: RequestKind, operation: str, document: Document) -> Reading:
    return Reading(kind=kind, unresolved=(reference("cluster", document.get("ClusterName")),))


def _single(type_path: tuple[str, ...], *, otherwise: tuple[str, str] | None = None) -> Reader:
    """Return a reader for one machine whose type stands at `type_path`; without it, `otherwise` names where to look."""

    def read(kind: RequestKind, operation: str, document: Document) -> Reading:
        inner = document
        for name in type_path[:-1]:
            inner = _part(inner, name)
        value = inner.get(type_path[-1])
        if value is not None:
            line = Accelerators(instance_type=instance_type(value, ".".join(type_path)), count=1)
            return Reading(kind=kind, lines=(line,))
        if otherwise is None:
            return _read_evident(kind, operation, document)
        return Reading(kind=kind, unresolved=(reference(otherwise[0], document.get(otherwise[1])),))

    return read


def _named(what: str, field: str) -> Reader:
    """Return a reader for an operation that only names a thing defined elsewhere."""

    def read(kind: RequestKind, operation: str, document: Document) -> Reading:
        return Reading(kind=kind, unresolved=(reference(what, document.get(field)),))

    return read


def _read_processing(kind: RequestKind, operation: str, document: Document) -> Reading:
    config = _part(_part(document, "ProcessingResources"), "ClusterConfig")
    lines, unresolved = _resources(config, "ProcessingResources.ClusterConfig")
    limit = _seconds(_part(document, "StoppingCondition"), "MaxRuntimeInSeconds", "StoppingCondition")
    return Reading(kind=kind, lines=tuple(lines), unresolved=tuple(unresolved), duration_seconds=limit)


def _read_transform(kind: RequestKind, operation: str, document: Document) -> Reading:
    lines, unresolved = _resources(_part(document, "TransformResources"), "TransformResources")
    return Reading(kind=kind, lines=tuple(lines), unresolved=tuple(unresolved))


def _read_validated(kind: RequestKind, operation: str, document: Document) -> Reading | None:
    """What is only described provisions nothing; its validation runs training and transform jobs at once."""
    return _read_evident(kind, operation, document) if document.get("ValidationSpecification") is not None else None


def _read_notebook_update(kind: RequestKind, operation: str, document: Document) -> Reading | None:
    if document.get("InstanceType") is None:
        return None
    return _single(("InstanceType",))(kind, operation, document)


def _read_evident(kind: RequestKind, operation: str, document: Document) -> Reading:
    """What is evident is counted, and the operation as a whole stays unresolved."""
    return Reading(kind=kind, lines=tuple(_evident(document)), unresolved=(reference("operation", operation),))


def _evident(value: JsonValue | Document) -> Iterator[Accelerators]:
    if isinstance(value, Mapping):
        name = next((value[field] for field in _TYPE_FIELDS if isinstance(value.get(field), str)), None)
        if name is not None:
            numbers = [value[field] for field in _COUNT_FIELDS if value.get(field) is not None]
            yield Accelerators(
                instance_type=instance_type(name, "InstanceType"),
                count=max((count(number, "InstanceCount", least=0) for number in numbers), default=1) or 1,
            )
        for part in value.values():
            yield from _evident(part)
    elif isinstance(value, list):
        for part in value:
            yield from _evident(part)


_SAGEMAKER: dict[str, Reader] = {
    "CreateTrainingJob": _read_training,
    "CreateHyperParameterTuningJob": _read_tuning,
    "CreateProcessingJob": _read_processing,
    "CreateAlgorithm": _read_validated,
    "CreateModelPackage": _read_validated,
    "CreateTransformJob": _read_transform,
    "CreateCluster": _read_cluster,
    "UpdateCluster": _read_cluster,
    "BatchAddClusterNodes": _read_nodes,
    "CreateNotebookInstance": _single(("InstanceType",)),
    "UpdateNotebookInstance": _read_notebook_update,
    "StartNotebookInstance": _named("notebook-instance", "NotebookInstanceName"),
    "CreateApp": _single(("ResourceSpec", "InstanceType"), otherwise=("space", "SpaceName")),
    "CreateEndpoint": _named("endpoint-config", "EndpointConfigName"),
    "UpdateEndpoint": _named("endpoint-config", "EndpointConfigName"),
    "UpdateEndpointWeightsAndCapacities": _named("endpoint", "EndpointName"),
    "CreateTrainingPlan": _named("offering", "TrainingPlanOfferingId"),
    "StartPipelineExecution": _named("pipeline", "PipelineName"),
    "RetryPipelineExecution": _named("pipeline-execution", "PipelineExecutionArn"),
}


# Parallel Computing Service, Batch, EKS


def _read_node_group(kind: RequestKind, operation: str, document: Document) -> Reading:
    configs = _parts(document, "instanceConfigs")
    scaling = _part(document, "scalingConfiguration")
    number = scaling.get("maxInstanceCount")
    if not configs or number is None:
        return Reading(kind=kind, unresolved=(reference("node-group", document.get("computeNodeGroupIdentifier")),))
    total = count(number, "scalingConfiguration.maxInstanceCount", least=0)
    lines = [
        Accelerators(
            instance_type=instance_type(each.get("instanceType"), "instanceConfigs[].instanceType"), count=total
        )
        for each in configs
        if total
    ]
    return Reading(kind=kind, lines=tuple(lines), ranged=len(lines) > 1)


def _read_eks_nodes(kind: RequestKind, operation: str, document: Document) -> Reading:
    scaling = _part(document, "scalingConfig")
    numbers = [
        count(scaling[name], f"scalingConfig.{name}", least=0)
        for name in ("minSize", "maxSize", "desiredSize")
        if scaling.get(name) is not None
    ]
    types = document.get("instanceTypes")
    if not isinstance(types, list) or not types or not numbers:
        template = _part(document, "launchTemplate")
        named = template.get("id") or template.get("name")
        hidden = [reference("operation", operation)]
        if named:
            hidden = [reference("launch-template", f"{named}@{template.get('version') or '$Default'}")]
        if not numbers:
            hidden.append(reference("parameter", "scalingConfig"))
        return Reading(kind=kind, unresolved=tuple(hidden), repeats=max(numbers, default=1) or 1)
    number = max(numbers)
    lines = [
        Accelerators(instance_type=instance_type(each, "instanceTypes[]"), count=number) for each in types if number
    ]
    return Reading(kind=kind, lines=tuple(lines), ranged=len(lines) > 1)


def _read_eks_cluster(kind: RequestKind, operation: str, document: Document) -> Reading | None:
    """A cluster provisions machines only in auto mode, whose machines the provider chooses."""
    enabled = _part(document, "computeConfig").get("enabled")
    if document.get("computeConfig") is None or enabled is False:
        return None
    return Reading(kind=kind, unresolved=(reference("operation", operation),))


def _read_batch_job(kind: RequestKind, operation: str, document: Document) -> Reading:
    """The accelerators stand in the job definition, so a job stays unresolved; what the call itself says is counted."""
    size = _part(document, "arrayProperties").get("size")
    array = 1 if size is None else count(size, "arrayProperties.size")
    nodes = _part(document, "nodeOverrides").get("numNodes")
    number = 1 if nodes is None else count(nodes, "nodeOverrides.numNodes")
    timeout = _seconds(_part(document, "timeout"), "attemptDurationSeconds", "timeout")
    attempts = _part(document, "retryStrategy").get("attempts")
    tries = 1 if attempts is None else count(attempts, "retryStrategy.attempts")
    gpus = sum(_gpus(container) for container in _containers(document))
    lines = (Accelerators(model="unspecified", count=min(gpus * number, MAX_COUNT), multiplier=array),) if gpus else ()
    return Reading(
        kind=kind,
        lines=lines,
        unresolved=(reference("job-definition", document.get("jobDefinition")),),
        duration_seconds=None if timeout is None else timeout * tries,
        repeats=array * number,
    )


def _gpus(container: Document) -> int:
    wanted = [each.get("value") for each in _parts(container, "resourceRequirements") if each.get("type") == "GPU"]
    return sum(digits(value, "resourceRequirements[].value") for value in wanted if isinstance(value, str))


def _containers(document: Document) -> Iterator[Document]:
    yield _part(document, "containerOverrides")
    for override in _parts(_part(document, "nodeOverrides"), "nodePropertyOverrides"):
        yield _part(override, "containerOverrides")


def _read_service_job(kind: RequestKind, operation: str, document: Document) -> Reading:
    """The payload is a SageMaker training job, as a JSON text."""
    payload = document.get("serviceRequestPayload")
    if not isinstance(payload, str):
        return Reading(kind=kind, unresolved=(reference("operation", operation),))
    return _read_training(kind, operation, read_json_object(payload.encode(), what="serviceRequestPayload"))


def _read_compute_environment(kind: RequestKind, operation: str, document: Document) -> Reading:
    """The size is given in virtual processors, which is no count of accelerators."""
    resources = _part(document, "computeResources")
    types = resources.get("instanceTypes")
    lines = [
        Accelerators(instance_type=instance_type(each, "computeResources.instanceTypes[]"), count=1)
        for each in (types if isinstance(types, list) else ())
    ]
    return Reading(kind=kind, lines=tuple(lines), unresolved=(reference("parameter", "computeResources.maxvCpus"),))


_REST: dict[str, Reader] = {
    "SubmitJob": _read_batch_job,
    "SubmitServiceJob": _read_service_job,
    "CreateComputeEnvironment": _read_compute_environment,
    "UpdateComputeEnvironment": _read_compute_environment,
    "CreateNodegroup": _read_eks_nodes,
    "UpdateNodegroupConfig": _read_eks_nodes,
    "CreateCluster": _read_eks_cluster,
    "UpdateClusterConfig": _read_eks_cluster,
}
