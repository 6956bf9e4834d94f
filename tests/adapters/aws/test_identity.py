"""Access keys, credential scopes, hosts: who signed, and for which service."""

from __future__ import annotations

import pytest

from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.aws.identity import account_of, read_credential, service_of_host
from kyc_gate.errors import RefusedCall

from ..calls import FORM, call, scope


@pytest.mark.parametrize(
    ("key", "account"),
    [
        pytest.param("AKIARZPUZDIKEVXSNCC6", "123456789012", id="user"),
        pytest.param("ASIARZPUZDIKEVXSNCC6", "123456789012", id="session"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", None, id="before-accounts-were-encoded"),
        pytest.param("AKIAJOSFODNN7EXAMPLE", None, id="before-accounts-were-encoded-j"),
        pytest.param("AKIARZPUZDIKEVXSNCC1", None, id="not-base32"),
        pytest.param("akiarzpuzdikevxsncc6", None, id="lower-case"),
        pytest.param("AROARZPUZDIKEVXSNCC6", None, id="role"),
        pytest.param("testing", None, id="no-key"),
        pytest.param("AKIA7777777777777777", None, id="thirteen-digits"),
    ],
)
def test_the_account_is_in_the_access_key(key: str, account: str | None) -> None:
    """Keys issued since accounts were encoded name their account; others name none."""
    assert account_of(key) == account


@pytest.mark.parametrize(
    ("host", "service"),
    [
        (b"ec2.us-east-1.amazonaws.com", "ec2"),
        (b"EC2.amazonaws.com:443", "ec2"),
        (b"ec2-fips.us-gov-west-1.amazonaws.com", "ec2"),
        (b"ec2.us-east-1.api.aws", "ec2"),
        (b"ec2.cn-north-1.amazonaws.com.cn.", "ec2"),
        (b"vpce-0a-b.ec2.us-east-1.vpce.amazonaws.com", "ec2"),
        (b"api.sagemaker.us-east-1.amazonaws.com", "sagemaker"),
        (b"ec2.s3.amazonaws.com", "other"),
        (b"ec2.s3-us-west-2.amazonaws.com", "other"),
        (b"ec2-1-2-3-4.compute-1.amazonaws.com", "other"),
        (b"sts.amazonaws.com", "other"),
        (b"bedrock-runtime.us-east-1.amazonaws.com", "bedrock"),
        (b"bedrock-data-automation.us-east-1.amazonaws.com", "bedrock"),
        (b"bedrock-agentcore.us-east-1.amazonaws.com", "other"),
        (b"bedrock-agentcore-control.us-east-1.amazonaws.com", "other"),
        (b"application-autoscaling.us-east-1.amazonaws.com", "other"),
        (b"api.example", None),
        (b"amazonaws.com.example", None),
    ],
)
def test_a_host_stands_for_a_service(host: bytes, service: str | None) -> None:
    """Regional, FIPS, dual-stack, China and private endpoints are the same service; buckets and machines are not."""
    assert service_of_host(host) == service


def test_a_scope_is_read_from_header_or_query() -> None:
    """Both places of a version 4 signature name key, region and service."""
    by_header = read_credential(call("POST", b"/", b"", scope("ec2")))
    query = b"X-Amz-Credential=AKIARZPUZDIKEVXSNCC6%2F20261124%2Fus-east-1%2Fec2%2Faws4_request"
    assert by_header == read_credential(call("GET", b"/", None, query=query))
    assert by_header is not None
    assert (by_header.access_key, by_header.region, by_header.service) == ("AKIARZPUZDIKEVXSNCC6", "us-east-1", "ec2")
    assert read_credential(call("GET", b"/", None, (b"authorization", b"Bearer x"))) is None


@pytest.mark.parametrize(
    ("value", "query"),
    [
        (b"AWS4-HMAC-SHA256 Credential=a/b", b""),
        (b"AWS4-HMAC-SHA256 SignedHeaders=host", b""),
        (b"AWS4-HMAC-SHA256 Credential=A/20261124/r/ec2/aws4_request, Credential=B/20261124/r/sts/aws4_request", b""),
        (
            b"AWS4-HMAC-SHA256 Credential=A/20261124/r/ec2/aws4_request",
            b"X-Amz-Credential=B/20261124/r/sts/aws4_request",
        ),
    ],
)
def test_a_signature_is_one_and_readable(value: bytes, query: bytes) -> None:
    """Two signatures, or one without a scope, are refused with 400."""
    with pytest.raises(RefusedCall):
        read_credential(call("POST", b"/", b"", (b"authorization", value), query=query))


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        pytest.param(b"ec2.us-east-1.amazonaws.com", (scope("sts"),), id="host-against-scope"),
        pytest.param(b"ec2.us-east-1.amazonaws.com", (scope("sagemaker"),), id="two-guarded"),
        pytest.param(
            b"localhost", (scope("sts"), (b"x-amz-target", b"SageMaker.CreateCluster")), id="target-against-scope"
        ),
        pytest.param(b"localhost", (scope("ec2"), (b"x-amz-target", b"SageMaker.ListModels")), id="target-against-ec2"),
        pytest.param(b"localhost", (scope("sagemaker"), (b"x-amz-target", b"DynamoDB.PutItem")), id="unknown-target"),
    ],
)
def test_what_names_two_services_is_refused(host: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    """Signature, Host and target name one service, or the call is refused with 400."""
    with pytest.raises(RefusedCall) as caught:
        AWSAdapter().guards(call("POST", b"/", b"", FORM, *headers, host=host))
    assert (caught.value.status, caught.value.code) == (400, "service")


def test_verification_is_the_upstreams_and_said_so() -> None:
    """The account is a claim until the operator states that the upstream checks signatures."""
    given = call("POST", b"/", b"Action=StartInstances&InstanceId.1=i-1", FORM, scope("ec2"), host=b"localhost")
    claimed, proved = AWSAdapter().read(given), AWSAdapter(signatures="upstream").read(given)
    assert claimed is not None
    assert proved is not None
    assert claimed.caller.account == proved.caller.account == "123456789012"
    assert (claimed.caller.verified, proved.caller.verified) == (False, True)
    assert proved.caller.how == "sigv4-access-key-id"
