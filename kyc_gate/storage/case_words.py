"""The words that cases are found by. Callers hold the transaction.

A search looks at few rows however many cases there are: a word that many cases have is looked for along the order that
was asked for, which meets one soon, and a rare one gives its few cases at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kyc_gate.storage.rows import Connection

MOST_WORD = 64
"""Characters of a word that are kept and compared."""

MOST_WORDS = 6
"""Words of a search that are looked for; more of them find no less."""

FEW = 1_000
"""Cases that a word may give at once."""


def put_words(connection: Connection, number: int, parts: Iterable[str]) -> None:
    """Have a case found by the words of these ids, accounts and rules from now on, beside those of before."""
    connection.executemany(
        "INSERT INTO case_words (word, number) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(word, number) for word in sorted(words_of(parts))],
    )


def words_of(parts: Iterable[str]) -> set[str]:
    """Return what a case with these parts is found by: each word, and what follows a colon in it."""
    words = {word for part in parts for word in _plain(part).split()}
    return {each[:MOST_WORD] for word in words for each in (word, word.partition(":")[2]) if each}


def found_by(connection: Connection, text: str) -> tuple[str, dict[str, Any]]:
    """Return a condition on rows of `cases`, with its values: for each word of `text`, one of theirs begins so."""
    bounds = [_bounds(word[:MOST_WORD]) for word in dict.fromkeys(_plain(text).split())][:MOST_WORDS]
    if not bounds:
        return "TRUE", {}
    counted = [(_counted(connection, each), each) for each in bounds]
    least, rarest = min(counted)
    where, values = [], dict[str, Any]()
    if least <= FEW:
        # The numbers themselves: where a subquery stands, an engine may walk through every case instead.
        rows = connection.execute("SELECT DISTINCT number FROM case_words WHERE word >= ? AND word < ?", rarest)
        where.append(f"number IN ({', '.join(str(int(number)) for (number,) in rows) or 'NULL'})")
        bounds.remove(rarest)
    for at, (low, high) in enumerate(bounds):
        names = f"word_{'x' * at}", f"last_{'x' * at}"
        where.append(
            "EXISTS (SELECT 1 FROM case_words WHERE case_words.number = cases.number"
            f" AND word >= :{names[0]} AND word < :{names[1]})"
        )
        values |= {names[0]: low, names[1]: high}
    return " AND ".join(where), values


def _plain(text: str) -> str:
    """Return a text as words are kept: folded, and without what no column can hold."""
    return text.casefold().replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _bounds(word: str) -> tuple[str, str]:
    """Return the first word that begins so, and one that is behind all of them, in the order of code points."""
    return word, f"{word}\U0010ffff"


def _counted(connection: Connection, bounds: tuple[str, str]) -> int:
    row = connection.execute(
        "SELECT COUNT(*) FROM (SELECT 1 FROM case_words WHERE word >= ? AND word < ? LIMIT ?) AS begun",
        (*bounds, FEW + 1),
    ).fetchone()
    return int(row[0])
