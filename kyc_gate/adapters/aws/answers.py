"""Refusals in the dialects of AWS, and what an answer of EC2 or SageMaker teaches.

boto3, the command line and Terraform raise a typed error after one request for each of these; only `unavailable` (503)
is retried, as it should be.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from kyc_gate.adapters.adapter import Learned, Refusal
from kyc_gate.adapters.aws import signature
from kyc_gate.adapters.message import message_of
from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call
from kyc_gate.model.job import Accelerators
from kyc_gate.model.record import digest

MAX_ANSWER = 4 * 1024 * 1024
"""Bytes of an upstream's answer that are searched for references."""

# docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and each query service's common errors
_SIGNATURES = {
    signature.NO_SIGNATURE: "MissingAuthenticationToken",
    signature.INCOMPLETE: "IncompleteSignature",
    signature.UNKNOWN_KEY: "InvalidClientTokenId",
    signature.EXPIRED: "RequestExpired",
    signature.WRONG: "SignatureDoesNotMatch",
    signature.REPLAYED: "SignatureDoesNotMatch",
}

# EC2 error codes: UnauthorizedOperation, PendingVerification and the client errors are documented in
# docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_EC2 = {
    "blocked": "UnauthorizedOperation",
    "review-required": "PendingVerification",
    "conflict": "IdempotentParameterMismatch",
    "unavailable": "Unavailable",
    **_SIGNATURES,
}
_QUERY = {
    "blocked": "AccessDenied",
    "review-required": "AccessDenied",
    "conflict": "ValidationError",
    "unavailable": "ServiceUnavailable",
    **_SIGNATURES,
}
_JSON = {
    "blocked": "AccessDeniedException",
    "review-required": "AccessDeniedException",
    "conflict": "ConflictException",
    "unavailable": "ServiceUnavailableException",
    signature.NO_SIGNATURE: "MissingAuthenticationTokenException",
    signature.INCOMPLETE: "IncompleteSignatureException",
    signature.UNKNOWN_KEY: "UnrecognizedClientException",
    signature.EXPIRED: "InvalidSignatureException",
    signature.WRONG: "InvalidSignatureException",
    signature.REPLAYED: "InvalidSignatureException",
}


def _request_id(call: Call, refusal: Refusal) -> str:
    """Return an id in the form that AWS gives, the same for the same call and refusal."""
    text = digest([call.method, call.raw_path.hex(), (call.body or b"").hex()[:4096], refusal])
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


def refuse_ec2(call: Call, refusal: Refusal) -> Answer:
    """Return the refusal as EC2 writes its errors."""
    code = _EC2.get(refusal.code) or ("MalformedQueryString" if refusal.status == 400 else "InvalidParameterValue")
    id = _request_id(call, refusal)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message_of(refusal))}</Message></Error></Errors>"
        f"<RequestID>{id}</RequestID></Response>"
    )
    return _answer(refusal, b"text/xml;charset=UTF-8", body, id)


def refuse_query(call: Call, refusal: Refusal) -> Answer:
    """Return the refusal as the other query services write their errors."""
    code = _QUERY.get(refusal.code, "ValidationError")
    id = _request_id(call, refusal)
    side = "Receiver" if refusal.status >= 500 else "Sender"
    body = (
        f"<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code>"
        f"<Message>{escape(message_of(refusal))}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
    )
    return _answer(refusal, b"text/xml", body, id)


def refuse_json(call: Call, refusal: Refusal, version: bytes = b"1.1") -> Answer:
    """Return the refusal as the JSON protocols write their errors."""
    id = _request_id(call, refusal)
    body = json.dumps({"__type": _json_code(refusal), "message": message_of(refusal)})
    return _answer(refusal, b"application/x-amz-json-" + version, body, id)


def refuse_rest(call: Call, refusal: Refusal) -> Answer:
    """Return the refusal as the REST services write their errors."""
    id = _request_id(call, refusal)
    body = json.dumps({"message": message_of(refusal)})
    return _answer(refusal, b"application/json", body, id, ((b"x-amzn-errortype", _json_code(refusal).encode()),))


def _json_code(refusal: Refusal) -> str:
    return _JSON.get(refusal.code) or ("SerializationException" if refusal.status == 400 else "ValidationException")


def _answer(
    refusal: Refusal, content_type: bytes, body: str, id: str, more: tuple[tuple[bytes, bytes], ...] = ()
) -> Answer:
    data = body.encode("ascii")
    headers = (
        (b"content-type", content_type),
        (b"content-length", str(len(data)).encode("ascii")),
        (b"x-amzn-requestid", id.encode("ascii")),
        (b"cache-control", b"no-store"),
    )
    return Answer(status=refusal.status, headers=headers + more, body=data)


def learn_instances(body: bytes) -> tuple[Learned, ...]:
    """Return the instances that an answer to RunInstances or CreateFleet names with their types."""
    tree = _tree(body)
    if tree is None:
        return ()
    found: dict[str, Learned] = {}
    for item in tree.iter("item"):
        kind = item.findtext("instanceType")
        ids = [item.findtext("instanceId"), *(each.text for each in item.findall("instanceIds/item"))]
        for id in ids:
            if kind and id:
                line = Accelerators(instance_type=kind.strip(), count=1)
                found[id] = Learned(kind="instance", id=id.strip(), lines=(line,))
    return tuple(found.values())


def learn_element(body: bytes, tag: str, kind: str, lines: tuple[Accelerators, ...]) -> tuple[Learned, ...]:
    """Return what the answer's element `tag` names; nothing where it stands more than once, or there are no lines."""
    tree = _tree(body)
    ids = {(each.text or "").strip() for each in tree.iter(tag)} if tree is not None else set()
    return tuple(Learned(kind=kind, id=id, lines=lines) for id in ids if id and lines and len(ids) == 1)


def learn_member(body: bytes, name: str, kind: str, lines: tuple[Accelerators, ...]) -> tuple[Learned, ...]:
    """Return what the member `name` of the answer's document names; nothing where it cannot be read."""
    try:
        id = read_json_object(body).get(name) if len(body) <= MAX_ANSWER else None
    except RefusedCall:
        return ()
    return (Learned(kind=kind, id=id, lines=lines),) if isinstance(id, str) and id and lines else ()


def _tree(body: bytes) -> ET.Element | None:
    """Return the document without namespaces; None for one with a document type, too large, or not UTF-8 XML."""
    if len(body) > MAX_ANSWER or b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return None
    try:
        text = body.decode("utf-8")
        tree = ET.fromstring(text.encode("utf-8"))  # noqa: S314 - no document type, so no entities
    except (UnicodeDecodeError, ET.ParseError, ValueError):
        return None
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    return tree
