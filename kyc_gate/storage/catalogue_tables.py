"""The tables of the catalogue: cards of decisions, and the words of parties. All of it can be drawn anew."""

from __future__ import annotations


def catalogue_tables(*, integer: str, without_rowid: str, bytewise: str, party_in: str) -> str:
    """Return the statements for an engine, in its words for a whole number and for a text that compares by bytes.

    `party_in` gives the party in an account's document.
    """
    return f"""
-- What decisions are found by, drawn from the records up to the mark. What tells of people goes with the sealed parts.
CREATE TABLE decision_cards (
    position {integer} PRIMARY KEY, id TEXT NOT NULL, at {integer} NOT NULL, kind TEXT NOT NULL, outcome TEXT NOT NULL,
    acted TEXT NOT NULL, provider TEXT, account TEXT, party_id TEXT, operation TEXT, rules TEXT NOT NULL,
    counting TEXT NOT NULL, erased {integer} NOT NULL CHECK (erased IN (0, 1))
);
CREATE INDEX decision_cards_by_time ON decision_cards (at, position);
CREATE INDEX decision_cards_by_account ON decision_cards (account, at, position);
CREATE INDEX decision_cards_by_party ON decision_cards (party_id, at, position);
CREATE INDEX decision_cards_by_operation ON decision_cards (operation, at, position);
CREATE INDEX decision_cards_by_provider ON decision_cards (provider, at, position);
CREATE INDEX decision_cards_by_outcome ON decision_cards (outcome, at, position);
CREATE TABLE decision_rules (
    rule TEXT NOT NULL, at {integer} NOT NULL, position {integer} NOT NULL,
    counts {integer} NOT NULL CHECK (counts IN (0, 1)),
    PRIMARY KEY (rule, at, position)
){without_rowid};
CREATE TABLE decision_mark (id {integer} PRIMARY KEY CHECK (id = 1), position {integer} NOT NULL);
INSERT INTO decision_mark VALUES (1, 0);

-- The words that a party is found by. `worded` says that they are those of the document as it stands.
ALTER TABLE parties ADD COLUMN worded INTEGER NOT NULL DEFAULT 0;
CREATE INDEX parties_unworded ON parties (id) WHERE worded = 0;
CREATE TABLE party_words (
    word TEXT{bytewise} NOT NULL, party_id TEXT NOT NULL, PRIMARY KEY (word, party_id)
){without_rowid};
CREATE INDEX party_words_by_party ON party_words (party_id, word);

ALTER TABLE accounts ADD COLUMN party_id TEXT NOT NULL DEFAULT '';
UPDATE accounts SET party_id = COALESCE({party_in}, '');
CREATE INDEX accounts_by_party ON accounts (party_id, provider, id);
"""


SQLITE = catalogue_tables(
    integer="INTEGER", without_rowid=" WITHOUT ROWID", bytewise="", party_in="json_extract(document, '$.party_id')"
)
# Not as JSON: a text with half a pair of surrogates is none to PostgreSQL. An id with an escape waits to be saved anew.
POSTGRES = catalogue_tables(
    integer="BIGINT",
    without_rowid="",
    bytewise=' COLLATE "C"',
    party_in="""substring(document from '"party_id":"([^"\\\\]*)"')""",
)
