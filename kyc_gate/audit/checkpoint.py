"""Checkpoints: how long the log is and its root, signed, as C2SP's tlog-checkpoint and signed-note write them.

https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint: origin, size and root, a line each; a blank line; and
a line for each signature, with the key's name and, in base64, four bytes of its id and the Ed25519 signature.
Whoever keeps a checkpoint elsewhere can tell later whether anything up to there was changed, dropped or added.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kyc_gate.errors import ChainBroken, ConfigurationError
from kyc_gate.model.record import Record

_ED25519 = b"\x01"
"""The algorithm's byte in a note's keys (signed-note, "Signature types")."""

COSIGNATURE = b"\x04"
"""The byte of a witness's key, which signs a time along (tlog-cosignature)."""

_PRIVATE = "PRIVATE+KEY+"
_NAME = re.compile(r"[^\s+]+")
DASH = "\u2014 "
MOST_BYTES = 64 * 1024


class Checkpoint(Record):
    """How many records a log held, and the root of their tree in hexadecimal; `note` is the signed text."""

    origin: str
    size: int
    root: str
    note: str


class Verifier(Record):
    """A public key with its name, written `name+id+key`."""

    name: str
    id: bytes
    public: bytes

    @property
    def text(self) -> str:
        """The key as it is handed to others."""
        return f"{self.name}+{self.id.hex()}+{_base64(_ED25519 + self.public)}"


class Signer(Record):
    """A private key with its name."""

    name: str
    seed: bytes

    @property
    def text(self) -> str:
        """The key as it is kept in a file."""
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{_base64(_ED25519 + self.seed)}"

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return Verifier(name=self.name, id=key_id(self.name, public), public=public)

    def sign(self, size: int, root: bytes) -> Checkpoint:
        """Return the signed checkpoint of a log. Its origin is the key's name."""
        text = f"{self.name}\n{size}\n{_base64(root)}\n"
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        line = f"{DASH}{self.name} {_base64(self.verifier.id + signature)}\n"
        return Checkpoint(origin=self.name, size=size, root=root.hex(), note=f"{text}\n{line}")


def key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes by which a signature names its key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def new_signer(name: str) -> Signer:
    """Return a new key. Raises `ConfigurationError` for a name that is empty, or holds blanks or a `+`."""
    if not _NAME.fullmatch(name) or not name.isprintable():
        raise ConfigurationError(f"`{name}` cannot name a key: no blanks, no `+`; a host of yours will do")
    return Signer(name=name, seed=secrets.token_bytes(32))


def read_signer(text: str) -> Signer:
    """Return the private key that a file holds. Raises `ConfigurationError`, which tells nothing of the key."""
    name, id, key = parts_of_key(text.strip().removeprefix(_PRIVATE))
    if not text.strip().startswith(_PRIVATE):
        raise ConfigurationError("the signing key is no key of a note: it begins with `PRIVATE+KEY+`")
    signer = Signer(name=name, seed=key)
    if signer.verifier.id != id:
        raise ConfigurationError("the signing key does not have the id that it states: it was changed or cut off")
    return signer


def read_verifier(text: str) -> Verifier:
    """Return the public key that `name+id+key` says. Raises `ConfigurationError`."""
    name, id, public = parts_of_key(text.strip())
    if key_id(name, public) != id:
        raise ConfigurationError(f"the key `{text.strip()[:80]}` does not have the id that it states")
    return Verifier(name=name, id=id, public=public)


def read_checkpoint(note: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Return what a note says. Raises `ChainBroken` unless one of the keys signed it, for the log of its own name."""
    if len(note) > MOST_BYTES:
        raise ChainBroken("a checkpoint is longer than 64 kB")
    text, blank, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or not signatures.endswith("\n"):
        raise ChainBroken("a checkpoint is origin, size and root, a blank line, and signatures, a line each")
    origin, size, root = lines[:3]
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", size):
        raise ChainBroken(f"a checkpoint says `{size[:40]}` where its size stands")
    digest = decoded(root)
    if digest is None or len(digest) != 32:
        raise ChainBroken("a checkpoint's root is not 32 bytes in base64")
    _require_signed(f"{text}\n", origin, signatures.removesuffix("\n").split("\n"), verifiers)
    return Checkpoint(origin=origin, size=int(size), root=digest.hex(), note=note)


def _require_signed(text: str, origin: str, lines: Iterable[str], verifiers: Sequence[Verifier]) -> None:
    known = {(verifier.name, verifier.id): verifier for verifier in verifiers}
    signed = False
    for line in lines:
        name, _, encoded = line.removeprefix(DASH).partition(" ")
        given = decoded(encoded)
        if not line.startswith(DASH) or given is None or len(given) < 5:
            raise ChainBroken("a checkpoint has a line among its signatures that is none")
        verifier = known.get((name, given[:4]))
        if verifier is None:
            continue  # a witness, or a key that is not known here
        try:
            Ed25519PublicKey.from_public_bytes(verifier.public).verify(given[4:], text.encode())
        except InvalidSignature as error:
            raise ChainBroken(f"a checkpoint's signature by `{name}` is wrong: it was changed") from error
        signed = signed or name == origin
    if not signed:
        raise ChainBroken(f"no known key signed the checkpoint of `{origin[:80]}`")


def parts_of_key(text: str, kind: bytes = _ED25519) -> tuple[str, bytes, bytes]:
    """Return name, id and key of `name+id+key`. Raises `ConfigurationError` for a key of another kind."""
    name, plus, rest = text.partition("+")
    id, other, key = rest.partition("+")
    found = decoded(key)
    if not (plus and other and _NAME.fullmatch(name) and re.fullmatch(r"[0-9a-f]{8}", id)) or found is None:
        raise ConfigurationError("a key is written `name+id+key`, its id in eight hexadecimal digits")
    if len(found) != 33 or found[:1] != kind:
        wanted = "that signs notes" if kind == _ED25519 else "of a witness, which signs a time along"
        raise ConfigurationError(f"a key is of another kind than an Ed25519 key {wanted}")
    return name, bytes.fromhex(id), found[1:]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def decoded(text: str) -> bytes | None:
    """Return what base64 says; None for a text that is none, or not the only way to write it."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _base64(data) == text else None
