"""The file under the store: opened privately, and watched for being swapped."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from kyc_gate.errors import StorageFault

OLDEST_SQLITE = (3, 35, 0)
"""The first release with `RETURNING`, which the store needs."""

Identity = tuple[int, int]


def require_sqlite() -> None:
    """Raise `StorageFault` for a SQLite that is too old."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise StorageFault(f"this Python has SQLite {sqlite3.sqlite_version}; the store needs {needed} or later")


def make_private(path: Path) -> None:
    """Make the file, readable by its owner only, if it is not there: records name people.

    SQLite gives its side files the same mode.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except FileNotFoundError as error:
        raise StorageFault(f"the store `{path}` cannot be made: there is no folder `{path.parent}`") from error
    except OSError as error:
        raise StorageFault(f"the store `{path}` cannot be written: {error.strerror}") from error


def connect(path: Path, *, wait_seconds: float) -> sqlite3.Connection:
    """Return a connection in autocommit mode that waits that long for other processes."""
    return sqlite3.connect(path, timeout=wait_seconds, isolation_level=None, cached_statements=256)


def use_write_ahead_log(connection: sqlite3.Connection, *, wait_seconds: float) -> str:
    """Switch the file to a write-ahead log and return the mode that it is in then.

    Processes that start together on a new file all try; SQLite answers some of them "locked" without waiting, since
    two that waited for each other would never end. Raises `sqlite3.OperationalError` when that goes on too long.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            mode: str = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return mode


class Watch:
    """The identity of the file and of its write-ahead log as they were opened.

    SQLite goes on writing to a file that was moved away or deleted, and every commit succeeds: into nowhere.
    """

    def __init__(self, path: Path) -> None:
        self._file = str(path)
        self._log = f"{path}-wal"
        self._files = (_identity(self._file), _identity(self._log))

    def check(self) -> None:
        """Raise `StorageFault` when either file is not the one that was opened."""
        if (_identity(self._file), _identity(self._log)) != self._files:
            raise StorageFault(f"the store `{self._file}` was moved or replaced while it was open")


def _identity(path: str) -> Identity:
    try:
        found = os.stat(path)
    except OSError as error:
        raise StorageFault(f"the store's file `{path}` is gone: {error.strerror}") from error
    return found.st_dev, found.st_ino
