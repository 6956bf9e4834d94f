"""What an outsider needs to check a proof: hashlib, Ed25519 and the papers. Nothing of the project is imported.

RFC 6962 section 2.1 (leaves, nodes, paths), RFC 9162 section 2.1 (how a proof is checked), c2sp.org/signed-note.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def tree_hash(entries: list[bytes]) -> bytes:
    """MTH(D[n]) as RFC 6962 writes it, entry by entry."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + tree_hash(entries[:k]) + tree_hash(entries[k:])).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from_inclusion(entry: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Return the root that a proof leads to, walking down from the top: the shape of the tree decides the sides."""
    sides = []
    while size > 1:
        k = 1
        while k * 2 < size:
            k *= 2
        sides.append(index < k)
        index, size = (index, k) if index < k else (index - k, size - k)
    assert len(sides) == len(path), "a proof has one hash for each level"
    found = hashlib.sha256(b"\x00" + entry).digest()
    for left, other in zip(reversed(sides), path, strict=True):
        found = _node(found, other) if left else _node(other, found)
    return found


def roots_from_consistency(first: int, second: int, before: bytes, proof: list[bytes]) -> tuple[bytes, bytes]:
    """Return the old and the new root that a proof leads to (RFC 6962 section 2.1.2, read backwards)."""
    left = list(proof)

    def walk(m: int, n: int, whole: bool) -> tuple[bytes, bytes]:
        if m == n:
            found = before if whole else left.pop(0)
            return found, found
        k = 1
        while k * 2 < n:
            k *= 2
        if m <= k:
            old, new = walk(m, k, whole)
            return old, _node(new, left.pop(0))
        old, new = walk(m - k, n - k, False)
        other = left.pop(0)
        return _node(other, old), _node(other, new)

    found = walk(first, second, True)
    assert not left, "a proof has no hash too many"
    return found


def signed_text(note: str, key: str) -> tuple[str, int, bytes]:
    """Return origin, size and root of a note that the key signed. Raises where it did not."""
    name, _, rest = key.partition("+")
    id, _, encoded = rest.partition("+")
    raw = base64.b64decode(encoded)
    assert raw[0] == 1
    assert hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == id
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        given = base64.b64decode(signature)
        if dash == "\u2014" and signer == name and given[:4].hex() == id:
            Ed25519PublicKey.from_public_bytes(raw[1:]).verify(given[4:], text.encode())
            break
    else:
        raise AssertionError("the key did not sign")
    origin, size, root = text.splitlines()[:3]
    return origin, int(size), base64.b64decode(root)


def prove_record(proof: str, record: str, key: str) -> int:
    """Check that a record is in the log, and return how long the log was."""
    head, _, note = proof.partition("\n\n")
    kind, index, *hashes = head.split("\n")
    assert kind == "c2sp.org/tlog-proof@v1"
    _, size, root = signed_text(note, key)
    path = [base64.b64decode(each) for each in hashes]
    assert root_from_inclusion(record.encode(), int(index.removeprefix("index ")), size, path) == root
    return size


def cosign(note: str, name: str, seed: bytes, second: int) -> tuple[str, str]:
    """Return the note with a witness's line, and the witness's key, as c2sp.org/tlog-cosignature writes them."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    raw = b"\x04" + key.public_key().public_bytes_raw()
    id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    text = note[: note.rindex("\n\n") + 1]
    signature = key.sign(f"cosignature/v1\ntime {second}\n{text}".encode())
    blob = base64.b64encode(id + second.to_bytes(8, "big") + signature).decode()
    return f"{note}\u2014 {name} {blob}\n", f"{name}+{id.hex()}+{base64.b64encode(raw).decode()}"
