"""What witnesses say of checkpoints: that a log only grew up to there, and when they saw it.

A cosignature is a line among a note's signatures (https://c2sp.org/tlog-cosignature, cosignature/v1): the witness's
name and, in base64, four bytes of its key's id, eight of the time in seconds since 1970, and an Ed25519 signature of
that time and the note's text. A witness signs one past only, so that two readers of its word were shown the same log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kyc_gate.audit.checkpoint import COSIGNATURE, DASH, decoded, parts_of_key
from kyc_gate.errors import ChainBroken, ConfigurationError
from kyc_gate.model.record import Record

_ID, _TIME, _SIGNATURE = 4, 8, 64


class Witness(Record):
    """A witness's public key with its name, written `name+id+key`."""

    name: str
    id: bytes
    public: bytes


class Seen(Record):
    """That a witness saw a log at a checkpoint, and when it did."""

    witness: str
    at: datetime


def read_witness(text: str) -> Witness:
    """Return the key that `name+id+key` says. Raises `ConfigurationError`."""
    name, id, public = parts_of_key(text.strip(), COSIGNATURE)
    if hashlib.sha256(name.encode() + b"\n" + COSIGNATURE + public).digest()[:_ID] != id:
        raise ConfigurationError(f"the key `{text.strip()[:80]}` does not have the id that it states")
    return Witness(name=name, id=id, public=public)


def read_cosignatures(note: str, witnesses: Sequence[Witness]) -> tuple[Seen, ...]:
    """Return what these witnesses say of a note. Raises `ChainBroken` for a line of theirs that is wrong.

    Lines of others are passed over. The note's own signature is not checked here: `read_checkpoint` does.
    """
    known = {(witness.name, witness.id): witness for witness in witnesses}
    text, _, signatures = note.rpartition("\n\n")
    found = []
    for line in signatures.removesuffix("\n").split("\n"):
        name, _, encoded = line.removeprefix(DASH).partition(" ")
        given = decoded(encoded) or b""
        witness = known.get((name, given[:_ID]))
        if witness is not None:
            found.append(_seen(f"{text}\n", given[_ID:], witness))
    return tuple(found)


def _seen(text: str, given: bytes, witness: Witness) -> Seen:
    if len(given) != _TIME + _SIGNATURE:
        raise ChainBroken(f"a cosignature of `{witness.name}` is not a time and a signature")
    second = int.from_bytes(given[:_TIME], "big")
    try:
        signed = f"cosignature/v1\ntime {second}\n{text}".encode()
        Ed25519PublicKey.from_public_bytes(witness.public).verify(given[_TIME:], signed)
        return Seen(witness=witness.name, at=datetime.fromtimestamp(second, tz=UTC))
    except InvalidSignature as error:
        raise ChainBroken(f"a cosignature of `{witness.name}` is wrong: note or time were changed") from error
    except (ValueError, OverflowError, OSError) as error:
        raise ChainBroken(f"a cosignature of `{witness.name}` states no time") from error
