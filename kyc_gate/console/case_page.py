"""The page of a case: who asked for what, what is known of them, what was found, and what may be done about it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from kyc_gate.console.case_contents import PLACES, contents_of, usage_of
from kyc_gate.console.drawing import drawing
from kyc_gate.console.page import Page
from kyc_gate.console.said import said
from kyc_gate.console.visit import Visit
from kyc_gate.model.access import Permission
from kyc_gate.model.case import Case
from kyc_gate.model.case_steps import DISPOSITIONS, Step
from kyc_gate.model.questionnaire import QUESTIONS
from kyc_gate.reports.projection import crossing_said
from kyc_gate.service.casework import CaseFile
from kyc_gate.service.group_usage import draw_usage
from kyc_gate.service.party_owners import draw_owners


async def case_page(visit: Visit) -> Response:
    """`GET /console/cases/{id}?decision=ID`: the case, and one of its decisions in full."""
    asked = visit.asked("decision", "done")
    return await shown(visit, decision_id=asked.get("decision"), done=said(asked.get("done", "")))


async def shown(
    visit: Visit,
    *,
    decision_id: str | None = None,
    done: str = "",
    problem: str = "",
    status: int = 200,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """Return the page as it stands now. `problem` is why a step was not taken, and `typed` what was typed for it."""
    file = await visit.gate.casework.show(visit.actor, visit.named("id"))
    if file is None:
        return no_case(visit)
    if decision_id is not None and decision_id not in _decisions(file):
        return visit.problem(404, "There is no such decision", "The case does not name a decision of this id.")
    return visit.page(
        "case",
        f"Case {file.case.id}",
        status=status,
        about=await contents_of(visit, file, decision_id),
        case=file.case,
        done=done,
        problem=problem,
        typed=typed or {},
        places=PLACES,
        questions=QUESTIONS,
        dispositions=DISPOSITIONS,
        steps=Step,
        crossing_said=crossing_said,
        settings=visit.gate.settings,
        now=visit.gate.now(),
        may_decide=visit.may(Permission.DECIDE),
        may_work=visit.may(Permission.WORK),
    )


async def case_of(visit: Visit) -> Case | None:
    """Return the case that the path names, where the person may see it."""
    return await visit.gate.casework.case(visit.actor, visit.named("id"))


def no_case(visit: Visit) -> Response:
    """Return the page for a case that is not there for the person: one answer, whatever the reason is."""
    return visit.problem(404, "There is no such case", "The queue lists the cases that you may see.")


async def owners_chart(visit: Visit) -> Response:
    """`GET /console/cases/{id}/owners.svg?party=ID`: who stands behind a customer of the case, drawn."""
    case, party_id = await case_of(visit), visit.asked("party").get("party", "")
    behind = await visit.gate.owners_of(party_id) if case and party_id in case.customers else None
    if behind is None:
        return no_case(visit)
    return drawing(draw_owners(behind))


async def usage_chart(visit: Visit) -> Response:
    """`GET /console/cases/{id}/ledger.svg`: what the control group used, against the lines of the policies."""
    case = await case_of(visit)
    usage = await usage_of(visit, case.control_group) if case else None
    if usage is None:
        return no_case(visit)
    return drawing(draw_usage(usage))


def _decisions(file: CaseFile) -> set[str]:
    return {*file.case.decision_ids, *(request.decision_id for request in file.requests)}


PAGES = (
    Page("/cases/{id}", case_page, Permission.READ_CASES),
    Page("/cases/{id}/owners.svg", owners_chart, Permission.READ_PARTIES),
    Page("/cases/{id}/ledger.svg", usage_chart, Permission.READ_CASES),
)
