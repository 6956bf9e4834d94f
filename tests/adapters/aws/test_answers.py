"""Refusals as AWS clients meet them, over a real socket, and what answers teach."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from msgspec.structs import replace

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.job import Accelerators

from ..calls import ACCESS_KEY, FORM, call, ec2, sagemaker, scope

BLOCK = Refusal(
    status=403,
    code="blocked",
    title="refused",
    detail="This request is refused under the provider's export-control policy.",
    decision_id="0199-d",
    outcome="block",
)
ESCALATE = Refusal(
    status=403,
    code="review-required",
    title="held",
    detail="This request waits for a review by the provider.",
    decision_id="0199-d",
    case_id="0199-c",
    outcome="escalate",
    resubmit=True,
)


class Refusing:
    """A server that refuses every call as the adapter words it, and counts them."""

    def __init__(self) -> None:
        self.refusal = BLOCK
        self.calls: list[Call] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                path, _, query = self.path.partition("?")
                headers = tuple((name.lower().encode(), value.encode()) for name, value in self.headers.items())
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                given = Call(
                    method=self.command, raw_path=path.encode(), query=query.encode(), headers=headers, body=body
                )
                outer.calls.append(given)
                assert AWSAdapter().guards(given)
                answer = AWSAdapter().refuse(given, outer.refusal)
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name.decode(), value.decode())
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def refusing() -> Iterator[Refusing]:
    server = Refusing()
    yield server
    server.server.shutdown()
    server.thread.join()
    server.server.server_close()


ASK: dict[str, Callable[[Any], object]] = {
    "ec2": lambda c: c.run_instances(ImageId="ami-1", InstanceType="p5.48xlarge", MinCount=1, MaxCount=1),
    "sagemaker": lambda c: c.create_training_plan(TrainingPlanName="p", TrainingPlanOfferingId="o"),
    "autoscaling": lambda c: c.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=2),
    "batch": lambda c: c.submit_job(jobName="j", jobQueue="q", jobDefinition="d"),
    "eks": lambda c: c.update_nodegroup_config(clusterName="c", nodegroupName="n", scalingConfig={"maxSize": 2}),
    "pcs": lambda c: c.update_compute_node_group(
        clusterIdentifier="c", computeNodeGroupIdentifier="n", clientToken="t" * 8
    ),
}
CODES = {
    "ec2": ("UnauthorizedOperation", "PendingVerification"),
    "autoscaling": ("AccessDenied", "AccessDenied"),
}


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize("service", sorted(ASK))
def test_boto3_raises_a_typed_error_after_one_request(refusing: Refusing, service: str, mode: Any) -> None:
    """Block and escalate are `ClientError`s with a native code, our message and a request id, and are never retried."""
    client = boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=refusing.url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key="a" * 40,
        config=Config(retries={"mode": mode, "max_attempts": 4}),
    )
    codes = CODES.get(service, ("AccessDeniedException", "AccessDeniedException"))
    for refusal, code in zip((BLOCK, ESCALATE), codes, strict=True):
        refusing.refusal = refusal
        refusing.calls.clear()
        with pytest.raises(ClientError) as caught:
            ASK[service](client)
        error = caught.value.response
        assert len(refusing.calls) == 1
        assert error["Error"]["Code"] == code
        assert refusal.detail in error["Error"]["Message"]
        assert "0199-d" in error["Error"]["Message"]
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert error["ResponseMetadata"]["RequestId"]
    assert "Case 0199-c." in error["Error"]["Message"]


@pytest.mark.parametrize(
    ("given", "refusal", "code"),
    [
        pytest.param(
            ec2(b""),
            Refusal(status=400, code="unreadable", title="t", detail="d"),
            b"MalformedQueryString",
            id="ec2-400",
        ),
        pytest.param(
            ec2(b""),
            Refusal(status=415, code="unreadable", title="t", detail="d"),
            b"InvalidParameterValue",
            id="ec2-415",
        ),
        pytest.param(
            ec2(b""), Refusal(status=503, code="unavailable", title="t", detail="d"), b"Unavailable", id="ec2-503"
        ),
        pytest.param(
            ec2(b""),
            Refusal(status=409, code="conflict", title="t", detail="d"),
            b"IdempotentParameterMismatch",
            id="ec2-409",
        ),
        pytest.param(
            sagemaker("CreateCluster", b""),
            Refusal(status=400, code="unreadable", title="t", detail="d"),
            b"SerializationException",
            id="json-400",
        ),
        pytest.param(
            sagemaker("CreateCluster", b""),
            Refusal(status=503, code="unavailable", title="t", detail="d"),
            b"ServiceUnavailableException",
            id="json-503",
        ),
    ],
)
def test_every_refusal_has_a_code_of_the_service(given: Call, refusal: Refusal, code: bytes) -> None:
    """An unreadable call and an unavailable gate are typed errors, too, under the status that the door gave."""
    answer = AWSAdapter().refuse(given, refusal)
    assert answer.status == refusal.status
    assert code in answer.body


def test_a_message_is_short_ascii_on_one_line() -> None:
    """Whatever the detail holds, the message is plain text that no client chokes on."""
    refusal = Refusal(status=403, code="blocked", title="t", detail="é<&>\n" * 300, decision_id="D-1")
    for given in (ec2(b""), sagemaker("CreateCluster", b""), call("POST", b"/v1/submitjob", b"", scope("batch"))):
        answer = AWSAdapter().refuse(given, refusal)
        assert answer.body.isascii()
        assert b"Decision D-1." in answer.body
        assert b"<&>" not in answer.body or b"{" in answer.body
        assert len(answer.body) < 4000
        assert dict(answer.headers)[b"content-length"] == str(len(answer.body)).encode()


RUN = b"""<?xml version="1.0" encoding="UTF-8"?>
<RunInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationId>r-1</reservationId><instancesSet>
<item><instanceId>i-1</instanceId><instanceType>p5.48xlarge</instanceType></item>
<item><instanceId>i-2</instanceId><instanceType>p5.48xlarge</instanceType></item>
</instancesSet></RunInstancesResponse>"""
FLEET = b"""<CreateFleetResponse xmlns="x"><fleetInstanceSet><item>
<instanceIds><item>i-3</item><item>i-4</item></instanceIds>
<instanceType>p4d.24xlarge</instanceType></item></fleetInstanceSet></CreateFleetResponse>"""


def learned(form: bytes, body: bytes, status: int = 200) -> dict[str, tuple[Accelerators, ...]]:
    """What an answer to this form teaches, by `kind:id`."""
    adapter, given = AWSAdapter(), ec2(form)
    request = adapter.read(given)
    assert request is not None
    return {f"{each.kind}:{each.id}": each.lines for each in adapter.learn(request, given, status, body)}


def test_an_answer_teaches_what_its_machines_are() -> None:
    """The ids in answers to RunInstances and CreateFleet are the names that StartInstances leaves unresolved."""
    one = (Accelerators(instance_type="p5.48xlarge", count=1),)
    assert learned(b"Action=RunInstances&InstanceType=p5.48xlarge&MaxCount=2", RUN) == {
        "instance:i-1": one,
        "instance:i-2": one,
    }
    other = (Accelerators(instance_type="p4d.24xlarge", count=1),)
    assert learned(b"Action=CreateFleet", FLEET) == {"instance:i-3": other, "instance:i-4": other}
    resize = b"Action=ModifyInstanceAttribute&InstanceId=i-1&InstanceType.Value=p4d.24xlarge"
    assert learned(resize, b"<x/>") == {"instance:i-1": other}


@pytest.mark.parametrize(
    ("form", "body", "status"),
    [
        pytest.param(b"Action=RunInstances&InstanceType=a1.x", RUN, 400, id="refused"),
        pytest.param(b"Action=RunInstances&InstanceType=a1.x&DryRun=true", RUN, 200, id="dry-run"),
        pytest.param(b"Action=StartInstances&InstanceId.1=i-1", RUN, 200, id="teaches-nothing"),
        pytest.param(b"Action=RunInstances&InstanceType=a1.x", b"not xml", 200, id="no-xml"),
        pytest.param(b"Action=RunInstances&InstanceType=a1.x", b"\xff<x/>", 200, id="not-utf-8"),
        pytest.param(
            b"Action=RunInstances&InstanceType=a1.x",
            RUN.replace(b"?>", b'?><!DOCTYPE x [<!ENTITY a "b">]>', 1),
            200,
            id="document-type",
        ),
        pytest.param(b"Action=RunInstances&InstanceType=a1.x", RUN.decode().encode("utf-16"), 200, id="utf-16"),
    ],
)
def test_anything_else_teaches_nothing(form: bytes, body: bytes, status: int) -> None:
    """A failed call, a try, and an answer that cannot be read safely teach nothing."""
    assert learned(form, body, status) == {}


def test_a_notebook_is_remembered_by_its_name() -> None:
    """The machine of a notebook is known when it is started again."""
    adapter = AWSAdapter()
    given = sagemaker("CreateNotebookInstance", b'{"NotebookInstanceName":"n","InstanceType":"ml.p4d.24xlarge"}')
    request = adapter.read(given)
    assert request is not None
    (found,) = adapter.learn(request, given, 200, b"{}")
    start = adapter.read(sagemaker("StartNotebookInstance", b'{"NotebookInstanceName":"n"}'))
    assert start is not None
    assert start.unresolved == (f"{found.kind}:{found.id}",)


def test_a_notebook_of_the_same_name_in_another_region_is_another() -> None:
    """Names are taken once in each region: a small notebook here says nothing of a large one there."""
    adapter = AWSAdapter()
    given = sagemaker("CreateNotebookInstance", b'{"NotebookInstanceName":"n","InstanceType":"ml.t3.medium"}')
    request = adapter.read(given)
    assert request is not None
    (found,) = adapter.learn(request, given, 200, b"{}")
    start = sagemaker("StartNotebookInstance", b'{"NotebookInstanceName":"n"}')
    moved = tuple((name, value.replace(b"us-east-1", b"us-west-2")) for name, value in start.headers)
    elsewhere = adapter.read(Call(method="POST", raw_path=b"/", headers=moved, body=start.body))
    assert elsewhere is not None
    assert f"{found.kind}:{found.id}" not in elsewhere.unresolved
    assert adapter.learn(replace(request, region=None), given, 200, b"{}") == ()


def test_a_refusal_can_always_be_worded() -> None:
    """A call that cannot be read is still refused in a dialect."""
    broken = [
        Call(method="", raw_path=b""),
        call("POST", b"/", b"", FORM, (b"authorization", b"AWS4-HMAC-SHA256 Credential=x")),
        call("POST", b"/", b"", (b"x-amz-target", b"\xff")),
    ]
    for given in broken:
        assert AWSAdapter().refuse(given, BLOCK).status == 403
    with pytest.raises(RefusedCall):
        AWSAdapter().guards(broken[1])
