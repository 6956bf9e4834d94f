"""Who a bearer token says that it is for. Nothing is checked: the upstream has the keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.record import Record

_BEARER = re.compile(rb"(?i:bearer) +([A-Za-z0-9._~+/=:-]{8,8192})")
_SHORT = 32


class Bearer(Record):
    """A token: its digest, which stands for it wherever it is told, and the claims in it where it is a JWT."""

    id: str
    claims: tuple[tuple[str, str], ...] = ()

    def claim(self, *names: str) -> str | None:
        """Return the first of the claims that the token has."""
        found = dict(self.claims)
        return next((found[name] for name in names if name in found), None)


def read_bearer(call: Call) -> Bearer | None:
    """Return the call's bearer token, None without one."""
    given = call.value(b"authorization")
    found = _BEARER.fullmatch(given) if given else None
    return bearer_of(found[1]) if found else None


def bearer_of(token: bytes) -> Bearer:
    """Return what the token tells."""
    return Bearer(id=key_id(token), claims=_claims(token))


def key_id(secret: bytes) -> str:
    """Return the name of a secret: `sha256-` and the first 32 digits of its digest."""
    return f"sha256-{hashlib.sha256(secret).hexdigest()[:_SHORT]}"


def _claims(token: bytes) -> tuple[tuple[str, str], ...]:
    parts = token.split(b".")
    if len(parts) != 3:
        return ()
    try:
        data = base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4))
        document = read_json_object(data)
    except (binascii.Error, ValueError, RefusedCall):
        return ()
    return tuple(
        (name, value) for name, value in document.items() if isinstance(value, str) and value.isprintable() and value
    )
