"""Other spellings that a query may stand for: digits written for letters."""

from __future__ import annotations

_LETTERS = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g"})
_SECOND_LETTERS = str.maketrans({"0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g"})


def spelled_variants(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the words as they are, and with digits read as the letters that they look like inside a word.

    A word of digits alone is a number and stays one.
    """
    variants = dict.fromkeys(
        tuple(_lettered(word, table) for word in words) for table in ({}, _LETTERS, _SECOND_LETTERS)
    )
    return tuple(variants)


def _lettered(word: str, table: dict[int, str]) -> str:
    return word if word.isdigit() or word.isalpha() else word.translate(table)
