"""The quick answer about a call is never more than the careful one says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc_gate.adapters.adapter import Adapter
from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.azure import AzureAdapter
from kyc_gate.adapters.gcp import GCPAdapter
from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.adapters.kubernetes.adapter import KubernetesAdapter
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.adapters.nebius import NebiusAdapter
from kyc_gate.adapters.oci import OCIAdapter
from kyc_gate.adapters.paths import MOST_REMEMBERED, PathTable
from kyc_gate.adapters.slurm.adapter import SlurmAdapter
from kyc_gate.adapters.slurm.settings import SlurmSettings
from kyc_gate.model.call import Call

FIELDS = GenericFields(accelerator="gpu", count="gpus")
ROUTE = GenericRoute(operation="CreateJob", path="/v1/jobs/{team}", fields=FIELDS, run_id="id")
CLUSTER = KubernetesSettings(cluster="test", hosts=("cluster.example",))
ADAPTERS: tuple[Adapter, ...] = (
    AWSAdapter(),
    GCPAdapter(),
    AzureAdapter(),
    OCIAdapter(),
    NebiusAdapter(),
    GenericAdapter((ROUTE,)),
    KubernetesAdapter(CLUSTER),
    SlurmAdapter(SlurmSettings()),
)
SIGNED = b"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/%s/aws4_request, Signature=0"

PATHS = b"""/ * /v1/jobs/a /v1/jobs /V1/jobs/a /v1/jobs/a/cancel /v1//jobs/a /v1/x/../jobs/a /v1/%6aobs/a /v1/other
/clusters /clusters/a/node-groups /v1/submitjob // /health /batch /batch/compute/v1 /google.container.v1.X/Y
/compute/v1/projects/p/zones/z/instances /compute/v1/projects/p/zones/z/Instances /v1/projects/p/locations/l/nodes%2f
/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v /Subscriptions/s%2f
/v1/projects/p/locations/l/clusters /..
/slurm/v0.0.40/job/submit /slurm/v0.0.40/job/submit/ /api/v1/namespaces/n/pods /api/v1/pods/p/exec
/nebius.compute.v1.InstanceService/Create /Nebius.x/y /%6eebius.x/y
/20160918/instances /20160918/Instances /20160918/newThings /%320160918/instances
/v1/%70rojects/p/locations/l/nodes /v2/projects/p/locations/l/nodes/n""".split()
NAMES = b"""host Host authorization Authorization x-amz-target X-Amz-Target content-type smithy-protocol content-length
transfer-encoding accept x-amz-date 1""".split()
VALUES = b"""api.example cluster.example ec2.us-east-1.amazonaws.com SAGEMAKER.us-east-1.AMAZONAWS.com:443 9 chunked
rpc-v2-cbor Management.Azure.com compute.googleapis.com TPU.googleapis.com. multipart/mixed application/grpc
SageMaker.CreateTrainingJob application/x-www-form-urlencoded application/json
compute.api.nebius.cloud:443 API.Nebius.Cloud iaas.us-phoenix-1.oraclecloud.com IAAS.eu.OracleCloud.com.:443""".split()
SIGNATURES = [SIGNED % b"ec2", b" " + SIGNED % b"sagemaker", b"aws4-hmac-sha256 Credential=", b"Bearer abc"]

paths = st.sampled_from([b"", *PATHS]) | st.binary(max_size=12).map(lambda tail: b"/" + tail)
names = st.sampled_from(NAMES)
values = st.sampled_from([b"", *VALUES, *SIGNATURES])
queries = st.sampled_from([b"", b"Action=RunInstances", b"X-Amz-Credential=AKIA%2F2026%2Feu%2Fec2%2Faws4_request"])


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.name)
@settings(max_examples=300)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "post"]),
    path=paths,
    query=queries,
    headers=st.lists(st.tuples(names, values), max_size=5),
    body=st.sampled_from([None, b"", b"Action=RunInstances"]),
)
def test_what_is_overlooked_is_unguarded(
    adapter: Adapter,
    method: str,
    path: bytes,
    query: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes | None,
) -> None:
    """Whatever its method and body: the adapter looks at the head with care, and finds nothing to refuse either."""
    for _ in range(2):  # the second time it is remembered
        if adapter.overlooks(path, query, headers):
            lowered = tuple((name.lower(), value) for name, value in headers)
            call = Call(method=method, raw_path=path, query=query, headers=lowered, body=body)
            assert adapter.guards(call) is False


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.name)
def test_ordinary_calls_are_overlooked(adapter: Adapter) -> None:
    """What a platform's users do all day is answered at once."""
    headers = [(b"host", b"api.example"), (b"authorization", b"Bearer abc"), (b"content-type", b"application/json")]
    assert adapter.overlooks(b"/v1/other", b"", headers)


def test_remembered_paths_have_an_end() -> None:
    """Callers choose their paths, so only so many are kept, and a guarded one never is."""
    table = PathTable(["/v1/jobs"])
    for number in range(MOST_REMEMBERED + 10):
        assert table.elsewhere(b"/other/%d" % number)
        assert not table.elsewhere(b"/v1/jobs")
    assert len(table._elsewhere) <= MOST_REMEMBERED
    assert table.elsewhere(b"/" + b"x" * 300)
    assert max(map(len, table._elsewhere)) < 300
