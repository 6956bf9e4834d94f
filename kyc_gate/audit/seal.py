"""What a record says of people, kept apart from the record: the record holds a salted digest, and a table the text.

    sealed = SHA-256( b"kyc_gate sealed part, version 1\\n" || salt, 32 bytes || canonical text of the parts )

The chain and the tree cover the digest alone, so erasing text and salt breaks no proof, and whoever is shown both can
check them. Without the salt nobody can try names against the digest.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping

from kyc_gate.audit.record import PARTS, SEAL, body_of
from kyc_gate.errors import ChainBroken, InputError
from kyc_gate.model.record import Record

_LEAD_IN = b"kyc_gate sealed part, version 1\n"


class Sealed(Record):
    """A record's text, and the part of it that may be erased, with its salt in hexadecimal.

    Both are None for a record that says nothing of people. `at` is when it happened, as the record says.
    """

    body: str
    salt: str | None = None
    personal: str | None = None
    at: str | None = None

    @property
    def size(self) -> int:
        """Bytes of both texts."""
        return len(self.body) + len(self.personal or "")


def seal(content: Mapping[str, object]) -> Sealed:
    """Return what happened with its `PARTS` sealed. Raises `InputError` when it uses the name of the seal."""
    if SEAL in content:
        raise InputError(f"an audit record may not have a field `{SEAL}`: the seal adds it")
    parts = {name: content[name] for name in PARTS if name in content}
    if not parts:
        return Sealed(body=body_of(content))
    salt, personal = secrets.token_bytes(32), body_of(parts)
    rest: dict[str, object] = {name: value for name, value in content.items() if name not in parts}
    rest[SEAL] = sealed_digest(salt, personal)
    at = content.get("at")
    return Sealed(body=body_of(rest), salt=salt.hex(), personal=personal, at=at if isinstance(at, str) else None)


def sealed_digest(salt: bytes, personal: str) -> str:
    """Return the digest that stands in a record for its parts."""
    return hashlib.sha256(_LEAD_IN + salt + personal.encode("ascii")).hexdigest()


def seal_in(body: str) -> str | None:
    """Return the digest that a record's text holds, or None where nothing of it is sealed."""
    if f'"{SEAL}"' not in body:
        return None
    found = json.loads(body).get(SEAL)
    return found if isinstance(found, str) else None


def erased(body: str) -> bool:
    """Return whether the parts that a record's text should hold were erased."""
    return seal_in(body) is not None and not any(name in json.loads(body) for name in PARTS)


def require_sealed(position: int, body: str, salt: str, personal: str) -> None:
    """Raise `ChainBroken` unless the text and the salt are those that the record was sealed with."""
    try:
        fits = personal.isascii() and sealed_digest(bytes.fromhex(salt), personal) == seal_in(body)
    except ValueError:
        fits = False
    if not fits:
        raise ChainBroken(f"record {position}: what it says of people was changed: it does not give the record's seal")
