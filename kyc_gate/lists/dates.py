"""Dates as agencies write them, to ISO 8601, no more precise than written."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}

LONGEST_DATE = 100
"""Characters; what is longer is no date."""

_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[t ].*|z|[+-]\d\d:\d\d)?")
_NUMBERS = re.compile(r"(\d{1,2}|[a-z]{2})[/.](\d{1,2}|[a-z]{2})[/.](\d{4})")
_DAY_MONTH = re.compile(r"(?:(\d{1,2})(?:st|nd|rd|th)?\s+)?([a-z]{3})[a-z]*\.?,?\s+(\d{4})")
_MONTH_DAY = re.compile(r"([a-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?,\s*(\d{4})")
_ABOUT = re.compile(
    r"^(?:circa|c\.|approximately|approx\.?|about|around|between|born)\s*|\s*\((?:approximate(?:ly)?|circa)\)$"
)
_RANGE = re.compile(r"\s+(?:to|and|or)\s+|(?<=\d{4})\s*-\s*(?=\d{4}\b)")


@lru_cache(maxsize=1 << 15)
def iso_date(text: str, *, day_first: bool = False) -> str:
    """Return the date as ISO 8601 (`1975`, `1975-03`, `1975-03-12`), or an empty text when it is not understood.

    An approximate date ends in `~` and a span is `from/to`, as in ISO 8601-2. `day_first` reads `03/12/1975` as the
    third of December; zeros and letters (`00/00/1975`, `dd/mm/1975`) stand for what is not known.
    """
    if len(text) > LONGEST_DATE:
        return ""
    folded = text.strip().casefold()
    bare = _ABOUT.sub("", folded).strip()
    parts = _RANGE.split(bare)
    if len(parts) == 2 and (first := _one(parts[0], day_first)) and (last := _one(parts[1], day_first)):
        return first if first == last else f"{first}/{last}"
    found = _one(bare, day_first)
    about = bare != folded and not folded.startswith("born")
    return f"{found}~" if found and about else found


def _one(text: str, day_first: bool) -> str:
    if found := _ISO.fullmatch(text):
        return _joined(found[1], found[2], found[3])
    if found := _NUMBERS.fullmatch(text):
        day, month = (found[1], found[2]) if day_first else (found[2], found[1])
        return _joined(found[3], month, day)
    if found := _DAY_MONTH.fullmatch(text):
        return _joined(found[3], str(_MONTHS.get(found[2], "")), found[1])
    if found := _MONTH_DAY.fullmatch(text):
        return _joined(found[3], str(_MONTHS.get(found[1], "")), found[2])
    return ""


def _joined(year: str, month: str | None, day: str | None) -> str:
    """Return the known front of a date; a month or day of zero is not known, one that no calendar has is not a date."""
    if not 1000 <= int(year) <= 2999:
        return ""
    if not month or not month.isdecimal() or int(month) == 0:
        return year if month is None or not month or not month.isdecimal() or int(month) == 0 else ""
    if int(month) > 12:
        return ""
    if not day or not day.isdecimal() or int(day) == 0:
        return f"{year}-{int(month):02d}"
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


def utc_time(text: str) -> datetime | None:
    """Return the moment that an ISO 8601 text names, in UTC where it names no zone, or None."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def day_start(text: str, *, day_first: bool = False) -> datetime | None:
    """Return midnight UTC of a date of any spelling that `iso_date` reads to the day, or None."""
    day = iso_date(text, day_first=day_first)
    return utc_time(day) if len(day) == 10 else None
