"""One key for every spelling of a place name, for the table of places and whoever asks it."""

from __future__ import annotations

import re
from functools import lru_cache

from kyc_gate.places.fold import fold

_LETTERS = str.maketrans(
    {
        # Latin letters that are written as two elsewhere, or without their stroke.
        "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h", "ə": "a",
        # Arabic letters that Persian, Urdu and careless typing write differently, and marks that few people write.
        "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ک": "ك", "ة": "ه", "ۀ": "ه", "ہ": "ه",
        "ـ": None, "ً": None, "ٌ": None, "ٍ": None, "َ": None, "ُ": None, "ِ": None, "ّ": None, "ْ": None, "ٰ": None,
        # Hebrew points.
        **{chr(point): None for point in range(0x05B0, 0x05C8)},
        # Characters of which Japanese, Taiwan and the mainland write different forms in the commonest place words.
        "臺": "台", "灣": "湾", "區": "区", "縣": "县", "県": "县", "國": "国", "廣": "广", "東": "东", "龍": "龙",
    }
)  # fmt: skip

_APART = re.compile(r"[\s]+")


@lru_cache(maxsize=8192)
def place_key(text: str) -> str | None:
    """Return the key of a place name, or None where `fold` refuses the text.

    Beside what `fold` does, `Ø`, `ß` and the like become plain letters, and letters of Arabic and Han that are written
    in more than one form become one.
    """
    key = fold(text)
    if key is None or key.isascii():
        return key
    return _APART.sub(" ", key.translate(_LETTERS)).strip()
