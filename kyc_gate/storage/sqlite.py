"""The embedded store: one SQLite file, safe for several processes, durable before it answers."""

from __future__ import annotations

from pathlib import Path

from kyc_gate.storage.files import require_sqlite
from kyc_gate.storage.reader import Reader
from kyc_gate.storage.rowstore import RowStore
from kyc_gate.storage.writer import Writer


class SqliteStore(RowStore):
    """A store in one SQLite file. Implements `kyc_gate.storage.store.Store`; `RowStore` says what its limits mean."""

    def __init__(self, path: str | Path, *, deadline_seconds: float = 0.9, most_waiting: int = 10_000) -> None:
        super().__init__(deadline_seconds=deadline_seconds, most_waiting=most_waiting)
        self.path = Path(path)

    def _workers(self) -> tuple[Writer, Reader]:
        require_sqlite()
        seconds, most = self._deadline_seconds, self._most_waiting
        return (
            Writer(self.path, deadline_seconds=seconds, most_waiting=most),
            Reader(self.path, deadline_seconds=seconds, most_waiting=most),
        )
