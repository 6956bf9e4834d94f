"""How often a cron schedule comes round, at the most."""

from __future__ import annotations

import re
from types import MappingProxyType

from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall

_NAMED = MappingProxyType(
    {"@yearly": 1, "@annually": 1, "@monthly": 1, "@weekly": 1, "@daily": 1, "@midnight": 1, "@hourly": 24}
)
_EVERY = re.compile(r"@every (?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")
_PART = re.compile(r"(?:(?P<low>\d{1,2})(?:-(?P<high>\d{1,2}))?|(?P<all>[*?]))(?:/(?P<step>\d{1,2}))?")
_ZONE = re.compile(r"(?:CRON_)?TZ=\S+\s+")


def runs_in_a_day(schedule: str) -> int:
    """Return how many runs begin on a day on which the schedule applies. Raises `RefusedCall` 400 for no schedule.

    Days of the month and of the week, which only make runs rarer, are not looked at.
    """
    plain = _ZONE.sub("", schedule.strip(), count=1).strip()
    if plain in _NAMED:
        return _NAMED[plain]
    if found := _EVERY.fullmatch(plain):
        hours, minutes, seconds = (int(each or 0) for each in found.groups())
        return -(-86_400 // max(hours * 3600 + minutes * 60 + seconds, 1))
    fields = plain.split()
    if len(fields) != 5:
        raise _refused(schedule)
    return len(_values(fields[0], 59, schedule)) * len(_values(fields[1], 23, schedule))


def _values(field: str, last: int, schedule: str) -> set[int]:
    found: set[int] = set()
    for piece in field.split(","):
        part = _PART.fullmatch(piece)
        if part is None or part["step"] == "0":
            raise _refused(schedule)
        low = 0 if part["all"] else int(part["low"])
        high = last if part["all"] or (part["step"] and not part["high"]) else int(part["high"] or part["low"])
        if not low <= high <= last:
            raise _refused(schedule)
        found.update(range(low, high + 1, int(part["step"] or 1)))
    return found


def _refused(schedule: str) -> RefusedCall:
    return RefusedCall(400, "schedule", f"schedule {shown(schedule)} is not five cron fields such as `0 3 * * *`")
