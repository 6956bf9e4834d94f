"""Letters that look or sound like Latin ones: homoglyphs inside a Latin word, and Cyrillic and Greek spelled out."""

from __future__ import annotations

import re
import unicodedata

from kyc_gate.names.tables import letters_of

_CYRILLIC_LOOKALIKES = dict(zip("аеорсухіјѕвнкмтԁԛԝһӏьґүзбгп", "aeopcyxijsbhkmtdqwhlbryzbrn", strict=True))
_GREEK_LOOKALIKES = dict(zip("αβεικνορτυχγηωϲϳςσκζμ", "abeiknoptuxynwcjcokzm", strict=True))
_OTHER_LOOKALIKES = dict(
    zip(
        "ʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢᴀɑɡıꞯᴠ",
        "bcdefghijklmnoprstuvwyzaagiqv",
        strict=True,
    )
)
LOOKALIKES = str.maketrans(_CYRILLIC_LOOKALIKES | _GREEK_LOOKALIKES | _OTHER_LOOKALIKES)
"""Letters that pass for a Latin one, in lower case: the confusables that Unicode lists for basic Latin letters, those in
everyday fonts only."""

SMALL_CAPITALS = str.maketrans(_OTHER_LOOKALIKES)

_IMITATED = (
    (0x250, 0x2B0),
    (0x13A0, 0x1680),
    (0x16A0, 0x1700),
    (0x1D00, 0x1DC0),
    (0x2C80, 0x2D00),
    (0xA4D0, 0xA500),
    (0xA640, 0xABC0),
    (0x10280, 0x1F000),
)

PRESENTED = {
    code: letter
    for code, letter in letters_of("lookalikes").items()
    if any(first <= code < last for first, last in _IMITATED)
}
"""Letters of Cherokee, Lisu, Coptic and other scripts that Unicode lists as confusable with a Latin one."""

LATIN_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "ŋ": "ng",
        "ĸ": "k",
        "ŧ": "t",
    }
)
"""Latin letters that do not decompose into a letter and a mark."""

_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "ё": "e", "є": "ye", "ж": "zh", "з": "z", "и": "i",
    "і": "i", "ї": "yi", "й": "y", "ј": "j", "к": "k", "л": "l", "љ": "lj", "м": "m", "н": "n", "њ": "nj", "о": "o", "п": "p",
    "р": "r", "с": "s", "т": "t", "ћ": "c", "у": "u", "ў": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "џ": "dz", "ш": "sh",
    "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya", "ђ": "dj", "ѕ": "dz",
}  # fmt: skip
_GREEK = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l", "μ": "m",
    "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
ROMANISED = str.maketrans(_CYRILLIC | _GREEK)
"""Cyrillic by the BGN/PCGN system without its apostrophes, Greek by ISO 843 type 2: as the published lists write them."""

_LATIN = re.compile("[a-z]")
_EASTERN = re.compile("[\u0370-\u03ff\u0400-\u052f]")
_WORD = re.compile(r"\w+")


def is_eastern(text: str) -> bool:
    """Return whether a text has Cyrillic or Greek letters."""
    return _EASTERN.search(text) is not None


def romanise(text: str) -> str:
    """Return lower-case `text` with Cyrillic and Greek spelled in Latin letters.

    In a text that also has Latin letters, an eastern word made of lookalikes alone stands for the Latin word it
    imitates; a word that mixes scripts always does. Other eastern words are transliterated.
    """
    if not _EASTERN.search(text):
        return text.translate(SMALL_CAPITALS)
    has_latin = bool(_LATIN.search(text))
    return _WORD.sub(lambda found: _word(found.group(), has_latin), text)


def _word(word: str, beside_latin: bool) -> str:
    if not _EASTERN.search(word):
        return word.translate(SMALL_CAPITALS)
    imitated = word.translate(LOOKALIKES)
    if _LATIN.search(word) or (beside_latin and not _EASTERN.search(imitated)):
        word = imitated
    return unicodedata.normalize("NFC", word).translate(ROMANISED)


_ISO_9 = str.maketrans(
    _CYRILLIC
    | {
        "ж": "z", "й": "j", "х": "h", "ц": "c", "ч": "c", "ш": "s", "щ": "s", "ю": "ju", "я": "ja", "ё": "e", "є": "e", "ї": "i",
        "і": "i", "ђ": "d", "љ": "lj", "њ": "nj", "џ": "d", "ў": "u", "ъ": "", "ь": "",
    }
)  # fmt: skip


def iso_9(text: str) -> str:
    """Return lower-case `text` with Cyrillic in Latin letters by ISO 9, its accents left out."""
    return text.translate(_ISO_9)
