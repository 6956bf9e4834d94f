"""A run over the days that it lasts, so that sums over any window need a row a day and no row a run.

A run performs operations at an even pace from one second to another. What falls on its first day and on its last stands
for itself; the days between are all alike, so they are kept as one change of the daily amount where they begin, and one
change back where they end. A run without an end has no change back. Each amount is rounded up to a whole unit, so that
a run in pieces never adds up to less than the run in one.
"""

from __future__ import annotations

from kyc_gate.model.record import Record

OPERATIONS_A_UNIT = 10**12
DAY_SECONDS = 86_400


class Spread(Record):
    """What a run adds, in units. `last_day` is None for a run without an end, and equal to `first_day` for a short one.

    `daily` is what each day between the first and the last takes; it is 0 where there is none.
    """

    first_day: int
    first_likely: int
    first_high: int
    daily_likely: int
    daily_high: int
    last_day: int | None
    last_likely: int
    last_high: int

    @property
    def greatest(self) -> int:
        """The greatest amount in it."""
        return max(self.first_high, self.daily_high, self.last_high, self.first_likely, self.daily_likely)


def pace(operations: int, seconds: int) -> int:
    """Return operations a second, rounded up: the same for a run in one piece and for its pieces."""
    return -(-operations // seconds)


def spread(start: int, end: int | None, likely_rate: int, high_rate: int) -> Spread:
    """Return what a run from second `start` up to second `end` (None: nobody knows) adds at these paces."""
    first_day = start // DAY_SECONDS
    midnight = (first_day + 1) * DAY_SECONDS
    last_day = None if end is None else max(first_day, (end - 1) // DAY_SECONDS)
    short = end is not None and last_day == first_day
    first = max(0, end - start) if end is not None and short else midnight - start
    between = last_day is None or last_day > first_day + 1
    last = 0 if end is None or last_day is None or short else end - last_day * DAY_SECONDS
    return Spread(
        first_day=first_day,
        first_likely=_units(likely_rate, first),
        first_high=_units(high_rate, first),
        daily_likely=_units(likely_rate, DAY_SECONDS) if between else 0,
        daily_high=_units(high_rate, DAY_SECONDS) if between else 0,
        last_day=last_day,
        last_likely=_units(likely_rate, last),
        last_high=_units(high_rate, last),
    )


def open_amount(daily: int, since_day: int, until_second: int) -> int:
    """Return what runs without an end take from the start of a day to a second, as if all ran all along, rounded up."""
    return -(-daily * (until_second - since_day * DAY_SECONDS) // DAY_SECONDS)


def _units(rate: int, seconds: int) -> int:
    return -(-(rate * seconds) // OPERATIONS_A_UNIT)
