"""The words that parties are found by, as rows. Callers hold the transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from kyc_gate.errors import InputError
from kyc_gate.model.catalogue import PartyPage, PartyQuery
from kyc_gate.model.party import Party
from kyc_gate.storage.documents import read
from kyc_gate.storage.rows import Connection

AT_ONCE = 100
"""Parties that get their words in one turn."""

SEARCHED_AT_ONCE = 500
MOST_SEARCHED = 5_000
"""Words that one search looks at, at most."""

COUNTED = 1_000
"""Up to how many words are counted, to choose the term that fewest parties have."""

_LAST = "\U0010ffff"
"""Follows every word that begins alike."""

COUNTRY = "@"
"""Begins the word of a country; no word of a name begins so."""

Waiting = list[tuple[str, str]]
"""Ids of parties with the documents that their words are to be drawn from."""


_SOME_WORD = "EXISTS (SELECT 1 FROM party_words w WHERE w.party_id = d.party_id AND"


def unworded(connection: Connection) -> Waiting:
    """Return the next parties whose words are not those of their document."""
    rows = connection.execute("SELECT id, document FROM parties WHERE worded = 0 ORDER BY id LIMIT ?", (AT_ONCE,))
    return [(str(id), str(document)) for id, document in rows]


def save_words(connection: Connection, waiting: Waiting, words: Mapping[str, Sequence[str]]) -> None:
    """Write the words of parties, in the place of those from before. A party that changed meanwhile waits again."""
    for id, document in waiting:
        same = connection.execute(
            "UPDATE parties SET worded = 1 WHERE id = ? AND document = ? AND worded = 0", (id, document)
        )
        if same.rowcount != 1:
            continue
        connection.execute("DELETE FROM party_words WHERE party_id = ?", (id,))
        connection.executemany(
            "INSERT INTO party_words (word, party_id) VALUES (?, ?)", [(word, id) for word in dict.fromkeys(words[id])]
        )


def count_unworded(connection: Connection) -> int:
    """Return how many parties cannot be found by their words yet."""
    return int(connection.execute("SELECT COUNT(*) FROM parties WHERE worded = 0").fetchone()[0])


def parties_found(connection: Connection, query: PartyQuery) -> PartyPage:
    """Return a page of what `query` asks for. Raises `InputError` for an `after` that is none.

    Without a term or a country they come by id; else along the term that fewest parties have. It stops after
    `MOST_SEARCHED` words.
    """
    begun = (*query.terms, *((f"{COUNTRY}{query.country}",) if query.country is not None else ()))
    ranges = [(beginning, beginning + _LAST) for beginning in begun]
    waiting = count_unworded(connection)
    if not ranges:
        return _by_id(connection, query, waiting)
    ranges.sort(key=lambda bounds: _counted(connection, bounds))
    narrow, *others = ranges
    last = _place(query.after)
    found: list[Party] = []
    looked = 0
    while True:
        page = _walk(connection, narrow, others, last)
        for word, id, document in page:
            looked += 1
            if document is not None and id not in query.not_of:
                if len(found) == query.limit:
                    return PartyPage(found=tuple(found), after=_told(last), behind=waiting)
                found.append(read(document, Party))
            last = (word, id)
        if len(page) < SEARCHED_AT_ONCE:
            return PartyPage(found=tuple(found), behind=waiting)
        if looked >= MOST_SEARCHED:
            return PartyPage(found=tuple(found), after=_told(last), stopped=True, behind=waiting)


def _by_id(connection: Connection, query: PartyQuery, waiting: int) -> PartyPage:
    after = _place(query.after)
    rows = connection.execute(
        "SELECT id, document FROM parties WHERE id > ? ORDER BY id LIMIT ?",
        (after[1] if after else "", query.limit + 1 + len(query.not_of)),
    ).fetchall()
    seen = [(str(id), document) for id, document in rows if id not in query.not_of]
    shown = seen[: query.limit]
    more = len(seen) > query.limit
    return PartyPage(
        found=tuple(read(document, Party) for _, document in shown),
        after=_told(("", shown[-1][0])) if more else None,
        behind=waiting,
    )


def _counted(connection: Connection, bounds: tuple[str, str]) -> int:
    row = connection.execute(
        "SELECT COUNT(*) FROM (SELECT 1 FROM party_words WHERE word >= ? AND word < ? LIMIT ?) AS begun",
        (*bounds, COUNTED),
    ).fetchone()
    return int(row[0])


def _walk(
    connection: Connection,
    narrow: tuple[str, str],
    others: Sequence[tuple[str, str]],
    last: tuple[str, str] | None,
) -> list[tuple[str, str, str | None]]:
    """Return the next words in a range with their parties, and the documents of those that all other ranges have too.

    A party is given at its first word in the range.
    """
    values: dict[str, object] = {"low": narrow[0], "high": narrow[1], "most": SEARCHED_AT_ONCE}
    where = ["word >= :low", "word < :high"]
    if last is not None:
        where.append("(word, party_id) > (:word, :party)")
        values |= {"word": last[0], "party": last[1]}
    has = [f"NOT {_SOME_WORD} w.word >= :low AND w.word < d.word)"]
    for number, (low, high) in enumerate(others):
        names = f"low_{'x' * number}", f"high_{'x' * number}"
        has.append(f"{_SOME_WORD} w.word >= :{names[0]} AND w.word < :{names[1]})")
        values |= {names[0]: low, names[1]: high}
    begun = f"SELECT word, party_id FROM party_words WHERE {' AND '.join(where)} ORDER BY word, party_id LIMIT :most"
    rows = connection.execute(
        f"SELECT d.word, d.party_id, parties.document FROM ({begun}) AS d"
        f" LEFT JOIN parties ON parties.id = d.party_id AND {' AND '.join(has)} ORDER BY d.word, d.party_id",
        values,
    )
    return [(str(word), str(id), document) for word, id, document in rows]


def _told(last: tuple[str, str] | None) -> str | None:
    return None if last is None else json.dumps(last, ensure_ascii=False, separators=(",", ":"))


def _place(after: str | None) -> tuple[str, str] | None:
    """Return the word and the party at which a page ended."""
    if after is None:
        return None
    try:
        found = json.loads(after)
    except ValueError:
        found = None
    match found:
        case [str() as word, str() as id]:
            return word, id
        case _:
            raise InputError(f"`after` is `{after[:40]}`; it is what the page before says")
