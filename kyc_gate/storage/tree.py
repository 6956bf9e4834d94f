"""The Merkle tree over the records, and its checkpoints, as rows. Callers hold the transaction.

Nothing is computed when a record is appended. A checkpoint reads what came since the last one, and keeps the hashes of
whole blocks, so that a proof reads a block or two of records and some hashes, however long the log is.
"""

from __future__ import annotations

from collections.abc import Iterator

from kyc_gate.audit.checkpoint import Checkpoint, Signer
from kyc_gate.audit.merkle import (
    EMPTY,
    Hash,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    split,
)
from kyc_gate.errors import ChainBroken, InputError
from kyc_gate.storage.rows import Connection

BLOCK = 8
"""The level from which hashes are kept: whole blocks of 256 records. Below it they are computed from the records."""


def sign_checkpoint(connection: Connection, signer: Signer, upto: int) -> Checkpoint | None:
    """Sign and keep a checkpoint at `upto` records, and return it; None where one stands there already.

    Raises `ChainBroken` where the log no longer gives the root of the last one: a log never signs two pasts. Whole
    blocks are taken by the hashes that were kept of them; that their records still give these, `verify` tells.
    """
    last = last_checkpoint(connection)
    if upto == 0 or (last is not None and last.size >= upto):
        return None
    keep_nodes(connection, upto)
    if last is not None and subtree(connection, 0, last.size).hex() != last.root:
        raise ChainBroken(f"the first {last.size} records no longer give the root that was signed: no new checkpoint")
    made = signer.sign(upto, subtree(connection, 0, upto))
    connection.execute(
        "INSERT INTO checkpoints (size, origin, root, note) VALUES (?, ?, ?, ?)",
        (made.size, made.origin, made.root, made.note),
    )
    return made


def last_checkpoint(connection: Connection) -> Checkpoint | None:
    """Return the checkpoint that was signed last, unverified."""
    row = connection.execute("SELECT origin, size, root, note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    return _checkpoint(row) if row else None


def checkpoint_at(connection: Connection, size: int) -> Checkpoint | None:
    """Return the checkpoint that was signed at a size, unverified."""
    row = connection.execute("SELECT origin, size, root, note FROM checkpoints WHERE size = ?", (size,)).fetchone()
    return _checkpoint(row) if row else None


def checkpoints_after(connection: Connection, size: int, count: int) -> list[Checkpoint]:
    """Return up to `count` checkpoints of more than `size` records, unverified."""
    rows = connection.execute(
        "SELECT origin, size, root, note FROM checkpoints WHERE size > ? ORDER BY size LIMIT ?", (size, count)
    )
    return [_checkpoint(row) for row in rows]


def prove_inclusion(connection: Connection, position: int, size: int) -> list[Hash]:
    """Return the hashes that lead from a record to the root of the first `size`. Raises `InputError`."""
    if not 1 <= position <= size:
        raise InputError(f"record {position} is not among the {size} records of the last checkpoint")
    return inclusion_proof(lambda start, end: subtree(connection, start, end), position - 1, size)


def prove_consistency(connection: Connection, first: int, second: int) -> list[Hash]:
    """Return the hashes that show one size of the log to be the beginning of another. Raises `InputError`."""
    if not 1 <= first <= second:
        raise InputError(f"the log of {first} records is not before that of {second}")
    return consistency_proof(lambda start, end: subtree(connection, start, end), first, second)


def keep_nodes(connection: Connection, size: int) -> None:
    """Keep the hash of every whole block among the first `size` records, and of the subtrees that they make up."""
    row = connection.execute("SELECT MAX(number) FROM tree_nodes WHERE level = ?", (BLOCK,)).fetchone()
    block = 0 if row[0] is None else int(row[0]) + 1
    while (block + 1) << BLOCK <= size:
        found = _of_leaves(_leaves(connection, block << BLOCK, (block + 1) << BLOCK))
        level, number = BLOCK, block
        _keep(connection, level, number, found)
        while number & 1:
            found = node_hash(_node(connection, level, number - 1), found)
            level, number = level + 1, number >> 1
            _keep(connection, level, number, found)
        block += 1


def subtree(connection: Connection, start: int, end: int) -> Hash:
    """Return the hash of the leaves from number `start` (from 0) to `end`: kept, or computed from the records."""
    count = end - start
    if count == 0:
        return EMPTY
    if count < 1 << BLOCK:
        return _of_leaves(_leaves(connection, start, end))
    if count & (count - 1) == 0 and start % count == 0:
        return _node(connection, count.bit_length() - 1, start // count)
    middle = start + split(count)
    return node_hash(subtree(connection, start, middle), subtree(connection, middle, end))


def _of_leaves(leaves: list[Hash]) -> Hash:
    if len(leaves) == 1:
        return leaves[0]
    middle = split(len(leaves))
    return node_hash(_of_leaves(leaves[:middle]), _of_leaves(leaves[middle:]))


def _leaves(connection: Connection, start: int, end: int) -> list[Hash]:
    found = list(_bodies(connection, start, end))
    if len(found) != end - start:
        raise ChainBroken(f"of the records {start + 1} to {end}, {end - start - len(found)} are missing")
    return found


def _bodies(connection: Connection, start: int, end: int) -> Iterator[Hash]:
    rows = connection.execute(
        "SELECT body FROM records WHERE position > ? AND position <= ? ORDER BY position", (start, end)
    )
    return (leaf_hash(str(body)) for (body,) in rows)


def _node(connection: Connection, level: int, number: int) -> Hash:
    row = connection.execute("SELECT hash FROM tree_nodes WHERE level = ? AND number = ?", (level, number)).fetchone()
    if row is not None:
        return bytes.fromhex(str(row[0]))
    # The log reaches further than its last checkpoint, or the row is gone: the records say it again.
    if level <= BLOCK:
        return _of_leaves(_leaves(connection, number << level, (number + 1) << level))
    return node_hash(_node(connection, level - 1, number * 2), _node(connection, level - 1, number * 2 + 1))


def _keep(connection: Connection, level: int, number: int, found: Hash) -> None:
    connection.execute(
        "INSERT INTO tree_nodes (level, number, hash) VALUES (?, ?, ?) ON CONFLICT (level, number) DO NOTHING",
        (level, number, found.hex()),
    )


def _checkpoint(row: tuple[str, int, str, str]) -> Checkpoint:
    origin, size, root, note = row
    return Checkpoint(origin=origin, size=size, root=root, note=note)
