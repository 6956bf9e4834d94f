"""SageMaker, Batch, EKS and Parallel Computing Service calls, as botocore sends them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

from kyc_gate.adapters.aws import AWSAdapter, documents
from kyc_gate.errors import RefusedCall
from kyc_gate.model.job import Accelerators, Certainty, ProvisioningRequest, RequestKind, Workload

from ..calls import ACCOUNT, JSON, call, sagemaker, scope, sent_by_botocore

ROLE = f"arn:aws:iam::{ACCOUNT}:role/training-role"


def ask(service: str, ask: Callable[[Any], object]) -> ProvisioningRequest | None:
    """What the adapter reads from the call that botocore makes."""
    given = sent_by_botocore(service, ask)
    adapter = AWSAdapter()
    return adapter.read(given) if adapter.guards(given) else None


def train(**more: Any) -> ProvisioningRequest:
    """CreateTrainingJob with these parameters."""
    asked: dict[str, Any] = {
        "TrainingJobName": "run-1",
        "AlgorithmSpecification": {"TrainingImage": "registry/image:1", "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 16, "VolumeSizeInGB": 100},
        "StoppingCondition": {"MaxRuntimeInSeconds": 432_000},
        **more,
    }
    found = ask("sagemaker", lambda client: client.create_training_job(**asked))
    assert found is not None
    return found


def machines(name: str, count: int, multiplier: int = 1) -> Accelerators:
    return Accelerators(instance_type=name, count=count, multiplier=multiplier)


def test_a_training_job_is_read_whole() -> None:
    """Machines, runtime over all attempts, declarations and links stand in the body."""
    asked = train(
        RetryStrategy={"MaximumRetryAttempts": 3},
        CheckpointConfig={"S3Uri": "s3://bucket/checkpoints"},
        Tags=[{"Key": "kyc:workload", "Value": "pre_training"}, {"Key": "kyc:operations", "Value": "2e25"}],
    )
    assert asked.kind is RequestKind.SUBMIT
    assert asked.lines == (machines("ml.p5.48xlarge", 16),)
    assert asked.certainty is Certainty.EXACT
    assert asked.duration_seconds == 4 * 432_000
    assert asked.workload is Workload.PRE_TRAINING
    assert asked.declared_operations == 2 * 10**25
    assert dict(asked.linkage) == {
        "checkpoint": "s3://bucket/checkpoints",
        "image": "registry/image:1",
        "job-name": "run-1",
        "output": "s3://bucket/out",
        "role": ROLE,
    }


def test_machines_kept_after_the_job_count() -> None:
    """`KeepAlivePeriodInSeconds` is time on the machines, too."""
    config = {
        "InstanceType": "ml.p5.48xlarge",
        "InstanceCount": 1,
        "VolumeSizeInGB": 1,
        "KeepAlivePeriodInSeconds": 600,
    }
    assert train(ResourceConfig=config).duration_seconds == 432_600


def test_groups_are_summed() -> None:
    """A heterogeneous job has a line for each of its groups."""
    groups = [
        {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 4, "InstanceGroupName": "a"},
        {"InstanceType": "ml.c5.xlarge", "InstanceCount": 2, "InstanceGroupName": "b"},
    ]
    asked = train(ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 1})
    assert asked.lines == (machines("ml.p5.48xlarge", 4), machines("ml.c5.xlarge", 2))


def test_no_type_is_unresolved() -> None:
    """A job without machines of its own takes them from elsewhere."""
    asked = train(ResourceConfig={"VolumeSizeInGB": 1})
    assert asked.unresolved == ("parameter:ResourceConfig.InstanceType",)
    assert asked.certainty is Certainty.UNRESOLVED


def test_a_retry_has_the_same_key_and_another_call_another() -> None:
    """The invocation id stays the same over attempts, and is good for the hour of the signature."""
    given = sent_by_botocore("sagemaker", lambda client: client.create_transform_job(**_TRANSFORM))

    def read(date: bytes, attempt: bytes) -> ProvisioningRequest:
        changed = {b"x-amz-date": date, b"amz-sdk-request": attempt}
        headers = tuple((name, changed.get(name, value)) for name, value in given.headers)
        asked = AWSAdapter().read(type(given)(method="POST", raw_path=b"/", headers=headers, body=given.body))
        assert isinstance(asked, ProvisioningRequest)
        return asked

    first = read(b"20261124T220000Z", b"attempt=1")
    assert first.idempotency_key is not None
    for date, attempt, same in (
        (b"20261124T220001Z", b"attempt=2; max=5", True),
        (b"20261124T230000Z", b"attempt=1", False),
    ):
        other = read(date, attempt)
        assert (other.idempotency_key == first.idempotency_key) is same
        assert other.fingerprint == first.fingerprint


def test_a_job_whose_name_can_be_freed_is_counted_each_time() -> None:
    """A finished training job can be deleted and run again under its name, so an invocation id proves no retry."""
    assert train().idempotency_key is None


@pytest.mark.parametrize("operation", sorted(documents._NAMED))
def test_a_name_that_is_taken_stays_taken(operation: str) -> None:
    """No operation of the service frees the name of a job whose retries count once."""
    model = botocore.session.Session().get_service_model("sagemaker")
    assert operation.replace("Create", "Delete") not in model.operation_names


def test_a_token_that_the_api_does_not_know_is_none() -> None:
    """The upstream ignores a field that it does not know, and starts a job for each call."""
    body = {"jobName": "j", "jobQueue": "q", "serviceJobType": "SAGEMAKER_TRAINING", "clientToken": "a"}
    head = (JSON, scope("batch"))
    keys = []
    for token in ("a", "b"):
        sent = json.dumps({**body, "clientToken": token, "IdempotencyToken": "same"}).encode()
        asked = AWSAdapter().read(call("POST", b"/v1/submitservicejob", sent, *head))
        assert asked is not None
        keys.append(asked.idempotency_key)
    assert len(set(keys)) == 2
    job = b'{"TrainingJobName":"t","ClientToken":"same","ResourceConfig":{"TrainingPlanArn":"p"}}'
    asked = AWSAdapter().read(sagemaker("CreateTrainingJob", job))
    assert asked is not None
    assert asked.idempotency_key is None


_VALIDATION = {
    "ValidationRole": ROLE,
    "ValidationProfiles": [
        {
            "ProfileName": "p",
            "TrainingJobDefinition": {
                "TrainingInputMode": "File",
                "InputDataConfig": [{"ChannelName": "c", "DataSource": {}}],
                "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
                "ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 64, "VolumeSizeInGB": 1},
                "StoppingCondition": {"MaxRuntimeInSeconds": 2_000_000},
            },
        }
    ],
}
_ALGORITHM = {
    "AlgorithmName": "a",
    "TrainingSpecification": {
        "TrainingImage": "i",
        "SupportedTrainingInstanceTypes": ["ml.p5.48xlarge"],
        "TrainingChannels": [{"Name": "c", "SupportedContentTypes": ["x"], "SupportedInputModes": ["File"]}],
    },
}


def test_an_algorithm_that_is_validated_trains_at_once() -> None:
    """`ValidationSpecification` runs the algorithm on machines; without it nothing starts."""
    given = json.dumps({**_ALGORITHM, "ValidationSpecification": _VALIDATION}).encode()
    sent = sagemaker("CreateAlgorithm", given)
    assert AWSAdapter().guards(sent)
    asked = AWSAdapter().read(sent)
    assert asked is not None
    assert asked.lines == (machines("ml.p5.48xlarge", 64),)
    assert asked.unresolved == ("operation:CreateAlgorithm",)
    assert ask("sagemaker", lambda client: client.create_algorithm(**_ALGORITHM)) is None
    assert ask("sagemaker", lambda client: client.create_model_package(ModelPackageGroupName="g")) is None


_TRANSFORM = {
    "TransformJobName": "t",
    "ModelName": "m",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://a"}}},
    "TransformOutput": {"S3OutputPath": "s3://b"},
    "TransformResources": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1},
}
_MINIMAL = {
    "TrainingJobName": "run-1",
    "RoleArn": ROLE,
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
    "ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}
CLUSTER = {
    "InstanceGroupName": "g",
    "LifeCycleConfig": {"SourceS3Uri": "s3://a", "OnCreate": "x.sh"},
    "ExecutionRole": ROLE,
}


@pytest.mark.parametrize(
    ("service", "ask_for", "lines", "unresolved"),
    [
        pytest.param(
            "sagemaker",
            lambda c: c.create_cluster(
                ClusterName="hp",
                InstanceGroups=[{**CLUSTER, "InstanceType": "ml.p5.48xlarge", "InstanceCount": 64}],
            ),
            (machines("ml.p5.48xlarge", 64),),
            (),
            id="hyperpod",
        ),
        pytest.param(
            "sagemaker",
            lambda c: c.batch_add_cluster_nodes(
                ClusterName="hp", NodesToAdd=[{"InstanceGroupName": "g", "IncrementTargetCountBy": 4}]
            ),
            (),
            ("cluster:hp",),
            id="add-nodes",
        ),
        pytest.param(
            "sagemaker",
            lambda c: c.create_training_plan(TrainingPlanName="p", TrainingPlanOfferingId="offer-1"),
            (),
            ("offering:offer-1",),
            id="plan",
        ),
        pytest.param(
            "sagemaker",
            lambda c: c.create_endpoint(EndpointName="e", EndpointConfigName="config-1"),
            (),
            ("endpoint-config:config-1",),
            id="endpoint",
        ),
        pytest.param(
            "sagemaker",
            lambda c: c.create_notebook_instance(
                NotebookInstanceName="n", InstanceType="ml.p4d.24xlarge", RoleArn=ROLE
            ),
            (machines("ml.p4d.24xlarge", 1),),
            (),
            id="notebook",
        ),
        pytest.param(
            "sagemaker",
            lambda c: c.start_notebook_instance(NotebookInstanceName="n"),
            (),
            ("notebook-instance:us-east-1/n",),
            id="start-notebook",
        ),
        pytest.param(
            "sagemaker",
            lambda c: c.start_pipeline_execution(PipelineName="p", ClientRequestToken="t" * 32),
            (),
            ("pipeline:p",),
            id="pipeline",
        ),
        pytest.param(
            "sagemaker",
            lambda c: c.create_processing_job(
                ProcessingJobName="p",
                ProcessingResources={
                    "ClusterConfig": {"InstanceCount": 3, "InstanceType": "ml.p3.16xlarge", "VolumeSizeInGB": 1}
                },
                AppSpecification={"ImageUri": "i"},
                RoleArn=ROLE,
            ),
            (machines("ml.p3.16xlarge", 3),),
            (),
            id="processing",
        ),
        pytest.param(
            "eks",
            lambda c: c.create_nodegroup(
                clusterName="c",
                nodegroupName="n",
                subnets=["s"],
                nodeRole=ROLE,
                instanceTypes=["p5.48xlarge"],
                scalingConfig={"minSize": 0, "maxSize": 32, "desiredSize": 1},
            ),
            (machines("p5.48xlarge", 32),),
            (),
            id="node-group",
        ),
        pytest.param(
            "eks",
            lambda c: c.update_nodegroup_config(clusterName="c", nodegroupName="n", scalingConfig={"maxSize": 64}),
            (),
            ("operation:UpdateNodegroupConfig",),
            id="grow-node-group",
        ),
        pytest.param(
            "pcs",
            lambda c: c.create_compute_node_group(
                clusterIdentifier="c",
                computeNodeGroupName="nodes",
                subnetIds=["s"],
                customLaunchTemplate={"id": "lt-1", "version": "1"},
                iamInstanceProfileArn=f"arn:aws:iam::{ACCOUNT}:instance-profile/AWSPCS-x",
                scalingConfiguration={"minInstanceCount": 0, "maxInstanceCount": 12},
                instanceConfigs=[{"instanceType": "p5.48xlarge"}],
            ),
            (machines("p5.48xlarge", 12),),
            (),
            id="slurm-as-a-service",
        ),
        pytest.param(
            "batch",
            lambda c: c.create_compute_environment(
                computeEnvironmentName="e",
                type="MANAGED",
                computeResources={"type": "EC2", "maxvCpus": 192, "instanceTypes": ["p5.48xlarge"], "subnets": ["s"]},
            ),
            (machines("p5.48xlarge", 1),),
            ("parameter:computeResources.maxvCpus",),
            id="compute-environment",
        ),
        pytest.param(
            "bedrock",
            lambda c: c.create_model_customization_job(
                jobName="j",
                customModelName="m",
                roleArn=ROLE,
                baseModelIdentifier="base",
                trainingDataConfig={"s3Uri": "s3://a"},
                outputDataConfig={"s3Uri": "s3://b"},
            ),
            (),
            ("operation:CreateModelCustomizationJob",),
            id="customization",
        ),
    ],
)
def test_other_ways_to_provision_are_seen(
    service: str, ask_for: Callable[[Any], object], lines: tuple[Accelerators, ...], unresolved: tuple[str, ...]
) -> None:
    """What is evident is counted; what is not is unresolved, and says what to look up."""
    asked = ask(service, ask_for)
    assert asked is not None
    assert (asked.lines, asked.unresolved) == (lines, unresolved)
    assert asked.caller.account == ACCOUNT


@pytest.mark.parametrize(
    ("service", "ask_for"),
    [
        pytest.param("sagemaker", lambda c: c.list_training_jobs(), id="list"),
        pytest.param("sagemaker", lambda c: c.stop_training_job(TrainingJobName="a"), id="stop"),
        pytest.param("sagemaker", lambda c: c.create_model(ModelName="m", ExecutionRoleArn=ROLE), id="model"),
        pytest.param("sagemaker-runtime", lambda c: c.invoke_endpoint(EndpointName="e", Body=b"x"), id="invoke"),
        pytest.param("bedrock-runtime", lambda c: c.invoke_model(modelId="m", body=b"{}"), id="invoke-model"),
        pytest.param("eks", lambda c: c.describe_cluster(name="c"), id="describe-cluster"),
        pytest.param("eks", lambda c: c.list_nodegroups(clusterName="c"), id="list-node-groups"),
        pytest.param(
            "eks",
            lambda c: c.tag_resource(resourceArn=f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/c", tags={"a": "b"}),
            id="tag-cluster",
        ),
        pytest.param("batch", lambda c: c.describe_jobs(jobs=["a"]), id="describe-jobs"),
        pytest.param("pcs", lambda c: c.list_clusters(), id="list-clusters"),
    ],
)
def test_what_provisions_nothing_passes(service: str, ask_for: Callable[[Any], object]) -> None:
    """Reading, stopping, labelling and using what stands are not guarded."""
    assert ask(service, ask_for) is None


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"InstanceType": "ml.p5.48xlarge", "InstanceCount": "16"}, "InstanceCount"),
        ({"InstanceType": "ml.p5.48xlarge", "InstanceCount": 16.0}, "InstanceCount"),
        ({"InstanceType": "ml.p5.48xlarge", "InstanceCount": True}, "InstanceCount"),
        ({"InstanceType": "ml.p5.48xlarge", "InstanceCount": -1}, "InstanceCount"),
        ({"InstanceType": "ml.p5.48xlarge"}, "InstanceCount"),
        ({"InstanceType": ["ml.p5.48xlarge"], "InstanceCount": 1}, "InstanceType"),
        ({"InstanceGroups": {"InstanceType": "ml.p5.48xlarge"}}, "InstanceGroups"),
        ({"InstanceGroups": [1]}, "InstanceGroups"),
        ([], "ResourceConfig"),
    ],
)
def test_a_wrong_field_is_named(config: Any, says: str) -> None:
    """The refusal is 400 and names the field."""
    with pytest.raises(RefusedCall) as caught:
        AWSAdapter().read(sagemaker("CreateTrainingJob", json.dumps({"ResourceConfig": config}).encode()))
    assert caught.value.status == 400
    assert says in caught.value.detail


@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param(
            call(
                "POST",
                b"/service/SageMaker/operation/CreateTrainingJob",
                b"\xa0",
                (b"smithy-protocol", b"rpc-v2-cbor"),
                (b"content-type", b"application/cbor"),
                scope("sagemaker"),
            ),
            415,
            id="cbor",
        ),
        pytest.param(call("POST", b"/", b"{}", JSON, scope("sagemaker")), 415, id="no-target"),
        pytest.param(call("POST", b"/%2e", b"{}", JSON, scope("sagemaker")), 400, id="disguised-root"),
        pytest.param(
            call("PUT", b"/", b"{}", JSON, scope("sagemaker"), (b"x-amz-target", b"SageMaker.CreateTrainingJob")),
            405,
            id="put",
        ),
        pytest.param(
            call(
                "POST",
                b"/",
                b"a=b",
                (b"content-type", b"application/x-www-form-urlencoded"),
                scope("sagemaker"),
                (b"x-amz-target", b"SageMaker.CreateTrainingJob"),
            ),
            415,
            id="form",
        ),
        pytest.param(
            call("POST", b"/", b"{}", JSON, scope("sagemaker"), (b"x-amz-target", b"sagemaker.CreateTrainingJob")),
            400,
            id="case",
        ),
        pytest.param(call("POST", b"/V1/SubmitJob", b"{}", JSON, scope("batch")), 400, id="batch-case"),
        pytest.param(call("PUT", b"/v1/submitjob", b"{}", JSON, scope("batch")), 405, id="batch-put"),
    ],
)
def test_another_protocol_is_refused(given: Any, status: int) -> None:
    """A guarded service is read in its one protocol; whatever else reaches it is refused, never passed."""
    with pytest.raises(RefusedCall) as caught:
        AWSAdapter().guards(given)
    assert caught.value.status == status
