"""A thread that works through operations on a connection of its own, and answers the tasks that wait for them.

Nothing waits longer than the deadline: a task whose operation was not answered by then gets a `StorageFault`, whatever
the disk does. An operation may still take effect after that; `Operation.undo` says what to do about it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec

from kyc_gate.errors import ChainBroken, StorageFault
from kyc_gate.storage.deadlines import Deadlines, expire
from kyc_gate.storage.rows import Connection, EngineFault

T = TypeVar("T")


class Operation(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Something to do on the connection, and what its answer may rest on.

    `early`: the answer does not wait for the commit. Only for what a later operation checks again (a hold), or what is
    harmless when it is lost (giving a hold back).
    `repeats`: it is done in the end, even when its answer was a fault. Only for what is harmless when done twice.
    `single`: it runs one statement, so that an engine on which a failing statement leaves nothing needs no savepoint.
    `undo`: what takes the result back when nobody was there any more to receive it.
    """

    run: Callable[[Connection], T]
    early: bool = False
    repeats: bool = False
    single: bool = False
    undo: Callable[[T], Operation[Any] | None] | None = None


class Waiting:
    """An operation in the queue, with the task that waits for it; `future` is None where nobody does."""

    __slots__ = ("answered", "deadline", "future", "loop", "operation")

    def __init__(
        self,
        operation: Operation[Any],
        deadline: float,
        loop: asyncio.AbstractEventLoop | None = None,
        future: asyncio.Future[Any] | None = None,
    ) -> None:
        self.operation = operation
        self.deadline = deadline
        self.loop = loop
        self.future = future
        self.answered = False

    def late(self) -> bool:
        """Return whether nobody waits for this operation any more, so that doing it would only do harm."""
        return not self.operation.repeats and time.monotonic() > self.deadline


class Answered(msgspec.Struct, frozen=True):
    """An operation with its result or its error."""

    waiting: Waiting
    result: Any = None
    error: BaseException | None = None


class Worker:
    """The thread, its bounded queue, and the way back into event loops. Subclasses say how operations are done."""

    def __init__(self, name: str, *, deadline_seconds: float, most_waiting: int) -> None:
        self.deadline_seconds = deadline_seconds
        self._most_waiting = most_waiting
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._process = os.getpid()
        self._closed = False
        self._deadlines: dict[asyncio.AbstractEventLoop, Deadlines] = {}

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def do(self, operation: Operation[T], *, seconds: float | None = None) -> T:
        """Return the operation's result. Raises what it raises, and `StorageFault` when no answer comes in time.

        `seconds` stands in for the deadline where nobody's request waits.
        """
        self._require_room()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if seconds is None:
            deadline = time.monotonic() + self.deadline_seconds
            self._deadlines_of(loop).add(future, deadline)
        else:
            deadline = time.monotonic() + seconds
            loop.call_later(seconds, expire, future, seconds)
        self._queue.put(Waiting(operation, deadline, loop, future))
        try:
            return await future
        except asyncio.CancelledError:
            # The answer may have arrived in the very step in which the task was cancelled: then it is lost.
            if future.done() and not future.cancelled() and future.exception() is None:
                self._take_back(operation, future.result())
            raise

    def stop(self) -> None:
        """Let the thread finish what is queued, and end. Returns at once; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)

    def join(self, seconds: float) -> bool:
        """Wait for the thread to end, and return whether it did."""
        if self._process == os.getpid() and self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _main(self) -> None:
        raise NotImplementedError

    def _require_room(self) -> None:
        if self._process != os.getpid():
            raise StorageFault("the store was opened before this process was forked; open it after forking")
        if self._closed:
            raise StorageFault("the store is closed")
        if self._queue.qsize() >= self._most_waiting:
            raise StorageFault(f"the store is behind: {self._most_waiting} operations wait for it")

    def _deadlines_of(self, loop: asyncio.AbstractEventLoop) -> Deadlines:
        found = self._deadlines.get(loop)
        if found is None:
            for other in [each for each in self._deadlines if each.is_closed()]:
                self._deadlines.pop(other, None)
            found = self._deadlines[loop] = Deadlines(loop, self.deadline_seconds)
        return found

    def _answer(self, answers: Iterable[Answered]) -> None:
        """Hand answers to their event loops, one wake-up a loop."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Answered]] = {}
        for answered in answers:
            answered.waiting.answered = True
            if answered.waiting.loop is not None:
                by_loop.setdefault(answered.waiting.loop, []).append(answered)
        for loop, group in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._deliver, group)
            except RuntimeError:  # the loop is closed, so nobody receives them
                for answered in group:
                    self._unreceived(answered)

    def _deliver(self, answers: list[Answered]) -> None:
        """Runs in the event loop, so that a deadline or a cancellation cannot slip in between."""
        for answered in answers:
            future = answered.waiting.future
            if future is None or future.done():
                self._unreceived(answered)
            elif answered.error is not None:
                future.set_exception(answered.error)
            else:
                future.set_result(answered.result)
        self._deadlines_of(asyncio.get_running_loop()).drop_done()

    def _unreceived(self, answered: Answered) -> None:
        if answered.error is None:
            self._take_back(answered.waiting.operation, answered.result)

    def _take_back(self, operation: Operation[T], result: T) -> None:
        undoing = operation.undo(result) if operation.undo else None
        if undoing is not None:
            self._queue.put(Waiting(undoing, float("inf")))


def fault_of(error: BaseException) -> StorageFault:
    """Return the error as a fault, a new one for each caller: tracebacks are not shared between tasks."""
    if isinstance(error, EngineFault):
        return StorageFault(*error.args)
    if isinstance(error, StorageFault):
        return ChainBroken(*error.args) if isinstance(error, ChainBroken) else StorageFault(*error.args)
    name = getattr(error, "sqlite_errorname", "")
    return StorageFault(f"the store failed: {error}{f' ({name})' if name else ''}")


def own_error(error: Exception) -> Exception:
    """Return what one operation's error means to its caller."""
    return fault_of(error) if isinstance(error, (sqlite3.Error, EngineFault)) else error


def closed_quietly(connection: sqlite3.Connection | None) -> None:
    """Close a connection that may be broken already."""
    if connection is not None:
        with contextlib.suppress(sqlite3.Error):
            connection.close()
