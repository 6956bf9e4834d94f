"""The tables, as numbered migrations. A migration that was shipped is never changed; the next one follows it."""

from __future__ import annotations

import sqlite3

from kyc_gate.errors import StorageFault
from kyc_gate.storage import catalogue_tables, paper_tables, queue_tables, record_tables, signing_keys
from kyc_gate.storage.spans import SPAN_TABLE, SPANS, span_added, span_changed, spans_of_days

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


_COUNTS = "{row}.state IN ('held', 'settled')"

_ADDED = f"""
    INSERT INTO usage_by_day (holder, day, likely, high, turn_likely, turn_high, runs)
        SELECT NEW.holder, NEW.first_day, NEW.first_likely, NEW.first_high, 0, 0, NEW.last_day IS NEW.first_day
            WHERE {_COUNTS.format(row="NEW")}
        UNION ALL
        SELECT NEW.holder, NEW.first_day + 1, 0, 0, NEW.daily_likely, NEW.daily_high, 0
            WHERE {_COUNTS.format(row="NEW")} AND (NEW.daily_likely > 0 OR NEW.daily_high > 0)
        UNION ALL
        SELECT NEW.holder, NEW.last_day, NEW.last_likely, NEW.last_high, -NEW.daily_likely, -NEW.daily_high, 1
            WHERE {_COUNTS.format(row="NEW")} AND NEW.last_day > NEW.first_day
        ON CONFLICT (holder, day) DO UPDATE SET
            likely = likely + excluded.likely, high = high + excluded.high,
            turn_likely = turn_likely + excluded.turn_likely, turn_high = turn_high + excluded.turn_high,
            runs = runs + excluded.runs;
    UPDATE holders SET open_likely = open_likely + NEW.daily_likely, open_high = open_high + NEW.daily_high,
        open_runs = open_runs + 1
        WHERE id = NEW.holder AND NEW.last_day IS NULL AND {_COUNTS.format(row="NEW")};"""

_REMOVED = f"""
    UPDATE usage_by_day SET likely = likely - OLD.first_likely, high = high - OLD.first_high,
        runs = runs - (OLD.last_day IS OLD.first_day)
        WHERE holder = OLD.holder AND day = OLD.first_day AND {_COUNTS.format(row="OLD")};
    UPDATE usage_by_day SET turn_likely = turn_likely - OLD.daily_likely, turn_high = turn_high - OLD.daily_high
        WHERE holder = OLD.holder AND day = OLD.first_day + 1 AND {_COUNTS.format(row="OLD")};
    UPDATE usage_by_day SET likely = likely - OLD.last_likely, high = high - OLD.last_high,
        turn_likely = turn_likely + OLD.daily_likely, turn_high = turn_high + OLD.daily_high, runs = runs - 1
        WHERE holder = OLD.holder AND day = OLD.last_day AND OLD.last_day > OLD.first_day
            AND {_COUNTS.format(row="OLD")};
    UPDATE holders SET open_likely = open_likely - OLD.daily_likely, open_high = open_high - OLD.daily_high,
        open_runs = open_runs - 1
        WHERE id = OLD.holder AND OLD.last_day IS NULL AND {_COUNTS.format(row="OLD")};"""


_SECOND = f"""
DROP TRIGGER hold_taken;
DROP TRIGGER hold_changed;
DROP TABLE usage_by_day;
DROP TABLE usage_by_account;
DROP INDEX holds_that_count;

-- A holder is an account as one party's: what it used moves with it from control group to control group.
-- The open columns are what its runs without an end take a day.
CREATE TABLE holders (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    party_id TEXT NOT NULL,
    control_group TEXT NOT NULL,
    open_likely INTEGER NOT NULL DEFAULT 0 CHECK (typeof(open_likely) = 'integer' AND open_likely >= 0),
    open_high INTEGER NOT NULL DEFAULT 0 CHECK (typeof(open_high) = 'integer' AND open_high >= 0),
    open_runs INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, party_id)
);
CREATE INDEX holders_by_group ON holders (control_group);
INSERT INTO holders (account, party_id, control_group)
    SELECT account, party_id, MAX(control_group) FROM holds GROUP BY account, party_id;

-- A hold is a run in time: seconds since 1970 from which and up to which it runs, operations a second as decimal text,
-- and its spread over days (see spread.py). `ends_at` and `last_day` are NULL while nobody knows the end.
ALTER TABLE holds ADD COLUMN holder INTEGER NOT NULL DEFAULT 0;
ALTER TABLE holds ADD COLUMN decision_id TEXT;
ALTER TABLE holds ADD COLUMN started_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE holds ADD COLUMN ends_at INTEGER;
ALTER TABLE holds ADD COLUMN finished INTEGER NOT NULL DEFAULT 0 CHECK (finished IN (0, 1));
ALTER TABLE holds ADD COLUMN likely_rate TEXT NOT NULL DEFAULT '0';
ALTER TABLE holds ADD COLUMN high_rate TEXT NOT NULL DEFAULT '0';
ALTER TABLE holds ADD COLUMN first_day INTEGER NOT NULL DEFAULT 0;
ALTER TABLE holds ADD COLUMN first_likely INTEGER NOT NULL DEFAULT 0 CHECK (typeof(first_likely) = 'integer');
ALTER TABLE holds ADD COLUMN first_high INTEGER NOT NULL DEFAULT 0 CHECK (typeof(first_high) = 'integer');
ALTER TABLE holds ADD COLUMN daily_likely INTEGER NOT NULL DEFAULT 0 CHECK (typeof(daily_likely) = 'integer');
ALTER TABLE holds ADD COLUMN daily_high INTEGER NOT NULL DEFAULT 0 CHECK (typeof(daily_high) = 'integer');
ALTER TABLE holds ADD COLUMN last_day INTEGER;
ALTER TABLE holds ADD COLUMN last_likely INTEGER NOT NULL DEFAULT 0 CHECK (typeof(last_likely) = 'integer');
ALTER TABLE holds ADD COLUMN last_high INTEGER NOT NULL DEFAULT 0 CHECK (typeof(last_high) = 'integer');
-- What was held before runs had a length counts in full on its day, as one second at that pace.
UPDATE holds SET
    holder = (SELECT id FROM holders WHERE holders.account = holds.account AND holders.party_id = holds.party_id),
    started_at = held_at / 1000000, ends_at = held_at / 1000000 + 1,
    likely_rate = CASE likely WHEN 0 THEN '0' ELSE likely || '000000000000' END,
    high_rate = CASE high WHEN 0 THEN '0' ELSE high || '000000000000' END,
    first_day = day, first_likely = likely, first_high = high, last_day = day;
CREATE INDEX holds_by_holder ON holds (holder, started_at);
CREATE INDEX holds_by_decision ON holds (decision_id) WHERE decision_id IS NOT NULL;
CREATE INDEX holds_open ON holds (id) WHERE last_day IS NULL AND state IN ('held', 'settled');

CREATE INDEX cases_by_fingerprint ON cases (fingerprint, number);

-- The names under which the provider knows what a hold runs.
CREATE TABLE run_references (
    account TEXT NOT NULL, reference TEXT NOT NULL, hold_id TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1)),
    PRIMARY KEY (account, reference, hold_id)
) WITHOUT ROWID;
CREATE INDEX run_references_by_hold ON run_references (hold_id);

-- What the counting runs add up to, a row for each day of a holder on which something begins or ends: what falls on the
-- day itself, and by how much the daily amount turns from that day on. `runs` counts the runs that end on the day.
-- An amount that no longer fits 64 bits would become a REAL: the checks refuse it.
CREATE TABLE usage_by_day (
    holder INTEGER NOT NULL,
    day INTEGER NOT NULL,
    likely INTEGER NOT NULL CHECK (typeof(likely) = 'integer' AND likely >= 0),
    high INTEGER NOT NULL CHECK (typeof(high) = 'integer' AND high >= 0),
    turn_likely INTEGER NOT NULL CHECK (typeof(turn_likely) = 'integer'),
    turn_high INTEGER NOT NULL CHECK (typeof(turn_high) = 'integer'),
    runs INTEGER NOT NULL,
    PRIMARY KEY (holder, day)
) WITHOUT ROWID;
INSERT INTO usage_by_day
    SELECT holder, first_day, SUM(first_likely), SUM(first_high), 0, 0, COUNT(*) FROM holds
    WHERE state IN ('held', 'settled') GROUP BY holder, first_day;

-- INVARIANT: the sums equal the counting holds, whoever writes; so the tables keep them, not the callers.
CREATE TRIGGER hold_taken AFTER INSERT ON holds WHEN NEW.state IN ('held', 'settled')
BEGIN {_ADDED}
END;
CREATE TRIGGER hold_changed AFTER UPDATE ON holds
WHEN (OLD.state IN ('held', 'settled')) <> (NEW.state IN ('held', 'settled'))
    OR OLD.holder <> NEW.holder OR OLD.first_day <> NEW.first_day OR OLD.last_day IS NOT NEW.last_day
    OR OLD.first_likely <> NEW.first_likely OR OLD.first_high <> NEW.first_high
    OR OLD.daily_likely <> NEW.daily_likely OR OLD.daily_high <> NEW.daily_high
    OR OLD.last_likely <> NEW.last_likely OR OLD.last_high <> NEW.last_high
BEGIN {_REMOVED} {_ADDED}
END;
"""

# What requests share: the digest of an image, a checkpoint, a key pair. The value itself is not kept.
_THIRD = """
CREATE TABLE run_links (
    kind TEXT NOT NULL, value TEXT NOT NULL, holder INTEGER NOT NULL,
    first_day INTEGER NOT NULL, last_day INTEGER NOT NULL, runs INTEGER NOT NULL,
    PRIMARY KEY (kind, value, holder)
) WITHOUT ROWID;

-- What was asked for, passed or not, and how much of it just under a line: trying counts.
CREATE TABLE asked_by_day (
    holder INTEGER NOT NULL, day INTEGER NOT NULL,
    runs INTEGER NOT NULL, likely INTEGER NOT NULL, near_runs INTEGER NOT NULL, near_likely INTEGER NOT NULL,
    PRIMARY KEY (holder, day)
) WITHOUT ROWID;
"""

# Runs that said which model they make. They count while their hold does, for the control group that its holder is in.
_FOURTH = """
CREATE TABLE declared_runs (hold_id TEXT PRIMARY KEY, model TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX declared_runs_by_model ON declared_runs (model);
"""

_FIFTH = f"""{SPAN_TABLE.format(integer="INTEGER")} WITHOUT ROWID;
{" ".join(spans_of_days(days) for days in SPANS)}

-- INVARIANT: a span is the sum of its days, whoever writes them.
CREATE TRIGGER day_begun AFTER INSERT ON usage_by_day
BEGIN {" ".join(span_added(days) for days in SPANS)}
END;
CREATE TRIGGER day_changed AFTER UPDATE ON usage_by_day
BEGIN {" ".join(span_changed(days) for days in SPANS)}
END;
CREATE TRIGGER days_are_not_dropped BEFORE DELETE ON usage_by_day
BEGIN SELECT RAISE(ABORT, 'days of usage are never dropped'); END;
"""

# What gates tell each other, see announcements.py.
_SIXTH = """
CREATE TABLE announcements (topic TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL);
-- By which what is older than any window is found.
CREATE INDEX run_links_by_last_day ON run_links (last_day);
CREATE INDEX asked_by_day_by_day ON asked_by_day (day);
"""

# Which policies are active, tried beside them, or rolled out; their bundles; and where a candidate decided otherwise.
_SEVENTH = """
CREATE TABLE policy_states (name TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE policy_bundles (digest TEXT PRIMARY KEY, archive TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE shadow_days (
    candidate TEXT NOT NULL, day TEXT NOT NULL, decided INTEGER NOT NULL, differed INTEGER NOT NULL,
    PRIMARY KEY (candidate, day)
) WITHOUT ROWID;
CREATE TABLE disagreements (
    number INTEGER PRIMARY KEY AUTOINCREMENT, candidate TEXT NOT NULL, document TEXT NOT NULL
);
CREATE INDEX disagreements_by_candidate ON disagreements (candidate, number);
"""

# People: cases by control group and family with what joined them, their history and papers; clearances; access.
_EIGHTH = """
CREATE TABLE cases_of_groups (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL
        CHECK (state IN ('open', 'assigned', 'asked', 'proposed', 'approved', 'rejected', 'expired')),
    control_group TEXT NOT NULL,
    family TEXT NOT NULL,
    party_id TEXT NOT NULL,
    severity INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER,
    assignee TEXT,
    overdue INTEGER NOT NULL DEFAULT 0 CHECK (overdue IN (0, 1)),
    subject TEXT NOT NULL,
    document TEXT NOT NULL
);
INSERT INTO cases_of_groups (number, id, state, control_group, family, party_id, severity, due_at, subject, document)
    SELECT number, id, state, control_group, 'request:' || fingerprint, json_extract(document, '$.party_id'),
        CASE json_extract(document, '$.severity') WHEN 'low' THEN 0 WHEN 'medium' THEN 1 WHEN 'high' THEN 2 ELSE 3 END,
        CAST(strftime('%s', json_extract(document, '$.due_at')) AS INTEGER) * 1000000,
        lower(id || ' ' || control_group || ' ' || json_extract(document, '$.account')), document
    FROM cases;
-- The requests that wait in a case. The document is NULL for a case of an earlier schema: its own says it.
CREATE TABLE case_requests (
    case_id TEXT NOT NULL, fingerprint TEXT NOT NULL, number INTEGER NOT NULL, document TEXT,
    PRIMARY KEY (case_id, fingerprint)
) WITHOUT ROWID;
INSERT INTO case_requests (case_id, fingerprint, number) SELECT id, fingerprint, number FROM cases;
DROP TABLE cases;
ALTER TABLE cases_of_groups RENAME TO cases;
CREATE UNIQUE INDEX cases_waiting ON cases (control_group, family)
    WHERE state IN ('open', 'assigned', 'asked', 'proposed');
CREATE INDEX cases_by_state ON cases (state, severity DESC, due_at, number);
CREATE INDEX cases_by_urgency ON cases (severity DESC, due_at, number)
    WHERE state IN ('open', 'assigned', 'asked', 'proposed');
CREATE INDEX cases_by_due ON cases (due_at) WHERE overdue = 0 AND state IN ('open', 'assigned', 'asked', 'proposed');
CREATE INDEX cases_by_end ON cases (expires_at)
    WHERE expires_at IS NOT NULL AND state IN ('open', 'assigned', 'asked', 'proposed');
CREATE INDEX cases_by_group ON cases (control_group, family, number);
CREATE INDEX cases_by_party ON cases (party_id, number);
CREATE INDEX cases_by_assignee ON cases (assignee, state) WHERE assignee IS NOT NULL;
CREATE INDEX case_requests_by_fingerprint ON case_requests (fingerprint, number);

CREATE TABLE case_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL, document TEXT NOT NULL
);
CREATE INDEX case_events_by_case ON case_events (case_id, number);
CREATE TRIGGER case_events_are_not_changed BEFORE UPDATE ON case_events
BEGIN SELECT RAISE(ABORT, 'the history of a case is never changed'); END;
CREATE TRIGGER case_events_are_not_dropped BEFORE DELETE ON case_events
BEGIN SELECT RAISE(ABORT, 'the history of a case is never dropped'); END;

CREATE TABLE attachments (digest TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE questionnaires (
    id TEXT PRIMARY KEY, case_id TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX questionnaires_by_case ON questionnaires (case_id);

CREATE TABLE grants_of_runs (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    control_group TEXT NOT NULL,
    uses_left INTEGER NOT NULL CHECK (uses_left >= 0),
    revoked INTEGER NOT NULL CHECK (revoked IN (0, 1)),
    expires_at INTEGER NOT NULL,
    budget TEXT NOT NULL CHECK (length(budget) = 40),
    document TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO grants_of_runs
    SELECT id, json_extract(document, '$.case_id'), fingerprint, control_group, uses_left, revoked, expires_at, budget,
        document FROM grants;
DROP TABLE grants;
ALTER TABLE grants_of_runs RENAME TO grants;
CREATE INDEX grants_by_fingerprint ON grants (fingerprint, control_group, expires_at) WHERE uses_left > 0;
CREATE INDEX grants_by_case ON grants (case_id);

CREATE TABLE clearances (
    id TEXT PRIMARY KEY, party_id TEXT NOT NULL, case_id TEXT NOT NULL, expires_at INTEGER NOT NULL,
    ended INTEGER NOT NULL CHECK (ended IN (0, 1)), document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX clearances_standing ON clearances (expires_at) WHERE ended = 0;
CREATE INDEX clearances_by_party ON clearances (party_id);

CREATE TABLE people (id TEXT PRIMARY KEY, subject TEXT UNIQUE, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (
    digest TEXT PRIMARY KEY, person TEXT NOT NULL, expires_at INTEGER NOT NULL, document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_person ON sessions (person);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE TABLE keys (digest TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL) WITHOUT ROWID;
"""

# Keys that customers sign with. Which change of a name was the last, so that gates over one store know (knowledge.py).
_TENTH = (
    signing_keys.tables("INTEGER", " WITHOUT ROWID")
    + """
ALTER TABLE learned ADD COLUMN serial INTEGER NOT NULL DEFAULT 0;
CREATE INDEX learned_by_serial ON learned (serial);
"""
)

MIGRATIONS = (
    _FIRST,
    _SECOND,
    _THIRD,
    _FOURTH,
    _FIFTH,
    _SIXTH,
    _SEVENTH,
    _EIGHTH,
    record_tables.SQLITE,
    _TENTH,
    catalogue_tables.SQLITE,
    queue_tables.SQLITE,
    paper_tables.SQLITE,
)
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
