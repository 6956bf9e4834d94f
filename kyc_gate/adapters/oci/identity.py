"""Who a call to Oracle Cloud says that it is from. Nothing is checked: the upstream has the keys."""

from __future__ import annotations

import re

from kyc_gate.adapters.bearer import bearer_of, key_id
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.record import Record

_SCHEME = re.compile(rb"(?i:signature) +(.{1,16384})", re.DOTALL)
_PARAMETER = re.compile(rb'\s*([A-Za-z][A-Za-z0-9_-]{0,39})="([^"\\]*)"\s*(?:,|\Z)')
_KEY = re.compile(r"(ocid1\.tenancy\.[A-Za-z0-9._-]{1,200})/(ocid1\.[A-Za-z0-9._-]{1,200})/[0-9A-Fa-f:]{2,200}")
_TENANCY = re.compile(r"ocid1\.tenancy\.[A-Za-z0-9._-]{1,200}")
_TENANT_CLAIMS = ("tenant", "opc-tenant", "res_tenant")
"""Claims with the tenancy in tokens of people, of machines and of resources (oci.auth.signers)."""


class Signer(Record):
    """Who signed: the tenancy and who in it, as far as the signature says, and a name for the key."""

    tenancy: str | None = None
    principal: str | None = None
    credential_id: str | None = None


def read_signer(call: Call) -> Signer:
    """Return who the call's signature names; nobody where there is none that can be read.

    A key is named by tenancy, user and fingerprint. A token after `ST$` says the tenancy in its claims; one that says
    two says none. Raises `RefusedCall` 401 for a signature that names two keys.
    """
    given = call.value(b"authorization")
    found = _SCHEME.fullmatch(given) if given else None
    name = _key_name(found[1]) if found else None
    if name is None:
        return Signer()
    if key := _KEY.fullmatch(name):
        return Signer(tenancy=key[1].lower(), principal=key[2], credential_id=key_id(name.encode()))
    if name.startswith("ST$"):
        token = bearer_of(name.removeprefix("ST$").encode())
        said = {value.lower() for value in map(token.claim, _TENANT_CLAIMS) if value and _TENANCY.fullmatch(value)}
        return Signer(
            tenancy=said.pop() if len(said) == 1 else None, principal=token.claim("sub"), credential_id=token.id
        )
    return Signer()


def _key_name(parameters: bytes) -> str | None:
    """Return the `keyId` among the parameters of a signature, None where they cannot be read."""
    names = []
    at = 0
    while at < len(parameters):
        found = _PARAMETER.match(parameters, at)
        if found is None:
            return None
        if found[1].lower() == b"keyid":
            names.append(found[2])
        at = found.end()
    if len(names) > 1:
        raise RefusedCall(401, "signature", "the signature names more than one key; sign the call once")
    return names[0].decode("ascii") if names and names[0].isascii() else None
