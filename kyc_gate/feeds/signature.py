"""Checksums and signatures of list files and bundles: Ed25519, bare or as minisign writes it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kyc_gate.errors import FeedFault, InputError

_BARE_KEY = 32
_BARE_SIGNATURE = 64
_MINISIGN_KEY = 2 + 8 + 32
_MINISIGN_SIGNATURE = 2 + 8 + 64
"""Bytes: algorithm, key id, then key or signature (minisign's file format)."""


def require_sha256(data: bytes, stated: str, where: str) -> None:
    """Raise `FeedFault` unless the SHA-256 of `data` is the one that `where` states."""
    found = hashlib.sha256(data).hexdigest()
    if found != stated.lower():
        raise FeedFault(f"checksum: the SHA-256 is {found[:16]}..., and {where} states {stated[:16]}...")


def stated_sha256(text: str, file_name: str) -> str:
    """Return the digest that a checksum file states for `file_name`. Raises `FeedFault` when it states none.

    Lines are `digest  name`, as sha256sum writes them, or a digest alone.
    """
    lines = [line.split() for line in text.splitlines() if re.match(r"[0-9a-fA-F]{64}\b", line.strip())]
    named = [parts[0] for parts in lines if len(parts) > 1 and parts[-1].lstrip("*./").endswith(file_name)]
    found = (
        named or [parts[0] for parts in lines if len(parts) == 1] or [parts[0] for parts in lines if len(lines) == 1]
    )
    if not found:
        raise FeedFault(f"checksum: the checksum file states no SHA-256 of `{file_name}`")
    return found[0].lower()


def require_signature(data: bytes, signature: bytes, public_key: str) -> None:
    """Raise `FeedFault` unless `signature` is one of `data` by the owner of `public_key` (base64, bare or minisign)."""
    key_id, key = _public_key(public_key)
    algorithm, signer, signed, trusted = _signature(signature)
    if key_id is not None and signer is not None and key_id != signer:
        raise FeedFault("signature: made with another key than the one configured")
    message = hashlib.blake2b(data).digest() if algorithm == b"ED" else data
    try:
        key.verify(signed, message)
        if trusted is not None:
            comment, sealed = trusted
            key.verify(sealed, signed + comment)
    except InvalidSignature:
        raise FeedFault("signature: it does not fit the file") from None


def private_key_of(file: Path) -> Ed25519PrivateKey:
    """Return the Ed25519 key in a PEM file without a password. Raises `InputError` that says how to make one."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise InputError(f"`{file}` is no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"`{file}` is no Ed25519 key; `openssl genpkey -algorithm ed25519` makes one")
    return key


def public_key_of(text: str) -> Ed25519PublicKey:
    """Return the key written in base64. Raises `FeedFault`, naming the shape."""
    return _public_key(text)[1]


def _public_key(text: str) -> tuple[bytes | None, Ed25519PublicKey]:
    line = text.strip().splitlines()[-1] if text.strip() else ""
    raw = _base64(line)
    if raw is not None and len(raw) == _BARE_KEY:
        return None, Ed25519PublicKey.from_public_bytes(raw)
    if raw is not None and len(raw) == _MINISIGN_KEY and raw[:2] == b"Ed":
        return raw[2:10], Ed25519PublicKey.from_public_bytes(raw[10:])
    raise FeedFault("signature: `public_key` must be base64 of 32 bytes, or a minisign public key")


def _signature(data: bytes) -> tuple[bytes, bytes | None, bytes, tuple[bytes, bytes] | None]:
    """Return the algorithm, the key's id, the signature, and minisign's trusted comment with its own signature."""
    if len(data) == _BARE_SIGNATURE:
        return b"Ed", None, data, None
    # At line feeds alone, as minisign writes them: a comment may hold what other programs take for the end of a line.
    lines = [line.removesuffix("\r") for line in data.decode("utf-8", "replace").removesuffix("\n").split("\n")]
    if len(lines) >= 4 and lines[0].startswith("untrusted comment:") and lines[2].startswith("trusted comment: "):
        raw, sealed = _base64(lines[1]), _base64(lines[3])
        if (
            raw is not None
            and sealed is not None
            and len(raw) == _MINISIGN_SIGNATURE
            and len(sealed) == _BARE_SIGNATURE
        ):
            comment = lines[2].removeprefix("trusted comment: ").encode()
            return raw[:2], raw[2:10], raw[10:], (comment, sealed)
    raw = _base64(lines[0]) if len(lines) == 1 else None
    if raw is not None and len(raw) == _BARE_SIGNATURE:
        return b"Ed", None, raw, None
    raise FeedFault("signature: the file holds no Ed25519 signature, bare or by minisign")


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
