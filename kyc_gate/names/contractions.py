"""Words that are made of the beginnings of others: `Eximbank` of `Export-Import Bank`, `Ruselectronics`, `mthreads`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kyc_gate.names.common_words import ARTICLES, is_english

SHORTEST_MADE = 6
MOST_PIECES = 4
"""Letters of such a word at least, and words that it is made of at most."""

SHORTEST_PIECE = 3
SHORTEST_LAST = 5
SHORTEST_WHOLE = 4
"""Letters of each piece at least; or, where the last word is whole, of that word. Before a word of `SHORTEST_LAST`
letters a single one may stand, as in `mthreads`."""


def made_of(words: Sequence[str], others: Sequence[str], shortest: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each word that is made of the beginnings of a run of the other name's words, with the run.

    `shortest` is how few letters of a word may stand before a whole one. Where it is more than one, two beginnings are
    too few: strangers' words begin as a listed name does.
    """
    telling = [other for other in others if other not in ARTICLES]
    firsts = {other[0] for other in telling[:-1]}
    for word in words:
        if word[0] in firsts and len(word) >= SHORTEST_MADE and word.isascii() and not is_english(word):
            for start in range(len(telling) - 1):
                if word[0] == telling[start][0] and (length := _pieces(word, telling[start:], shortest)):
                    yield word, tuple(telling[start : start + length])
                    break


def _pieces(word: str, others: Sequence[str], shortest: int) -> int:
    """Return of how many words, from the first on, the beginnings make up `word`: two or more, or 0."""
    for count in range(2, min(len(others), MOST_PIECES) + 1):
        whole = others[count - 1]
        if len(whole) >= SHORTEST_WHOLE and word.endswith(whole):
            least = max(shortest, 1 if len(whole) >= SHORTEST_LAST else 2) if count == 2 else 2
            if count + len(whole) > SHORTEST_LAST + 1 and _is_cut(word.removesuffix(whole), others[: count - 1], least):
                return count
        if (shortest == 1 or count > 2) and _is_cut(word, others[:count], SHORTEST_PIECE):
            return count
    return 0


def _is_cut(word: str, others: Sequence[str], shortest: int) -> bool:
    """Return whether beginnings of all the words, each of so many letters at least, make up `word`."""
    if not others:
        return not word
    first = others[0]
    return any(
        word[:length] == first[:length] and _is_cut(word[length:], others[1:], shortest)
        for length in range(shortest, min(len(word), len(first)) + 1)
    )
