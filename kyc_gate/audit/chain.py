"""The hash chain: each record's hash covers its position, the hash before it, and its own bytes.

    hash(i) = SHA-256( b"kyc_gate audit record, version 1\\n" || i, 8 bytes big-endian || hash(i-1), 32 bytes || body )

The lead-in keeps these hashes apart from every other SHA-256 of the project; position and previous hash have fixed
lengths, so no two different records give the same bytes. A chain shows a change to anybody who knows its head: keep the
head somewhere else, because a chain cut off at the end, or computed anew as a whole, is sound in itself.
"""

from __future__ import annotations

import hashlib

from kyc_gate.audit.record import AuditRecord

GENESIS = hashlib.sha256(b"kyc_gate audit chain, version 1\n").hexdigest()
"""What the first record names as the hash before it."""

_LEAD_IN = b"kyc_gate audit record, version 1\n"


def link(previous: str, position: int, body: str) -> str:
    """Return the hash of the record with the canonical text `body` at `position`, after the hash `previous`."""
    place = position.to_bytes(8, "big") + bytes.fromhex(previous)
    return hashlib.sha256(_LEAD_IN + place + body.encode("ascii")).hexdigest()


def chained(head: tuple[int, str] | None, body: str) -> AuditRecord:
    """Return the record that says `body` and follows `head`, a position and its hash (None: it is the first)."""
    last, previous = head or (0, GENESIS)
    return AuditRecord(position=last + 1, previous=previous, hash=link(previous, last + 1, body), body=body)
