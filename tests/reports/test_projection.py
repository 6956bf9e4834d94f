"""When lines are reached."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.model.usage import DayUsage
from kyc_gate.reports.projection import Crossing, Line, Pace, crossing, crossing_said, cumulative, pace

TODAY = date(2026, 11, 24)
LINE = Line(name="line", operations=10**26)


def day(back: int, likely: int) -> DayUsage:
    return DayUsage(day=TODAY - timedelta(days=back), likely=likely, high=3 * likely)


def test_sums_run_in_the_order_of_days() -> None:
    """Days are summed in order, however they are given."""
    points = cumulative([day(0, 5), day(9, 1)])
    assert [(point.day, point.likely, point.high) for point in points] == [
        (TODAY - timedelta(days=9), 1, 3),
        (TODAY, 6, 18),
    ]


def test_a_pace_is_the_mean_of_four_weeks_with_the_extremes() -> None:
    """Work before the four weeks does not count, and a week without work is the slowest."""
    days = [day(0, 70), day(8, 140), day(20, 70), day(40, 10**9)]
    assert pace(days, TODAY) == Pace(mean=Fraction(10), slowest=Fraction(0), fastest=Fraction(20))


def test_a_new_group_is_judged_by_the_weeks_since_it_began() -> None:
    """A group that began yesterday has the pace of its one week, not a quarter of it."""
    assert pace([day(1, 700)], TODAY).mean == 100


def test_what_goes_on_is_the_least_pace() -> None:
    """Machines that began today go on tomorrow: they are not spread over weeks in which they were not there."""
    at = pace([day(0, 70), day(-1, 1000), day(-2, 5000)], TODAY)
    assert at == Pace(mean=Fraction(1000), slowest=Fraction(10), fastest=Fraction(1000))
    assert pace([day(0, 70_000), day(-1, 1000)], TODAY).fastest == 10_000


@pytest.mark.parametrize(
    ("total", "reached_at", "crossed"),
    [
        pytest.param(10**26, True, True, id="at the number, where it is enough"),
        pytest.param(10**26, False, False, id="at the number, where it must be exceeded"),
        pytest.param(10**26 + 1, False, True, id="one more"),
        pytest.param(10**26 - 1, True, False, id="one less"),
    ],
)
def test_a_line_is_reached_to_the_operation(total: int, reached_at: bool, crossed: bool) -> None:
    """Sums are exact at 1e26, where floats are not."""
    line = Line(name="line", operations=10**26, reached_at=reached_at)
    found = crossing(line, cumulative([day(3, total - 1), day(0, 1)]), pace([], TODAY), TODAY)
    assert found.crossed == (TODAY if crossed else None)


def test_a_crossing_is_projected_between_the_fastest_and_the_slowest_week() -> None:
    """Half of the line is left: ten days at the mean, five at the fastest, a hundred at the slowest."""
    at = Pace(mean=Fraction(5 * 10**24), slowest=Fraction(5 * 10**23), fastest=Fraction(10**25))
    found = crossing(LINE, cumulative([day(0, 5 * 10**25)]), at, TODAY)
    days = [(when - TODAY).days for when in (found.earliest, found.likely, found.latest) if when]
    assert days == [5, 10, 100]
    assert crossing_said(found) == "about 2026-12-04 (from 2026-11-29 to 2027-03-04)"


def test_what_stands_still_is_never_reached() -> None:
    """Without any work in four weeks no day is named."""
    found = crossing(LINE, cumulative([day(90, 10**25)]), pace([day(90, 10**25)], TODAY), TODAY)
    assert found == Crossing(line=LINE)
    assert crossing_said(found) == "not within ten years"


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 10**26)), max_size=20))
def test_days_are_in_order_and_the_future_is_ahead(given_days: list[tuple[int, int]]) -> None:
    """The earliest day is not after the likely one, nor that after the latest, and none is in the past."""
    days = [day(back, likely) for back, likely in given_days]
    found = crossing(LINE, cumulative(days), pace(days, TODAY), TODAY)
    if found.crossed is None:
        named = [when for when in (found.earliest, found.likely, found.latest) if when is not None]
        assert named == sorted(named)
        assert all(when >= TODAY for when in named)
        assert (found.likely is None) or (found.earliest is not None)
