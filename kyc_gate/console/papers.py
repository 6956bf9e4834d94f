"""Papers drawn up from what is on file, to be saved and printed: as a page, as PDF, and lists as CSV."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from starlette.responses import Response

from kyc_gate.api.cases import download_headers
from kyc_gate.console.page import Page
from kyc_gate.console.visit import Visit
from kyc_gate.model.access import Permission
from kyc_gate.reports.page import render_paper
from kyc_gate.reports.paper import Paper
from kyc_gate.reports.pdf import render_pdf
from kyc_gate.reports.remote_users import HEADER
from kyc_gate.reports.rows import render_csv

_MARKED = "\ufeff"
"""Spreadsheets take a file without this mark for one of another encoding."""


class _Form(NamedTuple):
    ending: str
    media_type: str


_FORMS = {
    "html": _Form("html", "text/html; charset=utf-8"),
    "pdf": _Form("pdf", "application/pdf"),
    "csv": _Form("csv", "text/csv; charset=utf-8"),
}


async def case_file(visit: Visit) -> Response:
    """`GET /console/cases/{id}/file.{form}`: all that is on record of a case."""
    case_id = visit.named("id")
    return await _saved(visit, await visit.gate.papers.case_file(visit.actor, case_id, explain=True), case_id)


async def blocking(visit: Visit) -> Response:
    """`GET /console/decisions/{id}/blocking.{form}`: the draft of a report on blocked property."""
    decision_id = visit.named("id")
    return await _saved(visit, await visit.gate.papers.blocking(visit.actor, decision_id), f"blocking-{decision_id}")


async def training_run(visit: Visit) -> Response:
    """`GET /console/parties/{id}/training-run.{form}`: the draft of a training report for a party."""
    party_id = visit.named("id")
    report = await visit.gate.papers.training_run(visit.actor, party_id)
    return await _saved(visit, report.paper(), f"training-run-{party_id}")


async def procedures(visit: Visit) -> Response:
    """`GET /console/papers/procedures.{form}`: the know-your-customer procedures as the gate is set up now."""
    return await _saved(visit, await visit.gate.papers.procedures(visit.actor), "procedures")


async def remote_users(visit: Visit) -> Response:
    """`GET /console/papers/remote-users.{form}`: the list of remote end users, also as CSV."""
    paper, listed = await visit.gate.papers.remote_users(visit.actor)
    rows = await asyncio.to_thread(render_csv, HEADER, [row.cells for row in listed])
    return await _saved(visit, paper, "remote-users", rows=rows)


async def _saved(visit: Visit, paper: Paper | None, name: str, *, rows: str | None = None) -> Response:
    """Return the paper as a file to be saved. It is drawn beside the decisions, for a PDF takes seconds."""
    form = _FORMS.get(visit.named("form"))
    if paper is None or form is None or (form.ending == "csv" and rows is None):
        return visit.problem(404, "There is no such paper", "The page that leads to it says which there are.")
    if form.ending == "csv":
        content = f"{_MARKED}{rows}".encode()
    else:
        content = (await asyncio.to_thread(render_paper, paper)).encode()
    if form.ending == "pdf":
        content = await asyncio.to_thread(render_pdf, content.decode())
    return Response(content, headers=download_headers(f"{name}.{form.ending}"), media_type=form.media_type)


PAGES = (
    Page("/cases/{id}/file.{form}", case_file, Permission.READ_CASES),
    Page("/decisions/{id}/blocking.{form}", blocking, Permission.READ_DECISIONS),
    Page("/parties/{id:path}/training-run.{form}", training_run, Permission.READ_PARTIES),
    Page("/papers/procedures.{form}", procedures, Permission.READ_POLICIES),
    Page("/papers/remote-users.{form}", remote_users, Permission.READ_PARTIES),
)
