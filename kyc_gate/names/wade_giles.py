"""Chinese names in the romanisation of Wade and Giles, as pinyin: `Hsi Chin-p'ing` is `xi jinping`."""

from __future__ import annotations

import re

_FINALS = {
    "a": "a", "ai": "ai", "an": "an", "ang": "ang", "ao": "ao", "e": "e", "eh": "e", "ei": "ei", "en": "en",
    "eng": "eng", "i": "i", "ia": "ia", "iang": "iang", "iao": "iao", "ieh": "ie", "ien": "ian", "in": "in",
    "ing": "ing", "iu": "iu",
    "iung": "iong", "ih": "i", "o": "o", "ou": "ou", "u": "u", "ua": "ua", "uai": "uai", "uan": "uan", "uang": "uang",
    "ueh": "ue", "uei": "ui", "ui": "ui", "un": "un", "ung": "ong", "uo": "uo",
}  # fmt: skip
_INITIALS = {
    "p": "b", "p'": "p", "t": "d", "t'": "t", "k": "g", "k'": "k", "ch": "zh", "ch'": "ch", "ts": "z", "ts'": "c",
    "tz": "z", "tz'": "c", "s": "s", "ss": "s", "hs": "x", "sh": "sh", "j": "r", "h": "h", "f": "f", "l": "l",
    "m": "m", "n": "n", "w": "w", "y": "y",
}  # fmt: skip
_WHOLE = {
    "a": "a",
    "ai": "ai",
    "an": "an",
    "ang": "ang",
    "ao": "ao",
    "en": "en",
    "ou": "ou",
    "i": "yi",
    "erh": "er",
    "tzu": "zi",
    "tz'u": "ci",
    "ssu": "si",
    "szu": "si",
    "yu": "you",
    "yen": "yan",
    "o": "e",
}
"""Syllables that the table of initials and finals does not give."""

_ROUNDED = frozenset({"t", "t'", "l", "n", "ts", "ts'", "s", "ch", "ch'", "j"})
"""Initials after which an `o` is pinyin's `uo`; after k and h it is `e`."""

_SYLLABLE = re.compile("(ch'?|ts'?|tz'?|[ptk]'?|ss|hs|sh|[sjhflmnwy])([aeiou][a-z]*)")
_MARKED = re.compile("hs|[ptksz]'|ch'|erh|ssu|tz|ieh|ih\\b")
_APOSTROPHE = str.maketrans("‘’ʻʼ`ʹ", "''''''")


def pinyin_of(text: str) -> tuple[str, ...]:
    """Return the words of a name as pinyin, where it is written by Wade and Giles; nothing where it is not.

    It is where all syllables of its hyphenated words are of that romanisation, and so are other words with its marks.
    Other words stay as they are.
    """
    lower = text.translate(_APOSTROPHE).lower()
    if not lower.isascii() or ("-" not in lower and not _MARKED.search(lower)):
        return ()
    read = [(word, _word(word)) for word in re.findall("[a-z][a-z'-]*", lower)]
    if any(found is None and "-" in word for word, found in read) or not any(found for _, found in read):
        return ()
    return tuple(found or word.replace("'", "") for word, found in read)


def _word(word: str) -> str | None:
    syllables = [_syllable(part) for part in word.strip("'-").split("-")]
    return None if None in syllables else "".join(part for part in syllables if part)


def _syllable(syllable: str) -> str | None:
    if syllable in _WHOLE:
        return _WHOLE[syllable]
    found = _SYLLABLE.fullmatch(syllable)
    final = _FINALS.get(found[2]) if found else None
    if found is None or final is None:
        return None
    initial = _INITIALS[found[1]]
    if final == "o" and found[1] in ("k", "k'", "h"):
        return initial + "e"
    if final == "o" and found[1] in _ROUNDED:
        return initial + "uo"
    if found[1] in ("ch", "ch'") and found[2] != "ih" and (final.startswith("i") or final == "ue"):
        initial = "j" if initial == "zh" else "q"
    return initial + final
