"""One comparison form for every spelling of a place, bounded in size and strict about scripts."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST_TEXT = 512
"""Code points. The longest country name on record has 57; a whole postal address stays under 300."""

LONGEST_COMBINING_RUN = 4
"""Combining marks on one letter. Canonical ordering is quadratic in a run's length; no language writes more."""

_DOTTED = re.compile(r"(?<!\w)((?:\w\.\s?){2,})")
_APOSTROPHES = re.compile("['`´‘’ʻʼ]")
_NOT_WORD = re.compile(r"[\W_]+")
_SINGLES = re.compile(r"(?<!\S)(?:\w )+\w(?!\S)")


def fold(text: str) -> str | None:
    """Return `text` in lower case without accents, invisible characters and punctuation, words parted by one blank.

    None when the text is too long, has an unwritable run of marks, or mixes Latin with Cyrillic or Greek letters:
    such a string imitates a spelling and is never read as one.
    """
    if len(text) > LONGEST_TEXT:
        return None
    if text.isascii():
        return _words(text.casefold())
    if not _runs_are_short(text):
        return None
    visible = "".join(char for char in text if unicodedata.category(char) not in {"Cf", "Cs", "Co"})
    compatible = unicodedata.normalize("NFKC", visible)
    if len(compatible) > LONGEST_TEXT or mixes_scripts(compatible):
        return None
    return _words(_without_accents(compatible.casefold()), _not_word())


def _words(bare: str, parting: re.Pattern[str] = _NOT_WORD) -> str:
    if bare.replace(" ", "").isalnum():  # most texts: letters, digits and blanks
        words = " ".join(bare.split())
    else:
        undotted = bare if "." not in bare else _DOTTED.sub(_undotted, bare)
        plain = undotted.replace("'", "").replace("`", "") if bare.isascii() else _APOSTROPHES.sub("", undotted)
        words = parting.sub(" ", plain.replace("&", " and ")).strip()
    return _SINGLES.sub(lambda found: found.group().replace(" ", ""), words)


@lru_cache(maxsize=1)
def _not_word() -> re.Pattern[str]:
    r"""What parts words in any script: `\W`, but for the vowel signs and marks that Indic and other scripts write."""
    marks = "".join(chr(code) for code in range(0x300, 0x11000) if unicodedata.category(chr(code))[0] == "M")
    return re.compile(rf"[^\w{re.escape(marks)}]+|_+")


def _undotted(found: re.Match[str]) -> str:
    return "".join(found.group().replace(".", "").split()) + " "


def mixes_scripts(text: str) -> bool:
    """Return whether Latin letters stand beside Cyrillic or Greek ones."""
    if text.isascii():
        return False
    scripts = {unicodedata.name(char, "").split(" ", 1)[0] for char in text if char.isalpha()}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK", "CHEROKEE", "ARMENIAN"})


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f"))


def _runs_are_short(text: str) -> bool:
    run = 0
    for char in text:
        run = run + 1 if unicodedata.combining(char) else 0
        if run > LONGEST_COMBINING_RUN:
            return False
    return True
