"""A backtest as a page to print: what was replayed, what changes, and the case load day by day as a drawing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from markupsafe import Markup

from kyc_gate.model.backtest import BacktestDay, BacktestReport
from kyc_gate.model.decision import Outcome
from kyc_gate.reports.chart import FONTS
from kyc_gate.reports.page import PAGES

WIDTH, HEIGHT = 820, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 34, 40
"""Pixels; the margins leave room for the numbers, the legend and the days."""

MOST_LABELS = 8

_STYLE = """
.ink{fill:#1b1f24}.faint{fill:#57606a}.grid{stroke:#d0d7de}.old{fill:#8b949e}.new{fill:#0b5cad}
text{font-size:12px}
@media (prefers-color-scheme: dark){.ink{fill:#e6edf3}.faint{fill:#9da7b3}.grid{stroke:#30363d}.old{fill:#6e7681}
.new{fill:#6cb6ff}}
""".replace("\n", "")


def render_backtest(report: BacktestReport) -> str:
    """Return the report as an HTML page that prints well and loads nothing from elsewhere."""
    matrix = {(change.old, change.new): change.decisions for change in report.matrix}
    return PAGES.get_template("backtest.html.j2").render(
        report=report,
        outcomes=list(Outcome),
        matrix=matrix,
        said={0: "The same decisions.", 3: "Only stricter.", 4: "More lenient."}[report.status],
        chart=Markup(render_case_load(report.days)),  # noqa: S704 - every text in it is escaped where it is drawn
    )


def render_case_load(days: Sequence[BacktestDay]) -> str:
    """Return cases a day as an SVG drawing: two bars for each day, those of the old policies to the left."""
    most = max((max(day.old_cases, day.new_cases) for day in days), default=0) or 1
    total = (sum(day.old_cases for day in days), sum(day.new_cases for day in days))
    said = f"Cases a day: {total[0]} in all under the old policies, {total[1]} under the new ones."
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
            f' role="img" aria-label="{escape(said)}" font-family="{FONTS}">',
            f"<style>{_STYLE}</style>",
            f'<rect class="old" x="{LEFT}" y="8" width="12" height="12"/>',
            f'<text class="ink" x="{LEFT + 18}" y="18">cases under the old policies: {total[0]:,}</text>',
            f'<rect class="new" x="{LEFT + 300}" y="8" width="12" height="12"/>',
            f'<text class="ink" x="{LEFT + 318}" y="18">under the new ones: {total[1]:,}</text>',
            *_grid(most),
            *_bars(days, most),
            "</svg>",
        ]
    )


def _y(cases: float, most: int) -> float:
    return HEIGHT - BOTTOM - cases / most * (HEIGHT - TOP - BOTTOM)


def _grid(most: int) -> Iterable[str]:
    for cases in sorted({0, most // 2, most}):
        y = _y(cases, most)
        yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        yield f'<text class="faint" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{cases:,}</text>'


def _bars(days: Sequence[BacktestDay], most: int) -> Iterable[str]:
    if not days:
        return
    first = days[0].day
    slot = (WIDTH - LEFT - RIGHT) / ((days[-1].day - first).days + 1)
    wide = max(min(slot * 0.4, 30.0), 0.5)
    step = max(1, len(days) // MOST_LABELS)
    for number, day in enumerate(days):
        middle = LEFT + ((day.day - first).days + 0.5) * slot
        for kind, cases, x in (("old", day.old_cases, middle - wide), ("new", day.new_cases, middle)):
            y = _y(cases, most)
            yield (
                f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{HEIGHT - BOTTOM - y:.1f}">'
                f"<title>{day.day}: {cases}</title></rect>"
            )
        if number % step == 0:
            yield (
                f'<text class="faint" x="{middle:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
                f"{day.day:%m-%d}</text>"
            )
