"""A PostgreSQL connection that takes the rooms' SQL and raises their errors. The only module that imports psycopg."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any

try:
    import psycopg
except ImportError as error:  # pragma: no cover - without the extra
    raise ImportError("PostgreSQL needs a driver: install `kyc-gate[postgres]`") from error

from kyc_gate.storage.rows import Contradiction, EngineFault, Values

_RETRY = frozenset({"40001", "40P01", "CR000"})
"""SQLSTATEs after which the same transaction may succeed: serialization failure and deadlock (PostgreSQL, appendix A;
CockroachDB and YugabyteDB answer 40001 where two transactions met)."""

_LOCKED = frozenset({"55P03"})
"""SQLSTATE of a lock that was not had in time."""

_NAMED = re.compile(r":([a-z_]+)")


class Locked(EngineFault):
    """Another replica held the lock for as long as this one would wait."""


class PostgresConnection:
    """A connection in autocommit mode: transactions are begun and ended by statements, as on SQLite."""

    def __init__(self, url: str, *, seconds: float, application: str) -> None:
        """Connect. Raises `EngineFault` when that fails, without the address: it may hold a password."""
        milliseconds = max(1, int(seconds * 1000))
        options = (
            f"-c lock_timeout={milliseconds} -c statement_timeout={milliseconds * 10}"
            " -c idle_in_transaction_session_timeout=10000 -c synchronous_commit=on -c timezone=UTC"
        )
        try:
            given = psycopg.conninfo.conninfo_to_dict(url)
            mine = {"options": f"{given.get('options') or ''} {options}".strip()}
            mine |= {"connect_timeout": str(max(2, int(seconds))), "application_name": application}
            self._connection = psycopg.connect(psycopg.conninfo.make_conninfo(url, **mine), autocommit=True)
        except psycopg.Error as error:
            raise EngineFault(f"PostgreSQL cannot be reached: {_said(error)}") from error

    def execute(self, sql: str, parameters: Values = (), /) -> PostgresRows:
        """Run one statement. Raises `Contradiction` and `EngineFault`."""
        try:
            return PostgresRows(self._connection.execute(_translated(sql), parameters or None))
        except psycopg.Error as error:
            raise _meant(error) from error

    def executemany(self, sql: str, parameters: Iterable[Values], /) -> None:
        """Run one statement for each set of values."""
        try:
            with self._connection.cursor() as cursor:
                cursor.executemany(_translated(sql), list(parameters))
        except psycopg.Error as error:
            raise _meant(error) from error

    def script(self, sql: str) -> None:
        """Run statements without values."""
        try:
            self._connection.execute(sql.encode())
        except psycopg.Error as error:
            raise _meant(error) from error

    def undo(self) -> None:
        """Roll back where a transaction is open."""
        if self._connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
            self.execute("ROLLBACK")

    def close(self) -> None:
        """Close, whatever state it is in."""
        self._connection.close()


class PostgresRows:
    """What a statement found."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self._cursor = cursor

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        return self._cursor.rowcount

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        """Return every row that is left."""
        return self._cursor.fetchall()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)


@functools.lru_cache(maxsize=512)
def _translated(sql: str) -> bytes:
    """Return the statement with psycopg's placeholders."""
    escaped = sql.replace("%", "%%")
    return _NAMED.sub(r"%(\1)s", escaped).replace("?", "%s").encode()


def _meant(error: psycopg.Error) -> Contradiction | EngineFault:
    """Return the error as the row functions know it."""
    state = error.sqlstate or ""
    if isinstance(error, (psycopg.errors.IntegrityError, psycopg.errors.DataError)):
        return Contradiction(f"PostgreSQL refused a row: {_said(error)}")
    if state in _LOCKED:
        return Locked("another replica holds the store's lock")
    return EngineFault(f"the store failed: {_said(error)}", retry=state in _RETRY)


def _said(error: psycopg.Error) -> str:
    """Return the error on one line, without what it says of rows or addresses."""
    first = str(error.diag.message_primary or str(error).partition("\n")[0]).strip()
    return f"{first[:200]}{f' ({error.sqlstate})' if error.sqlstate else ''}"
