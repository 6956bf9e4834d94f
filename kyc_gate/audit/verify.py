"""Verification of a log: edits, drops, inserts and moves are found, and by a checkpoint truncation and a new chain."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from kyc_gate.audit.chain import GENESIS, link
from kyc_gate.audit.checkpoint import Checkpoint
from kyc_gate.audit.merkle import Peaks, leaf_hash
from kyc_gate.audit.record import AuditRecord, placed
from kyc_gate.audit.retention import Periods, Retention
from kyc_gate.audit.seal import require_sealed, seal_in
from kyc_gate.errors import ChainBroken
from kyc_gate.model.record import Record

ERASED = "personal.erased"
"""The type of the record that says which records' sealed parts were erased, in `erased`: pairs of first and last."""

SKEW = timedelta(minutes=1)
"""By how much the times of two records may be out of order: decisions that overlap, and clocks of several gates."""

_HOLD = '"legal_hold.'


class Verified(Record):
    """A log that verifies: how many records were read, position and hash of the last, and the root of their tree.

    `checkpoints` is how many of those given it agrees with, `erased` how many sealed parts are gone, as it says itself.
    `root` is None where the walk did not start at the first record. `backwards` is how many records say that they are
    older, by more than `SKEW`, than the one before: a clock was put back there. Positions order records, and no time.
    """

    records: int
    position: int
    head: str
    root: str | None = None
    checkpoints: int = 0
    erased: int = 0
    backwards: int = 0


class Walk:
    """A verification that takes records one by one, so that a log of any length fits in memory.

    It starts at the first record, or after `position` with the hash `head`. `expected_head` is a hash noted earlier,
    outside the store: the chain must pass through it, so that nothing up to there can have been cut off.
    `checkpoints` were signed earlier: the log must have been what each of them says. With `complete`, the sealed parts
    of every record must be there, or a record must say that they were erased.
    """

    def __init__(
        self,
        position: int = 0,
        head: str = GENESIS,
        *,
        expected_head: str | None = None,
        checkpoints: Sequence[Checkpoint] = (),
        complete: bool = False,
    ) -> None:
        self.records = 0
        self.position = position
        self.head = head
        self._awaited = expected_head.lower() if expected_head else None
        self._peaks = Peaks() if position == 0 else None
        self._checkpoints = deque(sorted(checkpoints, key=lambda checkpoint: checkpoint.size))
        self._agreed = 0
        self._complete = complete and position == 0
        self._bare: list[tuple[int, datetime | None]] = []
        self._told: list[_Erasure] = []
        self._kept: dict[str, bool] = {}
        self._at: datetime | None = None
        self._backwards = 0
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
        self._unseal(found)
        self._note_time(found.body)
        if self._peaks is not None:
            self._peaks.add(leaf_hash(found.body))
        self.records += 1
        self.position = position
        self.head = found.hash
        self._meet()

    def end(self) -> Verified:
        """Return what was verified. Raises `ChainBroken` where the log is not all that it was known to be."""
        if self._awaited is not None:
            raise ChainBroken(
                f"the chain ends at record {self.position} without the expected head: records were cut off"
            )
        if self._checkpoints:
            size = self._checkpoints[-1].size
            raise ChainBroken(
                f"the chain ends at record {self.position}, and a checkpoint was signed at {size}: records were cut off"
            )
        for position, at in self._bare if self._complete else ():
            if not any(each.accounts_for(position, at) for each in self._told):
                raise ChainBroken(
                    f"record {position}: what it says of people is gone, and no record says that it was erased when it"
                    " might be"
                )
        return Verified(
            records=self.records,
            position=self.position,
            head=self.head,
            root=self._peaks.root().hex() if self._peaks is not None else None,
            checkpoints=self._agreed,
            erased=len(self._bare),
            backwards=self._backwards,
        )

    def _note_time(self, body: str) -> None:
        at = _moment(json.loads(body)) if '"at":"' in body else None
        if at is not None:
            self._backwards += self._at is not None and at < self._at - SKEW
            self._at = at

    def _unseal(self, record: AuditRecord) -> None:
        if record.salt is not None and record.personal is not None:
            require_sealed(record.position, record.body, record.salt, record.personal)
        elif seal_in(record.body) is not None:
            self._bare.append((record.position, _moment(json.loads(record.body))))
        if f'"{ERASED}"' in record.body:
            self._told += _erasures(record.position, record.body, held=any(self._kept.values()))
        elif _HOLD in record.body:
            self._note_hold(json.loads(record.body))

    def _note_hold(self, content: Mapping[str, object]) -> None:
        """Note a legal hold on everybody. Whose a part was is erased with it, so holds on one party say nothing."""
        if content.get("party_id") == "" and content.get("type") in ("legal_hold.placed", "legal_hold.released"):
            self._kept[str(content.get("hold_id"))] = content["type"] == "legal_hold.placed"

    def _meet(self) -> None:
        if self._awaited == self.head:
            self._awaited = None
        while self._checkpoints and self._peaks is not None and self._checkpoints[0].size <= self.position:
            known = self._checkpoints.popleft()
            if known.size < self.position or self._peaks.root().hex() != known.root:
                raise ChainBroken(
                    f"the first {known.size} records are not those of the checkpoint: the log was changed, or made anew"
                )
            self._agreed += 1


def verify(
    records: Iterable[AuditRecord | Mapping[str, object]],
    *,
    expected_head: str | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    complete: bool = False,
) -> Verified:
    """Return what a whole log amounts to. Raises `ChainBroken` at the first record that does not fit; see `Walk`."""
    walk = Walk(expected_head=expected_head, checkpoints=checkpoints, complete=complete)
    for record in records:
        walk.take(record)
    return walk.end()


class _Erasure(Record):
    """Records whose sealed parts were erased, and the moment before which they must have been written."""

    first: int
    last: int
    before: datetime

    def accounts_for(self, position: int, at: datetime | None) -> bool:
        return self.first <= position <= self.last and at is not None and at < self.before


def _erasures(position: int, body: str, *, held: bool) -> list[_Erasure]:
    """Return what a record says was erased: never what stands after it, and nothing while everybody's is to be kept.

    A record does not tell its class, so the shorter of the law's periods is asked for.
    """
    content = json.loads(body)
    moment = _moment(content)
    if content.get("type") != ERASED or moment is None or held:
        return []
    before = Periods().before(Retention.EAR, moment)
    return [
        _Erasure(first=int(first), last=min(int(last), position - 1), before=before)
        for first, last in content.get("erased", ())
    ]


def _moment(content: Mapping[str, object]) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(content.get("at")))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
