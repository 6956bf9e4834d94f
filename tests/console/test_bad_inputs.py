"""Every row of the catalogue of bad inputs for the console gives the stated answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from api.browser import ROOT as ADMINISTRATOR
from api.browser import Browser, browsers
from api.test_cases import ANSWERS, large
from gates import company
from msgspec.structs import replace
from storage import samples

from console.conftest import enter
from console.html_page import look, send
from console.test_queue import opened
from kyc_gate import Gate
from kyc_gate.console.app import PAGES, interface_app
from kyc_gate.console.rendering import ROOT
from kyc_gate.model.access import local_actor
from kyc_gate.model.party import Account
from kyc_gate.telemetry.printed import escaped

CSP = "content-security-policy"


@pytest.fixture
def rows(shared_data: Path) -> dict[str, dict[str, Any]]:
    """The rows for the console, by id."""
    lines = (shared_data / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines) if row["layer"] == "console"}


async def cross_site_form(gate: Gate, bo: Browser) -> None:
    """A form of another site has no token: nothing is done. The cookie does not go with it, either."""
    case_id = await opened(gate, 1)
    async with bo.session.post(f"{ROOT}/cases/{case_id}/approve", data={"note": "x", "version": "1"}) as response:
        assert response.status == 403
    assert await gate.store.fetch_case_events(case_id) == ()
    page = await look(bo.session, "/sign-in")
    async with bo.session.post("/sign-in", data={**page.forms[0].fields, "name": "bo", "password": "x"}) as response:
        assert "samesite=strict" in page.headers["set-cookie"].lower()


async def get_is_no_step(gate: Gate, bo: Browser) -> None:
    """Each target of a form answers an address with 405, or with a page that does nothing."""
    case_id = await opened(gate, 1)
    for page in PAGES:
        if page.method == "POST" and "{step}" not in page.path:
            path = page.path.replace("{id}", case_id).replace("{grant}", "g").replace("{clearance}", "c")
            if path not in ("/cases/next",):
                assert (await look(bo.session, f"{ROOT}{path}")).status in (404, 405), path
    for step in ("approve", "reject", "propose", "take"):
        assert (await look(bo.session, f"{ROOT}/cases/{case_id}/{step}")).status == 405
    assert (await look(bo.session, f"{ROOT}/cases/next")).status == 404
    assert await gate.store.fetch_case_events(case_id) == ()


async def no_frame(gate: Gate, bo: Browser) -> None:
    """The page with the button to approve may stand in no frame."""
    page = await look(bo.session, f"{ROOT}/cases/{await opened(gate, 1)}")
    assert "frame-ancestors 'none'" in page.headers[CSP]
    assert page.headers["x-frame-options"] == "DENY"


async def case_of_another(gate: Gate, bo: Browser) -> None:
    """A case of one's own customer is answered like one that is not there."""
    held = await gate.decide(large())
    async with browsers(gate, app=interface_app) as (own,):
        await enter(gate, own=own)
        there = await look(own.session, f"{ROOT}/cases/{held.case_id}")
        nowhere = await look(own.session, f"{ROOT}/cases/case_{'0' * 32}")
    assert (there.status, there.words) == (404, nowhere.words)


async def bounded(gate: Gate, bo: Browser) -> None:
    """No address asks for more rows than a page has."""
    assert (await look(bo.session, f"{ROOT}/cases?page=-1&limit=10000000")).status == 400


async def wildcard(gate: Gate, bo: Browser) -> None:
    """A wildcard is looked for as it stands."""
    await opened(gate, 1)
    for text in ("%", "_"):
        page = await look(bo.session, f"{ROOT}/cases", text=text)
        assert (page.status, "No case is here" in page.words) == (200, True)


async def statement(gate: Gate, bo: Browser) -> None:
    """SQL is looked for as it stands."""
    page = await look(bo.session, f"{ROOT}/cases", text="' UNION SELECT 1--")
    assert (page.status, "No case is here" in page.words) == (200, True)


async def order(gate: Gate, bo: Browser) -> None:
    """Orders are those of a list."""
    assert (await look(bo.session, f"{ROOT}/cases?order_by=password")).status == 400
    assert (await look(bo.session, f"{ROOT}/cases?order=password")).status == 400


async def file_name(gate: Gate, bo: Browser) -> None:
    """A name with a line break in it makes no header of its own."""
    case_id = await opened(gate, 1)
    name = "a\r\nset-cookie: planted=1.csv"
    digest = await gate.casework.attach(local_actor("ana"), case_id, name, b"x")
    async with bo.session.get(f"{ROOT}/cases/{case_id}/attachments/{digest}") as response:
        assert response.status == 200
        assert "set-cookie" not in response.headers
        assert "\n" not in response.headers["content-disposition"]


async def open_redirect(gate: Gate, bo: Browser) -> None:
    """Signing in leads to no other host."""
    for onward in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        page = await look(bo.session, f"/sign-in?next={quote(onward)}")
        assert page.forms[0].fields["next"] == "/"


async def host_header(gate: Gate, bo: Browser) -> None:
    """The link to the questionnaire is made from the configuration, whatever host a call names."""
    case_id = await opened(gate, 1)
    data = {"csrf": bo.csrf}
    path = f"{ROOT}/cases/{case_id}/ask"
    async with bo.session.post(path, data=data, headers={"host": "evil.example"}) as response:
        text = await response.text()
    assert response.status == 200
    assert "evil.example" not in text
    assert "/questions/" in text


async def fixed_session(gate: Gate, bo: Browser) -> None:
    """A session's token is a new one at each sign-in, and one that was planted is worth nothing."""
    async with browsers(gate, app=interface_app) as (ana,):
        ana.session.cookie_jar.update_cookies({"kyc_session": "planted"})
        await ana.sign_in("ana", onward=f"{ROOT}/cases")
        cookies = {cookie.key: cookie.value for cookie in ana.session.cookie_jar}
        assert cookies["kyc_session"] != "planted"
        assert await gate.access.session("planted") is None


async def role_removed(gate: Gate, bo: Browser) -> None:
    """A session ends with the roles that it began with."""
    await gate.access.change(ADMINISTRATOR, "bo", roles=["viewer"])
    assert (await look(bo.session, f"{ROOT}/cases")).has_form("/sign-in")


async def append_only(gate: Gate, bo: Browser) -> None:
    """After the decision a note is one more note: no form changes an earlier one, and nothing else can be done."""
    case_id = await opened(gate, 1)
    page = await look(bo.session, f"{ROOT}/cases/{case_id}")
    page = await send(bo.session, page.form("/reject"), note="first")
    page = await send(bo.session, page.form("/note"), note="second")
    notes = [event.note for event in await gate.store.fetch_case_events(case_id) if event.note]
    assert notes == ["first", "second"]
    steps = {form.action.rpartition("/")[2] for form in page.forms if case_id in form.action}
    assert steps == {"note", "link", "attach"}


async def bulk(gate: Gate, bo: Browser) -> None:
    """No form decides more than the one case that it stands on."""
    await opened(gate, 1)
    page = await look(bo.session, f"{ROOT}/cases")
    assert {form.action for form in page.forms if form.method == "post"} <= {
        "/sign-out",
        f"{ROOT}/cases/next",
        f"{ROOT}/cases/views",
        f"{ROOT}/cases/views/drop",
    }
    assert [page.path for page in PAGES if page.method == "POST" and "{step}" in page.path] == ["/cases/{id}/{step}"]


async def expired(gate: Gate, bo: Browser) -> None:
    """A case that expired is decided by nobody."""
    case_id = await opened(gate, 1, expires_at=samples.NOW + timedelta(hours=1))
    data = {"csrf": bo.csrf, "version": "1", "note": "late"}
    async with bo.session.post(f"{ROOT}/cases/{case_id}/approve", data=data) as response:
        assert response.status == 409


CHECKS: dict[str, Callable[[Gate, Browser], Awaitable[None]]] = {
    "console_web-001": cross_site_form,
    "console_web-002": get_is_no_step,
    "console_web-003": no_frame,
    "console_web-004": case_of_another,
    "console_web-005": bounded,
    "console_web-006": wildcard,
    "console_web-007": statement,
    "console_web-008": order,
    "console_web-009": file_name,
    "console_web-010": open_redirect,
    "console_web-011": host_header,
    "console_web-012": fixed_session,
    "console_web-013": role_removed,
    "console_web-014": append_only,
    "console_web-015": bulk,
    "console_web-016": expired,
}


def test_every_scenario_has_a_check(rows: dict[str, dict[str, Any]]) -> None:
    """No row for the console's pages is left out."""
    assert {id for id, row in rows.items() if row["category"] == "console_web"} == set(CHECKS)


@pytest.mark.parametrize("id", CHECKS)
async def test_a_scenario_gives_its_answer(gate: Gate, id: str) -> None:
    """What the row says must be holds."""
    async with browsers(gate, app=interface_app) as (bo,):
        await enter(gate, bo=bo)
        await CHECKS[id](gate, bo)


async def test_hostile_names_are_text_in_every_view(gate: Gate, rows: dict[str, dict[str, Any]]) -> None:
    """Each name is a customer's, an answer, a note and a file's: it is shown as it is written, and makes no element."""
    names = [row["input"] for row in rows.values() if row["category"] == "console_xss"]
    assert len(names) >= 8
    parties = [replace(company(f"p{at}", "Norway"), name=name, website=name) for at, name in enumerate(names)]
    accounts = [Account(provider="generic", id=f"acct-{party.id}", party_id=party.id) for party in parties]
    await gate.store.save_directory(parties, accounts)
    gate._standings.forget()
    ana = local_actor("ana")
    async with browsers(gate, app=interface_app) as (bo,):
        await enter(gate, bo=bo)
        for at, name in enumerate(names):
            opening = samples.case_opening(
                f"dec_{at}", party_id=f"p{at}", control_group=f"g{at}", fingerprint=f"{at:064x}"
            )
            case_id = str((await gate.store.append(samples.decision_entry(f"dec_{at}", case=opening))).case_id)
            await gate.casework.note(ana, case_id, name)
            await gate.casework.attach(ana, case_id, name, b"x")
            sent = await gate.casework.ask(ana, case_id)
            await gate.casework.answer(sent.path.rpartition("/")[2], {**ANSWERS, "end_use": name})
            page = await look(bo.session, f"{ROOT}/cases/{case_id}")
            shown = " ".join(escaped(name).split())
            assert page.status == 200
            assert page.words.count(shown) >= 2, name
            assert page.headers[CSP].startswith("default-src 'none'")
            assert not [of for tag, of in page.elements if tag == "script" and not of.get("src")]
            assert not [
                of for tag, of in page.elements if tag in ("svg", "math", "iframe", "object") or "onerror" in of
            ]
            assert all(link.startswith(("/", "#", "?", "https://")) for link in page.links)
            async with bo.session.get(f"{ROOT}/cases/{case_id}/owners.svg?party=p{at}") as response:
                svg = await response.text()
            assert "\u202e" not in svg
            for tag in ("<script", "<img", "<math", "<svg onload", "<b>"):
                assert tag not in svg
