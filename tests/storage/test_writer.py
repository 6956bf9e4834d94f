"""Group commit, deadlines and cancellation: an answer that nobody received is taken back."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from approvals import approve_case

from kyc_gate.errors import IdempotencyConflict, StorageFault
from kyc_gate.storage import group_commit, worker
from kyc_gate.storage.sqlite import SqliteStore

from .samples import NOW, OPERATIONS, case_opening, decision_entry, hold_request


def stall(seconds: float) -> Callable[[sqlite3.Connection], None]:
    """Return an operation that keeps the writer busy, as a slow disk would."""
    return lambda connection: time.sleep(seconds)


async def likely(store: SqliteStore) -> int:
    """Return what the control group holds."""
    usage = await store.fetch_usage("group:kestrel", NOW)
    return usage.likely if usage else 0


async def queued() -> None:
    """Let tasks that were started put their operations in the queue."""
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.fixture
async def hurried(file: Path) -> SqliteStore:
    """A store that may take 0.2 s for an answer."""
    store = SqliteStore(file, deadline_seconds=0.2)
    await store.open()
    return store


async def test_many_callers_share_a_commit(store: SqliteStore) -> None:
    """A hundred decisions that wait together are one transaction."""
    commits: list[str] = []
    await store._write(lambda connection: connection.set_trace_callback(_count(commits)))
    busy = asyncio.create_task(store._write(stall(0.5)))
    await queued()
    await asyncio.gather(busy, *[store.append(decision_entry()) for _ in range(100)])
    assert 1 <= len(commits) <= 3, "the tracing and the stalling statement may stand in transactions of their own"
    assert (await store.verify()).records == 100


async def test_a_decision_shares_the_commit_of_its_hold(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold is answered before it is committed, and one commit makes both durable."""
    monkeypatch.setattr(group_commit, "LINGER_SECONDS", 0.5)
    commits: list[str] = []
    await store._write(lambda connection: connection.set_trace_callback(_count(commits)))
    commits.clear()
    usage = await store.hold(hold_request())
    await store.append(decision_entry(hold_id=usage.hold_id, keep_hold=True))
    assert len(commits) == 1


def _count(commits: list[str]) -> Callable[[str], None]:
    return lambda statement: commits.append(statement) if statement == "COMMIT" else None


async def test_a_hold_alone_is_committed(store: SqliteStore, file: Path) -> None:
    """A hold that no decision follows is durable, and visible to other processes, within some milliseconds."""
    await store.hold(hold_request())
    await asyncio.sleep(0.1)
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT COUNT(*) FROM holds").fetchone() == (1,)
    connection.close()


async def test_the_error_of_one_is_not_the_error_of_all(store: SqliteStore) -> None:
    """In one transaction, a conflict and a repeated decision are undone alone."""
    await store.hold(hold_request("token"))
    twice = decision_entry()
    results = await asyncio.gather(
        store.append(decision_entry()),
        store.hold(hold_request("token", fingerprint="e" * 64)),
        store.append(twice),
        store.append(twice),
        store.append(decision_entry()),
        return_exceptions=True,
    )
    failed = [(number, type(result)) for number, result in enumerate(results) if isinstance(result, Exception)]
    assert failed == [(1, IdempotencyConflict), (3, StorageFault)]
    assert (await store.verify()).records == 3


async def test_a_decision_is_whole_or_not_at_all(store: SqliteStore) -> None:
    """A decision whose hold is gone opens no case and leaves no record."""
    usage = await store.hold(hold_request())
    await store.release(usage.hold_id)
    with pytest.raises(StorageFault, match="is released"):
        await store.append(decision_entry(hold_id=usage.hold_id, keep_hold=True, case=case_opening()))
    assert await store.fetch_cases() == ()
    assert (await store.verify()).records == 0


async def test_a_decision_that_passes_nothing_releases_its_hold(store: SqliteStore) -> None:
    """The hold is given back with the record, and a settled one stays."""
    usage = await store.hold(hold_request())
    await store.append(decision_entry(hold_id=usage.hold_id))
    assert await likely(store) == 0
    settled = await store.hold(hold_request())
    await store.settle(settled.hold_id)
    await store.append(decision_entry(hold_id=settled.hold_id))
    assert await likely(store) == OPERATIONS


async def test_a_settled_hold_can_be_decided_on_again(store: SqliteStore) -> None:
    """A replay of what the upstream accepted keeps its hold."""
    usage = await store.hold(hold_request())
    await store.settle(usage.hold_id)
    await store.append(decision_entry(hold_id=usage.hold_id, keep_hold=True))
    assert await likely(store) == OPERATIONS


async def test_a_stalled_store_answers_in_time(hurried: SqliteStore) -> None:
    """While the writer hangs every caller is told at the deadline, and what it came to too late is not done."""
    stalled = asyncio.ensure_future(hurried._write(stall(0.5)))
    await queued()
    started = time.monotonic()
    results = await asyncio.gather(
        *[hurried.append(decision_entry()) for _ in range(20)],
        *[hurried.hold(hold_request()) for _ in range(20)],
        return_exceptions=True,
    )
    assert time.monotonic() - started < 0.3
    assert {str(result) for result in results} == {"the store did not answer within 0.2 s"}
    with pytest.raises(StorageFault):
        await stalled
    await asyncio.sleep(0.5)
    assert await hurried.ready()
    assert await likely(hurried) == 0
    assert (await hurried.verify()).records == 0
    await hurried.close()


async def test_a_decision_recorded_too_late_is_withdrawn(hurried: SqliteStore) -> None:
    """It passes nothing, so its hold is released and its grant given back, once, and a record says so."""
    receipt = await hurried.append(decision_entry(case=case_opening()))
    assert receipt.case_id
    grant = await approve_case(
        hurried, receipt.case_id, reviewer="r.okafor", note="", at=NOW, expires_at=NOW + timedelta(days=1)
    )
    usage = await hurried.hold(hold_request())
    entry = decision_entry(
        "dec_late", hold_id=usage.hold_id, keep_hold=True, spend_grant=grant.id, spend_operations=OPERATIONS
    )
    # The three share a transaction: the decision is written in time, and committed too late.
    before = asyncio.ensure_future(hurried._write(stall(0.05)))
    late = asyncio.ensure_future(hurried.append(entry))
    after = asyncio.ensure_future(hurried._write(stall(0.4)))
    results = await asyncio.gather(before, late, after, return_exceptions=True)
    assert {str(result) for result in results} == {"the store did not answer within 0.2 s"}
    await asyncio.sleep(0.5)
    assert await likely(hurried) == 0
    assert await hurried.fetch_grant(grant.id) == grant
    assert await hurried.fetch_decision("dec_late") is not None
    kinds = [record["type"] async for record in hurried.records()]
    assert kinds == ["decision", "case.approved", "decision", "decision.withdrawn"]
    await hurried.close()


async def test_a_retry_recorded_too_late_takes_no_hold_from_the_first_call(hurried: SqliteStore) -> None:
    """The first call passed on the hold that the retry shares, so it goes on counting."""
    usage = await hurried.hold(hold_request("token"))
    await hurried.append(decision_entry("dec_first", hold_id=usage.hold_id, keep_hold=True))
    retry = decision_entry("dec_retry", hold_id=usage.hold_id, keep_hold=True, replays=True)
    before = asyncio.ensure_future(hurried._write(stall(0.05)))
    late = asyncio.ensure_future(hurried.append(retry))
    after = asyncio.ensure_future(hurried._write(stall(0.4)))
    await asyncio.gather(before, late, after, return_exceptions=True)
    assert isinstance(late.exception(), StorageFault)
    await asyncio.sleep(0.5)
    assert [record["type"] async for record in hurried.records()][-1] == "decision.withdrawn"
    assert await likely(hurried) == OPERATIONS
    await hurried.close()


async def test_a_hold_answered_too_late_is_given_back(hurried: SqliteStore) -> None:
    """A hold whose caller is gone counts for nobody."""
    before = asyncio.ensure_future(hurried._write(stall(0.15)))
    late = asyncio.ensure_future(hurried.hold(hold_request()))
    after = asyncio.ensure_future(hurried._write(stall(0.3)))
    await asyncio.gather(before, late, after, return_exceptions=True)
    assert isinstance(late.exception(), StorageFault)
    await asyncio.sleep(0.5)
    assert await likely(hurried) == 0
    await hurried.close()


@pytest.mark.parametrize("steps", range(8))
async def test_a_cancelled_hold_is_given_back(store: SqliteStore, steps: int) -> None:
    """Whenever its caller is cancelled, a hold that nobody received is released, and a replay keeps its own."""
    await store.hold(hold_request("token"))
    fresh = asyncio.ensure_future(store.hold(hold_request()))
    replay = asyncio.ensure_future(store.hold(hold_request("token")))
    for _ in range(steps):
        await asyncio.sleep(0.0003 if steps > 3 else 0)
    received = fresh.done()
    fresh.cancel()
    replay.cancel()
    await asyncio.gather(fresh, replay, return_exceptions=True)
    await store.ready()
    await store.ready()
    assert await likely(store) == (2 if received else 1) * OPERATIONS


async def test_an_answer_in_the_step_of_the_cancellation_is_taken_back(store: SqliteStore) -> None:
    """The answer has arrived and the task is cancelled before it could see it."""
    assert store._writer is not None
    deliver = store._writer._deliver

    def cancelling(answers: list[worker.Answered]) -> None:
        deliver(answers)
        task.cancel()

    store._writer._deliver = cancelling  # type: ignore[method-assign]
    task = asyncio.ensure_future(store.hold(hold_request()))
    with pytest.raises(asyncio.CancelledError):
        await task
    store._writer._deliver = deliver  # type: ignore[method-assign]
    await store.ready()
    assert await likely(store) == 0


async def test_the_queue_is_bounded(file: Path) -> None:
    """Beyond the bound callers are refused at once, and those within it are served."""
    store = SqliteStore(file, most_waiting=10)
    await store.open()
    stalled = asyncio.ensure_future(store._write(stall(0.1)))
    await queued()
    await asyncio.sleep(0.02)
    results = await asyncio.gather(*[store.append(decision_entry()) for _ in range(30)], return_exceptions=True)
    await stalled
    refused = [result for result in results if isinstance(result, StorageFault)]
    assert len(refused) == 20
    assert "behind" in str(refused[0])
    await store.close()


async def test_a_bug_in_an_operation_does_not_end_the_writer(store: SqliteStore) -> None:
    """An unexpected error is its caller's, and the thread lives on."""

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE heartbeat SET beats = -1")
        raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        await store._write(broken)
    beats = await store._read(lambda connection: connection.execute("SELECT beats FROM heartbeat").fetchone())
    assert beats[0] > 0
    assert await store.ready()


async def test_closing_writes_what_is_pending(store: SqliteStore, file: Path) -> None:
    """What was asked for before the store was closed is done; after that nothing is."""
    pending = [asyncio.ensure_future(store.append(decision_entry())) for _ in range(50)]
    await queued()
    await store.close()
    await asyncio.gather(*pending)
    await store.close()
    for ask in (store.ready, store.fetch_parties):
        with pytest.raises(StorageFault, match="not open"):
            await ask()
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT COUNT(*) FROM records").fetchone() == (50,)
    connection.close()


async def test_a_store_can_be_opened_again(store: SqliteStore) -> None:
    """Opening twice is opening once, and a closed store opens again."""
    await store.open()
    await store.append(decision_entry())
    await store.close()
    await store.open()
    assert (await store.verify()).records == 1


def test_a_loop_that_is_gone_keeps_no_hold(file: Path) -> None:
    """A hold whose event loop was closed before the answer is given back."""
    store = SqliteStore(file)

    async def leave() -> None:
        await store.open()
        loose = asyncio.ensure_future(store._write(stall(0.2)))
        hold = asyncio.ensure_future(store.hold(hold_request()))
        await queued()
        loose.cancel()
        hold.cancel()

    async def look() -> int:
        return await likely(store)

    asyncio.run(leave())
    time.sleep(0.4)
    assert asyncio.run(look()) == 0
    asyncio.run(store.close())


def test_a_forked_process_must_open_its_own(file: Path) -> None:
    """A thread does not survive a fork: the child is told, and does not hang."""
    store = SqliteStore(file)
    asyncio.run(store.open())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads is what is tried here
        child = os.fork()
    if child == 0:
        try:
            store.ready().send(None)
        except StorageFault as error:
            os._exit(0 if "fork" in str(error) else 1)
        except BaseException:  # noqa: BLE001 - the child must not run the rest of the tests
            os._exit(2)
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    asyncio.run(store.close())


async def test_opening_beside_a_kept_lock_ends(prompt: SqliteStore, file: Path) -> None:
    """A store that is locked for good when it is opened says so, and opens later."""
    await prompt.close()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    with pytest.raises(StorageFault, match="lock"):
        await prompt.open()
    assert time.monotonic() - started < 2.0
    other.execute("ROLLBACK")
    other.close()
    await prompt.open()
    assert await prompt.ready()
