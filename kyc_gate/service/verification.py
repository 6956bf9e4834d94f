"""The record verified from first to last as a job, and the proof of one record's place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kyc_gate.audit.checkpoint import Checkpoint, Verifier, read_checkpoint
from kyc_gate.audit.proof import write_proof
from kyc_gate.audit.record import AuditRecord
from kyc_gate.audit.verify import Verified, Walk
from kyc_gate.model.record import Record
from kyc_gate.service.jobs import Job
from kyc_gate.storage.store import Store

VERIFICATION = "verification"
"""The kind of the job."""

PAGE = 200
"""Records that are read and hashed at a stretch: some ten milliseconds."""


class Place(Record):
    """A record with the proof of its place. `proof` is None while no checkpoint covers it."""

    record: AuditRecord
    checkpoint: Checkpoint | None
    proof: str | None


async def verify(store: Store, job: Job, keys: Sequence[Verifier] = ()) -> Verified:
    """Return what the whole log is found to be, off the event loop. Raises `ChainBroken` naming what is wrong.

    With `keys` it must be what each checkpoint in the store says, and each of those must be signed by one of them.
    """
    head = await store.fetch_head()
    job.total = head[0] if head else 0
    kept = await store.fetch_checkpoints() if keys else ()
    walk = Walk(checkpoints=[read_checkpoint(each.note, keys) for each in kept], complete=True)
    while page := await store.fetch_records(walk.position, PAGE):
        await job.compute(partial(_taken, walk, page))
        job.done = walk.position
        job.total = max(job.total, job.done)
    return walk.end()


def _taken(walk: Walk, page: Sequence[AuditRecord]) -> None:
    for record in page:
        walk.take(record)


async def place_of(store: Store, position: int) -> Place | None:
    """Return the record at a position and its proof under the last checkpoint; None where there is no such record."""
    record = await store.fetch_record(position) if position > 0 else None
    if record is None or record.position != position:
        return None
    last = await store.fetch_last_checkpoint()
    if last is None or position > last.size:
        return Place(record=record, checkpoint=None, proof=None)
    hashes = await store.prove_inclusion(position, last.size)
    return Place(record=record, checkpoint=last, proof=write_proof(position - 1, hashes, last))
