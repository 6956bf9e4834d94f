"""Secrets at rest: encrypted with a key that a file beside the store holds, never the store itself.

AES-256-GCM with a fresh nonce of 96 bits (NIST SP 800-38D), bound to what the secret is for, so that nobody who writes
to the store can put one customer's secret in another's place.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kyc_gate.errors import ConfigurationError, StorageFault

_LEAD_IN = b"kyc_gate sealed secret, version 1\n"
_NONCE_BYTES = 12


class Sealer:
    """Seals with the first of its keys, and opens with any: so that a key can be replaced."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._keys = tuple(AESGCM(key) for key in keys)

    def seal(self, secret: str, about: str) -> str:
        """Return `secret` encrypted, good for `about` alone."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._keys[0].encrypt(nonce, secret.encode("utf-8"), _LEAD_IN + about.encode("utf-8"))
        return base64.b64encode(nonce + sealed).decode("ascii")

    def open(self, sealed: str, about: str) -> str:
        """Return the secret. Raises `StorageFault` where no key opens it, or it is another's."""
        raw = base64.b64decode(sealed)
        for key in self._keys:
            try:
                return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _LEAD_IN + about.encode("utf-8")).decode()
            except (InvalidTag, ValueError):
                continue
        raise StorageFault(f"the secret of `{about}` cannot be opened: it was sealed with a key that the file lacks")


def write_sealing_key(file: Path) -> None:
    """Write a new key that only its owner may read. Raises `ConfigurationError` for a file that is there already."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigurationError(f"`{file}` is there already; a key is never overwritten") from error
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(base64.b64encode(secrets.token_bytes(32)).decode("ascii") + "\n")


def read_sealer(file: Path) -> Sealer:
    """Return the sealer of a file with one key a line, the newest first. Raises `ConfigurationError`."""
    try:
        lines = [line.strip() for line in file.read_text(encoding="ascii").splitlines() if line.strip()]
        shared = os.name == "posix" and file.stat().st_mode & 0o077
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"`broker.key_file`: cannot read `{file}`: {error}") from error
    if shared:
        raise ConfigurationError(f"`broker.key_file`: others may read `{file}`; set its mode to 600")
    try:
        keys = tuple(base64.b64decode(line, validate=True) for line in lines)
    except binascii.Error as error:
        raise ConfigurationError(f"`broker.key_file`: a line of `{file}` is not base64") from error
    if not keys or any(len(key) != 32 for key in keys):
        raise ConfigurationError(f"`broker.key_file`: `{file}` holds no key; `kyc-gate broker keygen` makes one")
    return Sealer(keys)
