"""Verification of a chain: edits, drops, inserts and moves are found, and truncation where the head is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kyc_gate.audit.chain import GENESIS, link
from kyc_gate.audit.record import AuditRecord, placed
from kyc_gate.errors import ChainBroken
from kyc_gate.model.record import Record


class Verified(Record):
    """A chain that verifies: how many records were read, the position of the last, and its hash."""

    records: int
    position: int
    head: str


class Walk:
    """A verification that takes records one by one, so that a chain of any length fits in memory.

    It starts at the first record, or after `position` with the hash `head`. `expected_head` is a hash noted earlier,
    outside the store: the chain must pass through it, so that nothing up to there can have been cut off.
    """

    def __init__(self, position: int = 0, head: str = GENESIS, *, expected_head: str | None = None) -> None:
        self.records = 0
        self.position = position
        self.head = head
        self._awaited = expected_head.lower() if expected_head else None
        self._meet()

    def take(self, record: AuditRecord | Mapping[str, object]) -> None:
        """Verify the next record. Raises `ChainBroken` naming its position and what is wrong."""
        found = record if isinstance(record, AuditRecord) else placed(record)
        position = self.position + 1
        if found.position != position:
            raise ChainBroken(f"record {position} is missing or out of order: record {found.position} stands there")
        if found.previous != self.head:
            raise ChainBroken(f"record {position} does not follow record {position - 1}: it names another hash")
        if not found.body.isascii() or link(self.head, position, found.body) != found.hash:
            raise ChainBroken(f"record {position} was changed: its bytes do not give its hash")
        self.records += 1
        self.position = position
        self.head = found.hash
        self._meet()

    def end(self) -> Verified:
        """Return what was verified. Raises `ChainBroken` when the chain never passed through the expected head."""
        if self._awaited is not None:
            raise ChainBroken(
                f"the chain ends at record {self.position} without the expected head: records were cut off"
            )
        return Verified(records=self.records, position=self.position, head=self.head)

    def _meet(self) -> None:
        if self._awaited == self.head:
            self._awaited = None


def verify(records: Iterable[AuditRecord | Mapping[str, object]], *, expected_head: str | None = None) -> Verified:
    """Return what a whole chain amounts to. Raises `ChainBroken` at the first record that does not fit.

    With `expected_head`, a hash noted earlier outside the store, a chain that was cut off before it does not verify.
    """
    walk = Walk(expected_head=expected_head)
    for record in records:
        walk.take(record)
    return walk.end()
