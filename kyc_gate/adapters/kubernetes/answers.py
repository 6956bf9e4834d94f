"""Answers to admission reviews, in the words that kubectl and client libraries show."""

from __future__ import annotations

import msgspec

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.kubernetes.review import API_VERSION
from kyc_gate.model.call import Answer

LONGEST_MESSAGE = 255
"""Characters of a message: clients print it behind the webhook's own name, on one line."""

_REASONS = {400: "BadRequest", 403: "Forbidden", 409: "Conflict", 503: "ServiceUnavailable"}


def allow(
    uid: str, *, warnings: tuple[str, ...] = (), patch: bytes | None = None, decision_id: str | None = None
) -> Answer:
    """Return the answer that lets the object in, changed by `patch` where there is one."""
    response: dict[str, object] = {"uid": uid, "allowed": True}
    if patch is not None:
        response |= {"patchType": "JSONPatch", "patch": patch.decode("ascii")}
    if warnings:
        response["warnings"] = [_short(each) for each in warnings]
    if decision_id is not None:
        response["auditAnnotations"] = {"decision": decision_id}
    return _answer(response)


def deny(uid: str, refusal: Refusal) -> Answer:
    """Return the answer that keeps the object out. A policy's outcome is 403, which no client sends again by itself."""
    response: dict[str, object] = {"uid": uid, "allowed": False, "status": status_of(refusal, message_of(refusal))}
    if refusal.decision_id is not None:
        response["auditAnnotations"] = {"decision": refusal.decision_id}
    return _answer(response)


def status_of(refusal: Refusal, message: str) -> dict[str, object]:
    """Return the members of a `Status` that tells a failure."""
    code = refusal.status if refusal.status in _REASONS else 400
    return {
        "metadata": {},
        "status": "Failure",
        "code": code,
        "reason": _REASONS[code],
        "message": _short(message),
    }


def message_of(refusal: Refusal) -> str:
    """Return what happened, the decision, and the case if there is one; for a call that was not understood, why."""
    if refusal.decision_id is None:
        return f"{refusal.title}: {refusal.detail}"
    case = f"; case {refusal.case_id}" if refusal.case_id else ""
    again = "; send it again after approval" if refusal.resubmit else ""
    return f"{refusal.title}{again}; decision {refusal.decision_id}{case}"


def paused_message(refusal: Refusal, kind: str) -> str:
    """Return what somebody is told whose object is in, and waits."""
    case = f"; case {refusal.case_id}" if refusal.case_id else ""
    return f"{kind} is paused for a review; release it after approval; decision {refusal.decision_id}{case}"


def _short(message: str) -> str:
    plain = message.encode("ascii", "replace").decode("ascii")
    return plain if len(plain) <= LONGEST_MESSAGE else plain[: LONGEST_MESSAGE - 3] + "..."


def _answer(response: dict[str, object]) -> Answer:
    body = msgspec.json.encode({"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response})
    return Answer(status=200, headers=((b"content-type", b"application/json"),), body=body)
