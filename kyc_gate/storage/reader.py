"""The reader: one thread with a connection that cannot write. It sees what is committed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from kyc_gate.errors import StorageFault
from kyc_gate.storage.files import Watch, connect
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.worker import Answered, Waiting, Worker, closed_quietly, own_error


class Reader(Worker):
    """The thread that reads."""

    def __init__(self, path: Path, *, deadline_seconds: float, most_waiting: int) -> None:
        super().__init__("kyc-gate-reader", deadline_seconds=deadline_seconds, most_waiting=most_waiting)
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._watch: Watch | None = None

    def _main(self) -> None:
        while (waiting := self._queue.get()) is not None:
            self._answer([self._read(waiting)])
        self._disconnect()

    def _read(self, waiting: Waiting) -> Answered:
        if waiting.late():
            return Answered(waiting, error=StorageFault("the store came to this operation too late"))
        try:
            return Answered(waiting, result=waiting.operation.run(self._connected()))
        except Exception as error:  # noqa: BLE001 - an operation's error is its caller's, not the thread's
            if isinstance(error, (sqlite3.Error, StorageFault)):
                self._disconnect()
            return Answered(waiting, error=own_error(error))

    def _connected(self) -> Connection:
        """Return the connection, opened anew when the file was swapped under it."""
        if self._connection is not None and self._watch is not None:
            self._watch.check()
            return self._connection
        connection = connect(self._path, wait_seconds=self.deadline_seconds / 2)
        try:
            connection.execute("PRAGMA query_only = 1")
            connection.execute("SELECT COUNT(*) FROM heartbeat").fetchone()
            self._watch = Watch(self._path)
        except BaseException:
            closed_quietly(connection)
            raise
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        closed_quietly(self._connection)
        self._connection = None
