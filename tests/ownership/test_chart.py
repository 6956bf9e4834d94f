"""The chart of owners."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.ownership.chart import Arrow, Box, BoxKind, Chart, register_chart, render_chart
from kyc_gate.ownership.register import Standing
from tests.ownership.gleif.published import entity

SVG = "{http://www.w3.org/2000/svg}"


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_only_text(title: str, line: str, label: str) -> None:
    """Whatever names say, the drawing is well-formed, and they add no element to it."""
    boxes = (Box(id="a", title=title, lines=(line,), kind=BoxKind.SUBJECT), Box(id="b", title=line))
    chart = Chart(title=title, about=line, boxes=boxes, arrows=(Arrow(below="a", above="b", label=label),))
    drawn = ElementTree.fromstring(render_chart(chart))
    assert len(list(drawn.iter(f"{SVG}g"))) == 2
    assert list(drawn.iter(f"{SVG}script")) == []


def test_readers_who_cannot_see_are_told() -> None:
    """A chart has a title and a description, and refers to them."""
    chart = register_chart(Standing(entity=entity(1, "<b>Fjord</b> & Sons"), matched_by="lei"), children=3)
    drawn = ElementTree.fromstring(render_chart(chart))
    assert drawn.get("aria-labelledby") == "title about"
    assert drawn.findtext(f"{SVG}title") == "Who stands above <b>Fjord</b> & Sons"
    assert "ultimate parent: unknown" in (drawn.findtext(f"{SVG}desc") or "")


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12))
def test_boxes_never_lie_on_one_another(pairs: list[tuple[int, int]]) -> None:
    """In any graph, circles included, each box has a place of its own within the drawing."""
    boxes = tuple(Box(id=str(n), title=f"Party {n}") for n in range(7))
    arrows = tuple(Arrow(below=str(a), above=str(b)) for a, b in pairs)
    drawn = ElementTree.fromstring(render_chart(Chart(title="t", about="a", boxes=boxes, arrows=arrows)))
    places = {(int(each.get("x", 0)), int(each.get("y", 0))) for each in drawn.iter(f"{SVG}rect")}
    assert len(places) == 7
    width, height = int(drawn.get("width", 0)), int(drawn.get("height", 0))
    assert all(0 <= x <= width - 260 and 0 <= y < height for x, y in places)


def test_an_owner_stands_above_what_it_owns() -> None:
    """Higher layers are drawn further up."""
    boxes = tuple(Box(id=id, title=id) for id in "abc")
    arrows = (Arrow(below="a", above="b"), Arrow(below="b", above="c"), Arrow(below="a", above="c", weak=True))
    drawn = ElementTree.fromstring(render_chart(Chart(title="t", about="a", boxes=boxes, arrows=arrows)))
    heights = [int(each.get("y", 0)) for each in drawn.iter(f"{SVG}rect")]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 3


def test_an_empty_chart_and_a_huge_one_are_drawn() -> None:
    """No box is no error; of very many, some are drawn and the rest are counted."""
    assert "<svg" in render_chart(Chart(title="t", about="a", boxes=(), arrows=()))
    many = tuple(Box(id=str(n), title=str(n)) for n in range(5_000))
    assert "4800 more are not drawn" in render_chart(Chart(title="t", about="a", boxes=many, arrows=()))
