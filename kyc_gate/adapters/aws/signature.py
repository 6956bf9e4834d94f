"""Signature Version 4 of AWS, checked with a secret that is passed in.

Whoever signs tidies up: it sorts, escapes and merges. Whoever checks must not, since what was tidied up for the check
would go upstream as it was. What is not in the one form that signers produce is refused before anything is computed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote, unquote_to_bytes

from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.record import Record

ALGORITHM = "AWS4-HMAC-SHA256"

NO_SIGNATURE, INCOMPLETE, UNKNOWN_KEY, EXPIRED, WRONG, REPLAYED = (
    "no-signature",
    "incomplete-signature",
    "unknown-key",
    "expired-signature",
    "wrong-signature",
    "replayed-signature",
)
CODES = frozenset({NO_SIGNATURE, INCOMPLETE, UNKNOWN_KEY, EXPIRED, WRONG, REPLAYED})
"""What may be wrong with a signature; each dialect has its own word for it."""

SKEW = timedelta(minutes=5)
"""How far a signature's time may be from the gate's. AWS takes requests within five minutes of its own time
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html, protection against reuse)."""

MAX_EXPIRES = 15 * 60
"""Seconds for which a signed address is taken here. AWS allows seven days, in which it may be passed around."""

_HEADER = re.compile(
    rb"AWS4-HMAC-SHA256 Credential=([^,\s]{1,300}), ?SignedHeaders=([a-z0-9;._-]{1,2000}), ?Signature=([0-9a-f]{64})"
)
_SCOPE = re.compile(r"([A-Z0-9]{4,128})/([0-9]{8})/([a-z0-9-]{1,40})/([a-z0-9-]{1,60})/aws4_request")
_TIME = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SHA256 = re.compile(rb"[0-9a-f]{64}")
_SIGNED = re.compile(r"[a-z0-9._-]+(?:;[a-z0-9._-]+)*")
_PARAMETERS = frozenset({"Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"})
_PREFIX = "X-Amz-"

Pairs = tuple[tuple[bytes, bytes], ...]


class Claim(Record):
    """What a call says of its own signature. Nothing of it is true until `check_signature` passed.

    `query` are the parameters that are signed, as sent; `expires` is how long a signed address lasts, in seconds.
    """

    key_id: str
    date: str
    region: str
    service: str
    at: datetime
    signed: tuple[str, ...]
    signature: str
    query: Pairs
    expires: int | None = None

    @property
    def until(self) -> datetime:
        """When the signature is taken no more."""
        return self.at + (SKEW if self.expires is None else timedelta(seconds=self.expires))


def read_claim(call: Call) -> Claim:
    """Return what the call's head says of its signature. Raises `RefusedCall` with one of `CODES`.

    1. there is one signature, of version 4, in the header or in the query 2. it is whole 3. it covers the host, the
    type of the body and every header of AWS 4. it has no session token: keys of the gate have no sessions.
    """
    pairs = _pairs(call.query)
    held = call.values(b"authorization")
    in_query = any(name.lower().startswith(b"x-amz-") for name, _ in pairs)
    if held and in_query:
        raise RefusedCall(400, INCOMPLETE, "the call is signed in its header and in its query; sign it once")
    if held:
        claim = _from_header(call, held, pairs)
    elif in_query:
        claim = _from_query(pairs)
    else:
        raise RefusedCall(403, NO_SIGNATURE, "the call is not signed; sign it with AWS Signature Version 4")
    _check_covered(call, claim)
    return claim


def check_time(claim: Claim, now: datetime) -> None:
    """Pass a claim of now; raise `RefusedCall` for one whose time is over, or has not come."""
    if now < claim.at - SKEW:
        raise RefusedCall(403, EXPIRED, "the signature is of a time to come; set the clock")
    if now > claim.until:
        raise RefusedCall(403, EXPIRED, "the signature has expired; set the clock, and sign the call anew")


def check_signature(call: Call, claim: Claim, secret: str) -> str:
    """Pass a call whose signature the holder of `secret` made, and return the SHA-256 of its body.

    Raises `RefusedCall` for any other, and for a body that is not the one that was signed.
    """
    payload = hashlib.sha256(call.body or b"").hexdigest()
    said = call.value(b"x-amz-content-sha256")
    if said is not None and not hmac.compare_digest(said, payload.encode()):
        raise RefusedCall(403, WRONG, "X-Amz-Content-SHA256 is not the SHA-256 of the body that arrived")
    expected = signature_of(call, claim, secret, payload)
    if not hmac.compare_digest(expected, claim.signature):
        raise RefusedCall(403, WRONG, "the signature is not the one that this access key makes of this call")
    return payload


def signature_of(call: Call, claim: Claim, secret: str, payload: str) -> str:
    """Return the signature, in hexadecimal, that the holder of `secret` makes of the call."""
    scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
    canonical = hashlib.sha256(_canonical(call, claim, payload)).hexdigest()
    text = f"{ALGORITHM}\n{claim.at:%Y%m%dT%H%M%SZ}\n{scope}\n{canonical}"
    key = f"AWS4{secret}".encode()
    for part in (claim.date, claim.region, claim.service, "aws4_request"):
        key = hmac.digest(key, part.encode("ascii"), "sha256")
    return hmac.digest(key, text.encode("ascii"), "sha256").hex()


def _canonical(call: Call, claim: Claim, payload: str) -> bytes:
    """Return the call in the form that is signed. Its path is escaped once more, as for every service but S3."""
    path = quote(call.raw_path, safe="/~").encode("ascii")
    query = b"&".join(name + b"=" + value for name, value in sorted(claim.query))
    heads = b"".join(
        name.encode("ascii") + b":" + b" ".join((call.value(name.encode("ascii")) or b"").split()) + b"\n"
        for name in claim.signed
    )
    parts = (call.method.encode("ascii"), path, query, heads, ";".join(claim.signed).encode("ascii"))
    return b"\n".join((*parts, payload.encode("ascii")))


def _pairs(query: bytes) -> Pairs:
    """Return the parameters as sent. They must be escaped as every signer escapes them (RFC 3986, 2.3)."""
    found = []
    for piece in query.split(b"&") if query else ():
        name, _, value = piece.partition(b"=")
        if not name or any(quote(unquote_to_bytes(part), safe="-._~").encode() != part for part in (name, value)):
            raise RefusedCall(
                400, INCOMPLETE, f"parameter {shown(piece[:60])} is not escaped as it is signed; escape it as RFC 3986"
            )
        found.append((name, value))
    return tuple(found)


def _from_header(call: Call, held: tuple[bytes, ...], pairs: Pairs) -> Claim:
    if any(value[:9].upper() == b"AWS4-ECDS" for value in held):
        raise RefusedCall(400, INCOMPLETE, f"Signature Version 4a is not taken here; sign with {ALGORITHM}")
    if not all(value[:5].upper() == b"AWS4-" for value in held):
        raise RefusedCall(403, NO_SIGNATURE, "this Authorization is no signature; sign with AWS Signature Version 4")
    found = _HEADER.fullmatch(held[0]) if len(held) == 1 else None
    if not found:
        raise RefusedCall(400, INCOMPLETE, f"Authorization is not `{ALGORITHM} Credential, SignedHeaders, Signature`")
    at = (call.value(b"x-amz-date") or b"").decode("latin-1")
    return _claim(found[1].decode("latin-1"), at, found[2].decode("ascii"), found[3].decode("ascii"), pairs, None)


def _from_query(pairs: Pairs) -> Claim:
    given: dict[str, str] = {}
    for raw, value in pairs:
        name = unquote(raw.decode("ascii"))
        if name.lower().startswith("x-amz-"):
            if name in given or name.removeprefix(_PREFIX) not in {*_PARAMETERS, "Security-Token"}:
                raise RefusedCall(400, INCOMPLETE, f"parameter {shown(name)} is not one of a signed address")
            given[name] = unquote(value.decode("ascii"))
    if f"{_PREFIX}Security-Token" in given:
        raise _with_session()
    if given.get(f"{_PREFIX}Algorithm") != ALGORITHM:
        raise RefusedCall(400, INCOMPLETE, f"X-Amz-Algorithm must be {ALGORITHM}; Version 4a is not taken here")
    if set(given) != {_PREFIX + name for name in _PARAMETERS}:
        raise RefusedCall(400, INCOMPLETE, "the signed address lacks one of its X-Amz parameters")
    seconds = given[f"{_PREFIX}Expires"]
    if not (seconds.isdigit() and seconds.isascii() and 1 <= int(seconds[:9]) <= MAX_EXPIRES and len(seconds) <= 9):
        raise RefusedCall(400, INCOMPLETE, f"X-Amz-Expires must be 1 to {MAX_EXPIRES} seconds")
    covered = tuple((name, value) for name, value in pairs if unquote(name.decode("ascii")) != f"{_PREFIX}Signature")
    return _claim(
        given[f"{_PREFIX}Credential"],
        given[f"{_PREFIX}Date"],
        given[f"{_PREFIX}SignedHeaders"],
        given[f"{_PREFIX}Signature"],
        covered,
        int(seconds),
    )


def _claim(credential: str, at: str, signed: str, signature: str, query: Pairs, expires: int | None) -> Claim:
    scope = _SCOPE.fullmatch(credential)
    if not scope:
        raise RefusedCall(400, INCOMPLETE, f"credential scope {shown(credential[-40:])} cannot be read")
    names = tuple(signed.split(";"))
    if not _SIGNED.fullmatch(signed) or list(names) != sorted(set(names)):
        raise RefusedCall(400, INCOMPLETE, "SignedHeaders are not lower-case names in their order, each once")
    if not _SHA256.fullmatch(signature.encode("latin-1", "replace")):
        raise RefusedCall(400, INCOMPLETE, "the signature is not 64 lower-case hexadecimal digits")
    if not _TIME.fullmatch(at) or at[:8] != scope[2]:
        raise RefusedCall(400, INCOMPLETE, "X-Amz-Date must be such as 20261127T120000Z, on the day of the credential")
    try:
        signed_at = datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise RefusedCall(400, INCOMPLETE, f"X-Amz-Date {shown(at)} is no moment") from error
    return Claim(
        key_id=scope[1],
        date=scope[2],
        region=scope[3],
        service=scope[4],
        at=signed_at,
        signed=names,
        signature=signature,
        query=query,
        expires=expires,
    )


def _check_covered(call: Call, claim: Claim) -> None:
    for name in claim.signed:
        if len(call.values(name.encode("ascii"))) != 1:
            raise RefusedCall(400, INCOMPLETE, f"header {shown(name)} is signed and not sent once")
    needed = {"host"} | {
        name.decode("latin-1")
        for name, _ in call.headers
        # What changes a call's meaning: its type, and whatever AWS reads.
        if name == b"content-type" or name.startswith(b"x-amz-")
    }
    if claim.expires is None:
        needed.add("x-amz-date")
    if lacking := sorted(needed - set(claim.signed)):
        raise RefusedCall(400, INCOMPLETE, f"header {shown(lacking[0])} is not signed")
    if call.values(b"x-amz-security-token"):
        raise _with_session()
    said = call.value(b"x-amz-content-sha256")
    if said is not None and not _SHA256.fullmatch(said):
        raise RefusedCall(400, INCOMPLETE, f"X-Amz-Content-SHA256 {shown(said)} is no SHA-256; sign the body whole")


def _with_session() -> RefusedCall:
    return RefusedCall(403, UNKNOWN_KEY, "a session token is sent, and keys of this gate have none; send the key alone")
