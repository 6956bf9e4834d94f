"""Clearances that stand, those that expire first in front: a report of what is about to be asked again."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from kyc_gate.console.page import Page
from kyc_gate.console.parties import party_path
from kyc_gate.console.visit import Visit
from kyc_gate.model.access import Permission
from kyc_gate.service.jobs import whole_number

SOON_DAYS = 30
MOST_DAYS = 3_660
SHOWN = 500
"""Clearances that are shown, those that expire first."""


async def clearances(visit: Visit) -> Response:
    """`GET /console/clearances`: clearances that expire within so many days; within thirty, where nothing is said."""
    asked = visit.asked("days")
    days = whole_number(asked.get("days", str(SOON_DAYS)), "days", 1, MOST_DAYS)
    found = await visit.gate.casework.clearances(visit.actor, within_days=float(days))
    seen = [each for each in found if each.pair.party_id not in visit.actor.parties]
    return visit.page(
        "clearances",
        "Clearances",
        clearances=[(each, party_path(each.pair.party_id)) for each in seen[:SHOWN]],
        total=len(seen),
        shown=SHOWN,
        days=days,
        names=visit.may(Permission.READ_PARTIES),
        soon=visit.gate.now() + timedelta(days=7),
    )


PAGES = (Page("/clearances", clearances, Permission.READ_CASES, title="Clearances"),)
