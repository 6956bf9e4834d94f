"""Parties, accounts, and the references that traffic taught, as rows. Callers hold the transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from kyc_gate.model.job import Accelerators
from kyc_gate.model.learned import Learned
from kyc_gate.model.party import Account, Party
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import Connection

ANY_PROVIDER = "*"
"""An account on file for this provider stands for the same account id at every provider that has none of its own."""

PARTIES_AT_ONCE = 2_000
"""Parties read in one turn of the reader: some 40 ms where none is known, so that nobody waits long for it."""

KnownParties = dict[str, tuple[bytes, Party]]
"""Parties by id, each with the digest of the row that it was read from."""

ALL = "*"
"""Stands, in the place of an id, for everything of a kind."""

_Lines = tuple[Accelerators, ...]


def save_parties(connection: Connection, parties: Sequence[Party]) -> None:
    """Write parties, over the ones with the same id. Those that changed wait for their words anew."""
    connection.executemany(
        "INSERT INTO parties (id, document) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document,"
        " worded = 0 WHERE parties.document <> excluded.document",
        [(party.id, written(party)) for party in parties],
    )


def save_accounts(connection: Connection, accounts: Sequence[Account]) -> None:
    """Write accounts, over the ones with the same provider and id."""
    connection.executemany(
        "INSERT INTO accounts (provider, id, party_id, document) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (provider, id) DO UPDATE SET party_id = excluded.party_id, document = excluded.document",
        [(account.provider, account.id, account.party_id, written(account)) for account in accounts],
    )


def account_of(connection: Connection, provider: str, account_id: str) -> Account | None:
    """Return the account at the provider, or the one on file for any provider."""
    row = connection.execute(
        "SELECT document FROM accounts WHERE provider IN (?, ?) AND id = ? ORDER BY provider = ? LIMIT 1",
        (provider, ANY_PROVIDER, account_id, ANY_PROVIDER),
    ).fetchone()
    return read(row[0], Account) if row else None


def accounts_of(connection: Connection, party_id: str, limit: int) -> tuple[Account, ...]:
    """Return up to `limit` accounts of a party, in a fixed order."""
    rows = connection.execute(
        "SELECT document FROM accounts WHERE party_id = ? ORDER BY provider, id LIMIT ?", (party_id, limit)
    )
    return tuple(read(document, Account) for (document,) in rows)


def party_of(connection: Connection, party_id: str) -> Party | None:
    """Return the party with an id."""
    row = connection.execute("SELECT document FROM parties WHERE id = ?", (party_id,)).fetchone()
    return read(row[0], Party) if row else None


def parties_after(connection: Connection, after: str, known: KnownParties) -> KnownParties:
    """Return the next `PARTIES_AT_ONCE` parties behind the id `after`, in the order of ids.

    A party whose row is the one in `known` is the same object: only what changed is decoded, 16 microseconds a party.
    """
    rows = connection.execute(
        "SELECT id, document FROM parties WHERE id > ? ORDER BY id LIMIT ?", (after, PARTIES_AT_ONCE)
    )
    return {id: _party_in(document, known.get(id)) for id, document in rows}


def _party_in(document: str, known: tuple[bytes, Party] | None) -> tuple[bytes, Party]:
    seal = hashlib.blake2b(document.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return known if known is not None and known[0] == seal else (seal, read(document, Party))


def tied_accounts(connection: Connection) -> tuple[Account, ...]:
    """Return the accounts that somebody else pays for, or that have an address or a card on file, in a fixed order."""
    rows = connection.execute(
        "SELECT document FROM accounts WHERE document LIKE ? OR document LIKE ? OR document LIKE ?"
        " ORDER BY provider, id",
        ('%"payer_party_id":"%', '%"email":"%', '%"card_token":"%'),
    )
    return tuple(read(document, Account) for (document,) in rows)


def save_references(connection: Connection, provider: str, account: str, learned: Sequence[Learned]) -> None:
    """Write references, over the ones of the same provider, account, kind and id."""
    connection.executemany(
        "INSERT INTO learned (provider, account, kind, id, document) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (provider, account, kind, id) DO UPDATE SET document = excluded.document",
        [(provider, account, each.kind, each.id, written(each.lines)) for each in learned],
    )


def forget_names(
    connection: Connection, provider: str, account: str, names: Sequence[str]
) -> tuple[int, tuple[Learned, ...]]:
    """Let names (`kind:id`, or `kind:*` for all of a kind) stand for nothing, in one account.

    Return the number of this change, higher than that of every change before it, and what the names stood for.
    """
    serial = last_change(connection) + 1
    before = []
    for name in names:
        kind, _, id = name.partition(":")
        lines = None if id == ALL else reference_of(connection, provider, account, kind, id)
        before += [Learned(kind=kind, id=id, lines=lines)] if lines else []
        if id == ALL:
            connection.execute(
                "UPDATE learned SET document = ?, serial = ? WHERE provider = ? AND account = ? AND kind = ?",
                (written(()), serial, provider, account, kind),
            )
        connection.execute(
            "INSERT INTO learned (provider, account, kind, id, document, serial) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (provider, account, kind, id)"
            " DO UPDATE SET document = excluded.document, serial = excluded.serial",
            (provider, account, kind, id, written(()), serial),
        )
    return serial, tuple(before)


def last_change(connection: Connection) -> int:
    """Return the number of the last change of any name; 0 before the first."""
    return int(connection.execute("SELECT COALESCE(MAX(serial), 0) FROM learned").fetchone()[0])


def settle_names(
    connection: Connection,
    provider: str,
    account: str,
    serial: int,
    names: Sequence[str],
    known: Sequence[Learned],
    *,
    blank: bool,
) -> None:
    """Write what is known of the names that no later change than `serial` touched.

    With `blank` the others stand for nothing again: the call with that number may have been carried out last.
    """
    latest = {name for name in names if _serial_of(connection, provider, account, name) == serial}
    for name in names if blank else ():
        kind, _, id = name.partition(":")
        if name not in latest:
            of_all = "" if id == ALL else " AND id = ?"
            connection.execute(
                f"UPDATE learned SET document = ? WHERE provider = ? AND account = ? AND kind = ?{of_all}",
                (written(()), provider, account, kind, *(() if id == ALL else (id,))),
            )
    kept = [each for each in known if f"{each.kind}:{each.id}" in latest]
    save_references(connection, provider, account, kept)


def _serial_of(connection: Connection, provider: str, account: str, name: str) -> int | None:
    kind, _, id = name.partition(":")
    row = connection.execute(
        "SELECT serial FROM learned WHERE provider = ? AND account = ? AND kind = ? AND id = ?",
        (provider, account, kind, id),
    ).fetchone()
    return int(row[0]) if row else None


def owner_of(connection: Connection, provider: str, kind: str, id: str) -> str | None:
    """Return the one account under which a reference was learnt, None where there is none or more than one."""
    rows = connection.execute(
        "SELECT DISTINCT account FROM learned WHERE provider = ? AND kind = ? AND id = ? LIMIT 2", (provider, kind, id)
    ).fetchall()
    return str(rows[0][0]) if len(rows) == 1 else None


def reference_of(connection: Connection, provider: str, account: str, kind: str, id: str) -> _Lines | None:
    """Return what a reference stands for, in the account that taught it."""
    row = connection.execute(
        "SELECT document FROM learned WHERE provider = ? AND account = ? AND kind = ? AND id = ?",
        (provider, account, kind, id),
    ).fetchone()
    return read(row[0], _Lines) if row else None
