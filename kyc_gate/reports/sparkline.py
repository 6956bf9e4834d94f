"""A row of small bars for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from kyc_gate.model.usage import DayUsage

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(days: Sequence[DayUsage], *, since: date, until: date, width: int = 24) -> str:
    """Return likely operations between two days in `width` bars of equal time, the tallest in full height.

    A time without any is a blank, so that little and nothing are told apart.
    """
    span = (until - since).days + 1
    sums = [0] * width
    for each in days:
        if since <= each.day <= until:
            sums[(each.day - since) // timedelta(days=1) * width // span] += each.likely
    most = max(sums)
    return "".join(" " if amount == 0 else _BARS[amount * (len(_BARS) - 1) // most] for amount in sums)
