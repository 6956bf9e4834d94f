"""A walk through the console: from page to page by their links, one address for each kind of page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urljoin, urlsplit

from kyc_gate.console.app import PAGES
from kyc_gate.console.rendering import ROOT
from kyc_gate.model.access import Role, permissions_of

from .chrome import Visitor
from .world import PEOPLE

ABSENT = frozenset({"/lists/differences/{id}", "/policies/shadow/{id}", "/cases/{id}/attachments/{sha256}"})
"""Kinds of which the world has none: its lists come from files, no candidate is tried, and nobody attached a paper."""


def kinds(roles: Iterable[str]) -> dict[str, re.Pattern[str]]:
    """Every kind of page that somebody may read, by its path as the console names it (`/cases/{id}`)."""
    may = permissions_of(tuple(Role(role) for role in roles))
    return {
        page.path: re.compile(re.sub(r"\\\{[a-z_0-9]+(?::path)?\\\}", "[^/]+", re.escape(f"{ROOT}{page.path}")))
        for page in PAGES
        if page.method == "GET" and page.permission in may and page.path not in ABSENT
    }


def begin_jobs(visitor: Visitor) -> None:
    """Begin one job of each kind, and wait until it is done, so that there is a page of it."""
    for page, button in (("audit", "Verify now"), ("policies", "Compare"), ("policies", "Backtest")):
        visitor.goes(f"{ROOT}/{page}")
        visitor.page.get_by_role("button", name=button, exact=True).click()
        visitor.page.get_by_text("ended").wait_for()


def walk(visitor: Visitor, name: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each kind of page, with an address of it, as links lead `name` there, who looks at it.

    What is no page (a file to save, a drawing) is yielded with an empty address.
    """
    left, waiting = kinds(PEOPLE[name]), [ROOT]
    while waiting:
        address = waiting.pop(0)
        kind = next((path for path, pattern in left.items() if pattern.fullmatch(urlsplit(address).path)), None)
        if kind is None and address != ROOT:
            continue
        answer = visitor.context.request.get(f"{visitor.home}{address}")
        assert answer.ok, f"{address} answered {answer.status}"
        if "text/html" not in answer.headers["content-type"] or "content-disposition" in answer.headers:
            left.pop(kind or "")
            yield kind or "", ""
            continue
        visitor.goes(address)
        waiting += _links(visitor)
        if kind is not None:
            left.pop(kind)
            yield kind, address
    assert not left, f"no link leads to {', '.join(left)}"


def _links(visitor: Visitor) -> list[str]:
    """Addresses of the console that the page links to or shows; those that lead on come before those that come back."""
    named = "found => found.map(each => each.getAttribute('href') || each.getAttribute('src'))"
    found = visitor.page.eval_on_selector_all("a[href], img[src]", named)
    addresses = [urlsplit(urljoin(visitor.page.url, href)) for href in found]
    inside = [each for each in addresses if f"{each.scheme}://{each.netloc}" == visitor.home]
    return [f"{each.path}?{each.query}" if each.query else each.path for each in inside if each.path.startswith(ROOT)]
