"""The record: its head and checkpoints, verified from first to last, the proof of a record, and what is kept."""

from __future__ import annotations

import json
from functools import partial

from starlette.responses import Response

from kyc_gate.console.page import Page
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.visit import Visit
from kyc_gate.errors import InputError
from kyc_gate.model.access import Permission
from kyc_gate.service.jobs import Job, whole_number
from kyc_gate.service.verification import VERIFICATION, place_of, verify

LARGEST_POSITION = 10**12


async def audit(visit: Visit) -> Response:
    """`GET /console/audit`: head, last checkpoint, verifications, retention and legal holds."""
    asked = visit.asked("position")
    if "position" in asked:
        position = whole_number(asked["position"], "position", 1, LARGEST_POSITION)
        return visit.onward(f"{ROOT}/audit/records/{position}")
    gate = visit.gate
    now, settings = gate.now(), gate.settings
    due, kept = await gate.store.count_due(settings.periods, now)
    return visit.page(
        "audit",
        "Audit",
        head=await gate.store.fetch_head(),
        checkpoint=await gate.store.fetch_last_checkpoint(),
        verifiers=[key.text for key in settings.verifiers],
        jobs=gate.jobs.of(VERIFICATION),
        periods=settings.periods,
        due=due,
        kept=kept,
        holds=[each for each in await gate.store.fetch_legal_holds() if each.party_id not in visit.actor.parties],
    )


async def begin(visit: Visit) -> Response:
    """`POST /console/audit/verifications`: begin to verify the whole record."""
    keys, store = visit.gate.settings.verifiers, visit.gate.store
    job = visit.gate.jobs.begin(VERIFICATION, visit.actor.id, partial(verify, store, keys=keys))
    return visit.onward(f"{ROOT}/audit/verifications/{job.id}")


async def verification(visit: Visit) -> Response:
    """`GET /console/audit/verifications/{id}`: how far it is, or what was found."""
    visit.asked()
    job: Job | None = visit.gate.jobs.job(visit.named("id"), VERIFICATION)
    if job is None:
        said = "A verification is kept for a while by the gate that made it."
        return visit.problem(404, "There is no such verification", said)
    return visit.page("verification", "Verification of the record", job=job, verifiers=visit.gate.settings.verifiers)


async def record(visit: Visit) -> Response:
    """`GET /console/audit/records/{position}`: a record's text and the proof of its place under the last checkpoint.

    What is sealed is not shown: the proof does not need it. Who belongs to a customer sees places and proofs alone.
    """
    visit.asked()
    try:
        position = whole_number(visit.named("position"), "position", 1, LARGEST_POSITION)
        found = await place_of(visit.gate.store, position)
    except InputError:
        found = None
    if found is None:
        return visit.problem(404, "There is no such record", "No record stands at this position.")
    body, shown = json.loads(found.record.body), not visit.actor.parties
    return visit.page(
        "record",
        f"Record {found.record.position}",
        place=found,
        text=found.record.body if shown else None,
        decision_id=body.get("decision_id") if shown and visit.may(Permission.READ_DECISIONS) else None,
        kind=str(body.get("type", "")),
        verifiers=[key.text for key in visit.gate.settings.verifiers],
    )


PAGES = (
    Page("/audit", audit, Permission.READ_AUDIT, title="Audit"),
    Page("/audit/verifications", begin, Permission.READ_AUDIT, method="POST"),
    Page("/audit/verifications/{id}", verification, Permission.READ_AUDIT),
    Page("/audit/records/{position}", record, Permission.READ_AUDIT),
)
