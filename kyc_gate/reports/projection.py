"""When a control group will reach a threshold, if it goes on as in the last four weeks, or as its runs go on now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate

from kyc_gate.model.record import Record
from kyc_gate.model.usage import DayUsage

WEEKS = 4
"""Weeks that a pace is taken from: a month of work, so that neither a quiet weekend nor one large job is all of it."""

FARTHEST_DAYS = 3_650
"""Days ahead beyond which nothing is projected: ten years are further than any customer's plans."""


class Line(Record):
    """A number of operations at which something begins: `reached_at` says whether the number itself is enough."""

    name: str
    operations: int
    reached_at: bool = True
    title: str = ""

    def reached(self, operations: int) -> bool:
        """Return whether so many operations are over the line."""
        return operations >= self.operations if self.reached_at else operations > self.operations


class Point(Record):
    """What a control group had used by the end of a day since the first day shown."""

    day: date
    likely: int
    high: int


class Pace(Record):
    """Operations a day: the mean of the last four weeks, and their slowest and fastest week.

    What goes on anyway is the least that mean and fastest are: machines that began today have no weeks behind them.
    """

    mean: Fraction
    slowest: Fraction
    fastest: Fraction


class Crossing(Record):
    """When a line is reached: the day on which it was, or the days on which it will be at each pace.

    None where it is not reached within ten years at that pace.
    """

    line: Line
    crossed: date | None = None
    likely: date | None = None
    earliest: date | None = None
    latest: date | None = None


def cumulative(days: Sequence[DayUsage]) -> tuple[Point, ...]:
    """Return the running sums of `days`, which may come in any order."""
    ordered = sorted(days, key=lambda each: each.day)
    likely = accumulate(each.likely for each in ordered)
    high = accumulate(each.high for each in ordered)
    return tuple(
        Point(day=each.day, likely=one, high=other) for each, one, other in zip(ordered, likely, high, strict=True)
    )


def pace(days: Sequence[DayUsage], today: date) -> Pace:
    """Return the pace of the four weeks that end with `today`, in likely operations a day.

    A group whose first day lies within them is judged by the whole weeks since then, and by one week at least. What the
    day after `today` has already, of machines that go on and runs that are planned, goes on.
    """
    going_on = Fraction(sum(each.likely for each in days if each.day == today + timedelta(days=1)))
    first = min((each.day for each in days), default=today)
    weeks = [
        Fraction(sum(each.likely for each in days if end - timedelta(days=7) < each.day <= end), 7)
        for end in (today - timedelta(days=7 * back) for back in range(WEEKS))
        if end >= first
    ] or [Fraction(0)]
    mean = sum(weeks, Fraction()) / len(weeks)
    return Pace(mean=max(mean, going_on), slowest=min(weeks), fastest=max(*weeks, going_on))


def crossing(line: Line, points: Sequence[Point], at: Pace, today: date) -> Crossing:
    """Return when the likely operations reach `line`."""
    for point in points:
        if line.reached(point.likely):
            return Crossing(line=line, crossed=point.day)
    total = points[-1].likely if points else 0
    left = line.operations - total + (0 if line.reached_at else 1)
    return Crossing(
        line=line,
        likely=_reached_on(left, at.mean, today),
        earliest=_reached_on(left, at.fastest, today),
        latest=_reached_on(left, at.slowest, today),
    )


def _reached_on(left: int, a_day: Fraction, today: date) -> date | None:
    """Return the day on which `left` operations are done at the pace `a_day`."""
    if a_day <= 0:
        return None
    days = -(-left // a_day)
    return today + timedelta(days=int(days)) if days <= FARTHEST_DAYS else None


def crossing_said(found: Crossing) -> str:
    """Return the crossing in a few words."""
    if found.crossed is not None:
        return f"reached on {found.crossed}"
    if found.likely is None:
        return f"not within ten years{f', at the earliest on {found.earliest}' if found.earliest else ''}"
    if found.earliest == found.latest:
        return f"about {found.likely}"
    return f"about {found.likely} (from {found.earliest} to {found.latest or 'never, at the slowest pace'})"
