"""The tree is RFC 6962's, and its proofs convince an outsider of what is true, and of nothing else."""

from __future__ import annotations

import pytest

from kyc_gate.audit import merkle
from kyc_gate.errors import ChainBroken
from tests.audit import outsider

BODIES = [f'{{"number":{number}}}' for number in range(70)]
ENTRIES = [body.encode() for body in BODIES]
LEAVES = [merkle.leaf_hash(body) for body in BODIES]


def subtree(start: int, end: int) -> bytes:
    return merkle.root_of(LEAVES[start:end])


def test_the_root_is_that_of_the_paper() -> None:
    """For every size the root is what the paper's own recursion gives; of nothing it is SHA-256 of nothing."""
    for size in range(len(BODIES) + 1):
        assert merkle.root_of(LEAVES[:size]) == outsider.tree_hash(ENTRIES[:size])
    assert merkle.root_of([]).hex().startswith("e3b0c442")


def test_every_inclusion_is_proved() -> None:
    """Every leaf of every tree has a proof, by our check and by the outsider's; for another leaf it proves nothing."""
    for size in range(1, 34):
        root = subtree(0, size)
        for index in range(size):
            proof = merkle.inclusion_proof(subtree, index, size)
            merkle.check_inclusion(LEAVES[index], index, size, proof, root)
            assert outsider.root_from_inclusion(ENTRIES[index], index, size, proof) == root
            for wrong in (
                (LEAVES[index + 1], index, size, proof, root),
                (LEAVES[index], index + 1, size, proof, root),
                (LEAVES[index], index, size, [*proof, root], root),
                (LEAVES[index], index, size, proof[:-1], root) if proof else (LEAVES[1], 0, 1, proof, root),
                (LEAVES[index], index, size, proof, subtree(0, size + 1)),
            ):
                with pytest.raises(ChainBroken):
                    merkle.check_inclusion(*wrong)


def test_every_growth_is_proved() -> None:
    """Every tree is shown to be the beginning of every larger one, and a tree that was rewritten is not."""
    for second in range(1, 34):
        now = subtree(0, second)
        for first in range(1, second + 1):
            before = subtree(0, first)
            proof = merkle.consistency_proof(subtree, first, second)
            merkle.check_consistency(first, second, proof, before, now)
            assert outsider.roots_from_consistency(first, second, before, proof) == (before, now)
            other = merkle.root_of([merkle.leaf_hash("{}"), *LEAVES[1:first]])
            for wrong in (
                (first, second, proof, other, now),
                (first, second, proof, before, other if first == second else subtree(0, second + 1)),
                (first, second, [*proof, now], before, now),
                (first, second, proof[1:], before, now) if proof else (first, second + 1, proof, before, now),
            ):
                with pytest.raises(ChainBroken):
                    merkle.check_consistency(*wrong)
