"""Papers from the console: saved as files, for those who may see what they tell."""

from __future__ import annotations

import csv
import io

import pytest
from api.browser import browsers
from api.test_cases import large

from console.conftest import enter
from console.html_page import look
from kyc_gate import Gate
from kyc_gate.console.app import interface_app
from kyc_gate.console.rendering import ROOT


async def test_each_page_leads_to_its_papers(gate: Gate) -> None:
    """A case, a decision, a party, the parties and the policies lead to drafts, which come as files to be saved."""
    held = await gate.decide(large())
    pages = {
        f"/cases/{held.case_id}": f"/cases/{held.case_id}/file",
        f"/decisions/{held.decision_id}": f"/decisions/{held.decision_id}/blocking",
        "/parties/emirate": "/parties/emirate/training-run",
        "/parties": "/papers/remote-users",
        "/policies": "/papers/procedures",
    }
    async with browsers(gate, app=interface_app) as (vi,):
        await enter(gate, vi=vi)
        for page, paper in pages.items():
            assert f"{ROOT}{paper}.html" in (await look(vi.session, f"{ROOT}{page}")).links, page
            async with vi.session.get(f"{ROOT}{paper}.html") as response:
                text = await response.text()
                assert (response.status, "DRAFT" in text.upper()) == (200, True), paper
                assert response.headers["content-disposition"].startswith("attachment;")
                assert "sandbox" in response.headers["content-security-policy"]


async def test_a_list_is_saved_as_rows(gate: Gate) -> None:
    """The list of remote end users comes as CSV that spreadsheets read, and papers that are no lists do not."""
    async with browsers(gate, app=interface_app) as (vi,):
        await enter(gate, vi=vi)
        async with vi.session.get(f"{ROOT}/papers/remote-users.csv") as response:
            rows = list(csv.reader(io.StringIO((await response.read()).decode("utf-8-sig"))))
        assert len(rows) > 1
        assert len({len(row) for row in rows}) == 1
        for path in ("/papers/procedures.csv", "/papers/procedures.exe", "/cases/case_none/file.html"):
            assert (await look(vi.session, f"{ROOT}{path}")).status == 404, path


async def test_a_paper_comes_as_pdf(gate: Gate) -> None:
    """Where the renderer is there, a paper is a PDF."""
    pytest.importorskip(
        "weasyprint",
        reason="Pango or weasyprint is not installed: pip install 'kyc-gate[pdf]'",
        exc_type=(ImportError, OSError),
    )
    async with browsers(gate, app=interface_app) as (vi,):
        await enter(gate, vi=vi)
        async with vi.session.get(f"{ROOT}/papers/procedures.pdf") as response:
            assert (response.content_type, (await response.read())[:5]) == ("application/pdf", b"%PDF-")


async def test_papers_are_for_those_who_may_see_them(gate: Gate) -> None:
    """A service gets none, and a reviewer none of their own customer's."""
    held = await gate.decide(large())
    async with browsers(gate, 2, app=interface_app) as (own, serv):
        await enter(gate, own=own, serv=serv)
        for path in (f"/cases/{held.case_id}/file.html", f"/decisions/{held.decision_id}/blocking.html"):
            assert (await look(own.session, f"{ROOT}{path}")).status == 404, path
        own_party = await look(own.session, f"{ROOT}/parties/emirate/training-run.html")
        assert (own_party.status, "emirate`" in own_party.words) == (400, True)
        assert "Emirate Computing" not in (await look(own.session, f"{ROOT}/papers/remote-users.html")).words
        for path in (f"/cases/{held.case_id}/file.html", "/papers/remote-users.csv", "/papers/procedures.html"):
            assert (await look(serv.session, f"{ROOT}{path}")).status == 403, path
