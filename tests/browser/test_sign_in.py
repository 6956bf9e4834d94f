"""Signing in, in Chromium."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from .chrome import Scheme, Visitor, hindrances


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_hinders_nobody(scheme: Scheme, comes: Callable[..., Visitor]) -> None:
    """axe finds nothing serious on the form, nor on what it says of a wrong password."""
    visitor = comes(scheme=scheme)
    page = visitor.goes("/console/cases")
    assert hindrances(page, scheme=scheme) == []
    visitor.signs_in("ana", password="wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    assert hindrances(page, scheme=scheme) == []
    visitor.faults.clear()  # Chromium tells of each 401


@pytest.mark.parametrize("scripts", [True, False])
def test_one_lands_on_the_page_that_one_asked_for(scripts: bool, comes: Callable[..., Visitor]) -> None:
    """With and without JavaScript, signing in leads to the page, and signing out ends the session."""
    visitor = comes(scripts=scripts)
    page = visitor.signs_in("vi", onward="/console/cases")
    expect(page).to_have_url(f"{visitor.home}/console/cases")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cases")
    page.get_by_role("button", name="Sign out").click()
    visitor.goes("/console/cases")
    expect(page.get_by_label("Password")).to_be_visible()
