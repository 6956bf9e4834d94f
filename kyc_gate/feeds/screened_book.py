"""What of a book of parties was screened, in which form, against which snapshot: a small SQLite file, so that work
that was broken off goes on where it ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from kyc_gate.errors import FeedFault
from kyc_gate.model.record import Record


class Screened(Record):
    """The form in which a party was screened (its digest), the snapshot's digest, and the scorer's version."""

    party: str
    snapshot: str
    scorer: str


class ScreenedBook:
    """The state of one book. Lines that were noted and not yet `saved` are lost with the process, and done again."""

    def __init__(self, file: Path, book: str) -> None:
        self._file = file
        self._book = book
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        """Open the file, or make it. Raises `FeedFault` when it is no such file."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._file, isolation_level="DEFERRED", timeout=5.0, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS screened (book TEXT, id TEXT, party TEXT NOT NULL, snapshot TEXT NOT NULL,"
                " scorer TEXT NOT NULL, PRIMARY KEY (book, id)) WITHOUT ROWID"
            )
        except (sqlite3.Error, OSError) as error:
            raise FeedFault(f"`{self._file}` cannot keep what was screened: {error}") from error
        self._connection = connection
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Save, and close the file."""
        self.save()
        self._open.close()
        self._connection = None

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise FeedFault(f"`{self._file}` is not open")
        return self._connection

    def of(self, id: str) -> Screened | None:
        """Return how a party was screened the last time, or None for a party that never was."""
        row = self._open.execute(
            "SELECT party, snapshot, scorer FROM screened WHERE book = ? AND id = ?", (self._book, id)
        ).fetchone()
        return Screened(party=row[0], snapshot=row[1], scorer=row[2]) if row else None

    def note(self, done: Iterable[tuple[str, Screened]]) -> None:
        """Note parties as screened, and save."""
        self._open.executemany(
            "INSERT INTO screened VALUES (?, ?, ?, ?, ?) ON CONFLICT (book, id) DO UPDATE SET"
            " party = excluded.party, snapshot = excluded.snapshot, scorer = excluded.scorer",
            [(self._book, id, each.party, each.snapshot, each.scorer) for id, each in done],
        )
        self.save()

    def save(self) -> None:
        """Put what was noted on the disk."""
        self._open.commit()
