"""The Merkle tree over records, as RFC 6962 section 2.1 defines it: what a log holds in one hash, and proofs of it.

A leaf is the canonical text of a record. `MTH`, `PATH` and `PROOF` are the paper's names for what is computed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

from kyc_gate.errors import ChainBroken

Hash = bytes
Subtree = Callable[[int, int], Hash]
"""The hash of the leaves from one number up to, and without, another: a whole subtree or the right edge of one."""

EMPTY: Hash = hashlib.sha256(b"").digest()


def leaf_hash(body: str) -> Hash:
    """Return the hash of a leaf: SHA-256 of 0x00 and the record's text."""
    return hashlib.sha256(b"\x00" + body.encode("ascii")).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    """Return the hash of a node: SHA-256 of 0x01 and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Return the largest power of two below `size`, which is 2 or more: how many leaves stand on the left."""
    return 1 << ((size - 1).bit_length() - 1)


class Peaks:
    """The tree as it grows, leaf by leaf: the hashes of its whole subtrees, largest first. Sixty-odd at most."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[tuple[int, Hash]] = []

    def add(self, leaf: Hash) -> None:
        """Add a leaf."""
        height, found = 0, leaf
        while self._peaks and self._peaks[-1][0] == height:
            found = node_hash(self._peaks.pop()[1], found)
            height += 1
        self._peaks.append((height, found))
        self.size += 1

    def root(self) -> Hash:
        """Return the hash of the tree."""
        if not self._peaks:
            return EMPTY
        found = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            found = node_hash(peak, found)
        return found


def root_of(leaves: Iterable[Hash]) -> Hash:
    """Return the hash of a tree of these leaves."""
    peaks = Peaks()
    for leaf in leaves:
        peaks.add(leaf)
    return peaks.root()


def inclusion_proof(subtree: Subtree, index: int, size: int) -> list[Hash]:
    """Return the hashes beside the way from leaf `index` (from 0) to the root of the first `size` leaves (`PATH`)."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not among {size}")
    return _path(subtree, index, 0, size)


def consistency_proof(subtree: Subtree, first: int, second: int) -> list[Hash]:
    """Return the hashes that show the first `first` leaves to be the beginning of the first `second` (`PROOF`)."""
    if not 0 < first <= second:
        raise ValueError(f"there is no proof from {first} to {second} leaves")
    return _subproof(subtree, first, 0, second, whole=True)


def _path(subtree: Subtree, index: int, start: int, end: int) -> list[Hash]:
    if end - start == 1:
        return []
    middle = start + split(end - start)
    if index < middle:
        return [*_path(subtree, index, start, middle), subtree(middle, end)]
    return [*_path(subtree, index, middle, end), subtree(start, middle)]


def _subproof(subtree: Subtree, first: int, start: int, end: int, *, whole: bool) -> list[Hash]:
    """`first` is counted from the start of the tree, as are `start` and `end`."""
    if first == end:
        return [] if whole else [subtree(start, end)]
    middle = start + split(end - start)
    if first <= middle:
        return [*_subproof(subtree, first, start, middle, whole=whole), subtree(middle, end)]
    return [*_subproof(subtree, first, middle, end, whole=False), subtree(start, middle)]


def check_inclusion(leaf: Hash, index: int, size: int, proof: Sequence[Hash], root: Hash) -> None:
    """Raise `ChainBroken` unless the proof leads from the leaf to the root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise ChainBroken(f"leaf {index} is not among {size}")
    at, last, found = index, size - 1, leaf
    for each in proof:
        if last == 0:
            raise ChainBroken("the proof is too long")
        if at & 1 or at == last:
            found = node_hash(each, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, each)
        at, last = at >> 1, last >> 1
    if last != 0 or found != root:
        raise ChainBroken(f"the proof does not lead from leaf {index} to the root of {size} leaves")


def check_consistency(first: int, second: int, proof: Sequence[Hash], before: Hash, now: Hash) -> None:
    """Raise `ChainBroken` unless the tree of `first` leaves is the beginning of that of `second` (RFC 9162 2.1.4.2)."""
    if first == second and not proof and before == now:
        return
    if not 0 < first < second or not proof:
        raise ChainBroken(f"the trees of {first} and {second} leaves are not shown to be one log")
    path = [before, *proof] if first & (first - 1) == 0 else list(proof)
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for each in path[1:]:
        if last == 0:
            raise ChainBroken("the proof is too long")
        if at & 1 or at == last:
            old, new = node_hash(each, old), node_hash(each, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, each)
        at, last = at >> 1, last >> 1
    if last != 0 or old != before or new != now:
        raise ChainBroken(f"the tree of {first} leaves is not the beginning of that of {second}: the log was rewritten")
