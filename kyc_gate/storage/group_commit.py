"""Group commit: one thread, one connection, and one commit for everybody who waits, on either engine.

Every operation runs in a savepoint of a common transaction, where more than its one statement would have to be undone.
Those that are durable answers wait for its commit; the
early ones are answered before. A transaction that owes nobody a commit stays open for `LINGER_SECONDS`, since the
decision that follows a hold then shares its commit; other processes wait for no longer than that.

Any error of the engine is a fault of the whole transaction: everybody in it is told, nothing of it stands, the
connection is thrown away (a failed fsync must not be tried again on the same pages), and the next one verifies the end
of the chain, and the last record that was acknowledged, before it writes. So the store recovers by itself once its disk
does. Where the engine says that only the moment was wrong (a serialization failure), the transaction is run again.
"""

from __future__ import annotations

import queue
import random
import time
from collections import deque

from kyc_gate.errors import StorageFault
from kyc_gate.storage.chain_log import Head
from kyc_gate.storage.rows import CONTRADICTIONS, ENGINE_FAULTS, Connection, EngineFault
from kyc_gate.storage.worker import Answered, Waiting, Worker, fault_of, own_error

LINGER_SECONDS = 0.004
"""How long a transaction with nothing but early answers stays open. A decision takes well under a millisecond."""

MOST_IN_A_COMMIT = 256
"""How many operations share a commit: some 10 ms of work, so that other processes get their turn."""

REOPEN_SECONDS = 0.05
"""The least time between two attempts to open a store that failed."""

MOST_KEPT = 10_000
"""How many operations that must be done in the end are kept through a fault. Beyond it, holds just keep counting."""

MOST_TRIES = 8
"""How often a transaction is run when the engine asks to run it again: with waits that double, under half a second."""


class StillLocked(StorageFault):
    """The lock is another process's; the connection itself is sound."""


class GroupCommit(Worker):
    """The thread that writes. An engine says how a transaction begins and ends."""

    statements_undo_themselves = False
    """Whether a failing statement leaves nothing behind and the transaction open, as on SQLite (ON CONFLICT ABORT)."""

    def __init__(self, *, deadline_seconds: float, most_waiting: int) -> None:
        super().__init__("kyc-gate-writer", deadline_seconds=deadline_seconds, most_waiting=most_waiting)
        self._known: Head | None = None
        self._kept: deque[Waiting] = deque()
        self._fault: StorageFault | None = None
        self._retry_at = 0.0
        self._ending = False

    def _begun(self, deadline: float) -> Connection:
        """Return the connection inside a write transaction that no other process shares. Raises `StorageFault`."""
        raise NotImplementedError

    def _commit(self, connection: Connection) -> None:
        """Make the transaction durable, and keep the head of the chain as the one that was acknowledged last."""
        raise NotImplementedError

    def _undo(self) -> None:
        """Undo the transaction on a connection that is kept."""
        raise NotImplementedError

    def _disconnect(self) -> None:
        """Throw the connection away."""
        raise NotImplementedError

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
        for attempt in range(1, MOST_TRIES + 1):
            answers: list[Answered] = []
            try:
                connection = self._begun(max(waiting.deadline for waiting in batch))
                self._work(connection, batch, answers)
                self._commit(connection)
            except EngineFault as error:
                if not error.retry or attempt == MOST_TRIES:
                    self._failed(error, batch)
                    return
                batch = self._again(batch, attempt)
                if not batch:
                    return
            except Exception as error:  # noqa: BLE001 - whatever it was, nobody in the transaction may be left waiting
                self._failed(error, batch)
                return
            else:
                self._answer(answers)
                return

    def _again(self, batch: list[Waiting], attempt: int) -> list[Waiting]:
        """Undo the transaction, wait a little, and return what is to be run again.

        A hold that was answered already is lost, and `append` will say so; what must be done in the end is done again.
        """
        self._undo()
        time.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311 - jitter
        return [waiting for waiting in batch if waiting.operation.repeats or not waiting.answered]

    def _work(self, connection: Connection, batch: list[Waiting], answers: list[Answered]) -> None:
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

    def _run(self, connection: Connection, waiting: Waiting) -> Answered:
        """Run one operation in a savepoint: its own error undoes it alone. Raises `ENGINE_FAULTS`, a fault of all."""
        if waiting.late():
            return Answered(waiting, error=StorageFault("the store came to this operation too late"))
        whole = self.statements_undo_themselves and waiting.operation.single
        if not whole:
            connection.execute("SAVEPOINT operation")
        try:
            result = waiting.operation.run(connection)
        except CONTRADICTIONS as error:
            failed: Exception = error
        except ENGINE_FAULTS:
            raise
        except Exception as error:  # noqa: BLE001 - an operation's own error is its caller's, not the thread's
            failed = error
        else:
            if not whole:
                connection.execute("RELEASE operation")
            return Answered(waiting, result=result)
        if not whole:
            connection.execute("ROLLBACK TO operation")
            connection.execute("RELEASE operation")
        return Answered(waiting, error=own_error(failed))

    def _failed(self, error: Exception, batch: list[Waiting]) -> None:
        """Tell everybody in the transaction, keep what must be done in the end, and drop the connection."""
        self._answer([Answered(waiting, error=fault_of(error)) for waiting in batch])
        for waiting in batch:
            if waiting.operation.repeats and len(self._kept) < MOST_KEPT:
                self._kept.append(Waiting(waiting.operation, float("inf")))
        if not isinstance(error, StillLocked):
            self._fault = fault_of(error)
            self._disconnect()
