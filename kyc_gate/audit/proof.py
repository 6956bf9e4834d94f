"""Proofs that go out of the house: a record's place under a checkpoint, and one checkpoint's place under a later one.

An inclusion proof is written as C2SP's tlog-proof (https://c2sp.org/tlog-proof): a lead-in, the leaf's index, the
hashes in base64, a blank line, and the checkpoint. The leaf is the record's canonical text.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from kyc_gate.audit.checkpoint import Checkpoint, Verifier, read_checkpoint
from kyc_gate.audit.merkle import check_inclusion, leaf_hash
from kyc_gate.errors import ChainBroken

LEAD_IN = "c2sp.org/tlog-proof@v1"


def write_proof(index: int, hashes: Sequence[bytes], checkpoint: Checkpoint) -> str:
    """Return the proof as a text."""
    lines = [LEAD_IN, f"index {index}", *(base64.b64encode(each).decode("ascii") for each in hashes)]
    return "\n".join(lines) + f"\n\n{checkpoint.note}"


def check_proof(proof: str, body: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Return the checkpoint under which `body` stands. Raises `ChainBroken` where the proof does not show that."""
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    if len(lines) < 2 or lines[0] != LEAD_IN or not lines[1].startswith("index ") or not lines[1][6:].isdigit():
        raise ChainBroken(f"a proof begins with `{LEAD_IN}` and the leaf's index")
    try:
        hashes = [base64.b64decode(line, validate=True) for line in lines[2:]]
    except ValueError as error:
        raise ChainBroken("a proof holds a line that is no hash") from error
    checkpoint = read_checkpoint(note, verifiers)
    check_inclusion(leaf_hash(body), int(lines[1][6:]), checkpoint.size, hashes, bytes.fromhex(checkpoint.root))
    return checkpoint
