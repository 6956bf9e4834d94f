"""Signatures of version 4: AWS's own example, botocore as an independent signer, and what is refused."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kyc_gate.adapters.aws import signature
from kyc_gate.adapters.aws.identity import account_of
from kyc_gate.adapters.aws.signature import check_signature, check_time, read_claim, signature_of
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.service.signing_keys import key_id

KEY, SECRET = "AKIAQ7WSXEDCRFVTGBYH", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
FORM = b"application/x-www-form-urlencoded; charset=utf-8"


def call_of(request: AWSRequest) -> Call:
    """The call that a signed request of botocore is on the wire."""
    url = urlsplit(request.url)
    headers = {name.lower().encode(): str(value).encode() for name, value in request.headers.items()}
    headers.setdefault(b"host", url.netloc.encode())
    return Call(
        method=request.method,
        raw_path=(url.path or "/").encode(),
        query=url.query.encode(),
        headers=tuple(headers.items()),
        body=request.data if isinstance(request.data, bytes) else b"",
    )


def signed(
    method: str = "POST",
    url: str = "https://ec2.us-east-1.amazonaws.com/",
    body: bytes = b"Action=DescribeInstances",
    headers: dict[str, str] | None = None,
    service: str = "ec2",
) -> Call:
    request = AWSRequest(method, url, data=body, headers=headers or {"Content-Type": FORM.decode()})
    SigV4Auth(Credentials(KEY, SECRET), service, "us-east-1").add_auth(request)
    return call_of(request)


def presigned(url: str, seconds: int = 300) -> Call:
    request = AWSRequest("GET", url)
    SigV4QueryAuth(Credentials(KEY, SECRET), "ec2", "us-east-1", expires=seconds).add_auth(request)
    return call_of(request)


def checked(call: Call, secret: str = SECRET) -> str:
    claim = read_claim(call)
    check_time(claim, datetime.now(UTC))
    return check_signature(call, claim, secret)


def code_of(call: Call, secret: str = SECRET) -> str:
    with pytest.raises(RefusedCall) as caught:
        checked(call, secret)
    assert caught.value.status == (400 if caught.value.code == signature.INCOMPLETE else 403)
    return caught.value.code


def changed(call: Call, **headers: bytes | None) -> Call:
    """The call with headers set, or taken away where the value is None."""
    names = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    kept = tuple((name, value) for name, value in call.headers if name not in names)
    return replace(call, headers=kept + tuple((name, value) for name, value in names.items() if value is not None))


def test_the_example_of_aws() -> None:
    """The signature of AWS's own worked example (IAM User Guide, create a signed request) is the one computed here."""
    call = Call(
        method="GET",
        raw_path=b"/",
        query=b"Action=ListUsers&Version=2010-05-08",
        headers=(
            (b"content-type", FORM),
            (b"host", b"iam.amazonaws.com"),
            (b"x-amz-date", b"20150830T123600Z"),
            (
                b"authorization",
                b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request,"
                b" SignedHeaders=content-type;host;x-amz-date,"
                b" Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            ),
        ),
        body=b"",
    )
    claim = read_claim(call)
    empty = hashlib.sha256(b"").hexdigest()
    assert signature_of(call, claim, SECRET, empty) == claim.signature
    assert check_signature(call, claim, SECRET) == empty


_SEGMENT = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)) | st.sampled_from("é≠ ~+:*'"), min_size=1)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    segments=st.lists(_SEGMENT, max_size=3),
    query=st.lists(st.tuples(_SEGMENT, st.text(max_size=8)), max_size=4),
    body=st.binary(max_size=64),
    value=st.from_regex(r"\A[!-~]([ -~]{0,12}[!-~])?\Z"),
)
def test_what_botocore_signs_is_right(
    method: str, segments: list[str], query: list[tuple[str, str]], body: bytes, value: str
) -> None:
    """Whatever the path, the query, the header and the body, botocore's signature is the one computed here."""
    from urllib.parse import quote

    path = "/" + "/".join(quote(segment, safe="-._~") for segment in segments)
    pairs = [(quote(name, safe="-._~"), quote(text, safe="-._~")) for name, text in query]
    if any(name.lower().startswith("x-amz-") for name, _ in pairs) or {"..", "."} & {*path.split("/")}:
        return
    address = f"https://eks.us-east-1.amazonaws.com{path}"
    address += "?" + "&".join(f"{name}={text}" for name, text in pairs) if pairs else ""
    call = signed(method, address, body, {"X-Amz-Meta": value, "Content-Type": "application/json"}, "eks")
    assert checked(call) == hashlib.sha256(body).hexdigest()
    assert code_of(call, SECRET + "x") == signature.WRONG
    assert code_of(replace(call, body=body + b"&")) == signature.WRONG


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"method": "PUT"}, id="method"),
        pytest.param({"raw_path": b"/x"}, id="path"),
        pytest.param({"query": b"Action=RunInstances"}, id="query"),
        pytest.param({"body": b"Action=RunInstances"}, id="body"),
    ],
)
def test_a_change_is_seen(change: dict[str, Any]) -> None:
    """Whatever is changed after signing, the signature is wrong."""
    assert code_of(replace(signed(), **change)) == signature.WRONG


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({"host": b"sagemaker.us-east-1.amazonaws.com"}, signature.WRONG, id="another host"),
        pytest.param({"content_type": b"application/json"}, signature.WRONG, id="another type"),
        pytest.param({"x_amz_target": b"SageMaker.CreateTrainingJob"}, signature.INCOMPLETE, id="target unsigned"),
        pytest.param({"x_amz_date": b"20150830T123600Z"}, signature.INCOMPLETE, id="another day than the scope"),
        pytest.param({"x_amz_date": None}, signature.INCOMPLETE, id="no date"),
        pytest.param({"authorization": None}, signature.NO_SIGNATURE, id="unsigned"),
        pytest.param({"authorization": b"Bearer bedrock-api-key"}, signature.NO_SIGNATURE, id="bearer"),
        pytest.param({"authorization": b"AWS AKIA:c2lnbmF0dXJl"}, signature.NO_SIGNATURE, id="version 2"),
        pytest.param({"x_amz_security_token": b"token"}, signature.INCOMPLETE, id="token unsigned"),
        pytest.param(
            {"authorization": b"AWS4-ECDSA-P256-SHA256 Credential=A/20150830/ec2/aws4_request"},
            signature.INCOMPLETE,
            id="4a",
        ),
    ],
)
def test_a_head_that_is_not_whole(headers: dict[str, bytes | None], code: str) -> None:
    """What changes a call's meaning is signed, or nothing is."""
    assert code_of(changed(signed(), **headers)) == code


@pytest.mark.parametrize(
    "sent",
    ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "A" * 64],
)
def test_a_body_is_signed_whole(sent: str) -> None:
    """Bodies that are unsigned, or signed piece by piece, are not taken."""
    call = signed(headers={"X-Amz-Content-SHA256": sent, "Content-Type": FORM.decode()})
    assert code_of(call) == signature.INCOMPLETE


def test_the_hash_that_is_said_is_the_bodys() -> None:
    """A signed hash of another body does not pass, though its signature is right."""
    other = hashlib.sha256(b"other").hexdigest()
    assert code_of(signed(headers={"X-Amz-Content-SHA256": other, "Content-Type": FORM.decode()})) == signature.WRONG


@pytest.mark.parametrize("seconds", [-3600, -301, 301, 3600])
def test_a_signature_of_another_time(seconds: int) -> None:
    """Beyond five minutes of the gate's clock a signature is good for nothing."""
    claim = read_claim(signed())
    with pytest.raises(RefusedCall) as caught:
        check_time(claim, claim.at + timedelta(seconds=seconds))
    assert caught.value.code == signature.EXPIRED
    check_time(claim, claim.at + timedelta(seconds=299))


@pytest.mark.parametrize(
    "query",
    [b"a=%7e", b"a=%c3%a9", b"a=b+c", b"a=b&&c=d", b"X-Amz-Algorithm=AWS4-HMAC-SHA256", b"a=b=c", b"x%2damz-date=1"],
)
def test_a_query_has_one_spelling(query: bytes) -> None:
    """What signer and server might escape differently is refused before it is computed."""
    assert code_of(replace(signed(), query=query)) == signature.INCOMPLETE


ADDRESS = "https://ec2.us-east-1.amazonaws.com/?Action=DescribeInstances&Version=2016-11-15"


def test_a_signed_address() -> None:
    """A presigned call of botocore is right for as long as it says."""
    call = presigned(ADDRESS)
    assert checked(call) == hashlib.sha256(b"").hexdigest()
    claim = read_claim(call)
    with pytest.raises(RefusedCall, match="expired"):
        check_time(claim, claim.at + timedelta(seconds=301))
    assert code_of(replace(call, query=call.query.replace(b"DescribeInstances", b"RunInstances"))) == signature.WRONG
    assert code_of(replace(call, body=b"Action=RunInstances")) == signature.WRONG
    assert code_of(changed(call, content_type=FORM)) == signature.INCOMPLETE


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"X-Amz-Expires=300", b"X-Amz-Expires=604800", signature.INCOMPLETE),
        (b"X-Amz-Expires=300", b"X-Amz-Expires=-1", signature.INCOMPLETE),
        (b"AWS4-HMAC-SHA256", b"AWS4-ECDSA-P256-SHA256", signature.INCOMPLETE),
        (b"X-Amz-SignedHeaders=host", b"X-Amz-SignedHeaders=accept", signature.INCOMPLETE),
        (b"X-Amz-Expires=300", b"X-Amz-Expires=300&X-Amz-Expires=300", signature.INCOMPLETE),
        (b"X-Amz-Expires=300", b"X-Amz-Expires=300&X-Amz-Security-Token=t", signature.UNKNOWN_KEY),
        (b"X-Amz-Expires=300", b"X-Amz-Expires=300&X-Amz-Target=SageMaker.CreateTrainingJob", signature.INCOMPLETE),
    ],
)
def test_a_signed_address_that_is_not_whole(old: bytes, new: bytes, code: str) -> None:
    """Each of its parameters stands once, as it is signed."""
    call = presigned(ADDRESS)
    assert old in call.query
    assert code_of(replace(call, query=call.query.replace(old, new))) == code


@given(st.integers(min_value=0, max_value=10**12 - 1))
def test_an_issued_key_names_its_account(number: int) -> None:
    """The account of a key that the gate issues is read from its id as from one of AWS's."""
    account = f"{number:012d}"
    assert account_of(key_id(account)) == account
