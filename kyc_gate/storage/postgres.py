"""The store for many gates: one PostgreSQL database, one chain, one order of writing.

INVARIANT: writing transactions follow one another, whichever replica they are of. Each begins by locking the one row of
`heartbeat`; so the head of the chain that it reads is the last one, and the usage that a hold returns is of every hold
before it. Group commit keeps that cheap: a replica's turn carries everything that waits there.
"""

from __future__ import annotations

import time

from kyc_gate.errors import StorageFault
from kyc_gate.storage.chain_log import head_of, verify_tail
from kyc_gate.storage.group_commit import REOPEN_SECONDS, GroupCommit, StillLocked
from kyc_gate.storage.postgres_rows import Locked, PostgresConnection
from kyc_gate.storage.postgres_schema import migrate
from kyc_gate.storage.reader import Reader
from kyc_gate.storage.rows import Connection, EngineFault
from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.worker import Worker
from kyc_gate.storage.writer import TAIL


class PostgresStore(RowStore):
    """A store in a PostgreSQL database. Implements `kyc_gate.storage.store.Store`; `RowStore` says what limits mean.

    `url` is a connection string of libpq, such as `postgresql://gate@db.example/kyc`. A replica that goes away in the
    middle of a transaction holds the others up for ten seconds at most.
    """

    def __init__(self, url: str, *, deadline_seconds: float = 0.9, most_waiting: int = 10_000) -> None:
        super().__init__(deadline_seconds=deadline_seconds, most_waiting=most_waiting)
        self._url = url

    def _workers(self) -> tuple[Worker, Worker]:
        seconds, most = self._deadline_seconds, self._most_waiting
        return (
            _PostgresWriter(self._url, deadline_seconds=seconds, most_waiting=most),
            _PostgresReader(self._url, deadline_seconds=seconds, most_waiting=most),
        )


class _PostgresWriter(GroupCommit):
    """The thread that writes to a database."""

    def __init__(self, url: str, *, deadline_seconds: float, most_waiting: int) -> None:
        super().__init__(deadline_seconds=deadline_seconds, most_waiting=most_waiting)
        self._url = url
        self._connection: PostgresConnection | None = None

    def _begun(self, deadline: float) -> Connection:
        """Return the connection inside a transaction that holds the lock of writing.

        READ COMMITTED is enough, and better: each statement after the lock sees all that was committed before it, where
        a snapshot would have been taken while waiting. Other engines that isolate more answer with a retry.
        """
        connection = self._connected()
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        try:
            connection.execute("SELECT beats FROM heartbeat WHERE id = 1 FOR UPDATE")
        except Locked as error:
            connection.undo()
            raise StillLocked("another replica holds the store's write lock") from error
        return connection

    def _commit(self, connection: Connection) -> None:
        head = head_of(connection)
        connection.execute("COMMIT")
        self._known = head

    def _undo(self) -> None:
        if self._connection is not None:
            try:
                self._connection.undo()
            except EngineFault:
                self._disconnect()

    def _connected(self) -> PostgresConnection:
        if self._connection is None:
            if self._fault is not None and time.monotonic() < self._retry_at:
                raise self._fault
            self._retry_at = time.monotonic() + REOPEN_SECONDS
            self._connection = self._opened()
            self._fault = None
        return self._connection

    def _opened(self) -> PostgresConnection:
        """Return a new connection to a database that is fit: durable, schema up to date, end of the chain verified."""
        connection = PostgresConnection(self._url, seconds=self.deadline_seconds, application="kyc-gate writer")
        try:
            _require_durable(connection)
            migrate(connection)
            verify_tail(connection, TAIL, self._known)
        except BaseException:
            connection.close()
            raise
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class _PostgresReader(Reader):
    """The thread that reads."""

    def __init__(self, url: str, *, deadline_seconds: float, most_waiting: int) -> None:
        Worker.__init__(self, "kyc-gate-reader", deadline_seconds=deadline_seconds, most_waiting=most_waiting)
        self._url = url
        self._reading: PostgresConnection | None = None

    def _connected(self) -> Connection:
        if self._reading is None:
            self._reading = PostgresConnection(self._url, seconds=self.deadline_seconds, application="kyc-gate reader")
            self._reading.execute("SET default_transaction_read_only = on")
        return self._reading

    def _disconnect(self) -> None:
        if self._reading is not None:
            self._reading.close()
        self._reading = None


def _require_durable(connection: PostgresConnection) -> None:
    """Raise `StorageFault` where the server acknowledges what it has not written: a record could be lost."""
    for setting in ("fsync", "full_page_writes"):
        (value,) = connection.execute(f"SHOW {setting}").fetchone()
        if value != "on":
            raise StorageFault(
                f"PostgreSQL runs with `{setting} = {value}`: acknowledged records could be lost; set it on"
            )
