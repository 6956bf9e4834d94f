"""Refusals as Google's services write their errors, and what their answers teach.

`google.api_core` and `googleapiclient` raise a typed error after one request for each; only `unavailable` is retried.
"""

from __future__ import annotations

import json

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.message import message_of
from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call

DOMAIN = "kyc-gate"
"""Who refused, in Google's `ErrorInfo`."""

MAX_ANSWER = 4 * 1024 * 1024
"""Bytes of an upstream's answer that are searched for names."""

# google.rpc.Code by HTTP status (google/rpc/code.proto)
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_REASONS = {
    "blocked": "KYC_DENIED",
    "review-required": "KYC_REVIEW_PENDING",
    "unavailable": "KYC_UNAVAILABLE",
    "conflict": "KYC_CONFLICT",
}
_LEGACY = {403: "forbidden", 409: "conflict", 503: "backendError"}


def refuse(call: Call, refusal: Refusal) -> Answer:
    """Return the refusal with `error.code`, `status` and an `ErrorInfo` that tells a block from a wait."""
    message = message_of(refusal)
    reason = _REASONS.get(refusal.code, "KYC_UNREADABLE")
    told = {"decision": refusal.decision_id, "case": refusal.case_id}
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": DOMAIN,
        "metadata": {name: value for name, value in told.items() if value},
    }
    error = {
        "code": refusal.status,
        "message": message,
        "status": _STATUS.get(refusal.status, "INVALID_ARGUMENT"),
        "errors": [{"message": message, "domain": "global", "reason": _LEGACY.get(refusal.status, "badRequest")}],
        "details": [info],
    }
    body = json.dumps({"error": error}, ensure_ascii=True).encode("ascii")
    headers = (
        (b"content-type", b"application/json; charset=UTF-8"),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
    )
    return Answer(status=refusal.status, headers=headers, body=body)


def answered_name(body: bytes, collection: str) -> str | None:
    """Return the last segment of the answer's `name`, where it is a member of the collection."""
    try:
        name = read_json_object(body).get("name") if len(body) <= MAX_ANSWER else None
    except RefusedCall:
        return None
    home, _, last = name.rpartition("/") if isinstance(name, str) else ("", "", "")
    return last if last and home.endswith(f"/{collection}") else None
