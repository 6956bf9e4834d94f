"""The chart of cumulative operations, as SVG and PNG."""

from __future__ import annotations

import struct
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from kyc_gate.errors import InputError
from kyc_gate.model.usage import DayUsage
from kyc_gate.reports.chart import FONTS, HEIGHT, TOP, WIDTH, render_usage_chart
from kyc_gate.reports.picture import render_png
from kyc_gate.reports.projection import Line, crossing, cumulative, pace
from kyc_gate.reports.sparkline import sparkline

TODAY = date(2026, 11, 24)
SVG = "{http://www.w3.org/2000/svg}"
LINES = [Line(name="near", operations=10**24), Line(name="far", operations=10**26, title="far <&> away")]


def chart(days: list[DayUsage], title: str = "Operations of a group") -> str:
    points, at = cumulative(days), pace(days, TODAY)
    return render_usage_chart(title, points, [crossing(line, points, at, TODAY) for line in LINES], at, TODAY)


def month(likely: int) -> list[DayUsage]:
    return [DayUsage(day=TODAY - timedelta(days=back), likely=likely, high=3 * likely) for back in range(28)]


def test_the_chart_says_in_words_what_it_shows() -> None:
    """The description names the total and each crossing, for whoever does not see the drawing."""
    root = ElementTree.fromstring(chart(month(10**23)))
    described = root.findtext(f"{SVG}desc") or ""
    assert "2.80e+24 likely operations by 2026-11-24" in described
    assert "near: reached on 2026-11-06" in described
    assert "far <&> away: about 2029" in described


def test_lines_at_the_same_number_are_told_beneath_each_other() -> None:
    """No words of two lines stand on each other, however close the lines are."""
    lines = [Line(name=name, operations=number) for name, number in (("a", 10**24), ("b", 10**24), ("c", 11 * 10**23))]
    points, at = cumulative(month(10**20)), pace(month(10**20), TODAY)
    drawn = render_usage_chart("t", points, [crossing(line, points, at, TODAY) for line in lines], at, TODAY)
    places = [float(text.get("y", "")) for text in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    named = sorted(places[-3:])
    assert all(below - above >= 14 for above, below in pairwise(named))
    assert named[0] > HEIGHT
    assert float(ElementTree.fromstring(drawn).get("height", "")) > named[-1]


@pytest.mark.parametrize("likely", [10**20, 10**23, 10**24, 3 * 10**24, 10**30])
def test_what_lies_ahead_does_not_stop_at_the_highest_line(likely: int) -> None:
    """The dashed line leaves the paper where it reaches the top, or the right edge; it never lies along the top."""
    root = ElementTree.fromstring(chart(month(likely)))
    (ahead,) = [drawn for drawn in root.iter(f"{SVG}polyline") if drawn.get("class") == "ahead"]
    places = [list(map(float, pair.split(","))) for pair in (ahead.get("points") or "").split()]
    assert sum(y <= TOP for _, y in places) <= 1
    assert places[-1][0] > places[0][0]


def test_no_name_can_leave_its_place() -> None:
    """A name with markup is text in the chart."""
    root = ElementTree.fromstring(chart(month(1), title='</title><script>alert("1")</script>'))
    assert root.find(f".//{SVG}script") is None
    assert root.findtext(f"{SVG}title") == '</title><script>alert("1")</script>'


@pytest.mark.parametrize("days", [[], month(0), month(1), month(10**30)], ids=["none", "zero", "little", "much"])
def test_every_amount_stays_on_the_paper(days: list[DayUsage]) -> None:
    """Nothing is drawn outside the picture, whatever the amounts are."""
    root = ElementTree.fromstring(chart(days))
    for drawn in root.iter():
        for pair in (drawn.get("points") or "").split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT


def test_a_png_has_the_text_or_is_refused() -> None:
    """The PNG is the drawing at twice its size; without a font there is none."""
    pytest.importorskip("resvg_py", reason="the extra `charts` is not installed")
    try:
        picture = render_png(chart(month(10**23)))
    except InputError as error:
        assert FONTS in str(error)  # noqa: PT017 - the machine may have no font, and must say so
        return
    assert picture.startswith(b"\x89PNG")
    root = ElementTree.fromstring(chart(month(10**23)))
    assert struct.unpack(">II", picture[16:24]) == (2 * WIDTH, 2 * int(root.get("height", "")))


def test_a_sparkline_tells_little_from_nothing() -> None:
    """Each bar is a stretch of time; a stretch without any work is blank."""
    days = [DayUsage(day=date(2026, 1, 1), likely=1, high=1), DayUsage(day=date(2026, 1, 10), likely=80, high=80)]
    assert sparkline(days, since=date(2026, 1, 1), until=date(2026, 1, 10), width=10) == "▁        █"
