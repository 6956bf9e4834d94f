"""The LEI register as one SQLite file: built beside the old one, put in its place at once, and only read after that."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from kyc_gate.errors import InputError, StorageFault
from kyc_gate.model.record import Record
from kyc_gate.ownership.gleif.files import holds_changes, moment_of, read_runs
from kyc_gate.ownership.gleif.records import Entity, Kind, Relationship, ReportingException, name_key
from kyc_gate.storage.gleif_rows import Rows, rows_of_all

SCHEMA_VERSION = 1

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entities (lei TEXT NOT NULL, record BLOB NOT NULL);
CREATE TABLE names (key TEXT NOT NULL, lei TEXT NOT NULL);
CREATE TABLE relationships (start TEXT NOT NULL, finish TEXT NOT NULL, type TEXT NOT NULL, record BLOB NOT NULL);
CREATE TABLE exceptions (lei TEXT NOT NULL, record BLOB NOT NULL);
"""
_INDEXES = """
CREATE INDEX entities_by_lei ON entities (lei);
CREATE INDEX names_by_key ON names (key, lei);
CREATE INDEX relationships_by_start ON relationships (start);
CREATE INDEX relationships_by_finish ON relationships (finish, type);
CREATE INDEX exceptions_by_lei ON exceptions (lei);
"""
_CACHE_KB = 64 * 1024
MOST_NAMESAKES = 200
"""Entities of one name that are read; the commonest name of the register is borne by fewer."""

MOST_COMPLAINTS = 5
BAD_SHARE = 0.01
"""A file of which more than this part cannot be read is refused: it is of another format, or damaged."""


class Source(Record):
    """A file that went into the register: what it holds, as of when, and how much of it could be read."""

    kind: Kind
    name: str
    as_of: str
    rows: int
    refused: int
    delta: bool = False


class Loaded(Record):
    """What a load did. `complaints` tells the first rows that could not be read."""

    sources: tuple[Source, ...]
    kept: tuple[Source, ...]
    complaints: tuple[str, ...]


Progress = Callable[[str, int, float], None]
"""Called with a file's name, rows so far, and the share of it that was read, 0 to 1."""


def load_register(
    path: Path,
    files: Sequence[Path],
    *,
    progress: Progress | None = None,
    may_shrink: bool = False,
    workers: int = 1,
) -> Loaded:
    """Build the register at `path` anew from `files`, and put it in the place of the old one at once.

    What no file is given for is kept from the old one, and a file of changes is laid over it.
    With more than one of `workers`, records are read in as many processes beside this one, which start as the caller's
    main module does: it must do nothing when it is imported.
    Raises `InputError` for a file that cannot be read, and for one with less than half of the records that it would
    replace unless it `may_shrink`; then nothing is changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    try:
        connection = sqlite3.connect(new, isolation_level=None)
        try:
            loaded = _built(connection, path, files, progress, may_shrink=may_shrink, workers=workers)
        finally:
            connection.close()
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.replace(path)
    except sqlite3.Error as error:
        raise StorageFault(f"cannot write `{path}`: {error}") from error
    finally:
        new.unlink(missing_ok=True)
    return loaded


def _built(
    connection: sqlite3.Connection,
    path: Path,
    files: Sequence[Path],
    progress: Progress | None,
    *,
    may_shrink: bool,
    workers: int,
) -> Loaded:
    # No journal: until the file is whole nobody sees it, and what is not whole is thrown away.
    for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KB}", "locking_mode = EXCLUSIVE"):
        connection.execute(f"PRAGMA {pragma}")
    connection.executescript(_TABLES)
    connection.execute("BEGIN")
    complaints: list[str] = []
    sources = [_load_file(connection, file, complaints, progress, workers) for file in files]
    before = register_sources(path) if path.exists() else ()
    if not may_shrink:
        _require_no_shrinking(before, sources)
    kept = _keep(connection, path, before, sources)
    if not kept and all(source.delta for source in sources):
        complaints.append("only files of changes were given, and there was no register to lay them over")
    described = {"schema": SCHEMA_VERSION, "sources": msgspec.to_builtins([*sources, *kept])}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", [(k, json.dumps(v)) for k, v in described.items()])
    connection.execute("COMMIT")
    connection.executescript(_INDEXES)
    return Loaded(sources=tuple(sources), kept=tuple(kept), complaints=tuple(complaints[: MOST_COMPLAINTS + 1]))


def _load_file(
    connection: sqlite3.Connection, file: Path, complaints: list[str], progress: Progress | None, workers: int
) -> Source:
    """Write the rows of one file. Raises `InputError` naming the file."""
    good = bad = 0
    kinds: set[Kind] = set()
    size = max(1, file.stat().st_size)
    try:
        with file.open("rb") as opened:
            delta = holds_changes(opened, file.name)
            for rows in rows_of_all(read_runs(opened), workers):
                few = rows.refused[: max(0, MOST_COMPLAINTS - len(complaints))]
                complaints.extend(f"`{file.name}`: record {good + bad + at + 1:,}: {why}" for at, why in few)
                good, bad, kinds = good + rows.good, bad + len(rows.refused), kinds | rows.kinds
                _write(connection, rows)
                if progress is not None:
                    progress(file.name, good, min(opened.tell() / size, 1.0))
    except InputError as error:
        raise InputError(f"`{file}`: {error}") from error
    if not good:
        raise InputError(f"`{file}` holds no record of the LEI register")
    if bad > max(1, BAD_SHARE * (good + bad)):
        raise InputError(f"`{file}`: {bad} of {good + bad} records cannot be read; {'; '.join(complaints[:1])}")
    if len(kinds) > 1:
        raise InputError(f"`{file}` mixes {' and '.join(sorted(kinds))}; a published file holds one kind")
    modified = datetime.fromtimestamp(file.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Source(
        kind=kinds.pop(),
        name=file.name,
        as_of=moment_of(file.name) or modified,
        rows=good,
        refused=bad,
        delta=delta,
    )


def _write(connection: sqlite3.Connection, rows: Rows) -> None:
    connection.executemany("INSERT INTO entities VALUES (?, ?)", rows.entities)
    connection.executemany("INSERT INTO names VALUES (?, ?)", rows.names)
    connection.executemany("INSERT INTO relationships VALUES (?, ?, ?, ?)", rows.relationships)
    connection.executemany("INSERT INTO exceptions VALUES (?, ?)", rows.exceptions)


_OF_KIND = {
    Kind.LEVEL1: (
        "INSERT INTO entities SELECT * FROM old.entities WHERE lei NOT IN (SELECT lei FROM entities)",
        "INSERT INTO names SELECT * FROM old.names WHERE lei NOT IN (SELECT lei FROM main.given)",
    ),
    Kind.RELATIONSHIPS: (
        "INSERT INTO relationships SELECT * FROM old.relationships"
        " WHERE (start, type) NOT IN (SELECT start, type FROM relationships)",
    ),
    Kind.EXCEPTIONS: (
        "INSERT INTO exceptions SELECT * FROM old.exceptions WHERE lei NOT IN (SELECT lei FROM exceptions)",
    ),
}


def _require_no_shrinking(before: Sequence[Source], sources: Sequence[Source]) -> None:
    """Raise `InputError` for a whole file with less than half of the records that are there of its kind."""
    for source in sources:
        held = max((each.rows for each in before if each.kind is source.kind and not each.delta), default=0)
        if not source.delta and source.rows * 2 < held:
            raise InputError(
                f"`{source.name}` has {source.rows} records where {held} are held: if it holds only changes, its name"
                " must say `delta`; if so many are really gone, give `--accept-shrink`"
            )


def _keep(
    connection: sqlite3.Connection, path: Path, before: Sequence[Source], sources: Sequence[Source]
) -> list[Source]:
    """Copy from the old register what no whole file replaces."""
    whole = {source.kind for source in sources if not source.delta}
    before = [source for source in before if source.kind not in whole]
    if not before:
        return []
    connection.execute("COMMIT")
    connection.execute("ATTACH ? AS old", (str(path),))
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE main.given AS SELECT lei FROM entities")
    for kind in dict.fromkeys(source.kind for source in before):
        for statement in _OF_KIND[kind]:
            connection.execute(statement)
    connection.execute("DROP TABLE main.given")
    connection.execute("COMMIT")
    connection.execute("DETACH old")
    connection.execute("BEGIN")
    return before


def register_sources(path: Path) -> tuple[Source, ...]:
    """Return the files that the register at `path` was made of. Raises `StorageFault` if it is none."""
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            rows = dict(connection.execute("SELECT name, value FROM meta"))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StorageFault(f"`{path}` is no LEI register: {error}; build it with `kyc-gate owners pull`") from error
    if json.loads(rows.get("schema", "0")) != SCHEMA_VERSION:
        raise StorageFault(f"`{path}` is of another version; build it anew with `kyc-gate owners pull`")
    return tuple(msgspec.convert(each, Source) for each in json.loads(rows["sources"]))


class GleifRegister:
    """The register at a path, read only. Safe to share between threads; a new file is taken up when it is there."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._seen: tuple[int, int] | None = None
        self._sources: tuple[Source, ...] = ()
        with self._lock:
            self._open()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files that it was made of."""
        return self._sources

    @property
    def as_of(self) -> str | None:
        """The moment that the level-1 data are of; the latest where changes were laid over."""
        return max((source.as_of for source in self._sources if source.kind is Kind.LEVEL1), default=None)

    @property
    def version(self) -> str:
        """What tells one content from another: the moment and size of each file in it."""
        with self._lock:
            self._open()
            return " ".join(f"{each.kind}@{each.as_of}+{each.rows}" for each in self._sources)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def entity(self, lei: str) -> Entity | None:
        """Return the record of an LEI: the one updated last where it is there twice."""
        rows = self._rows("SELECT record FROM entities WHERE lei = ?", lei)
        found = [msgspec.msgpack.decode(record, type=Entity) for (record,) in rows]
        return max(found, key=lambda each: each.updated or "", default=None)

    def named(self, name: str) -> tuple[Entity, ...]:
        """Return every entity that bears the name, exactly after folding, records that say nothing left out."""
        key = name_key(name)
        rows = self._rows("SELECT DISTINCT lei FROM names WHERE key = ? LIMIT ?", key, MOST_NAMESAKES) if key else []
        found = (self.entity(lei) for (lei,) in rows)
        return tuple(each for each in found if each is not None and not each.void)

    def above(self, lei: str) -> tuple[Relationship, ...]:
        """Return the relationships that lead upwards from an entity, ended ones included, in a fixed order."""
        rows = self._rows("SELECT record FROM relationships WHERE start = ? ORDER BY type, finish", lei)
        return tuple(msgspec.msgpack.decode(record, type=Relationship) for (record,) in rows)

    def exceptions(self, lei: str) -> tuple[ReportingException, ...]:
        """Return why the entity reports no parent."""
        rows = self._rows("SELECT record FROM exceptions WHERE lei = ?", lei)
        found = {msgspec.msgpack.decode(record, type=ReportingException) for (record,) in rows}
        return tuple(sorted(found, key=lambda each: (each.category, each.reasons)))

    def children(self, lei: str) -> int:
        """Return how many entities report this one as their direct parent."""
        query = (
            "SELECT COUNT(DISTINCT start) FROM relationships WHERE finish = ? AND type = 'IS_DIRECTLY_CONSOLIDATED_BY'"
        )
        return int(self._rows(query, lei)[0][0])

    # A row is whatever the query selects.
    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            try:
                self._open()
                if self._connection is None:
                    raise StorageFault(f"`{self._path}` is closed")
                return self._connection.execute(query, values).fetchall()
            except (sqlite3.Error, OSError) as error:
                raise StorageFault(f"cannot read the LEI register `{self._path}`: {error}") from error

    def _open(self) -> None:
        """Open the file, anew if another one stands in its place."""
        try:
            status = self._path.stat()
        except OSError as error:
            raise StorageFault(
                f"there is no LEI register `{self._path}`; build it with `kyc-gate owners pull`"
            ) from error
        seen = (status.st_ino, status.st_mtime_ns)
        if seen == self._seen and self._connection is not None:
            return
        sources = register_sources(self._path)
        if self._connection is not None:
            self._connection.close()
        # Nobody writes to a file that is in place, so that no lock is needed.
        self._connection = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode=ro&immutable=1",
            uri=True,
            check_same_thread=False,
            isolation_level=None,
        )
        self._seen, self._sources = seen, sources
