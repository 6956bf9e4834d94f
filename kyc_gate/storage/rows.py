"""What the row functions ask of a connection: SQL with `?` or `:name`, the part that both engines understand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from kyc_gate.errors import StorageFault

Values = Sequence[Any] | Mapping[str, Any]


class Rows(Protocol):
    """What a statement found. Rows are tuples."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        ...

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection inside a transaction. `sqlite3.Connection` is one as it stands."""

    def execute(self, sql: str, parameters: Values = ..., /) -> Rows: ...
    def executemany(self, sql: str, parameters: Iterable[Values], /) -> object: ...


class Contradiction(StorageFault):
    """A constraint of the tables, or the range of a column, refused a statement, on an engine other than SQLite."""


class EngineFault(StorageFault):
    """The engine failed, so that the whole transaction is lost, on an engine other than SQLite.

    `retry` says that nothing is wrong but the moment: the same transaction, run again, may well succeed.
    """

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


CONTRADICTIONS = (sqlite3.IntegrityError, Contradiction)
"""What is raised where a row contradicts the tables' constraints."""

ENGINE_FAULTS = (sqlite3.Error, EngineFault)
"""What is raised where the engine failed, contradictions on SQLite included: look for those first."""
