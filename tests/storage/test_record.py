"""The stored record: its tree, its checkpoints, and what may be erased of it."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kyc_gate.audit.chain import GENESIS, link
from kyc_gate.audit.checkpoint import Checkpoint, new_signer
from kyc_gate.audit.proof import check_proof, write_proof
from kyc_gate.audit.record import body_of
from kyc_gate.audit.retention import Periods, Retention
from kyc_gate.audit.verify import ERASED, Walk
from kyc_gate.errors import ChainBroken, InputError
from kyc_gate.storage import chain_log
from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.sqlite import SqliteStore
from tests.audit import outsider
from tests.storage.samples import NOW, decision_entry

SIGNER = new_signer("kyc.example/gate")
LATER = NOW + timedelta(days=3660)


async def fill(store: RowStore, count: int, **more: Any) -> None:
    """Append decisions that say something of people."""
    for number in range(count):
        entry = decision_entry(f"dec_{number:04}", **more)
        entry.record["facts"] = {"customer": {"name": f"Person {number}"}}
        await store.append(entry)


async def test_proofs_convince_an_outsider(any_store: RowStore) -> None:
    """Records of a signed log are proved to a script that has no line of ours, across kept blocks and the edge."""
    await fill(any_store, 30)
    first = await any_store.sign_checkpoint(SIGNER)
    assert first is not None
    assert await any_store.sign_checkpoint(SIGNER) is None
    await any_store._write(lambda connection: [chain_log.append_record(connection, f'{{"n":{n}}}') for n in range(500)])
    second = await any_store.sign_checkpoint(SIGNER)
    assert second is not None
    assert (first.size, second.size) == (30, 530)
    key = SIGNER.verifier.text
    for position in (1, 30, 256, 257, 512, 513, 530):
        record = await any_store.fetch_record(position)
        assert record is not None
        proof = write_proof(position - 1, await any_store.prove_inclusion(position, second.size), second)
        assert outsider.prove_record(proof, record.body, key) == 530
        assert check_proof(proof, record.body, [SIGNER.verifier]).size == 530
        assert len(proof) < 1_500
        with pytest.raises(ChainBroken):
            check_proof(proof, record.body.replace(":", ": ", 1), [SIGNER.verifier])
    proof = await any_store.prove_consistency(30, 530)
    before, now = bytes.fromhex(first.root), bytes.fromhex(second.root)
    assert outsider.roots_from_consistency(30, 530, before, proof) == (before, now)
    verified = await any_store.verify(checkpoints=[first, second])
    assert (verified.checkpoints, verified.root) == (2, second.root)
    with pytest.raises(InputError):
        await any_store.prove_inclusion(531, 530)


async def test_sealed_parts_come_back_until_they_are_erased(any_store: RowStore) -> None:
    """A decision reads as it was written, its record holds a digest, and erasing breaks no proof and is on record."""
    await fill(any_store, 3, party_id="kestrel", retention=Retention.EAR)
    await fill_other(any_store)
    made = await any_store.sign_checkpoint(SIGNER)
    assert made is not None
    whole = await any_store.fetch_decision("dec_0001")
    assert whole is not None
    assert whole["facts"] == {"customer": {"name": "Person 1"}}
    record = await any_store.fetch_record(2)
    assert record is not None
    assert "Person" not in record.body
    assert '"operation"' not in record.body
    assert [
        json.loads(body)["facts"]
        for page in [p async for p in any_store.bodies()]
        for body in page
        if "dec_0001" in body
    ]

    early = NOW + timedelta(days=5 * 365)
    assert await any_store.count_due(Periods(), early) == (0, 0)
    assert await any_store.erase_due(Periods(), by="dpo", because="time is over", at=early) == 0
    after_five = NOW + timedelta(days=5 * 366)
    hold = await any_store.place_hold(party_id="kestrel", because="BIS asked for it", by="counsel", at=after_five)
    assert await any_store.count_due(Periods(), after_five) == (0, 3)
    assert await any_store.erase_due(Periods(), by="dpo", because="time is over", at=after_five) == 0
    assert await any_store.fetch_legal_holds() == (hold,)
    await any_store.release_hold(hold.id, by="counsel", because="matter closed", at=after_five)
    with pytest.raises(InputError, match="was released"):
        await any_store.release_hold(hold.id, by="counsel", because="matter closed", at=after_five)
    assert await any_store.erase_due(Periods(), by="dpo", because="time is over", at=after_five) == 3

    gone = await any_store.fetch_decision("dec_0001")
    assert gone is not None
    assert "facts" not in gone
    kept = await any_store.fetch_decision("dec_ofac")
    assert kept is not None
    assert "facts" in kept
    verified = await any_store.verify(checkpoints=[made])
    assert (verified.erased, verified.checkpoints) == (3, 1)
    proof = write_proof(1, await any_store.prove_inclusion(2, made.size), made)
    assert outsider.prove_record(proof, record.body, SIGNER.verifier.text) == made.size
    assert await any_store.erase_due(Periods(), by="dpo", because="time is over", at=LATER) == 1


async def fill_other(store: RowStore) -> None:
    """Append a decision of the longer class."""
    entry = decision_entry("dec_ofac", party_id="kestrel", retention=Retention.OFAC)
    entry.record["facts"] = {"customer": {"name": "Listed Person"}}
    await store.append(entry)


async def test_a_log_never_signs_two_pasts(file: Path) -> None:
    """Where the records no longer give the last root, nothing more is signed."""
    async with opened(file) as store:
        await fill(store, 10)
        await store.sign_checkpoint(SIGNER)
        await fill_more(store)
    rewrite(file)
    async with opened(file) as store:
        with pytest.raises(ChainBroken, match="no new checkpoint"):
            await store.sign_checkpoint(SIGNER)


async def test_an_old_record_that_was_rewritten_fits_no_note(file: Path) -> None:
    """What is signed later is over what had been there: a walk over all records finds the change by either note."""
    async with opened(file) as store:
        await fill(store, 300)
        first = await store.sign_checkpoint(SIGNER)
        assert first is not None
        await fill_more(store)
    rewrite(file)
    async with opened(file) as store:
        second = await store.sign_checkpoint(SIGNER)
        assert second is not None
        for made in (first, second):
            with pytest.raises(ChainBroken):
                await store.verify(checkpoints=[made])
        record = await store.fetch_record(3)
        assert record is not None
        proof = write_proof(2, await store.prove_inclusion(3, second.size), second)
        with pytest.raises(AssertionError):
            outsider.prove_record(proof, record.body, SIGNER.verifier.text)


async def fill_more(store: RowStore) -> None:
    await store.append(decision_entry("dec_more"))


class opened:  # noqa: N801 - it reads as a function
    """A store in a file, open inside."""

    def __init__(self, file: Path) -> None:
        self._store = SqliteStore(file)

    async def __aenter__(self) -> SqliteStore:
        await self._store.open()
        return self._store

    async def __aexit__(self, *_: object) -> None:
        await self._store.close()


def rewrite(file: Path) -> None:
    """Change the third record, and make the chain anew as a whole, as somebody with the file and the code can."""
    connection = sqlite3.connect(file)
    unlocked(connection)
    rows = connection.execute("SELECT position, body FROM records ORDER BY position").fetchall()
    previous = GENESIS
    for position, body in rows:
        body = body.replace("dec_0002", "dec_9999") if position == 3 else body
        digest = link(previous, position, body)
        connection.execute(
            "UPDATE records SET body = ?, previous = ?, hash = ? WHERE position = ?", (body, previous, digest, position)
        )
        previous = digest
    connection.commit()
    connection.close()


def unlocked(connection: sqlite3.Connection) -> None:
    """Take the triggers away that keep honest callers from changing records."""
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")


# What somebody who owns the file may do to it. Each takes the connection, a random position, how many there are, a die.
Manipulation = Callable[[sqlite3.Connection, int, int, random.Random], None]


def rechained(connection: sqlite3.Connection, start: int) -> None:
    """Number and chain all records anew from a position on, so that the chain is sound in itself."""
    rows = connection.execute(
        "SELECT position, body, decision_id FROM records WHERE position >= ? ORDER BY position", (start,)
    ).fetchall()
    sealed = {
        position: rest
        for position, *rest in connection.execute(
            "SELECT position, party_id, retention, at, salt, content FROM personal"
        )
    }
    before = connection.execute(
        "SELECT position, hash FROM records WHERE position < ? ORDER BY position DESC", (start,)
    )
    position, previous = before.fetchone() or (0, GENESIS)
    connection.execute("DELETE FROM records WHERE position >= ?", (start,))
    connection.execute("DELETE FROM personal WHERE position >= ?", (start,))
    for old, body, decision_id in rows:
        position += 1
        digest = link(previous, position, body)
        connection.execute(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?)", (position, previous, digest, decision_id, body)
        )
        if old in sealed:
            connection.execute("INSERT INTO personal VALUES (?, ?, ?, ?, ?, ?)", (position, *sealed[old]))
        previous = digest


def edited(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    (body,) = connection.execute("SELECT body FROM records WHERE position = ?", (at,)).fetchone()
    place = dice.randrange(len(body))
    byte = chr((ord(body[place]) + dice.randrange(1, 127)) % 128)
    connection.execute("UPDATE records SET body = ? WHERE position = ?", (body[:place] + byte + body[place + 1 :], at))


def edited_and_rechained(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    (body,) = connection.execute("SELECT body FROM records WHERE position = ?", (at,)).fetchone()
    forged = {**json.loads(body), "acted": dice.choice(["pass", "refuse", "nothing"]), "forged": dice.random()}
    text = json.dumps(forged, sort_keys=True, separators=(",", ":"))
    connection.execute("UPDATE records SET body = ? WHERE position = ?", (text, at))
    rechained(connection, at)


def deleted(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    connection.execute("DELETE FROM records WHERE position = ?", (at,))
    connection.execute("DELETE FROM personal WHERE position = ?", (at,))


def deleted_and_rechained(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    deleted(connection, at, count, dice)
    rechained(connection, at)


def inserted_and_rechained(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    connection.execute("UPDATE records SET position = position + 1000000 WHERE position >= ?", (at,))
    connection.execute("UPDATE personal SET position = position + 1000000 WHERE position >= ?", (at,))
    body = json.dumps({"forged": dice.random()}, separators=(",", ":"))
    connection.execute("INSERT INTO records VALUES (?, ?, ?, NULL, ?)", (at, GENESIS, GENESIS, body))
    rechained(connection, at)


def reordered(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    other = at % count + 1
    first, second = (
        connection.execute("SELECT body, hash FROM records WHERE position = ?", (each,)).fetchone()
        for each in (at, other)
    )
    for position, (body, digest) in ((at, second), (other, first)):
        connection.execute("UPDATE records SET body = ?, hash = ? WHERE position = ?", (body, digest, position))


def reordered_and_rechained(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    other = at % count + 1
    reordered(connection, at, count, dice)
    for position, target in ((at, -1), (other, at), (-1, other)):
        connection.execute("UPDATE personal SET position = ? WHERE position = ?", (target, position))
    rechained(connection, min(at, other))


def truncated(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    connection.execute("DELETE FROM records WHERE position >= ?", (at,))
    connection.execute("DELETE FROM personal WHERE position >= ?", (at,))


def truncated_with_its_checkpoints(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    truncated(connection, at, count, dice)
    connection.execute("DELETE FROM checkpoints")
    connection.execute("DELETE FROM tree_nodes")


def what_is_sealed_edited(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    (content,) = connection.execute("SELECT content FROM personal WHERE position = ?", (at,)).fetchone()
    connection.execute(
        "UPDATE personal SET content = ? WHERE position = ?", (content.replace("Person", f"P{dice.random()}"), at)
    )


def what_is_sealed_dropped(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    connection.execute("DELETE FROM personal WHERE position = ?", (at,))


def what_is_sealed_swapped(connection: sqlite3.Connection, at: int, count: int, dice: random.Random) -> None:
    other = at % count + 1
    for position, target in ((at, -1), (other, at), (-1, other)):
        connection.execute("UPDATE personal SET position = ? WHERE position = ?", (target, position))


MANIPULATIONS: tuple[Manipulation, ...] = (
    edited,
    edited_and_rechained,
    deleted,
    deleted_and_rechained,
    inserted_and_rechained,
    reordered,
    reordered_and_rechained,
    truncated,
    truncated_with_its_checkpoints,
    what_is_sealed_edited,
    what_is_sealed_dropped,
    what_is_sealed_swapped,
)
RECORDS = 40


def verified(connection: sqlite3.Connection, checkpoint: Checkpoint) -> None:
    """Verify every stored row against a checkpoint that was kept elsewhere."""
    walk = Walk(checkpoints=[checkpoint], complete=True)
    for record in chain_log.records_after(connection, 0, 10_000):
        walk.take(record)
    walk.end()


async def test_a_thousand_manipulations_of_the_stored_log_are_found(file: Path) -> None:
    """Whatever is done to the rows, the last checkpoint tells; the log that nobody touched verifies each time."""
    async with opened(file) as store:
        await fill(store, RECORDS)
        checkpoint = await store.sign_checkpoint(SIGNER)
    assert checkpoint is not None
    whole = sqlite3.connect(file)
    unlocked(whole)
    whole.commit()
    dice = random.Random(20261127)  # noqa: S311 - to have the same ones each time
    digests = set()
    for number in range(1_000):
        copy = sqlite3.connect(":memory:")
        whole.backup(copy)
        verified(copy, checkpoint)
        manipulation = MANIPULATIONS[number % len(MANIPULATIONS)]
        at = dice.randrange(1, RECORDS + 1)
        manipulation(copy, at, RECORDS, dice)
        found = "".join(copy.iterdump())
        digests.add(hashlib.sha256(found.encode()).digest())
        with pytest.raises(ChainBroken):
            verified(copy, checkpoint)
        copy.close()
    whole.close()
    assert len(digests) > 500


async def test_records_of_an_earlier_release_stand_as_they_are(file: Path) -> None:
    """A record with nothing sealed, as earlier releases wrote them, verifies, is signed, and reads whole."""
    body = '{"decision_id":"dec_old","facts":{"customer":{"name":"Old"}},"type":"decision"}'
    async with opened(file) as store:
        await store._write(lambda connection: chain_log.append_record(connection, body, "dec_old"))
        await fill(store, 2)
        made = await store.sign_checkpoint(SIGNER)
        assert made is not None
        old = await store.fetch_decision("dec_old")
        assert old is not None
        assert old["facts"] == {"customer": {"name": "Old"}}
        assert (await store.verify(checkpoints=[made])).records == 3


def test_nobody_keeps_less_than_the_law_asks() -> None:
    """A shorter period is refused, with the least one."""
    from kyc_gate.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="the law asks for 10"):
        Periods(ofac=9)
    leap = NOW.replace(year=2028, month=2, day=29)
    assert Periods().before(Retention.EAR, leap).day == 28


@pytest.mark.parametrize("why", ["too-young", "later", "kept"])
async def test_an_erasure_that_cannot_have_been_is_found(file: Path, why: str) -> None:
    """Gone parts need a record after them, of a day on which their time was over and nobody kept everything."""
    store = SqliteStore(file)
    await store.open()
    await fill(store, 5, party_id="kestrel")
    at = NOW if why == "too-young" else LATER
    if why == "kept":
        await store.place_hold(party_id="", because="BIS asked", by="counsel", at=NOW)
    step = {"type": ERASED, "at": at.isoformat(), "by": "x", "because": "y", "erased": [[1, 10**9]]}
    await store._write(lambda connection: chain_log.append_record(connection, body_of(step)))
    if why == "later":
        await store.append(decision_entry("dec_later", party_id="kestrel"))
    head = await store.fetch_head()
    assert head is not None
    gone = head[0] if why == "later" else 3
    await store._write(lambda connection: connection.execute("DELETE FROM personal WHERE position = ?", (gone,)))
    with pytest.raises(ChainBroken, match=f"record {gone}: what it says of people is gone"):
        await store.verify()
    await store.close()
