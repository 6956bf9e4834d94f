"""Refusals as Azure Resource Manager writes its errors: `azure.core` raises `HttpResponseError` after one request."""

from __future__ import annotations

import json

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.message import message_of
from kyc_gate.model.call import Answer, Call
from kyc_gate.model.record import digest

_CODES = {
    "blocked": "RequestDisallowedByPolicy",
    "review-required": "RequestDisallowedByPolicy",
    "unavailable": "ServiceUnavailable",
    "conflict": "InvalidRequestContent",
}
"""ARM's error codes: what Azure Policy answers, too, so that clients know it (learn.microsoft.com)."""

_REASONS = {"blocked": "KycDenied", "review-required": "KycReviewPending"}


def refuse(call: Call, refusal: Refusal) -> Answer:
    """Return the refusal with `error.code`, and what tells a block from a wait in `additionalInfo`."""
    told = {
        "reason": _REASONS.get(refusal.code),
        "decision": refusal.decision_id,
        "case": refusal.case_id,
    }
    info = {name: value for name, value in told.items() if value}
    error = {
        "code": _CODES.get(refusal.code, "InvalidRequestContent"),
        "message": message_of(refusal),
        "target": call.raw_path.decode("ascii", "replace").rpartition("/")[2][:80],
        "details": [],
        "additionalInfo": [{"type": "KycGate", "info": info}] if info else [],
    }
    body = json.dumps({"error": error}, ensure_ascii=True).encode("ascii")
    id = digest([call.method, call.raw_path.hex(), refusal])
    headers = (
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"x-ms-error-code", str(error["code"]).encode("ascii")),
        (b"x-ms-request-id", f"{id[:8]}-{id[8:12]}-{id[12:16]}-{id[16:20]}-{id[20:32]}".encode("ascii")),
        (b"cache-control", b"no-store"),
    )
    return Answer(status=refusal.status, headers=headers, body=body)
