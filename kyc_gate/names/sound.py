"""How a word sounds, whatever system it was spelled by: `Kalaschnikow` and `Kalashnikov` sound the same."""

from __future__ import annotations

import re
from functools import lru_cache

_RULES = (
    ("tsch", "c"), ("tch", "c"), ("tsh", "c"), ("shch", "s"), ("sch", "s"), ("sh", "s"), ("ch", "c"), ("zh", "z"), ("kh", "h"), ("gh", "g"),
    ("ph", "f"), ("th", "t"), ("dh", "d"), ("ck", "k"), ("qu", "k"), ("q", "k"), ("x", "ks"), ("dj", "j"), ("dzh", "j"),
    ("ou", "u"), ("oo", "u"), ("ee", "i"), ("ei", "ey"), ("ai", "ay"), ("w", "v"), ("tz", "ts"),
)  # fmt: skip
"""Spellings of one sound in the systems by which lists romanise Arabic, Russian, Persian and Chinese."""

_ENDINGS = (
    ("skiy", "ski"),
    ("skij", "ski"),
    ("sky", "ski"),
    ("skyy", "ski"),
    ("iy", "i"),
    ("yy", "i"),
    ("ij", "i"),
    ("ey", "i"),
    ("eh", "a"),
    ("ah", "a"),
    ("off", "ov"),
    ("eff", "ev"),
    ("ow", "ov"),
)
_DOUBLED = re.compile(r"(.)\1+")
_SOFT = str.maketrans("yjc", "iik")


@lru_cache(maxsize=1 << 16)
def sound_of(word: str) -> str:
    """Return one spelling for all that sound like `word`; for a word that is not in Latin letters, the word."""
    if not word.isascii() or len(word) < 2:
        return word
    for ending, plain in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) > 1:
            word = word.removesuffix(ending) + plain
            break
    if word[0] == "x":
        word = "s" + word[1:]
    for spelling, plain in _RULES:
        if spelling in word:
            word = word.replace(spelling, plain)
    return _DOUBLED.sub(r"\1", word.translate(_SOFT))
