"""Papers as pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kyc_gate.errors import InputError
from kyc_gate.reports import pdf
from kyc_gate.reports.page import render_paper
from kyc_gate.reports.paper import Basis, Paper, Section, Table, told
from kyc_gate.reports.pdf import render_pdf

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)


def paper(name: str) -> Paper:
    return Paper(
        kind="case-file",
        title=f"File of {name}",
        status="A working paper.",
        basis=Basis(prepared_at=AT, policies=("us-in-force@1",), snapshot="ab" * 32),
        sections=(Section(title=name, fields=(told("15 CFR 1", "name", name, "directory"), told("", "asked", None))),),
        tables=(Table(title=name, header=("Name", "Digest"), rows=((name, "cd" * 32), (None, ""))),),
    )


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</script><script>alert(1)//",
        "</style></title><svg onload=alert(1)>",
        '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
    ],
)
def test_no_name_becomes_markup(name: str) -> None:
    """A page has the tags of its template and no other, whatever a party is called."""
    tags = [re.findall(r"</?([a-z1-6]+)", render_paper(paper(each))) for each in (name, "x" * len(name))]
    assert [tag for tag in tags[0] if tag != "wbr"] == [tag for tag in tags[1] if tag != "wbr"]


def test_a_name_that_turns_the_line_around_is_told_as_it_is() -> None:
    """Directions and characters that are not seen stand as escapes; what was escaped by its owner is not undone."""
    page = render_paper(paper("ab\u202e<b>\u200b\x1b[31m&lt;"))
    assert "\\u202e&lt;b&gt;\\u200b\\x1b[31m&amp;lt;" in page
    assert "\u202e" not in page


def test_a_paper_says_what_it_is_a_draft_of_and_rests_on() -> None:
    """Each page has the mark, date, policies and snapshot, and names what is not on file."""
    page = render_paper(paper("Testland"))
    assert "DRAFT." in page
    assert "2026-11-27T09:00+00:00" in page
    assert "us-in-force@1" in page
    assert "ab" * 32 in page
    assert "<li>Testland: asked</li>" in page
    assert "http" not in page


def test_long_digests_can_be_broken_and_are_the_same_text() -> None:
    """A digest has places to break at, and its text is not changed by them."""
    page = render_paper(paper("Testland"))
    assert "cdcdcdcdcdcd<wbr>" in page
    assert "cd" * 32 in page.replace("<wbr>", "")


@pytest.fixture
def pango() -> None:
    """Skip without the library that lays out text."""
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        pytest.skip("Pango is not installed: apt install libpango-1.0-0 libpangoft2-1.0-0")


def test_the_same_page_gives_the_same_pdf(pango: None) -> None:
    """Two renderings are one: a PDF can be told by its hash."""
    page = render_paper(paper("Обязательство"))
    made = render_pdf(page)
    assert made.startswith(b"%PDF-")
    assert made == render_pdf(page)


def test_characters_that_no_font_has_are_named(pango: None) -> None:
    """A name is never a row of boxes in silence: what is missing stands at the head of the paper."""
    _, missing = pdf._drawn(render_paper(paper("Testland")))
    assert missing == set()
    _, missing = pdf._drawn(render_paper(paper("x\U000e0fffy")))
    assert missing == set()  # not printable, and so an escape
    page = render_paper(paper("\U00030010"))
    first, missing = pdf._drawn(page)
    if not missing:
        pytest.skip("this machine has a font for every script")
    assert missing == {0x30010}
    assert len(render_pdf(page)) > len(first)


def test_a_paper_loads_nothing(pango: None, tmp_path: Path) -> None:
    """A page that names a picture on this machine is printed as if there were none."""
    picture = tmp_path / "picture.svg"
    page = render_paper(paper("Testland"))
    asking = page.replace("<main>", f'<main><img src="{picture.as_uri()}" alt="">', 1)
    without = render_pdf(asking)
    picture.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><rect width="90" height="90"/></svg>'
    )
    assert render_pdf(asking) == without


def test_without_the_renderer_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without weasyprint or Pango the error names the extra, the library and the way without."""
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    with pytest.raises(InputError, match=r"kyc-gate\[pdf\].*libpango.*\.html"):
        render_pdf("<main></main>")
