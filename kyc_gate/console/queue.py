"""The queue of cases: what waits, the most urgent first."""

from __future__ import annotations

from starlette.responses import Response

from kyc_gate.console.page import Page
from kyc_gate.console.paging import ROWS, sliced
from kyc_gate.console.visit import Visit
from kyc_gate.model.access import Permission
from kyc_gate.storage.store import CaseQuery


async def queue(visit: Visit) -> Response:
    """`GET /console/cases`: cases."""
    asked = visit.asked("after", "done")
    query = CaseQuery(state="waiting", order="urgency", limit=ROWS + 1, after=asked.get("after"))
    found = await visit.gate.casework.list(visit.actor, query)
    return visit.page("queue", "Cases", slice=sliced(visit, found, lambda case: case.id, asked))


PAGES = (Page("/cases", queue, Permission.READ_CASES, title="Cases"),)
