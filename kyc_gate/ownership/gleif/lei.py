"""Legal Entity Identifiers, ISO 17442."""

from __future__ import annotations

import re
from typing import NewType

LEI = NewType("LEI", str)
"""Twenty capital letters and digits, the last two of them check digits: holding one proves that they are right."""

_SHAPE = re.compile(r"[0-9A-Z]{18}[0-9]{2}")


def read_lei(text: str | None) -> LEI | None:
    """Return the LEI that `text` is, blanks and case aside, or None when its check digits do not fit."""
    code = re.sub(r"[\s-]", "", text or "").upper()
    return LEI(code) if _SHAPE.fullmatch(code) and passes_check(code) else None


def looks_like_lei(text: str) -> bool:
    """Return whether `text` has the shape of an LEI, whatever its check digits."""
    return _SHAPE.fullmatch(re.sub(r"[\s-]", "", text).upper()) is not None


def passes_check(code: str) -> bool:
    """Return whether the check digits fit: ISO 7064, MOD 97-10, with A as 10 to Z as 35."""
    return int("".join(str(int(char, 36)) for char in code)) % 97 == 1
