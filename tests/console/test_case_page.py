"""The page of a case: what it tells, and to whom."""

from __future__ import annotations

import base64
import hashlib
import re
from decimal import Decimal

from api.browser import browsers
from api.test_cases import large
from gates import company
from msgspec.structs import replace
from storage import samples

from console.conftest import enter
from console.html_page import look
from kyc_gate import Gate
from kyc_gate.console.app import interface_app
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.rendering import _templates as templates
from kyc_gate.model.party import Account, Owner

HOSTILE = 'Sealed Machinery <img src=x onerror="alert(1)"> Works \u202egro'


async def resembling(gate: Gate, name: str = "Sealed Works") -> str:
    """Put a party on file that resembles an entry of the list, have it ask, and return its case."""
    owner = Owner(name="Aster <b>Holding</b>", share=Decimal("0.4"))
    party = replace(company("sealed", "United Arab Emirates"), name=name, owners=(owner,))
    await gate.store.save_directory([party], [Account(provider="generic", id="acct-sealed", party_id="sealed")])
    gate._standings.forget()
    held = await gate.decide(large("acct-sealed"))
    return str(held.case_id)


def test_every_template_can_be_read() -> None:
    """No template has an error in its form."""
    for name in templates().list_templates():
        templates().get_template(name)


async def test_the_page_tells_who_asked_for_what(gate: Gate) -> None:
    """Requests with machines, operations and shares; countries with evidence; findings with citations and runbooks."""
    held = await gate.decide(large())
    async with browsers(gate, app=interface_app) as (ana,):
        await enter(gate, ana=ana)
        path = f"{ROOT}/cases/{held.case_id}"
        page = await look(ana.session, path)
        for told in (
            "20000 x H100 SXM",
            "720.0 hours",
            "2.56e+24 1.69e+25 1.03e+26",
            "16.9% of 1e+26",
            "15 CFR Part 732 Supp. No. 3(b)28",
            "Headquarters AE United Arab Emirates `United Arab Emirates` is AE (confidence 1.00)",
            "Place of use unknown",
            "Emirate Computing",
            "us-ai-diffusion.frontier_operations 1e+26 0.0%",
            "The customer was not asked yet",
            "approve: the permission `cases:decide` is missing",
        ):
            assert told in page.words, told
        runbook = await look(ana.session, f"{ROOT}/runbooks/red-flag-28")
        assert f"{ROOT}/runbooks/red-flag-28" in page.links
        assert "# " in runbook.words
        assert (await look(ana.session, f"{ROOT}/runbooks/..%2Fcli")).status == 404
        assert (await look(ana.session, f"{path}?decision=dec_of_another")).status == 404
        assert (await look(ana.session, f"{ROOT}/cases/case_none")).status == 404


async def test_matches_are_told_word_by_word_and_owners_drawn(gate: Gate) -> None:
    """What a party resembles now is told word by word, and who stands behind it in a table and a drawing."""
    case_id = await resembling(gate)
    async with browsers(gate, app=interface_app) as (ana,):
        await enter(gate, ana=ana)
        page = await look(ana.session, f"{ROOT}/cases/{case_id}")
        assert "“Sealed Machinery Works” SDN 1, company" in page.words
        assert "– machinery – only listed" in page.words.lower()
        assert "Aster <b>Holding</b> not on file 40.0% sealed" in page.words
        async with ana.session.get(f"{ROOT}/cases/{case_id}/owners.svg?party=sealed") as response:
            svg, policy = await response.text(), response.headers["content-security-policy"]
            assert response.content_type == "image/svg+xml"
        (style,) = re.findall(r"<style>(.*?)</style>", svg, re.DOTALL)
        assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
        assert "unsafe" not in policy
        assert " style=" not in svg
        assert "Aster &lt;b&gt;Holding" in svg
        assert (await look(ana.session, f"{ROOT}/cases/{case_id}/owners.svg", party="emirate")).status == 404


async def test_the_ledger_is_drawn_against_the_lines(gate: Gate) -> None:
    """Once something was let through, the page has the chart; before that there is none."""
    held = await gate.decide(large())
    async with browsers(gate, app=interface_app) as (ana,):
        await enter(gate, ana=ana)
        path = f"{ROOT}/cases/{held.case_id}"
        case = await gate.store.fetch_case(str(held.case_id))
        assert case is not None
        await gate.store.hold(samples.hold_request(control_group=case.control_group, at=gate.now()))
        page = await look(ana.session, path)
        assert "us-ai-diffusion.frontier_operations 1e+26 10.0%" in page.words
        async with ana.session.get(f"{path}/ledger.svg") as response:
            assert (response.status, "Operations of name:emirate" in await response.text()) == (200, True)


async def test_what_would_have_changed_it_is_one_link_away(gate: Gate) -> None:
    """The page leads to the explanation of the decision that it shows; the nearest changes are a part of that."""
    held = await gate.decide(large())
    async with browsers(gate, app=interface_app) as (ana,):
        await enter(gate, ana=ana)
        page = await look(ana.session, f"{ROOT}/cases/{held.case_id}")
        (path,) = [link for link in page.links if link.endswith("/explanation")]
        page = await look(ana.session, path)
        assert "allow if operations.projected were" in page.words
        assert 'id="nearest"' in page.source


async def test_names_are_for_those_who_may_see_them(gate: Gate) -> None:
    """Without the permission to read parties, neither a name, nor a reason with one, nor a drawing is shown."""
    held = await gate.decide(large())
    path = f"{ROOT}/cases/{held.case_id}"
    async with browsers(gate, app=interface_app) as (serv,):
        await enter(gate, serv=serv)
        page = await look(serv.session, path)
        assert page.status == 200
        assert "red-flag-28" in page.words
        assert "Emirate Computing" not in page.source
        assert "United Arab Emirates" not in page.source
        assert (await look(serv.session, f"{path}/owners.svg?party=emirate")).status == 403


async def test_a_case_of_ones_own_customer_is_not_there(gate: Gate) -> None:
    """For a person of the customer no page, drawing, file or step of the case is there: one answer for all."""
    held = await gate.decide(large())
    path = f"{ROOT}/cases/{held.case_id}"
    async with browsers(gate, app=interface_app) as (own,):
        await enter(gate, own=own)
        for part in ("", "/owners.svg?party=emirate", "/ledger.svg"):
            assert (await look(own.session, f"{path}{part}")).status == 404, part
        assert (await look(own.session, f"{path}/attachments/{'0' * 64}")).status == 404
        for step in ("approve", "note", "reject", "take"):
            async with own.session.post(f"{path}/{step}", data={"csrf": own.csrf, "note": "x"}) as response:
                assert response.status == 404, step
    assert await gate.store.fetch_case_events(str(held.case_id)) == ()


async def test_what_comes_from_outside_is_text(gate: Gate) -> None:
    """Names, notes and addresses are shown as they are written: as text, and turned around by nothing."""
    case_id = await resembling(gate, HOSTILE)
    async with browsers(gate, app=interface_app) as (ana,):
        await enter(gate, ana=ana)
        page = await look(ana.session, f"{ROOT}/cases/{case_id}")
        assert "\u202e" not in page.source
        assert "\\u202egro" in page.words
        assert not [of for tag, of in page.elements if tag == "img" and "onerror" in of]
        async with ana.session.get(f"{ROOT}/cases/{case_id}/owners.svg?party=sealed") as response:
            svg = await response.text()
        assert "\u202e" not in svg
        assert "<img" not in svg
