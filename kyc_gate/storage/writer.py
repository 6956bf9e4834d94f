"""The writer of a SQLite file: group commit under the file's own write lock."""

from __future__ import annotations

import random
import sqlite3
import time
from pathlib import Path

from kyc_gate.errors import StorageFault
from kyc_gate.storage.chain_log import head_of, verify_tail
from kyc_gate.storage.files import Watch, connect, make_private, use_write_ahead_log
from kyc_gate.storage.group_commit import REOPEN_SECONDS, GroupCommit, StillLocked
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.schema import migrate
from kyc_gate.storage.worker import closed_quietly

TAIL = 1_000
"""How many records are verified whenever the store is opened: some 10 ms."""


class Writer(GroupCommit):
    """The thread that writes to a file."""

    statements_undo_themselves = True

    def __init__(self, path: Path, *, deadline_seconds: float, most_waiting: int) -> None:
        super().__init__(deadline_seconds=deadline_seconds, most_waiting=most_waiting)
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._watch: Watch | None = None

    def _commit(self, connection: Connection) -> None:
        if self._watch is not None:
            self._watch.check()
        head = head_of(connection)
        connection.execute("COMMIT")
        self._known = head

    def _undo(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

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
                    raise StillLocked("another process holds the store's write lock") from error
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


def _primary(error: sqlite3.Error) -> int:
    """Return the primary result code, without what extends it."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
