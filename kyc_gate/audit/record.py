"""The audit record: what somebody decided or did, and its place in the chain."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kyc_gate.errors import ChainBroken, InputError
from kyc_gate.model.record import Record, canonical_text
from kyc_gate.model.written import Written

PLACE = ("position", "previous", "hash")
"""The names that the chain adds to a record. A record may not use them itself."""

SEAL, SALT = "sealed", "salt"
"""The digest that stands in a record for its `PARTS`, and, beside the parts, the salt that it was made with."""

PARTS = ("request", "facts", "decision", "run", "note", "answers", "parties", "resemblance", "paper")
"""What of a record tells of people. It is kept apart, and may be erased."""


class AuditRecord(Record):
    """One record in its place.

    `body` is the canonical JSON text of what happened, `position` counts from 1, `previous` and `hash` are SHA-256 in
    hexadecimal: of the record before, and of this one with its place. `personal` is the canonical text of its sealed
    parts and `salt` what they were sealed with; None where nothing is sealed, or it was erased.
    """

    position: int
    previous: str
    hash: str
    body: str
    salt: str | None = None
    personal: str | None = None

    def flat(self) -> dict[str, object]:
        """Return what happened with its place beside it, as it is exported, sealed parts and their salt included.

        Raises `ChainBroken` when the body is not the canonical text of what it says: somebody wrote over it.
        """
        return {
            **_read_body(self.body, self.position),
            **self._parts(),
            "position": self.position,
            "previous": self.previous,
            "hash": self.hash,
        }

    def _parts(self) -> dict[str, object]:
        if self.personal is None:
            return {}
        return {**_read_body(self.personal, self.position), SALT: self.salt}

    def whole(self) -> str:
        """Return the record's text with its sealed parts in it, as JSON; not canonical, and not what is hashed."""
        return self.body if self.personal is None else f"{self.personal[:-1]},{self.body[1:]}"


def body_of(content: Mapping[str, object]) -> str:
    """Return the canonical text of what happened, which is JSON-ready, apart from parts that are written already.

    Raises `InputError` when it uses a name that the chain adds.
    """
    taken = sorted(content.keys() & set(PLACE))
    if taken:
        raise InputError(f"an audit record may not have a field `{taken[0]}`: the chain adds it")
    parts = (f"{canonical_text(name)}:{_text(content[name])}" for name in sorted(content))
    return f"{{{','.join(parts)}}}"


def _text(value: object) -> str:
    return value if isinstance(value, Written) else canonical_text(value)


def placed(row: Mapping[str, object]) -> AuditRecord:
    """Return an exported row as the record that it was. Raises `ChainBroken` when its place is missing or malformed."""
    position, previous, digest = (row.get(name) for name in PLACE)
    if not isinstance(position, int) or isinstance(position, bool):
        raise ChainBroken("a record has no `position`")
    if not isinstance(previous, str) or not isinstance(digest, str):
        raise ChainBroken(f"record {position} lacks `previous` or `hash`")
    content = {name: value for name, value in row.items() if name not in PLACE}
    if SEAL not in content:
        return AuditRecord(position=position, previous=previous, hash=digest, body=body_of(content))
    salt = content.pop(SALT, None)
    parts = {name: content.pop(name) for name in PARTS if name in content}
    sealed = isinstance(salt, str) and bool(parts)
    return AuditRecord(
        position=position,
        previous=previous,
        hash=digest,
        body=body_of(content),
        salt=str(salt) if sealed else None,
        personal=body_of(parts) if sealed else None,
    )


def _read_body(body: str, position: int) -> dict[str, object]:
    try:
        content = json.loads(body)
        # A second reading of the same text (a repeated name, a blank) would let two meanings share one hash.
        canonical = isinstance(content, dict) and body_of(content) == body
    except (ValueError, InputError) as error:
        raise ChainBroken(f"record {position} cannot be read: {error}") from error
    if not canonical:
        raise ChainBroken(f"record {position} is not in canonical form: it was written over")
    found: dict[str, object] = content
    return found
