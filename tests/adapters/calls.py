"""Calls for tests: made by hand, cut from raw HTTP, and made and signed by botocore without a network."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.model.call import Call, Headers
from kyc_gate.model.job import RequestKind

ACCESS_KEY = "AKIARZPUZDIKEVXSNCC6"
ACCOUNT = "123456789012"
FORM = (b"content-type", b"application/x-www-form-urlencoded; charset=utf-8")
JSON = (b"content-type", b"application/json")
JSON11 = (b"content-type", b"application/x-amz-json-1.1")


def scope(service: str) -> tuple[bytes, bytes]:
    """An Authorization header of the test account for `service`."""
    credential = f"{ACCESS_KEY}/20261124/us-east-1/{service}/aws4_request"
    return b"authorization", f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0f".encode()


def call(
    method: str = "POST",
    path: bytes = b"/v1/training-jobs",
    body: bytes | None = None,
    *headers: tuple[bytes, bytes],
    query: bytes = b"",
    host: bytes = b"api.example",
) -> Call:
    """A call with a Host and, when it has a body, its length."""
    length = ((b"content-length", str(len(body)).encode()),) if body is not None else ()
    given: Headers = ((b"host", host), *length, *headers)
    return Call(method=method, raw_path=path, query=query, headers=given, body=body)


def ec2(form: bytes, *headers: tuple[bytes, bytes], query: bytes = b"") -> Call:
    """A signed EC2 call with `form` as its body."""
    return call("POST", b"/", form, FORM, scope("ec2"), *headers, query=query, host=b"ec2.us-east-1.amazonaws.com")


def sagemaker(operation: str, body: bytes, *headers: tuple[bytes, bytes]) -> Call:
    """A signed SageMaker call."""
    target = (b"x-amz-target", f"SageMaker.{operation}".encode())
    host = b"api.sagemaker.us-east-1.amazonaws.com"
    return call("POST", b"/", body, JSON11, target, scope("sagemaker"), *headers, host=host)


def from_raw(raw: bytes) -> Call:
    """Cut raw HTTP into a call as a lenient server would: everything between method and version is the target."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, _, rest = first.partition(b" ")
    target = rest.rpartition(b" HTTP/")[0]
    path, _, query = target.partition(b"?")
    headers = tuple((name.lower(), value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines))
    return Call(method=method.decode("latin-1"), raw_path=path, query=query, headers=headers, body=body or None)


def sent_by_botocore(service: str, ask: Callable[[Any], object], **config: Any) -> Call:
    """The call that botocore signs and would send for `ask(client)`."""
    client = client_of(service, tuple(config.items()))
    sent: list[Call] = []

    def catch(request: Any, **_: object) -> AWSResponse:
        sent.append(of_prepared(request))
        return AWSResponse(request.url, 400, {}, _Raw())

    client.meta.events.register("before-send", catch)
    try:
        with contextlib.suppress(ClientError, ResponseParserError):  # the answer is empty; only the request matters
            ask(client)
    finally:
        client.meta.events.unregister("before-send", catch)
    return sent[0]


@cache
def client_of(service: str, config: tuple[tuple[str, Any], ...]) -> Any:
    """A client of a service; making one takes hundreds of milliseconds."""
    return botocore.session.Session().create_client(
        service,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key="a" * 40,
        config=Config(retries={"max_attempts": 0}, **dict(config)),
    )


def of_prepared(request: Any) -> Call:
    """A request as botocore prepared it, as the gate would receive it."""
    url = urlsplit(request.url)
    headers = {
        name.lower().encode(): value if isinstance(value, bytes) else str(value).encode()
        for name, value in request.headers.items()
    }
    headers.setdefault(b"host", url.netloc.encode())
    body = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    return Call(
        method=request.method,
        raw_path=url.path.encode() or b"/",
        query=url.query.encode(),
        headers=tuple(headers.items()),
        body=body.encode() if isinstance(body, str) else bytes(body),
    )


class _Raw:
    def stream(self, *_: object, **__: object) -> Any:
        yield b""


JOBS = GenericRoute(
    operation="CreateTrainingJob",
    path="/v1/training-jobs",
    kind=RequestKind.SUBMIT,
    fields=GenericFields(
        account="customer_id",
        count="gpus",
        duration_hours="hours",
        declared_operations="flops",
        workload="workload",
    ),
    other_fields=("name",),
    assume_accelerator="H100 SXM",
)
BULK = GenericRoute(
    operation="BulkInsert",
    path="/v1/projects/{project}/zones/{zone}/instances:bulkInsert",
    fields=GenericFields(instance_type="machine.type", count="count", account="customer"),
)


def jobs() -> GenericAdapter:
    """The adapter of a platform with a training API and a bulk-insert API."""
    return GenericAdapter([JOBS, BULK], account_header="X-Account-Id", idempotency_header="Idempotency-Key")
