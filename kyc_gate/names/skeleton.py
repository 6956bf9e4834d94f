"""Consonant skeletons: what a name keeps when it is written with an alphabet that leaves its vowels out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise, product

_ARABIC = {
    "ب": "b", "پ": "b", "ت": "t", "ث": "t", "ط": "t", "ج": "g", "چ": "s", "ح": "h", "خ": "h", "ه": "h", "ۀ": "h", "ھ": "h",
    "ہ": "h", "د": "d", "ض": "d", "ذ": "z", "ر": "r", "ز": "z", "ظ": "z", "ژ": "g", "س": "s", "ش": "s", "ص": "s", "غ": "g",
    "گ": "g", "ڭ": "g", "ف": "f", "ڤ": "f", "ق": "k", "ك": "k", "ک": "k", "ل": "l", "م": "m", "ن": "n", "ں": "n", "ټ": "t",
    "ډ": "d", "ړ": "r", "ڼ": "n", "ښ": "s", "ږ": "g", "څ": "s", "ځ": "z", "ٹ": "t", "ڈ": "d", "ڑ": "r",
}  # fmt: skip
"""Arabic, Persian, Urdu and Pashto consonants by how lists romanise them; letters that also write vowels are left out."""

_SECOND = {"ض": "z", "ث": "s", "ذ": "d", "ظ": "d"}
"""Arabic letters that Persian and some Arabic dialects read otherwise."""

_HEBREW = {
    "ב": ("b", ""), "ג": ("g",), "ד": ("d",), "ה": ("h",), "ז": ("z",), "ח": ("h",), "ט": ("t",), "כ": ("k", "h"), "ך": ("h", "k"),
    "ל": ("l",), "מ": ("m",), "ם": ("m",), "נ": ("n",), "ן": ("n",), "ס": ("s",), "פ": ("b", "f"), "ף": ("f",), "צ": ("ts",),
    "ץ": ("ts",), "ק": ("k",), "ר": ("r",), "ש": ("s",), "ת": ("t",),
}  # fmt: skip
"""Hebrew consonants. Three of them are read in two ways."""

_DIGRAPHS = (
    ("sch", "s"), ("tch", "s"), ("tsh", "s"), ("kh", "h"), ("gh", "g"), ("sh", "s"), ("ch", "s"), ("dh", "z"), ("zh", "g"), ("dj", "g"),
    ("th", "t"), ("ph", "f"), ("ck", "k"), ("x", "ks"),
)  # fmt: skip
"""Latin digraphs that stand for one letter of Arabic script."""

_LATIN = str.maketrans("jqcpvwyaeiou", "gkkb        ")
"""Latin letters that one letter of Arabic script stands for, and those that it does not write."""

_SERVANTS = ("abdul", "abdel", "abdal", "abdur", "abdus", "abdol")
"""`Abd al-`, written as one word with what follows it."""

PARTICLES = frozenset({"al", "el", "ul", "ur", "ud", "as", "ad", "az", "bin", "ben", "ibn", "ال", "بن", "ابن"})
"""Words that one spelling of a name has and the next has not."""

SHORTEST = 2
"""Consonants that a key has at least: with one, a tenth of all names would share it."""

MOST_READINGS = 4
"""Readings of a Hebrew word that are kept."""


def is_abjad(word: str) -> bool:
    """Return whether a word has letters of the Arabic or Hebrew script, which leave vowels out."""
    return not word.isascii() and any("\u0590" <= char <= "\u08ff" or "\ufb1d" <= char <= "\ufdff" for char in word)


@lru_cache(maxsize=1 << 16)
def skeletons_of(word: str) -> tuple[str, ...]:
    """Return the consonants of a word, in the ways that it can be read; one way unless it is Hebrew."""
    if word.isascii():
        return (_of_latin(word),)
    if any("\u0590" <= char <= "\u05ff" for char in word):
        letters = [_HEBREW.get(char, ("",)) for char in word.removesuffix("ה")]
        readings = dict.fromkeys(single("".join(read)) for read in product(*letters[:12]))
        return tuple(readings)[:MOST_READINGS]
    if not is_abjad(word):
        return ("",)
    bare = word.replace("عبدال", "عبد", 1) if word.startswith("عبدال") else word
    bare = bare.removeprefix("ال") if len(bare) > 3 else bare
    bare = bare.removesuffix("ه") if len(bare) > 1 else bare
    first = single("".join(_ARABIC.get(char, "") for char in bare))
    second = single("".join(_SECOND.get(char) or _ARABIC.get(char, "") for char in bare))
    return (first,) if first == second else (first, second)


def skeleton_keys(words: Sequence[str]) -> frozenset[str]:
    """Return keys that two spellings of a name share when they have the same consonants, in any of the scripts.

    A key is the skeleton of a word, or of two or three words beside each other, written together: blanks differ too.
    Words are in comparison form. An empty set says that the words have no skeleton to compare.
    """
    read = [skeletons_of(word) for word in words if word not in PARTICLES]
    bones = [readings[0] for readings in read if readings[0]]
    keys = {reading for readings in read for reading in readings}
    keys.update(one + other for one, other in pairwise(bones))
    keys.update("".join(bones[start : start + 3]) for start in range(len(bones) - 2))
    return frozenset(key for key in map(single, keys) if len(key) >= SHORTEST)


def _of_latin(word: str) -> str:
    for servant in _SERVANTS:
        if word.startswith(servant) and (len(word) > len(servant) + 2 or word == servant):
            word = "abd" + word[len(servant) :]
    for digraph, letter in _DIGRAPHS:
        if digraph in word:
            word = word.replace(digraph, letter)
    if len(word) > 3 and word[-1] == "h" and word[-2] in "aeiou":
        word = word[:-1]
    return single(word.translate(_LATIN).replace(" ", ""))


_DOUBLED = re.compile(r"(.)\1+", re.DOTALL)


def single(text: str) -> str:
    """Return `text` with doubled letters written once."""
    return _DOUBLED.sub(r"\1", text) if _DOUBLED.search(text) else text
