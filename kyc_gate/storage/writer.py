"""The writer: one thread, one connection, and one commit for everybody who waits (group commit).

Every operation runs in a savepoint of a common transaction. Those that are durable answers wait for its commit; the
early ones are answered before. A transaction that owes nobody a commit stays open for `LINGER_SECONDS`, since the
decision that follows a hold then shares its commit; other processes wait for no longer than that.

Any SQLite error is a fault of the whole transaction: everybody in it is told, nothing of it stands, the connection is
thrown away (a failed fsync must not be tried again on the same pages), and the next one verifies the end of the chain,
and the last record that was acknowledged, before it writes. So the store recovers by itself once its disk does.
"""

from __future__ import annotations

import queue
import random
import sqlite3
import time
from collections import deque
from pathlib import Path

from kyc_gate.errors import StorageFault
from kyc_gate.storage.chain_log import Head, head_of, verify_tail
from kyc_gate.storage.files import Watch, connect, make_private, use_write_ahead_log
from kyc_gate.storage.schema import migrate
from kyc_gate.storage.worker import Answered, Waiting, Worker, closed_quietly, fault_of, own_error

LINGER_SECONDS = 0.004
"""How long a transaction with nothing but early answers stays open. A decision takes well under a millisecond."""

MOST_IN_A_COMMIT = 256
"""How many operations share a commit: some 10 ms of work, so that other processes get their turn."""

TAIL = 1_000
"""How many records are verified whenever the file is opened: some 10 ms."""

REOPEN_SECONDS = 0.05
"""The least time between two attempts to open a file that failed."""

MOST_KEPT = 10_000
"""How many operations that must be done in the end are kept through a fault. Beyond it, holds just keep counting."""


class Writer(Worker):
    """The thread that writes."""

    def __init__(self, path: Path, *, deadline_seconds: float, most_waiting: int) -> None:
        super().__init__("kyc-gate-writer", deadline_seconds=deadline_seconds, most_waiting=most_waiting)
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._watch: Watch | None = None
        self._known: Head | None = None
        self._kept: deque[Waiting] = deque()
        self._fault: StorageFault | None = None
        self._retry_at = 0.0
        self._ending = False

    def _main(self) -> None:
        while not self._ending:
            waiting = self._next(REOPEN_SECONDS if self._kept else None)
            if waiting is not None or (self._kept and not self._ending):
                self._transact(waiting)
        if self._kept:
            self._transact(None)  # a last chance for what must be done
        self._disconnect()

    def _next(self, seconds: float | None) -> Waiting | None:
        """Return the next operation, or None after `seconds` without one, or at the end."""
        try:
            waiting = self._queue.get(timeout=seconds) if seconds != 0 else self._queue.get_nowait()
        except queue.Empty:
            return None
        if waiting is None:
            self._ending = True
        return waiting

    # One transaction

    def _transact(self, first: Waiting | None) -> None:
        """Do the kept operations, `first`, and whatever else waits, in one transaction."""
        batch: list[Waiting] = [*self._kept]
        self._kept.clear()
        if first is not None:
            batch.append(first)
        answers: list[Answered] = []
        try:
            connection = self._begun(max(waiting.deadline for waiting in batch))
            self._work(connection, batch, answers)
            self._commit(connection)
        except Exception as error:  # noqa: BLE001 - whatever it was, nobody in the transaction may be left waiting
            self._failed(error, batch)
        else:
            self._answer(answers)

    def _work(self, connection: sqlite3.Connection, batch: list[Waiting], answers: list[Answered]) -> None:
        """Run the batch and all that joins it. `answers` is left with those that wait for the commit."""
        done = 0
        durable = False
        linger_until = time.monotonic() + LINGER_SECONDS
        early: list[Answered] = []
        while True:
            while done < len(batch):
                waiting = batch[done]
                done += 1
                answered = self._run(connection, waiting)
                if waiting.operation.early or answered.error is not None:
                    early.append(answered)
                else:
                    answers.append(answered)
                    durable = True
            following = self._next(0) if len(batch) < MOST_IN_A_COMMIT and not self._ending else None
            if following is None:
                if early:
                    self._answer(early)
                    early = []
                left = linger_until - time.monotonic()
                if durable or left <= 0 or self._ending or len(batch) >= MOST_IN_A_COMMIT:
                    return
                following = self._next(left)
                if following is None:
                    return
            batch.append(following)

    def _run(self, connection: sqlite3.Connection, waiting: Waiting) -> Answered:
        """Run one operation in a savepoint: its own error undoes it alone. Raises `sqlite3.Error`, a fault of all."""
        if waiting.late():
            return Answered(waiting, error=StorageFault("the store came to this operation too late"))
        connection.execute("SAVEPOINT operation")
        try:
            result = waiting.operation.run(connection)
        except sqlite3.IntegrityError as error:
            failed: Exception = error
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - an operation's own error is its caller's, not the thread's
            failed = error
        else:
            connection.execute("RELEASE operation")
            return Answered(waiting, result=result)
        connection.execute("ROLLBACK TO operation")
        connection.execute("RELEASE operation")
        return Answered(waiting, error=own_error(failed))

    def _commit(self, connection: sqlite3.Connection) -> None:
        if self._watch is not None:
            self._watch.check()
        head = head_of(connection)
        connection.execute("COMMIT")
        self._known = head

    def _failed(self, error: Exception, batch: list[Waiting]) -> None:
        """Tell everybody in the transaction, keep what must be done in the end, and drop the connection."""
        self._answer([Answered(waiting, error=fault_of(error)) for waiting in batch])
        for waiting in batch:
            if waiting.operation.repeats and len(self._kept) < MOST_KEPT:
                self._kept.append(Waiting(waiting.operation, float("inf")))
        if not isinstance(error, _StillLocked):
            self._fault = fault_of(error)
            self._disconnect()

    # The connection

    def _begun(self, deadline: float) -> sqlite3.Connection:
        """Return the connection inside a write transaction. Raises `StorageFault` when another process keeps the lock.

        SQLite's own waiting sleeps up to 100 ms at a time, and would starve beside a busy process; these are short.
        """
        connection = self._connected()
        # A tenth before the deadline, so that callers hear the reason.
        give_up = min(deadline, time.monotonic() + self.deadline_seconds) - self.deadline_seconds / 10
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if _primary(error) != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() >= give_up:
                    raise _StillLocked("another process holds the store's write lock") from error
                time.sleep(random.uniform(0.0002, 0.001))  # noqa: S311 - jitter
            else:
                return connection

    def _connected(self) -> sqlite3.Connection:
        """Return the open connection, opened anew after a fault. Raises `StorageFault` while that fails."""
        if self._connection is None:
            if self._fault is not None and time.monotonic() < self._retry_at:
                raise self._fault
            self._retry_at = time.monotonic() + REOPEN_SECONDS
            self._connection = self._opened()
            self._fault = None
        return self._connection

    def _opened(self) -> sqlite3.Connection:
        """Return a new connection to a file that is fit to be written: schema up to date, end of the chain verified."""
        make_private(self._path)
        connection = connect(self._path, wait_seconds=self.deadline_seconds / 2)
        try:
            mode = use_write_ahead_log(connection, wait_seconds=self.deadline_seconds / 2)
            if mode != "wal":
                raise StorageFault(
                    f"the store `{self._path}` cannot use a write-ahead log here; put it on a local disk"
                )
            # FULL: NORMAL loses acknowledged records when the power fails.
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection)
            verify_tail(connection, TAIL, self._known)
            connection.execute("PRAGMA busy_timeout = 0")
            self._watch = Watch(self._path)
        except BaseException:
            closed_quietly(connection)
            raise
        return connection

    def _disconnect(self) -> None:
        closed_quietly(self._connection)
        self._connection = None


class _StillLocked(StorageFault):
    """The lock is another process's; the connection itself is sound."""


def _primary(error: sqlite3.Error) -> int:
    """Return the primary result code, without what extends it."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
