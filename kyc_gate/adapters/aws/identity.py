"""Who signed a call, for which service, and which account the access key belongs to."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote_to_bytes

from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.record import Record

# Credential=<access key>/<date>/<region>/<service>/aws4_request; SigV4a leaves the region out.
_SCOPE = re.compile(r"([^/\s,]{1,128})/([0-9]{8})(?:/([a-z0-9-]{1,40}))?/([A-Za-z0-9.-]{1,60})/aws4_request")
_HEADER_CREDENTIAL = re.compile(rb"Credential=([^,\s]+)")
_ACCESS_KEY = re.compile(r"A(?:KIA|SIA)[A-Z2-7]{16}")
_AWS_HOST = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")

SERVICES = frozenset({"ec2", "sagemaker", "autoscaling", "batch", "eks", "pcs", "bedrock"})
"""Signing names of the services with guarded operations."""

TARGETS = {"sagemaker": "sagemaker", "awsparallelcomputingservice": "pcs"}
"""Prefix of `X-Amz-Target`, in lower case, to the service that answers to it (botocore service models)."""


class Credential(Record):
    """The credential scope of a signature, unchecked."""

    access_key: str
    region: str | None
    service: str


def read_credential(call: Call) -> Credential | None:
    """Return the scope that the call is signed for, or None when it carries no version 4 signature.

    Raises `RefusedCall` 400 when it carries two, or one that cannot be read.
    """
    found: list[str] = []
    for name, value in call.headers:
        if name == b"authorization" and value.lstrip()[:5].upper() == b"AWS4-":
            found += [text.decode("latin-1") for text in _HEADER_CREDENTIAL.findall(value)] or [""]
    if call.query and b"credential" in call.query.lower():
        for pair in call.query.split(b"&"):
            name, _, value = pair.partition(b"=")
            if unquote_to_bytes(name).lower() == b"x-amz-credential":
                found.append(unquote_to_bytes(value).decode("latin-1"))
    if not found:
        return None
    if len(found) > 1:
        raise RefusedCall(400, "signature", "the call carries more than one signature; sign it once")
    scope = _SCOPE.fullmatch(found[0])
    if not scope:
        raise RefusedCall(400, "signature", f"credential scope {shown(found[0][-40:])} cannot be read")
    return Credential(access_key=scope[1], region=scope[3], service=scope[4].lower())


def account_of(access_key: str) -> str | None:
    """Return the twelve-digit account id that is encoded in an access key id, or None if none is.

    Base32 of the characters after the prefix, first six bytes, masked with 0x7fffffffff80 and shifted right by seven.
    Keys whose fifth character is I or J were issued before the account was encoded.
    """
    if not _ACCESS_KEY.fullmatch(access_key) or access_key[4] in "IJ":
        return None
    number = (int.from_bytes(base64.b32decode(access_key[4:])[:6], "big") & 0x7FFFFFFFFF80) >> 7
    return f"{number:012d}" if number < 10**12 else None


def service_of_host(host: bytes) -> str | None:
    """Return the guarded service that an AWS host name stands for, `other` for another one, None off AWS."""
    name = host.decode("latin-1").lower().partition(":")[0].rstrip(".")
    if not name.endswith(_AWS_HOST):
        return None
    for label in reversed(name.split(".")):
        service = label.removesuffix("-fips")
        if service in SERVICES:
            return service
        if service.startswith("bedrock-agentcore"):  # a service of its own, which signs as itself
            return "other"
        if service.startswith("bedrock-"):  # its runtime and agents sign as `bedrock`
            return "bedrock"
        if service in ("s3", "elb") or service.startswith("s3-"):
            break
    return "other"


def service_of_target(target: bytes) -> str:
    """Return the service that a value of `X-Amz-Target` names, `other` for an unknown prefix."""
    return TARGETS.get(target.decode("latin-1").partition(".")[0].strip().lower(), "other")
