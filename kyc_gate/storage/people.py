"""People, sessions and keys as rows. Callers hold the transaction. No password, token or secret is ever in a row.

INVARIANT: what is changed is read again inside the transaction. A document that somebody read before is never written
back: it would undo what was done in between, such as closing an account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from kyc_gate.audit.seal import seal
from kyc_gate.errors import InputError
from kyc_gate.model.access import Key, Person, Session
from kyc_gate.storage.chain_log import append_record
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import CONTRADICTIONS, Connection
from kyc_gate.storage.timestamps import micros


def add_person(connection: Connection, person: Person, *, step: Mapping[str, Any]) -> None:
    """Put a person on file, and `step` into the chain. Raises `InputError` for a name or a subject of another."""
    if person_of(connection, person.id) is not None:
        raise InputError(f"`{person.id}` is on file already; names are never given to another person")
    try:
        connection.execute(
            "INSERT INTO people (id, subject, document) VALUES (?, ?, ?)", (person.id, person.subject, written(person))
        )
    except CONTRADICTIONS as error:
        raise InputError(f"`subject` of `{person.id}` is another person's already") from error
    append_record(connection, seal(step))


def change_person(
    connection: Connection,
    id: str,
    change: Callable[[Person], Person],
    *,
    step: Callable[[Person], Mapping[str, Any]] | None = None,
    ends_sessions: bool = False,
) -> Person | None:
    """Change the person as they stand on file now, and return them; None where nobody has the id.

    `change` sees what every step before it left, so that none is undone. What `step` says of the changed person goes
    into the chain. A change that changes nothing writes nothing.
    """
    person = person_of(connection, id)
    if person is None:
        return None
    changed = change(person)
    if changed == person:
        return person
    _put_person(connection, changed)
    if ends_sessions:
        end_sessions(connection, person=id)
    if step is not None:
        append_record(connection, seal(step(changed)))
    return changed


def count_attempt(
    connection: Connection, id: str, at: datetime, may: Callable[[Person], bool]
) -> tuple[Person | None, bool]:
    """Return the person who tries to sign in, and whether they may try; the try counts as a failure until it succeeds.

    So many tries at once are counted one by one, before any of them is answered.
    """
    person = person_of(connection, id)
    if person is None or not may(person):
        return person, False
    tried = replace(person, failures=person.failures + 1, failed_at=at)
    _put_person(connection, tried)
    return tried, True


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


def add_session(connection: Connection, session: Session) -> None:
    """Write a new session, and drop those that ended."""
    connection.execute("DELETE FROM sessions WHERE expires_at < ?", (micros(session.at),))
    connection.execute(
        "INSERT INTO sessions (digest, person, expires_at, document) VALUES (?, ?, ?, ?)",
        (session.digest, session.person, micros(session.expires_at), written(session)),
    )


def extend_session(connection: Connection, digest: str, idle_until: datetime) -> Session | None:
    """Let a session that is still there last until `idle_until`, and return it; one that was ended stays ended."""
    session = session_of(connection, digest)
    if session is None or session.idle_until >= idle_until:
        return session
    session = replace(session, idle_until=idle_until)
    connection.execute("UPDATE sessions SET document = ? WHERE digest = ?", (written(session), digest))
    return session


def session_of(connection: Connection, digest: str) -> Session | None:
    """Return the session whose token has this digest."""
    row = connection.execute("SELECT document FROM sessions WHERE digest = ?", (digest,)).fetchone()
    return read(row[0], Session) if row else None


def end_sessions(connection: Connection, *, digest: str | None = None, person: str | None = None) -> None:
    """Drop a session, or every session of a person."""
    connection.execute("DELETE FROM sessions WHERE digest = ? OR person = ?", (digest or "", person or ""))


def add_key(connection: Connection, key: Key, *, step: Mapping[str, Any]) -> None:
    """Write a new key, and `step` into the chain."""
    connection.execute("INSERT INTO keys (digest, id, document) VALUES (?, ?, ?)", (key.digest, key.id, written(key)))
    append_record(connection, seal(step))


def use_key(connection: Connection, digest: str, at: datetime) -> bool:
    """Note that a key was used, and return whether it is there and was not taken back."""
    key = key_of(connection, digest)
    if key is None or key.revoked_at is not None:
        return False
    _put_key(connection, replace(key, used_at=at))
    return True


def revoke_key(connection: Connection, id: str, at: datetime, step: Callable[[Key], Mapping[str, Any]]) -> Key | None:
    """Take a key back, once, and return it; None where there is none. What `step` says of it goes into the chain."""
    row = connection.execute("SELECT document FROM keys WHERE id = ?", (id,)).fetchone()
    if row is None:
        return None
    key: Key = read(row[0], Key)
    if key.revoked_at is not None:
        return key
    revoked = replace(key, revoked_at=at)
    _put_key(connection, revoked)
    append_record(connection, seal(step(revoked)))
    return revoked


def key_of(connection: Connection, digest: str) -> Key | None:
    """Return the key whose secret has this digest."""
    row = connection.execute("SELECT document FROM keys WHERE digest = ?", (digest,)).fetchone()
    return read(row[0], Key) if row else None


def keys(connection: Connection) -> tuple[Key, ...]:
    """Return every key, the newest first."""
    rows = connection.execute("SELECT document FROM keys")
    found: list[Key] = [read(document, Key) for (document,) in rows]
    return tuple(sorted(found, key=lambda key: (key.at, key.id), reverse=True))


def _put_person(connection: Connection, person: Person) -> None:
    connection.execute("UPDATE people SET document = ? WHERE id = ?", (written(person), person.id))


def _put_key(connection: Connection, key: Key) -> None:
    connection.execute("UPDATE keys SET document = ? WHERE digest = ?", (written(key), key.digest))
