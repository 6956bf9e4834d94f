"""Cumulative operations against thresholds as a drawing: SVG, which reads in light and dark and without colour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from html import escape

from kyc_gate.model.record import Record
from kyc_gate.reports.projection import Crossing, Pace, Point, crossing_said

WIDTH, HEIGHT = 820, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 76, 44
"""Pixels; the margins leave room for the title, the dates and `1e26`. What the lines are is told below the drawing."""

LEAST_AHEAD_DAYS = 30
MOST_AHEAD_DAYS = 365
"""Days shown after today: a month at least, a year at most."""

_ANCHORS = ("start", "middle", "middle", "middle", "end")

SAMPLES = 40
"""Points of a projected curve; a straight line is bent by the logarithmic axis."""

LETTERING = 14
"""Pixels from one line of words to the next."""

FONTS = "DejaVu Sans, Liberation Sans, Arial, sans-serif"

_STYLE = """
.paper{fill:#fff}.ink{fill:#1b1f24}.faint{fill:#57606a}.grid{stroke:#d0d7de}.axis{stroke:#57606a}
.likely{stroke:#0b5cad;fill:none;stroke-width:2.5}.high{stroke:#0b5cad;fill:none;stroke-width:1.5;stroke-dasharray:2 3}
.band{fill:#0b5cad;fill-opacity:.14}.ahead{stroke:#0b5cad;fill:none;stroke-width:2;stroke-dasharray:7 4}
.line{stroke:#b3261e;stroke-width:1.2;stroke-dasharray:9 3 2 3}.named{fill:#8c1d18}
.today{stroke:#57606a;stroke-dasharray:3 3}
text{font-size:12px}.told{font-size:11px}.title{font-size:15px;font-weight:bold}
@media (prefers-color-scheme: dark){.paper{fill:#0d1117}.ink{fill:#e6edf3}.faint{fill:#9da7b3}.grid{stroke:#30363d}
.axis,.today{stroke:#9da7b3}.likely,.high,.ahead{stroke:#6cb6ff}.band{fill:#6cb6ff}.line{stroke:#ff8a80}.named{fill:#ffb4ab}}
""".replace("\n", "")


class _Frame(Record):
    """The part of the world that is drawn, and where a day and a number of operations stand in it."""

    first: date
    last: date
    least: int
    most: int

    def x(self, day: date) -> float:
        """Return the abscissa of a day."""
        return LEFT + (day - self.first).days / max((self.last - self.first).days, 1) * (WIDTH - LEFT - RIGHT)

    def y(self, operations: int | Fraction) -> float:
        """Return the ordinate of a number of operations; what is below the axis stands on it."""
        exponent = math.log10(operations) if operations > 0 else float(self.least)
        share = (min(max(exponent, self.least), self.most) - self.least) / (self.most - self.least)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def render_usage_chart(
    title: str, points: Sequence[Point], crossings: Sequence[Crossing], at: Pace, today: date
) -> str:
    """Return the chart of one control group as an SVG document.

    The full line is what was likely used, the dotted one the ceiling; the dashed line and its band go on at the mean,
    slowest and fastest pace. The description says in words what the drawing shows.
    """
    frame = _frame(points, crossings, today)
    height = HEIGHT + LETTERING * (len(crossings) + 1 if crossings else 0)
    said = [f"{found.line.title or found.line.name}: {crossing_said(found)}" for found in crossings]
    total = points[-1].likely if points else 0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' role="img" aria-labelledby="title desc" font-family="' + FONTS + '">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(f"{total:.2e} likely operations by {today}. " + ". ".join(said))}</desc>',
        f'<style>{_STYLE}</style><rect class="paper" width="{WIDTH}" height="{height}"/>',
        _text(LEFT, 24, title, "ink title"),
        _text(LEFT, 42, f"{total:.2e} likely operations by {today}; dotted: at full peak", "faint"),
        *_axes(frame),
        *_thresholds(frame, crossings),
        *_projection(frame, points, at, today),
        *_history(frame, points),
        *_told(crossings),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _frame(points: Sequence[Point], crossings: Sequence[Crossing], today: date) -> _Frame:
    ahead = [found.latest or found.likely for found in crossings]
    wanted = max((day for day in ahead if day is not None), default=today) + timedelta(days=14)
    last = min(max(wanted, today + timedelta(days=LEAST_AHEAD_DAYS)), today + timedelta(days=MOST_AHEAD_DAYS))
    first = min(points[0].day if points else today, today - timedelta(days=1))
    shown = [point.likely for point in points if point.likely > 0] or [10**20]
    tops = [found.line.operations for found in crossings] + [points[-1].high if points else 0, 10**21]
    return _Frame(
        first=first,
        last=last,
        least=math.floor(math.log10(min(shown))),
        most=max(math.ceil(math.log10(max(tops))), math.floor(math.log10(min(shown))) + 1),
    )


def _axes(frame: _Frame) -> Iterable[str]:
    step = max(1, math.ceil((frame.most - frame.least) / 8))
    for exponent in range(frame.least, frame.most + 1, step):
        y = frame.y(10**exponent)
        yield _rule(LEFT, y, WIDTH - RIGHT, y, "grid")
        yield _text(LEFT - 8, y + 4, f"1e{exponent}", "faint", "end")
    for share in range(5):
        day = frame.first + (frame.last - frame.first) * share / 4
        yield _text(frame.x(day), HEIGHT - BOTTOM + 20, day.isoformat(), "faint", _ANCHORS[share])
    yield _rule(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "axis")


def _thresholds(frame: _Frame, crossings: Sequence[Crossing]) -> Iterable[str]:
    above = float("-inf")
    for operations in sorted({found.line.operations for found in crossings}, reverse=True):
        y = frame.y(operations)
        # Below its line where the number of the last one stands above it.
        above = y - 5 if y - 5 >= above + LETTERING else max(y + LETTERING, above + LETTERING)
        yield _rule(LEFT, y, WIDTH - RIGHT, y, "line")
        yield _text(WIDTH - RIGHT, above, f"{operations:.2e}", "named", "end")


def _told(crossings: Sequence[Crossing]) -> Iterable[str]:
    """The lines by their names, the highest first, each with the day on which it is reached."""
    for row, found in enumerate(sorted(crossings, key=lambda each: -each.line.operations)):
        said = f"{found.line.title or found.line.name}: {crossing_said(found)}"
        yield _text(RIGHT, HEIGHT + LETTERING * (row + 1), said, "named told")


def _projection(frame: _Frame, points: Sequence[Point], at: Pace, today: date) -> Iterable[str]:
    x = frame.x(today)
    yield _rule(x, TOP, x, HEIGHT - BOTTOM, "today")
    yield _text(x + 5, HEIGHT - BOTTOM - 6, "today", "faint")
    total = points[-1].likely if points else 0
    if at.mean <= 0:
        return

    def curve(a_day: Fraction, until: date) -> list[tuple[float, float]]:
        days = [today + (until - today) * share / SAMPLES for share in range(SAMPLES + 1)]
        return [(frame.x(day), frame.y(total + a_day * (day - today).days)) for day in days]

    band = [*curve(at.fastest, frame.last), *reversed(curve(at.slowest, frame.last))]
    yield f'<polygon class="band" points="{_joined(band)}"/>'
    # The line leaves the paper at its top; along the top it would say that operations stop there.
    above = -((total - 10**frame.most) // at.mean)
    until = min(frame.last, today + timedelta(days=min(max(above, 0), MOST_AHEAD_DAYS)))
    yield f'<polyline class="ahead" points="{_joined(curve(at.mean, until))}"/>'


def _history(frame: _Frame, points: Sequence[Point]) -> Iterable[str]:
    for kind, amounts in (("high", [point.high for point in points]), ("likely", [point.likely for point in points])):
        steps: list[tuple[float, float]] = []
        for point, amount in zip(points, amounts, strict=True):
            x = frame.x(point.day)
            steps += [(x, steps[-1][1])] if steps else []
            steps.append((x, frame.y(amount)))
        if steps:
            yield f'<polyline class="{kind}" points="{_joined(steps)}"/>'


def _joined(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
