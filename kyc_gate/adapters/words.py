"""How strangers' text is shown in a message: short, ASCII, and in backticks."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 60
"""Characters of a stranger's text that a message repeats."""


def shown(text: object) -> str:
    """Return `text` in backticks, ASCII only, control characters escaped, cut to `SHOWN` characters."""
    raw = text.decode("latin-1") if isinstance(text, bytes) else str(text)
    cut = raw if len(raw) <= SHOWN else raw[: SHOWN - 3] + "..."
    escaped = cut.encode("unicode_escape").decode("ascii").replace("`", "'")
    return f"`{escaped}`"


def nearest(text: str, choices: Iterable[str]) -> str:
    """Return `; did you mean ...` for the choice nearest to `text`, or an empty string when none is near."""
    found = difflib.get_close_matches(text[:SHOWN], list(choices), n=1, cutoff=0.6)
    return f"; did you mean `{found[0]}`?" if found else ""
