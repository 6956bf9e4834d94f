"""A backtest as a page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from xml.etree import ElementTree

from kyc_gate.model.backtest import (
    BacktestDay,
    BacktestExample,
    BacktestReport,
    Change,
    Coverage,
    Determinism,
    RuleChange,
)
from kyc_gate.model.decision import Outcome, PolicyReference
from kyc_gate.reports.backtest import render_backtest, render_case_load

DAYS = tuple(
    BacktestDay(day=date(2026, 11, number), decisions=9, old_cases=number, new_cases=2, changed=1)
    for number in range(1, 25)
)
REPORT = BacktestReport(
    since=datetime(2026, 11, 1, tzinfo=UTC),
    until=datetime(2026, 11, 25, tzinfo=UTC),
    old=(PolicyReference(name="own", revision=1, digest="ab" * 32),),
    new=(PolicyReference(name="own", revision=2, digest="cd" * 32),),
    coverage=Coverage(decisions=216, replayed=200, reasons={"its facts are of another release": 16}),
    determinism=Determinism(checked=200, same=199, elsewhere=0, differing=("dec_7",)),
    matrix=tuple(Change(old=old, new=new, decisions=7) for old in Outcome for new in Outcome),
    days=DAYS,
    rules=(RuleChange(rule="<b>red-flag-28", old_only=7, new_only=0),),
    examples=(
        BacktestExample(
            decision_id="dec_1",
            at=datetime(2026, 11, 3, tzinfo=UTC),
            old=Outcome.BLOCK,
            new=Outcome.ALLOW,
            old_rules=("red-flag-28",),
            new_rules=(),
        ),
    ),
)


def test_the_drawing_is_a_document_with_two_bars_a_day() -> None:
    """The chart is well-formed, says its sums in words, and draws each side of each day in proportion."""
    root = ElementTree.fromstring(render_case_load(DAYS))
    space = "{http://www.w3.org/2000/svg}"
    bars = {
        kind: [float(bar.get("height", "0")) for bar in root.iter(f"{space}rect") if bar.get("class") == kind][1:]
        for kind in ("old", "new")
    }
    assert len(bars["old"]) == len(bars["new"]) == len(DAYS)
    assert bars["old"][23] == max(bars["old"])
    assert abs(bars["old"][23] / bars["old"][11] - 2) < 0.01
    assert "300 in all under the old policies, 48 under the new ones" in root.get("aria-label", "")


def test_an_empty_backtest_is_drawn_too() -> None:
    """Without a day the drawing is empty, and well-formed."""
    assert len(ElementTree.fromstring(render_case_load(()))) > 0


def test_the_page_tells_everything_and_loads_nothing() -> None:
    """Coverage, determinism, the matrix, rules and examples stand on the page; texts are escaped."""
    page = render_backtest(REPORT)
    for text in ("200 of 216", "16 not: its facts are of another release", "dec_7", "More lenient.", "dec_1"):
        assert text in page
    assert "&lt;b&gt;red-flag-28" in page
    assert "<script" not in page
    assert 'src="' not in page
