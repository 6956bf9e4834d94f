"""Refusals as gRPC writes its errors: a status in the head, which every client turns into its own exception."""

from __future__ import annotations

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.message import message_of
from kyc_gate.model.call import Answer

_STATUS = {400: 3, 401: 16, 403: 7, 405: 12, 409: 10, 413: 3, 415: 12, 503: 14}
"""gRPC's codes by HTTP status, the ones that Google's APIs pair (google/rpc/code.proto)."""

_SPELLED = frozenset(range(0x20, 0x7F)) - {0x25}


def refuse(refusal: Refusal) -> Answer:
    """Return the refusal with its status in the head and its message in the body, for proxies that make gRPC of it."""
    message = message_of(refusal)
    told = {"kyc-decision-id": refusal.decision_id, "kyc-case-id": refusal.case_id, "kyc-outcome": refusal.outcome}
    status = _STATUS.get(refusal.status, 9)
    body = message.encode("ascii", "replace")
    headers = (
        (b"content-type", b"application/grpc"),
        (b"grpc-status", str(status).encode("ascii")),
        (b"grpc-message", "".join(chr(each) if each in _SPELLED else f"%{each:02X}" for each in body).encode("ascii")),
        *((name.encode("ascii"), value.encode("ascii", "replace")) for name, value in told.items() if value),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
    )
    return Answer(status=refusal.status, headers=headers, body=body)
