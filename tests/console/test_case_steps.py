"""Steps of a case, taken through plain forms without a script."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from api.browser import Browser, browsers
from api.test_cases import ANSWERS, large

from console.conftest import enter
from console.html_page import Page, look, send
from console.test_case_page import resembling
from console.test_queue import opened
from kyc_gate import Gate
from kyc_gate.console.app import interface_app
from kyc_gate.console.rendering import ROOT


async def act(browser: Browser, case_id: str, step: str, **fields: str) -> Page:
    """Open the case, fill in the form of a step, and send it."""
    page = await look(browser.session, f"{ROOT}/cases/{case_id}")
    return await send(browser.session, page.form(f"/{step}"), **fields)


async def test_a_morning_without_scripts(gate: Gate) -> None:
    """Take next, read, note, ask, propose; a second person approves; the same request passes; the rest is revoked."""
    held = await gate.decide(large())
    async with browsers(gate, 3, app=interface_app) as (ana, bo, customer):
        await enter(gate, ana=ana, bo=bo)
        queue = await look(ana.session, f"{ROOT}/cases")
        page = await send(ana.session, queue.form("/cases/next"))
        case_id = str(held.case_id)
        assert case_id in page.words
        assert "Assigned to ana" in page.words
        page = await act(ana, case_id, "note", note="two\nlines <i>here</i>")
        assert "The note is kept." in page.words
        assert "two lines <i>here</i>" in page.words
        page = await act(ana, case_id, "link", url="https://example.org/a?b=1&c=2", note="the register")
        assert "https://example.org/a?b=1&c=2" in page.links
        asked = await act(ana, case_id, "ask")
        (link,) = [of["value"] for tag, of in asked.elements if of.get("id") == "link"]
        assert str(link).startswith("/questions/")
        assert "cases.public_url" in asked.words
        async with customer.session.post(str(link), data=ANSWERS) as response:
            assert response.status == 200
        page = await look(ana.session, f"{ROOT}/cases/{case_id}")
        assert "Weather models <script>alert(1)</script>" in page.words
        assert not [of for tag, of in page.elements if tag == "script" and not of.get("src")]
        page = await act(
            ana, case_id, "propose", decision="approve", disposition="benign", note="weather", budget="2e26"
        )
        assert "It is proposed" in page.words
        assert "you proposed this" in page.words or "the permission `cases:decide` is missing" in page.words
        page = await look(bo.session, f"{ROOT}/cases/{case_id}")
        assert "ana proposed to approve" in page.words
        assert "2e+26 operations, 1 use" in page.words
        page = await act(bo, case_id, "approve", note="seen")
        assert "The case is approved" in page.words
        assert "0 spent of 2e+26" in page.words
        assert not page.has_form("/reject")
        passed = await gate.decide(large())
        assert passed.refusal is None
        assert "uses left: 0" in (await look(bo.session, f"{ROOT}/cases/{case_id}")).words
        steps = [event.step for event in await gate.store.fetch_case_events(case_id)]
    assert steps == ["take", "note", "link", "ask", "answer", "propose", "approve"]


async def test_the_second_person_is_another_one(gate: Gate) -> None:
    """Who proposed has no button, is told why, and is refused where they send the form all the same."""
    held = await gate.decide(large())
    case_id = str(held.case_id)
    async with browsers(gate, 2, app=interface_app) as (bo, vi):
        await enter(gate, bo=bo, vi=vi)
        assert "two people decide" in (await look(bo.session, f"{ROOT}/cases/{case_id}")).words
        page = await act(bo, case_id, "propose", decision="approve", disposition="benign", note="fine")
        assert not page.has_form("/approve")
        assert "approve: you proposed this; another person approves it" in page.words
        fields = {"csrf": bo.csrf, "version": "2", "note": "me again"}
        async with bo.session.post(f"{ROOT}/cases/{case_id}/approve", data=fields) as response:
            page = Page(response.status, await response.text(), response.headers)
        assert (page.status, "another person approves it" in page.words) == (409, True)
        page = await look(vi.session, f"{ROOT}/cases/{case_id}")
        assert [form.action for form in page.forms] == ["/sign-out", ""]
        async with vi.session.post(f"{ROOT}/cases/{case_id}/approve", data={**fields, "csrf": vi.csrf}) as response:
            assert response.status == 403
    case = await gate.store.fetch_case(case_id)
    assert case is not None
    assert case.state == "proposed"


async def test_nobody_approves_what_they_did_not_see(gate: Gate) -> None:
    """A form of an earlier version is refused, what was typed stays, and the page shows what is there now."""
    held = await gate.decide(large())
    case_id = str(held.case_id)
    async with browsers(gate, app=interface_app) as (ana,):
        await enter(gate, ana=ana)
        form = (await look(ana.session, f"{ROOT}/cases/{case_id}")).form("/propose")
        await gate.decide(large(fingerprint="e" * 64))
        page = await send(ana.session, form, decision="approve", note="typed <b>before</b>", budget="1e26")
        assert page.status == 409
        assert "changed since you read it" in page.words
        again = page.form("/propose")
        assert again.fields["note"].strip() == "typed <b>before</b>"
        assert (again.fields["version"], again.fields["budget"]) == ("2", "1e26")
        page = await send(ana.session, again, disposition="benign")
        assert "It is proposed" in page.words


async def test_a_step_is_no_address_and_takes_the_sessions_own_token(gate: Gate) -> None:
    """An address changes nothing, nor does a form without the token, with another's, or from elsewhere."""
    case_id = await opened(gate, 1)
    path = f"{ROOT}/cases/{case_id}"
    async with browsers(gate, 2, app=interface_app) as (ana, bo):
        await enter(gate, ana=ana, bo=bo)
        for step in ("approve", "take", "note", "propose"):
            async with bo.session.get(f"{path}/{step}") as response:
                assert (response.status, response.headers["allow"]) == (405, "POST"), step
        for token in ({}, {"csrf": ""}, {"csrf": ana.csrf}, {"csrf": bo.csrf[:-1]}):
            async with bo.session.post(f"{path}/take", data=token) as response:
                assert (response.status, "Nothing was done" in await response.text()) == (403, True)
        async with bo.session.post(f"{path}/take", json={"csrf": bo.csrf}) as response:
            assert response.status == 415
        async with bo.session.post(f"{path}/explode", data={"csrf": bo.csrf}) as response:
            assert response.status == 404
        assert await gate.store.fetch_case_events(case_id) == ()
        assert "The case is yours" in (await act(bo, case_id, "take")).words


@pytest.mark.parametrize(
    ("step", "fields", "said"),
    [
        pytest.param("note", {"note": "  "}, "`note` is empty", id="empty-note"),
        pytest.param("link", {"url": "javascript:alert(1)"}, "not an https address", id="script-as-link"),
        pytest.param("assign", {"assignee": " "}, "name the person", id="nobody"),
        pytest.param("propose", {"decision": "", "note": "x"}, "`decision` is missing", id="no-decision"),
        pytest.param("propose", {"decision": "approve", "budget": "much"}, "`budget`", id="budget"),
        pytest.param("propose", {"decision": "approve", "uses": "many"}, "`uses`", id="uses"),
        pytest.param("propose", {"decision": "approve", "grant_hours": "nan"}, "hours", id="hours"),
        pytest.param("propose", {"decision": "approve", "disposition": "duplicate"}, "`disposition`", id="disposition"),
    ],
)
async def test_what_makes_no_sense_is_told_above_the_form(
    gate: Gate, step: str, fields: dict[str, str], said: str
) -> None:
    """Bad input changes nothing and names its field."""
    case_id = await opened(gate, 1)
    async with browsers(gate, app=interface_app) as (ana,):
        await enter(gate, ana=ana)
        page = await act(ana, case_id, step, **fields)
        assert (page.status, said in page.words) == (400, True), page.words[:600]
    assert await gate.store.fetch_case_events(case_id) == ()


async def test_a_case_that_expired_is_decided_by_nobody(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form from before the end is refused after it."""
    now = gate.now
    case_id = await opened(gate, 1, expires_at=now() + timedelta(minutes=1))
    async with browsers(gate, app=interface_app) as (bo,):
        await enter(gate, bo=bo)
        form = (await look(bo.session, f"{ROOT}/cases/{case_id}")).form("/reject")
        monkeypatch.setattr(gate, "now", lambda: now() + timedelta(minutes=2))
        page = await send(bo.session, form, note="late")
        assert (page.status, "expired" in page.words) == (409, True)


async def test_files_are_kept_by_hash_and_never_shown(gate: Gate) -> None:
    """A file comes back as it was, under a safe name, to be saved; one of no bytes or too many is refused."""
    case_id = await opened(gate, 1)
    content = b"<script>alert(1)</script>"
    name = "a\u202egpj.%0D%0ASet-Cookie: x=1; <b>.html"
    async with browsers(gate, app=interface_app) as (ana,):
        await enter(gate, ana=ana)
        form = (await look(ana.session, f"{ROOT}/cases/{case_id}")).form("/attach")
        page = await send(ana.session, form, file=(name, content), note="from the customer")
        assert "The file is kept" in page.words
        (path,) = [link for link in page.links if "/attachments/" in link]
        assert path.endswith(hashlib.sha256(content).hexdigest())
        async with ana.session.get(path) as response:
            assert await response.read() == content
            assert response.headers["content-disposition"].startswith("attachment; ")
            assert "set-cookie" not in response.headers
            assert response.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in response.headers["content-security-policy"]
            assert response.content_type == "application/octet-stream"
        for file in (("empty.txt", b""), ("large.bin", b"x" * (gate.settings.attachment_bytes + 1))):
            refused = await send(ana.session, form, file=file)
            assert refused.status == 400, file[0]
        assert (
            await send(ana.session, form, file=("huge", b"x" * (gate.settings.attachment_bytes + 2**19)))
        ).status == 413
        assert (await send(ana.session, form)).status == 400
        assert (await look(ana.session, f"{ROOT}/cases/{case_id}/attachments/{'0' * 64}")).status == 404


async def test_a_false_positive_is_cleared_by_two_people_and_ended_by_one(gate: Gate) -> None:
    """The resemblance is settled through the forms, shown as cleared, and counts again once it is ended."""
    case_id = await resembling(gate)
    async with browsers(gate, 2, app=interface_app) as (ana, bo):
        await enter(gate, ana=ana, bo=bo)
        fields = {"decision": "approve", "disposition": "false_positive", "note": "another one", "clear-1": "SDN/1"}
        page = await act(ana, case_id, "propose", **fields)
        assert "It clears “Sealed Works” of “Sealed Machinery Works” (SDN 1) for 180 days" in page.words
        page = await act(bo, case_id, "approve")
        assert "cleared by ana and bo" in page.words
        (clearance,) = await gate.store.fetch_clearances(gate.now())
        page = await send(bo.session, page.form(f"/clearances/{clearance.id}/end"), note="a new address")
        assert "The clearance has ended" in page.words
        assert "cleared by" not in page.words


async def test_what_is_left_of_a_grant_is_taken_back(gate: Gate) -> None:
    """A decider takes it back from the case's page, and no page of another case does."""
    held = await gate.decide(large())
    other = await opened(gate, 1)
    case_id = str(held.case_id)
    async with browsers(gate, 2, app=interface_app) as (ana, bo):
        await enter(gate, ana=ana, bo=bo)
        await act(
            ana, case_id, "propose", decision="approve", disposition="benign", note="fine", grant_hours="2", uses="3"
        )
        page = await act(bo, case_id, "approve")
        (grant,) = await gate.store.fetch_grants(case_id)
        assert (grant.uses_left, page.has_form(f"/grants/{grant.id}/revoke")) == (3, True)
        path = f"/grants/{grant.id}/revoke"
        async with bo.session.post(f"{ROOT}/cases/{other}{path}", data={"csrf": bo.csrf, "note": "x"}) as response:
            assert response.status == 404
        async with ana.session.post(f"{ROOT}/cases/{case_id}{path}", data={"csrf": ana.csrf, "note": "x"}) as response:
            assert response.status == 403
        page = await send(bo.session, page.form(path), note="they went elsewhere")
        assert "taken back" in page.words
        assert not page.has_form(path)
        assert (await gate.decide(large())).refusal is not None


async def test_a_session_ends_with_a_change_of_roles(gate: Gate) -> None:
    """The next call after a change is one of somebody who did not sign in."""
    from api.browser import ROOT as ADMINISTRATOR

    case_id = await opened(gate, 1)
    async with browsers(gate, app=interface_app) as (bo,):
        await enter(gate, bo=bo)
        form = (await look(bo.session, f"{ROOT}/cases/{case_id}")).form("/reject")
        await gate.access.change(ADMINISTRATOR, "bo", roles=["viewer"])
        page = await send(bo.session, form, note="too late")
        assert page.has_form("/sign-in")
        assert page.form("/sign-in").fields["next"] == f"{ROOT}/cases/{case_id}"
    assert await gate.store.fetch_case_events(case_id) == ()
