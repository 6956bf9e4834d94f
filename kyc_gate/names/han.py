"""Chinese names: one form for traditional and simplified characters, and blanks between their parts."""

from __future__ import annotations

import re

from kyc_gate.names.business_words import HAN, HAN_PLACES
from kyc_gate.names.tables import letters_of

_PARTS = re.compile("(" + "|".join(sorted(set(HAN) | set(HAN_PLACES), key=lambda word: (-len(word), word))) + ")")


def is_han(char: str) -> bool:
    """Return whether a character is Chinese."""
    return "\u3400" <= char <= "\u9fff" or "\U00020000" <= char <= "\U0003ffff"


def is_hangul(char: str) -> bool:
    """Return whether a character is Korean."""
    return "\uac00" <= char <= "\ud7af" or "\u1100" <= char <= "\u11ff"


def simplified(text: str) -> str:
    """Return `text` with each traditional character as the simplified one that stands for it."""
    return text.translate(letters_of("simplified"))


def parts_of(word: str) -> list[str]:
    """Return a Chinese word cut where a place or a business word begins or ends."""
    return [part for part in _PARTS.split(word) if part] if len(word) > 2 and is_han(word[0]) else [word]
