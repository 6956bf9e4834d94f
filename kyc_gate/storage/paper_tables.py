"""The tables of what cases hold of people, apart from their histories: it can be erased, and histories never change."""

from __future__ import annotations

from kyc_gate.storage.chain_log import NEVER


def paper_tables(*, integer: str, without_rowid: str) -> str:
    """Return the statements for an engine, in its word for a whole number."""
    return f"""
-- What a step of a case says beside who took it, and when.
CREATE TABLE case_event_parts (number {integer} PRIMARY KEY, document TEXT NOT NULL);
-- Which case keeps which attachment: the same paper is kept once.
CREATE TABLE case_papers (
    case_id TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (case_id, digest)
){without_rowid};
CREATE INDEX case_papers_by_digest ON case_papers (digest);
-- The class of what a case holds, and the second in which it was last touched; {NEVER} for cases of an earlier schema.
ALTER TABLE cases ADD COLUMN retention TEXT NOT NULL DEFAULT 'ofac';
ALTER TABLE cases ADD COLUMN touched_at {integer} NOT NULL DEFAULT {NEVER};
CREATE INDEX cases_by_age ON cases (retention, touched_at);
"""


SQLITE = paper_tables(integer="INTEGER", without_rowid=" WITHOUT ROWID")
POSTGRES = paper_tables(integer="BIGINT", without_rowid="")
