"""What the queue of cases is read by: its indexes, the words that cases are found by, and people's saved views."""

from __future__ import annotations


def queue_tables(*, waiting: str, integer: str, plain_order: str, without_rowid: str, words: str) -> str:
    """Return the statements for an engine. `waiting` is how it adds a column that it computes, `words` its split."""
    return f"""
-- Whether nobody has decided the case: one column, so that every engine finds the index of an order.
{waiting}
DROP INDEX cases_by_urgency;
DROP INDEX cases_by_due;
DROP INDEX cases_by_assignee;
DROP INDEX cases_by_end;
CREATE INDEX cases_by_urgency ON cases (severity DESC, due_at, number) WHERE waiting = 1;
CREATE INDEX cases_by_due ON cases (due_at, number) WHERE waiting = 1;
CREATE INDEX cases_not_overdue ON cases (due_at) WHERE waiting = 1 AND overdue = 0;
CREATE INDEX cases_overdue ON cases (severity DESC, due_at, number) WHERE waiting = 1 AND overdue = 1;
CREATE INDEX cases_by_end ON cases (expires_at) WHERE waiting = 1 AND expires_at IS NOT NULL;
CREATE INDEX cases_by_family ON cases (family, severity DESC, due_at, number) WHERE waiting = 1;
CREATE INDEX cases_by_family_due ON cases (family, due_at, number) WHERE waiting = 1;
CREATE INDEX cases_of_assignee ON cases (assignee, severity DESC, due_at, number)
    WHERE waiting = 1 AND assignee IS NOT NULL;
CREATE INDEX cases_of_assignee_due ON cases (assignee, due_at, number) WHERE waiting = 1 AND assignee IS NOT NULL;
CREATE INDEX cases_by_family_newest ON cases (family, number);
CREATE INDEX cases_of_assignee_newest ON cases (assignee, number) WHERE assignee IS NOT NULL;
CREATE INDEX cases_counted ON cases (state, overdue) WHERE waiting = 1;
CREATE INDEX cases_by_state_newest ON cases (state, number);

-- Ids, accounts, parties, operations and rules of a case and of what joined it: a search is for how a word begins.
CREATE TABLE case_words (word TEXT NOT NULL {plain_order}, number {integer} NOT NULL, PRIMARY KEY (word, number))
{without_rowid};
CREATE INDEX case_words_of_case ON case_words (number, word);
{words}

CREATE TABLE saved_views (
    person TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (person, name)
){without_rowid};
"""


_WAITS = "CASE WHEN state IN ('open', 'assigned', 'asked', 'proposed') THEN 1 ELSE 0 END"

SQLITE = queue_tables(
    waiting=f"ALTER TABLE cases ADD COLUMN waiting INTEGER NOT NULL GENERATED ALWAYS AS ({_WAITS}) VIRTUAL;",
    integer="INTEGER",
    plain_order="",
    without_rowid=" WITHOUT ROWID",
    words="""
INSERT OR IGNORE INTO case_words
    WITH RECURSIVE split (number, word, rest) AS (
        SELECT number, '', subject || ' ' FROM cases
        UNION ALL
        SELECT number, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1) FROM split
        WHERE rest <> ''
    )
    SELECT substr(word, 1, 64), number FROM split WHERE word <> ''
    UNION
    SELECT substr(word, instr(word, ':') + 1, 64), number FROM split WHERE instr(word, ':') > 0;
""",
)
POSTGRES = queue_tables(
    waiting=f"ALTER TABLE cases ADD COLUMN waiting INTEGER NOT NULL GENERATED ALWAYS AS ({_WAITS}) STORED;",
    integer="BIGINT",
    plain_order='COLLATE "C"',
    without_rowid="",
    words="""
INSERT INTO case_words
    SELECT substr(word, 1, 64), number
    FROM (SELECT number, unnest(string_to_array(subject, ' ')) AS word FROM cases) AS s WHERE word <> ''
    UNION
    SELECT substr(substr(word, strpos(word, ':') + 1), 1, 64), number
    FROM (SELECT number, unnest(string_to_array(subject, ' ')) AS word FROM cases) AS s WHERE strpos(word, ':') > 0;
""",
)
