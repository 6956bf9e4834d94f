"""Problem documents, RFC 9457: the refusal of every interface that has no dialect of its own."""

from __future__ import annotations

import json

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.model.call import Answer

PROBLEM_TYPES = "urn:kyc-gate:problem:"
"""Prefix of problem types. A URN, since the documents are explained in this project's own pages and at no address."""


def problem_document(refusal: Refusal) -> dict[str, object]:
    """Return the refusal as RFC 9457 members, with `decision_id`, `outcome`, `reasons`, `case_id` and `resubmit`."""
    document: dict[str, object] = {
        "type": f"{PROBLEM_TYPES}{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
    }
    if refusal.decision_id:
        document["instance"] = f"urn:kyc-gate:decision:{refusal.decision_id}"
        document["decision_id"] = refusal.decision_id
    if refusal.outcome:
        document["outcome"] = refusal.outcome
        document["reasons"] = [
            {"code": code, "cite": cite} if cite else {"code": code} for code, cite in refusal.reasons
        ]
    if refusal.case_id:
        document["case_id"] = refusal.case_id
        document["resubmit"] = refusal.resubmit
    return document


def problem_answer(refusal: Refusal) -> Answer:
    """Return the refusal as an answer with `application/problem+json`, never to be stored by a cache."""
    body = json.dumps(problem_document(refusal), ensure_ascii=True).encode("ascii")
    headers = (
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
    )
    return Answer(status=refusal.status, headers=headers, body=body)
