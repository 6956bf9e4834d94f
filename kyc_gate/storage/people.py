"""People, sessions and keys as rows. Callers hold the transaction. No password, token or secret is ever in a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kyc_gate.audit.record import body_of
from kyc_gate.errors import InputError
from kyc_gate.model.access import Key, Person, Session
from kyc_gate.storage.chain_log import append_record
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import CONTRADICTIONS, Connection
from kyc_gate.storage.timestamps import micros


def save_person(connection: Connection, person: Person, *, step: Mapping[str, Any] | None = None) -> None:
    """Write a person over the one on file, and `step` into the chain. Raises `InputError` for a subject of another."""
    try:
        connection.execute(
            "INSERT INTO people (id, subject, document) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " subject = excluded.subject, document = excluded.document",
            (person.id, person.subject, written(person)),
        )
    except CONTRADICTIONS as error:
        raise InputError(f"`subject` of `{person.id}` is another person's already") from error
    _record(connection, step)


def person_of(connection: Connection, id: str) -> Person | None:
    """Return the person with an id."""
    row = connection.execute("SELECT document FROM people WHERE id = ?", (id,)).fetchone()
    return read(row[0], Person) if row else None


def person_by_subject(connection: Connection, subject: str) -> Person | None:
    """Return the person whom the identity provider knows as `subject`."""
    row = connection.execute("SELECT document FROM people WHERE subject = ?", (subject,)).fetchone()
    return read(row[0], Person) if row else None


def everybody(connection: Connection) -> tuple[Person, ...]:
    """Return everybody on file, by id."""
    rows = connection.execute("SELECT document FROM people ORDER BY id")
    return tuple(read(document, Person) for (document,) in rows)


def save_session(connection: Connection, session: Session) -> None:
    """Write a session over the one with its digest, and drop those that ended."""
    connection.execute("DELETE FROM sessions WHERE expires_at < ?", (micros(session.at),))
    connection.execute(
        "INSERT INTO sessions (digest, person, expires_at, document) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (digest) DO UPDATE SET document = excluded.document",
        (session.digest, session.person, micros(session.expires_at), written(session)),
    )


def session_of(connection: Connection, digest: str) -> Session | None:
    """Return the session whose token has this digest."""
    row = connection.execute("SELECT document FROM sessions WHERE digest = ?", (digest,)).fetchone()
    return read(row[0], Session) if row else None


def end_sessions(connection: Connection, *, digest: str | None = None, person: str | None = None) -> None:
    """Drop a session, or every session of a person."""
    connection.execute("DELETE FROM sessions WHERE digest = ? OR person = ?", (digest or "", person or ""))


def save_key(connection: Connection, key: Key, *, step: Mapping[str, Any] | None = None) -> None:
    """Write a key over the one on file, and `step` into the chain."""
    connection.execute(
        "INSERT INTO keys (digest, id, document) VALUES (?, ?, ?) ON CONFLICT (digest) DO UPDATE SET"
        " document = excluded.document",
        (key.digest, key.id, written(key)),
    )
    _record(connection, step)


def key_of(connection: Connection, digest: str) -> Key | None:
    """Return the key whose secret has this digest."""
    row = connection.execute("SELECT document FROM keys WHERE digest = ?", (digest,)).fetchone()
    return read(row[0], Key) if row else None


def keys(connection: Connection) -> tuple[Key, ...]:
    """Return every key, the newest first."""
    rows = connection.execute("SELECT document FROM keys")
    found: list[Key] = [read(document, Key) for (document,) in rows]
    return tuple(sorted(found, key=lambda key: (key.at, key.id), reverse=True))


def _record(connection: Connection, step: Mapping[str, Any] | None) -> None:
    if step is not None:
        append_record(connection, body_of(step))
