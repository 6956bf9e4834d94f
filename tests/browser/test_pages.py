"""Every page of the console, in Chromium."""

from __future__ import annotations

from collections.abc import Callable

from .chrome import Visitor, hindrances
from .walk import begin_jobs, walk


def test_no_page_hinders_anybody(comes: Callable[..., Visitor]) -> None:
    """Links lead to every page, and axe finds nothing serious or critical on any, in the light and in the dark."""
    visitor = comes()
    visitor.signs_in("bo")
    begin_jobs(visitor)
    found = []
    for _, address in walk(visitor, "bo"):
        if address:
            found += hindrances(visitor.page, scheme="light")
            found += hindrances(visitor.page, scheme="dark")
    assert found == []


def test_every_page_is_read_without_javascript(comes: Callable[..., Visitor]) -> None:
    """Without JavaScript links lead to every page all the same, and each says what it is and shows something."""
    author, visitor = comes(), comes(scripts=False)
    author.signs_in("bo")
    begin_jobs(author)
    visitor.signs_in("vi")
    for kind, address in walk(visitor, "vi"):
        if address:
            heading = visitor.page.locator("h1").inner_text()
            assert heading, kind
            assert len(visitor.page.locator("main").inner_text()) > len(heading), kind
