"""Refusals as Oracle Cloud's services write their errors: the SDK raises `ServiceError` after one request."""

from __future__ import annotations

import json

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.message import message_of
from kyc_gate.model.call import Answer, Call
from kyc_gate.model.record import digest

_CODES = {"blocked": "NotAllowed", "review-required": "KycReviewPending", "unavailable": "ServiceUnavailable"}
"""Codes of errors. `NotAllowed` is Oracle's own at 403 (docs.oracle.com, API errors); what waits has one of its own, so
that a script can tell the two apart."""


def refuse(call: Call, refusal: Refusal) -> Answer:
    """Return the refusal with `code` and `message`, and the request's id that clients show. Never raises."""
    told = {"decision": refusal.decision_id, "case": refusal.case_id}
    document = {
        "code": _CODES.get(refusal.code, "InvalidParameter"),
        "message": message_of(refusal),
        **{name: value for name, value in told.items() if value},
    }
    body = json.dumps(document, ensure_ascii=True).encode("ascii")
    id = digest([call.method, call.raw_path.hex(), refusal])[:32].upper()
    headers = (
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"opc-request-id", id.encode("ascii")),
        (b"cache-control", b"no-store"),
    )
    return Answer(status=refusal.status, headers=headers, body=body)
