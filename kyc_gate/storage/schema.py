"""The tables, as numbered migrations. A migration that was shipped is never changed; the next one follows it."""

from __future__ import annotations

import sqlite3

from kyc_gate.errors import StorageFault

_FIRST = """
CREATE TABLE parties (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE accounts (
    provider TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (provider, id)
) WITHOUT ROWID;

CREATE TABLE learned (
    provider TEXT NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (provider, account, kind, id)
) WITHOUT ROWID;

CREATE TABLE records (
    position INTEGER PRIMARY KEY,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    decision_id TEXT,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX records_by_decision ON records (decision_id) WHERE decision_id IS NOT NULL;
CREATE TRIGGER records_are_not_changed BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;
CREATE TRIGGER records_are_not_dropped BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'audit records are never dropped'); END;

-- Amounts are whole units of 10**12 operations. `counts` says whether a hold bears on usage.
CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    control_group TEXT NOT NULL,
    party_id TEXT NOT NULL,
    likely INTEGER NOT NULL CHECK (typeof(likely) = 'integer' AND likely >= 0),
    high INTEGER NOT NULL CHECK (typeof(high) = 'integer' AND high >= 0),
    day INTEGER NOT NULL,
    held_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('held', 'settled', 'released', 'expired'))
) WITHOUT ROWID;
CREATE INDEX holds_by_key ON holds (account, key, held_at);
CREATE INDEX holds_that_count ON holds (control_group, account, day) WHERE state IN ('held', 'settled');

-- What the counting holds add up to, a row for each control group and day, so that usage is read in O(days).
-- An amount that no longer fits 64 bits would become a REAL: the check refuses it.
CREATE TABLE usage_by_day (
    control_group TEXT NOT NULL,
    day INTEGER NOT NULL,
    likely INTEGER NOT NULL CHECK (typeof(likely) = 'integer' AND likely >= 0),
    high INTEGER NOT NULL CHECK (typeof(high) = 'integer' AND high >= 0),
    PRIMARY KEY (control_group, day)
) WITHOUT ROWID;
-- The last day on which an account has a hold that counts.
CREATE TABLE usage_by_account (
    control_group TEXT NOT NULL, account TEXT NOT NULL, last_day INTEGER NOT NULL,
    PRIMARY KEY (control_group, account)
) WITHOUT ROWID;

-- INVARIANT: the sums equal the counting holds, whoever writes; so the tables keep them, not the callers.
CREATE TRIGGER hold_taken AFTER INSERT ON holds WHEN NEW.state IN ('held', 'settled')
BEGIN
    INSERT OR IGNORE INTO usage_by_day VALUES (NEW.control_group, NEW.day, 0, 0);
    UPDATE usage_by_day SET likely = likely + NEW.likely, high = high + NEW.high
        WHERE control_group = NEW.control_group AND day = NEW.day;
    INSERT OR IGNORE INTO usage_by_account VALUES (NEW.control_group, NEW.account, NEW.day);
    UPDATE usage_by_account SET last_day = NEW.day
        WHERE control_group = NEW.control_group AND account = NEW.account AND last_day < NEW.day;
END;
CREATE TRIGGER hold_changed AFTER UPDATE OF state, likely, high, control_group ON holds
WHEN (OLD.state IN ('held', 'settled')) <> (NEW.state IN ('held', 'settled'))
    OR OLD.likely <> NEW.likely OR OLD.high <> NEW.high OR OLD.control_group <> NEW.control_group
BEGIN
    UPDATE usage_by_day SET likely = likely - OLD.likely, high = high - OLD.high
        WHERE OLD.state IN ('held', 'settled') AND control_group = OLD.control_group AND day = OLD.day;
    INSERT OR IGNORE INTO usage_by_day SELECT NEW.control_group, NEW.day, 0, 0
        WHERE NEW.state IN ('held', 'settled');
    UPDATE usage_by_day SET likely = likely + NEW.likely, high = high + NEW.high
        WHERE NEW.state IN ('held', 'settled') AND control_group = NEW.control_group AND day = NEW.day;
    DELETE FROM usage_by_account WHERE control_group = OLD.control_group AND account = OLD.account;
    INSERT INTO usage_by_account
        SELECT OLD.control_group, OLD.account, MAX(day) FROM holds
        WHERE control_group = OLD.control_group AND account = OLD.account AND state IN ('held', 'settled')
        HAVING MAX(day) IS NOT NULL;
    INSERT OR IGNORE INTO usage_by_account SELECT NEW.control_group, NEW.account, NEW.day
        WHERE NEW.state IN ('held', 'settled');
    UPDATE usage_by_account SET last_day = NEW.day
        WHERE NEW.state IN ('held', 'settled')
        AND control_group = NEW.control_group AND account = NEW.account AND last_day < NEW.day;
END;
CREATE TRIGGER holds_are_not_dropped BEFORE DELETE ON holds
BEGIN SELECT RAISE(ABORT, 'holds are released, never dropped'); END;

CREATE TABLE cases (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('open', 'approved', 'rejected')),
    fingerprint TEXT NOT NULL,
    control_group TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE UNIQUE INDEX cases_open ON cases (fingerprint, control_group) WHERE state = 'open';
CREATE INDEX cases_by_state ON cases (state, number);

-- `budget` is a decimal of forty digits with leading zeros, so that text compares as the exact number.
CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    control_group TEXT NOT NULL,
    uses_left INTEGER NOT NULL CHECK (uses_left IN (0, 1)),
    revoked INTEGER NOT NULL CHECK (revoked IN (0, 1)),
    expires_at INTEGER NOT NULL,
    budget TEXT NOT NULL CHECK (length(budget) = 40),
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX grants_by_fingerprint ON grants (fingerprint, control_group, expires_at) WHERE uses_left > 0;

CREATE TABLE heartbeat (id INTEGER PRIMARY KEY CHECK (id = 1), beats INTEGER NOT NULL);
INSERT INTO heartbeat VALUES (1, 0);
"""

MIGRATIONS = (_FIRST,)
"""Migration number n brings a file of schema n - 1 to schema n."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file's schema up to date, one transaction for each step.

    Raises `StorageFault` for a file of a newer schema, and for a step that fails: that step leaves nothing behind.
    """
    while (found := _schema(connection)) < len(MIGRATIONS):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _schema(connection) == found:  # another process may have taken the step in the meantime
                for statement in _statements(MIGRATIONS[found]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {found + 1}")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise StorageFault(f"schema step {found + 1} failed: {error}") from error
    if found > len(MIGRATIONS):
        raise StorageFault(
            f"the store has schema {found}, and this release knows {len(MIGRATIONS)}; run the release that wrote it"
        )


def _schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> list[str]:
    """Return the statements of a script; `executescript` would commit before the first of them."""
    found, text = [], ""
    for piece in script.split(";"):
        text += piece + ";"
        if sqlite3.complete_statement(text):
            found.append(text)
            text = ""
    return found
