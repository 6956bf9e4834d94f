"""Every labelled bad input that a head, a body or an AWS form can carry gives the answer that its row states."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import Any

import pytest
from conftest import data_folder

from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.job import Certainty, ProvisioningRequest

from .calls import JSON, call, ec2, from_raw, jobs, sagemaker, scope


def rows(layer: str, kind: str, *categories: str) -> list[Any]:
    """The rows of a layer and kind, each under its id; one skipped case when the labelled cases are not there."""
    file = data_folder() / "bad_inputs.jsonl"
    if not file.is_file():
        return [pytest.param({}, marks=pytest.mark.skip(reason=f"the labelled cases are not at {file}"))]
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    chosen = [row for row in found if (row["layer"], row["input_kind"]) == (layer, kind)]
    return [pytest.param(row, id=row["id"]) for row in chosen if not categories or row["category"] in categories]


def judged(adapter: Any, given: Call) -> ProvisioningRequest | RefusedCall | None:
    """What the adapter says of a call: a request, a refusal, or nothing."""
    try:
        return adapter.read(given) if adapter.guards(given) else None
    except RefusedCall as refusal:
        return refusal


def status_of(answer: ProvisioningRequest | RefusedCall | None) -> int | None:
    return answer.status if isinstance(answer, RefusedCall) else None


@pytest.mark.parametrize("row", rows("asgi_gate", "path"))
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_no_spelling_of_a_guarded_path_passes(row: dict[str, Any], method: str) -> None:
    """Another spelling of a guarded path is refused with 400, or is the guarded route itself."""
    path, _, query = row["input"].partition("?")
    given = call(method, path.encode(), b'{"gpus":8}', JSON, query=query.encode())
    answer = judged(jobs(), given)
    assert isinstance(answer, ProvisioningRequest) or status_of(answer) in (400, 405)


@pytest.mark.parametrize("row", rows("asgi_gate", "raw_http"))
def test_no_confused_host_or_target_passes(row: dict[str, Any]) -> None:
    """A head whose host or target may be read in two ways is refused with 400."""
    raw = row["input"].encode("latin-1") if isinstance(row["input"], str) else bytes(row["input"])
    assert status_of(judged(jobs(), from_raw(raw))) == row["expected"]["status"]


@pytest.mark.parametrize("row", rows("http_server", "raw_http"))
def test_no_confused_framing_passes(row: dict[str, Any]) -> None:
    """Where a server lets a smuggling head through, the profile refuses it; chunk sizes are left to the server."""
    refused = row["expected"]["status"] == 400 and row["id"] not in _SERVER_ONLY
    answer = judged(jobs(), from_raw(row["input"].encode("latin-1")))
    assert status_of(answer) == 400 if refused else answer is not None


# Chunk sizes and line ends are gone once a server has parsed the call.
_SERVER_ONLY = {f"smuggling-{number:03d}" for number in (13, 14, 15, 16, 17, 18, 19, 20, 23)}


@pytest.mark.parametrize("row", rows("asgi_gate", "scenario", "method_confusion"))
def test_no_confused_method_passes(row: dict[str, Any]) -> None:
    """A method that is unknown, replaced, or not described for the path is refused with 405."""
    line, _, field = row["input"].partition("  ")
    method, _, path = line.partition(" ")
    query = field[1:].encode() if field.startswith("?") else b""
    name, _, value = field.partition(": ")
    headers = [(name.lower().encode(), value.encode())] if value else []
    body = b'{"customer_id":"c-1","name":"x","gpus":8}' if method not in ("GET", "OPTIONS") else None
    kind = () if name == "Content-Type" else (JSON,)
    assert status_of(judged(jobs(), call(method, path.encode(), body, *kind, *headers, query=query))) == 405


@pytest.mark.parametrize("row", rows("body_parser", "json_text"))
def test_no_ambiguous_document_passes(row: dict[str, Any]) -> None:
    """A document with two meanings is refused with 400; one with a single meaning is read exactly."""
    answer = judged(jobs(), call("POST", b"/v1/training-jobs", row["input"].encode("utf-8"), JSON))
    if row["id"] == "json_differential-025":
        assert isinstance(answer, ProvisioningRequest)
        assert answer.declared_operations == 10**26
        assert answer.certainty is Certainty.UNRESOLVED
    else:
        assert status_of(answer) == 400


def generated(row: dict[str, Any]) -> bytes:
    """The input that a row describes as an expression."""
    names = {"__builtins__": {}, "range": range, "__import__": {"zlib": zlib, "gzip": gzip}.__getitem__}
    value = eval(row["input"], names)  # noqa: S307 - our own labelled data
    return value if isinstance(value, bytes) else value.encode()


@pytest.mark.parametrize("row", rows("body_parser", "pyexpr"))
def test_no_bomb_passes_or_takes_long(row: dict[str, Any]) -> None:
    """A deep, long or compressed body is refused, and a document within 50 ms."""
    body = generated(row)
    coded = ((b"content-encoding", b"gzip"),) if row["category"] == "compression" else ()
    given = call("POST", b"/v1/training-jobs", body, JSON, *coded)
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        answer = judged(jobs(), given)
        took.append(time.perf_counter() - begun)
        assert status_of(answer) == row["expected"]["status"]
    assert min(took) < 0.05


@pytest.mark.parametrize("row", rows("body_parser", "header_value"))
def test_no_undeclared_content_passes(row: dict[str, Any]) -> None:
    """Any other content type or coding is refused, with the status that its row states."""
    fields = [line.partition(":") for line in row["input"].split("\n")]
    headers = [(name.strip().lower().encode(), value.strip().encode("latin-1")) for name, _, value in fields]
    kind = () if any(name == b"content-type" for name, _ in headers) else (JSON,)
    answer = judged(jobs(), call("POST", b"/v1/training-jobs", b'{"gpus":8}', *kind, *headers))
    assert status_of(answer) == row["expected"]["status"]


@pytest.mark.parametrize("row", rows("body_parser", "form"))
def test_no_multipart_body_passes(row: dict[str, Any]) -> None:
    """A multipart body is refused with 400, as multipart or under a false name."""
    body = row["input"].encode()
    declared = (b"content-type", b"multipart/form-data; boundary=X")
    assert status_of(judged(jobs(), call("POST", b"/v1/training-jobs", body, declared))) == 400
    assert status_of(judged(jobs(), call("POST", b"/v1/training-jobs", body, JSON))) == 400


@pytest.mark.parametrize("row", rows("adapter_aws", "form"))
@pytest.mark.parametrize("door", ["signed", "unsigned", "query"])
def test_no_form_hides_what_it_asks_for(row: dict[str, Any], door: str) -> None:
    """An EC2 form is refused with 400, or read so that nothing in it is smaller than what may be provisioned."""
    form = row["input"].encode()
    plain = call("POST", b"/", form, (b"content-type", b"application/x-www-form-urlencoded"), host=b"127.0.0.1:8080")
    by_query = call("GET", b"/", None, scope("ec2"), query=form, host=b"ec2.us-east-1.amazonaws.com")
    answer = judged(AWSAdapter(), {"signed": ec2(form), "unsigned": plain, "query": by_query}[door])
    expected = _SCREENED.get(row["id"])
    if expected is None:
        assert status_of(answer) == 400
    else:
        assert isinstance(answer, ProvisioningRequest)
        types = {(line.instance_type, line.count) for line in answer.lines}
        assert (types, bool(answer.unresolved)) == expected


_SCREENED: dict[str, tuple[set[tuple[str, int]], bool]] = {
    "form_hpp-006": ({("p5.48xlarge", 1)}, True),
    "form_hpp-008": ({("p5.48xlarge", 1000)}, False),
    "form_hpp-009": (set(), True),
    "form_hpp-010": (set(), True),
    "form_hpp-011": (set(), True),
    "form_hpp-012": ({("p5.48xlarge", 1)}, False),
    "form_hpp-013": (set(), True),
}


def test_an_operation_in_query_and_body_is_refused() -> None:
    """`Action` in the query and another in the body is one call with two meanings: 400."""
    given = ec2(b"Action=DescribeInstances", query=b"Action=RunInstances&InstanceType=p5.48xlarge")
    assert status_of(judged(AWSAdapter(), given)) == 400


def test_a_presigned_get_is_read_like_a_post() -> None:
    """RunInstances by GET with its signature in the query is guarded."""
    credential = b"AKIARZPUZDIKEVXSNCC6%2F20261124%2Fus-east-1%2Fec2%2Faws4_request"
    query = (
        b"Action=RunInstances&InstanceType=p5.48xlarge&MinCount=1&MaxCount=64&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        b"&X-Amz-Credential=" + credential + b"&X-Amz-Date=20261124T000000Z&X-Amz-Expires=60&X-Amz-Signature=0f"
    )
    answer = judged(AWSAdapter(), call("GET", b"/", None, query=query, host=b"ec2.us-east-1.amazonaws.com"))
    assert isinstance(answer, ProvisioningRequest)
    assert [(line.instance_type, line.count) for line in answer.lines] == [("p5.48xlarge", 64)]
    assert answer.caller.account == "123456789012"


def test_two_operation_selectors_are_refused() -> None:
    """Two X-Amz-Target headers are one call with two meanings: 400, whichever is first."""
    for first, second in (("ListModels", "CreateTrainingJob"), ("CreateTrainingJob", "ListModels")):
        given = sagemaker(first, b"{}", (b"x-amz-target", f"SageMaker.{second}".encode()))
        assert status_of(judged(AWSAdapter(), given)) == 400


def test_streamed_chunks_are_refused() -> None:
    """`aws-chunked` on a provisioning call is refused with 400: its decoded length may differ from what was signed."""
    given = ec2(b"Action=RunInstances", (b"content-encoding", b"aws-chunked"), (b"x-amz-decoded-content-length", b"3"))
    assert status_of(judged(AWSAdapter(), given)) == 400


def test_a_search_is_charged_with_all_its_jobs() -> None:
    """500 jobs of 16 machines are 8,000 machines."""
    body = json.dumps(
        {
            "HyperParameterTuningJobName": "search",
            "HyperParameterTuningJobConfig": {
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 500, "MaxParallelTrainingJobs": 10}
            },
            "TrainingJobDefinition": {
                "ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 16},
                "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            },
        }
    ).encode()
    answer = judged(AWSAdapter(), sagemaker("CreateHyperParameterTuningJob", body))
    assert isinstance(answer, ProvisioningRequest)
    assert [(line.count, line.multiplier) for line in answer.lines] == [(16, 500)]
    assert answer.duration_seconds == 3600


def test_an_array_job_is_multiplied_and_unresolved() -> None:
    """Batch SubmitJob with an array of 10,000 counts each of them, and its job definition is looked up by a person."""
    body = json.dumps(
        {
            "jobName": "array",
            "jobQueue": "queue",
            "jobDefinition": "train:3",
            "arrayProperties": {"size": 10_000},
            "containerOverrides": {"resourceRequirements": [{"type": "GPU", "value": "8"}]},
        }
    ).encode()
    given = call("POST", b"/v1/submitjob", body, JSON, scope("batch"), host=b"batch.us-east-1.amazonaws.com")
    answer = judged(AWSAdapter(), given)
    assert isinstance(answer, ProvisioningRequest)
    assert [(line.count, line.multiplier) for line in answer.lines] == [(8, 10_000)]
    assert answer.unresolved == ("job-definition:train:3",)


@pytest.mark.parametrize(
    "path",
    [b"/google.cloud.aiplatform.v1.JobService/CreateCustomJob", b"/v1/training-jobs"],
    ids=["elsewhere", "guarded"],
)
def test_grpc_on_a_guarded_path_is_refused(path: bytes) -> None:
    """A protocol that was not declared is refused with 415 on a guarded path."""
    answer = judged(jobs(), call("POST", path, b"\0\0\0\0\0", (b"content-type", b"application/grpc")))
    assert status_of(answer) == (415 if path == b"/v1/training-jobs" else None)
