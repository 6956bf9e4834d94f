"""Customers' signing keys, and signatures that were used, as rows. Callers hold the transaction.

A secret is in a row only encrypted, and the key to it is no part of the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from kyc_gate.audit.seal import seal
from kyc_gate.errors import InputError
from kyc_gate.model.signing_key import SigningKey
from kyc_gate.storage.chain_log import append_record
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import CONTRADICTIONS, Connection
from kyc_gate.storage.timestamps import micros


def tables(integer: str, without_rowid: str) -> str:
    """Return the statements that make the tables, in an engine's words."""
    return f"""
CREATE TABLE signing_keys (id TEXT PRIMARY KEY, document TEXT NOT NULL){without_rowid};
CREATE TABLE used_signatures (signature TEXT PRIMARY KEY, until {integer} NOT NULL){without_rowid};
CREATE INDEX used_signatures_by_end ON used_signatures (until);
"""


def add_signing_key(connection: Connection, key: SigningKey, *, step: Mapping[str, Any]) -> None:
    """Write a new key, and `step` into the chain. Raises `InputError` for an id that is taken."""
    try:
        connection.execute("INSERT INTO signing_keys (id, document) VALUES (?, ?)", (key.id, written(key)))
    except CONTRADICTIONS as error:
        raise InputError(f"the key `{key.id}` is there already") from error
    append_record(connection, seal(step))


def change_signing_key(
    connection: Connection,
    id: str,
    change: Callable[[SigningKey], SigningKey],
    step: Callable[[SigningKey], Mapping[str, Any]],
) -> SigningKey | None:
    """Change the key as it stands now, and return it; None where there is none. What changes nothing writes nothing."""
    key = signing_key_of(connection, id)
    if key is None or (changed := change(key)) == key:
        return key
    connection.execute("UPDATE signing_keys SET document = ? WHERE id = ?", (written(changed), id))
    append_record(connection, seal(step(changed)))
    return changed


def signing_key_of(connection: Connection, id: str) -> SigningKey | None:
    """Return the key with an id."""
    row = connection.execute("SELECT document FROM signing_keys WHERE id = ?", (id,)).fetchone()
    return read(row[0], SigningKey) if row else None


def signing_keys(connection: Connection) -> tuple[SigningKey, ...]:
    """Return every key, the newest first."""
    rows = connection.execute("SELECT document FROM signing_keys")
    found: list[SigningKey] = [read(document, SigningKey) for (document,) in rows]
    return tuple(sorted(found, key=lambda key: (key.at, key.id), reverse=True))


def use_signature(connection: Connection, signature: str, at: datetime, until: datetime) -> bool:
    """Note that a signature is used, and return whether it was not before; drop those that nobody takes any more."""
    connection.execute("DELETE FROM used_signatures WHERE until < ?", (micros(at),))
    row = connection.execute("SELECT 1 FROM used_signatures WHERE signature = ?", (signature,)).fetchone()
    if row is None:
        connection.execute("INSERT INTO used_signatures (signature, until) VALUES (?, ?)", (signature, micros(until)))
    return row is None


def free_signature(connection: Connection, signature: str) -> None:
    """Let a signature be used again: what it was used for did not happen."""
    connection.execute("DELETE FROM used_signatures WHERE signature = ?", (signature,))
