"""The AWS adapter as a whole: any call, and its cost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call

from ..calls import call, scope

ADAPTER = AWSAdapter(signatures="upstream")

_FORMS = st.lists(
    st.tuples(
        st.sampled_from(
            ["Action", "InstanceType", "MaxCount", "MinCount", "LaunchTemplate.LaunchTemplateId", "InstanceId.1"]
        )
        | st.text("AaIi.1%&=;", max_size=6),
        st.sampled_from(["RunInstances", "StartInstances", "CreateFleet", "p5.48xlarge", "8", "i-1", ""])
        | st.text(max_size=5),
    ),
    max_size=6,
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode("utf-8", "surrogatepass"))
_JSON = st.sampled_from(
    [
        b'{"ResourceConfig":{"InstanceType":"ml.p5.48xlarge","InstanceCount":1}}',
        b'{"ResourceConfig":[]}',
        b'{"InstanceGroups":[{"InstanceCount":1}],"Tags":[{"Key":"kyc:workload","Value":1}]}',
        b'{"Tags":"x","TrainingJobDefinitions":[{}]}',
        b"[]",
    ]
)
_TARGETS = st.sampled_from(
    [
        b"SageMaker.CreateTrainingJob",
        b"SageMaker.CreateCluster",
        b"SageMaker.CreateHyperParameterTuningJob",
        b"SageMaker.New",
        b"SageMaker.ListModels",
        b"AWSParallelComputingService.UpdateComputeNodeGroup",
        b"Other.Thing",
        b"",
    ]
)
_SERVICES = st.sampled_from(["ec2", "sagemaker", "autoscaling", "batch", "eks", "pcs", "bedrock", "s3", "sts"])
_PATHS = st.sampled_from([b"/", b"/v1/submitjob", b"/clusters/a/node-groups", b"/%2f", b"", b"*"]) | st.binary(
    max_size=12
)
_TYPES = st.sampled_from(
    [b"application/x-www-form-urlencoded", b"application/x-amz-json-1.1", b"application/json", b""]
)


@settings(max_examples=600)
@given(
    st.sampled_from(["POST", "GET", "PUT"]),
    _PATHS,
    _FORMS | st.binary(max_size=9),
    _SERVICES | st.none(),
    _TARGETS | st.none(),
    _TYPES,
    _FORMS | _JSON | st.binary(max_size=40),
)
def test_any_call_is_read_or_refused(
    method: str, path: bytes, query: bytes, service: str | None, target: bytes | None, kind: bytes, body: bytes
) -> None:
    """Whatever comes, the adapter answers or raises `RefusedCall`, and it can always word a refusal."""
    headers = [(b"host", b"localhost:8080"), (b"content-type", kind)]
    headers += [scope(service)] if service else []
    headers += [(b"x-amz-target", target)] if target is not None else []
    given = Call(method=method, raw_path=path, query=query, headers=tuple(headers), body=body or None)
    try:
        if ADAPTER.guards(given):
            ADAPTER.read(given)
    except RefusedCall as error:
        status = error.status
    else:
        status = 403
    assert ADAPTER.refuse(given, Refusal(status=status, code="unreadable", title="t", detail="d")).status == status


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(call("GET", b"/v1/models/abc", None), id="another-api"),
        pytest.param(call("PUT", b"/bucket/a%2Fb;c", b"x", scope("s3")), id="s3"),
    ],
)
def test_an_unguarded_call_costs_microseconds(given: Call) -> None:
    """Ten thousand unguarded calls are told apart within half a second."""
    begun = time.perf_counter()
    for _ in range(10_000):
        assert not ADAPTER.guards(given)
    assert time.perf_counter() - begun < 0.5


def test_settings_are_checked() -> None:
    """A setting that means nothing is an error at once."""
    with pytest.raises(ValueError, match="signatures"):
        AWSAdapter(signatures="trust-me")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="host"):
        AWSAdapter(hosts=())
