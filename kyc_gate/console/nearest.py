"""What would have changed a decision of a case: near misses, and every rule's condition taken apart."""

from __future__ import annotations

import asyncio

import msgspec
from starlette.responses import Response

from kyc_gate.console.case_contents import record_of
from kyc_gate.console.case_page import no_case
from kyc_gate.console.page import Page
from kyc_gate.console.visit import Visit
from kyc_gate.model.access import Permission
from kyc_gate.model.facts import Facts
from kyc_gate.tuning.explanation import explain
from kyc_gate.tuning.told import change_told, standing, value_told


async def nearest(visit: Visit) -> Response:
    """`GET /console/cases/{id}/nearest?decision=ID`: the smallest changes that lead to another outcome, and the rules.

    It is explained under the policies of now; the page says so where they are not those that decided.
    """
    file = await visit.gate.casework.show(visit.actor, visit.named("id"))
    wanted = visit.asked("decision").get("decision") or (file.case.decision_ids[-1] if file else "")
    if file is None or wanted not in {*file.case.decision_ids, *(each.decision_id for each in file.requests)}:
        return no_case(visit)
    record = await record_of(visit, wanted)
    if record is None or record.facts is None:
        return visit.problem(404, "Nothing is left to explain", "The record has no facts, or their time was over.")
    try:
        facts = msgspec.convert(record.facts, Facts)
    except msgspec.ValidationError as error:
        return visit.problem(409, "This cannot be explained", f"The facts on record are of another release: {error}.")
    policies = visit.gate.policies
    # One after the other: each is up to two seconds of work beside the gate's own decisions.
    async with visit.request.app.state.explaining:
        explanation = await asyncio.to_thread(explain, facts, policies)
    return visit.page(
        "nearest",
        "What would have changed the decision",
        case=file.case,
        decision_id=wanted,
        explanation=explanation,
        changed={policy["digest"] for policy in (record.decision or {}).get("policies", ())}
        != {policy.reference.digest for policy in policies},
        value_told=value_told,
        change_told=change_told,
        standing=standing,
    )


PAGES = (Page("/cases/{id}/nearest", nearest, Permission.READ_PARTIES),)
