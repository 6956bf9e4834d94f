"""The console's frame: who gets in, what every page tells the browser, and what becomes of a form."""

from __future__ import annotations

import re

import pytest
from api.browser import browsers

from console.html_page import Page, look, send
from kyc_gate import Gate
from kyc_gate.console.app import PAGES, interface_app
from kyc_gate.console.assets import ASSETS
from kyc_gate.console.rendering import rendered, visible


async def test_who_did_not_sign_in_is_sent_there_and_back(gate: Gate) -> None:
    """Every page leads to the form of signing in, which leads back to this host and page, filters included."""
    async with browsers(gate, app=interface_app) as (ana,):
        for page in PAGES:
            if page.method == "GET":
                path = f"/console{re.sub('{[^}]*}', 'x', page.path)}"
                async with ana.session.get(path, allow_redirects=False) as response:
                    assert (response.status, response.headers["location"][:14]) == (303, "/sign-in?next="), path
        signing = await look(ana.session, "/console/cases", after="case_1")
        assert signing.form("/sign-in").fields["next"] == "/console/cases?after=case_1"
        async with ana.session.get("/console//evil.example/x", allow_redirects=False) as response:
            assert response.headers["location"].startswith("/sign-in?next=%2Fconsole")
        for path, back in (
            ("cases/case_1/grants/g/revoke", "cases/case_1"),
            ("cases/case_1/note", "cases/case_1"),
            ("cases/views/drop", "cases"),
            ("cases/next", "cases"),
        ):
            async with ana.session.post(f"/console/{path}", data={}) as response:
                sign_in = Page(response.status, await response.text(), response.headers)
            assert sign_in.form("/sign-in").fields["next"] == f"/console/{back}"
        async with ana.session.get("/console/cases", headers={"hx-request": "true"}, allow_redirects=False) as part:
            assert (part.status, part.headers["hx-redirect"]) == (401, "/sign-in?next=%2Fconsole%2Fcases")


async def test_one_address_leads_to_the_first_page(gate: Gate) -> None:
    """The root of the port, and of the console, lead to the queue, whatever host a call names."""
    async with browsers(gate, app=interface_app) as (ana,):
        for path in ("/", "/console", "/console/"):
            async with ana.session.get(path, allow_redirects=False, headers={"host": "evil.example"}) as response:
                assert (response.status, response.headers["location"]) == (303, "/console/cases")


async def test_every_page_is_closed_to_other_sites_and_to_inline_code(gate: Gate) -> None:
    """No page may be framed or cached, none runs inline code, and none holds any."""
    async with browsers(gate, app=interface_app) as (ana,):
        await ana.sign_in("ana")
        page = await look(ana.session, "/console/cases")
        assert page.status == 200
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "no-store")
        for tag, attributes in page.elements:
            assert not [name for name in attributes if name == "style" or name.startswith(("on", "hx-on"))], tag
            assert tag != "style"
            assert tag != "script" or attributes.get("src")
        for asset in ASSETS.values():
            async with ana.session.get(asset.address) as response:
                assert (response.status, "immutable" in response.headers["cache-control"]) == (200, True)
        assert (await look(ana.session, "/console/static/0/console.css")).status == 404


async def test_a_missing_page_and_a_wrong_method_are_told(gate: Gate) -> None:
    """What is not there is a page that says so; a step is no address."""
    async with browsers(gate, app=interface_app) as (ana,):
        await ana.sign_in("ana")
        assert "There is nothing here" in (await look(ana.session, "/console/elsewhere")).words
        async with ana.session.put("/console/cases") as response:
            assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")


async def test_signing_out_is_a_form_of_every_page(gate: Gate) -> None:
    """The form in the head of the page ends the session."""
    async with browsers(gate, app=interface_app) as (ana,):
        await ana.sign_in("ana")
        page = await look(ana.session, "/console/cases")
        assert "Signed in as ana" in page.words
        left = await send(ana.session, page.form("/sign-out"))
        assert left.has_form("/sign-in")
        assert (await look(ana.session, "/console/cases")).has_form("/sign-in")


async def test_the_interface_stays_as_it_is(gate: Gate) -> None:
    """The console takes no path from the interface that it is mounted in."""
    async with browsers(gate, app=interface_app) as (ana,):
        assert (await ana.get("/healthz"))[0] == 200
        assert (await ana.get("/v1/elsewhere"))[1]["status"] == 404


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        pytest.param("\u202e<b>", "\\u202e<b>", id="turned-around"),
        pytest.param("a\x1b[2Jb\r\nc", "a\\x1b[2Jb\\r\\nc", id="control"),
        pytest.param("Zürich \u200b", "Zürich \\u200b", id="unseen"),
    ],
)
def test_what_cannot_be_seen_is_made_visible(given: str, shown: str) -> None:
    """Control, format and direction characters are printed as escapes."""
    assert visible(given) == shown


def test_templates_escape_and_refuse_what_is_not_given() -> None:
    """A missing value is an error and never a gap."""
    with pytest.raises(Exception, match="undefined"):
        rendered("problem.html.j2", title="x")
