"""People and keys, for administrators: who may do what, until when, and to take a key back or close an account."""

from __future__ import annotations

from starlette.responses import Response

from kyc_gate.console.page import Page
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.visit import Visit
from kyc_gate.model.access import PERMISSIONS, Permission


async def people(visit: Visit) -> Response:
    """`GET /console/people`: accounts with their roles, the table of roles, and keys with their expiry."""
    visit.asked()
    access = visit.gate.access
    return visit.page(
        "people",
        "People",
        people=await access.people(visit.actor),
        held=await access.keys(visit.actor),
        roles=[(role, sorted(permissions)) for role, permissions in PERMISSIONS.items()],
        now=visit.gate.now(),
    )


async def revoke(visit: Visit) -> Response:
    """`POST /console/people/keys/{id}/revoke`: take a key back, from its next call on."""
    await visit.gate.access.revoke_key(visit.actor, visit.named("id"))
    return visit.onward(f"{ROOT}/people")


async def close(visit: Visit) -> Response:
    """`POST /console/people/{id}/close`: close an account; its sessions end at once."""
    await visit.gate.access.change(visit.actor, visit.named("id"), active=False)
    return visit.onward(f"{ROOT}/people")


PAGES = (
    Page("/people", people, Permission.MANAGE_ACCESS, title="People"),
    Page("/people/keys/{id}/revoke", revoke, Permission.MANAGE_ACCESS, method="POST"),
    Page("/people/{id}/close", close, Permission.MANAGE_ACCESS, method="POST"),
)
