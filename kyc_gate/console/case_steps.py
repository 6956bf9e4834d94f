"""The steps of a case as forms: the same steps as those of the interface, with what was typed kept where one fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from kyc_gate.api.cases import STEPS, download_headers, read_step, take_step
from kyc_gate.console.case_page import case_of, no_case, shown
from kyc_gate.console.guard import told
from kyc_gate.console.page import LARGEST_FORM, Page
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.visit import Visit
from kyc_gate.errors import AccessDenied, CaseError, InputError
from kyc_gate.model.access import Permission
from kyc_gate.service.casework import Sent


async def step(visit: Visit) -> Response:
    """`POST /console/cases/{id}/{step}`: take a step; where it is refused, the page says why above what was typed."""
    name, case = visit.named("step"), await case_of(visit)
    if case is None or name not in STEPS:
        return no_case(visit)
    try:
        led = await take_step(visit.gate, visit.actor, case.id, name, read_step(_fields(visit.posted), strict=False))
    except (InputError, AccessDenied, CaseError) as error:
        return await _refused(visit, error)
    if isinstance(led, Sent):
        return _sent(visit, led)
    return visit.onward(f"{ROOT}/cases/{case.id}", name)


async def attach(visit: Visit) -> Response:
    """`POST /console/cases/{id}/attach`: keep a file with the case, under its SHA-256."""
    case, file = await case_of(visit), visit.posted.file
    if case is None:
        return no_case(visit)
    try:
        if file is None or not file.name:
            raise InputError("`file` is missing: choose one")
        note = visit.posted.get("note", "")
        await visit.gate.casework.attach(visit.actor, case.id, file.name, file.content, note=note)
    except (InputError, AccessDenied, CaseError) as error:
        return await _refused(visit, error)
    return visit.onward(f"{ROOT}/cases/{case.id}", "attach")


async def attachment(visit: Visit) -> Response:
    """`GET /console/cases/{id}/attachments/{sha256}`: a file of the case, to be saved and never shown."""
    found = await visit.gate.casework.attachment(visit.actor, visit.named("id"), visit.named("sha256"))
    if found is None:
        return visit.problem(404, "There is no such file", "The page of the case lists its files.")
    name, content = found
    return Response(content, headers=download_headers(name), media_type="application/octet-stream")


async def revoke(visit: Visit) -> Response:
    """`POST /console/cases/{id}/grants/{grant}/revoke`: take back what is left of a grant."""
    work, case = visit.gate.casework, await case_of(visit)
    grant = await work.grant(visit.actor, visit.named("grant")) if case else None
    if case is None or grant is None or grant.case_id != case.id:
        return no_case(visit)
    try:
        await work.revoke(visit.actor, grant.id, note=visit.posted.get("note", ""))
    except (InputError, AccessDenied, CaseError) as error:
        return await _refused(visit, error)
    return visit.onward(f"{ROOT}/cases/{case.id}", "revoke")


async def end_clearance(visit: Visit) -> Response:
    """`POST /console/cases/{id}/clearances/{clearance}/end`: the pair counts again."""
    gate, case = visit.gate, await case_of(visit)
    found = await gate.store.fetch_clearance(visit.named("clearance")) if case else None
    if case is None or found is None or found.pair.party_id not in case.customers:
        return no_case(visit)
    try:
        await gate.casework.end_clearance(visit.actor, found.id, note=visit.posted.get("note", ""))
    except (InputError, AccessDenied, CaseError) as error:
        return await _refused(visit, error)
    return visit.onward(f"{ROOT}/cases/{case.id}", "end-clearance")


def _fields(posted: Mapping[str, str]) -> dict[str, Any]:
    """Return a form's fields as the interface has them: without what is empty, and `clear-1` as one of `clear`."""
    given: dict[str, Any] = {name: value.strip() for name, value in posted.items() if value.strip()}
    clear = [given.pop(name) for name in sorted(given) if name.startswith("clear-")]
    return {**given, "clear": clear} if clear else given


def _sent(visit: Visit, sent: Sent) -> Response:
    """Return the page with the link, which is told this once: the store keeps its digest alone."""
    link = f"{(visit.gate.settings.public_url or '').rstrip('/')}{sent.path}"
    return visit.page(
        "asked", "The questionnaire is ready", link=link, case=sent.case, until=sent.questionnaire.expires_at
    )


async def _refused(visit: Visit, error: Exception) -> Response:
    status = 400 if isinstance(error, InputError) else 403 if isinstance(error, AccessDenied) else 409
    return await shown(visit, problem=told(error), status=status, typed=visit.posted)


def _file_bytes(visit: Visit) -> int:
    return visit.gate.settings.attachment_bytes + LARGEST_FORM


PAGES = (
    Page("/cases/{id}/attachments/{sha256}", attachment, Permission.READ_CASES),
    Page("/cases/{id}/attach", attach, Permission.WORK, "POST", most_bytes=_file_bytes),
    Page("/cases/{id}/grants/{grant}/revoke", revoke, Permission.DECIDE, "POST", back="/cases/{id}"),
    Page("/cases/{id}/clearances/{clearance}/end", end_clearance, Permission.WORK, "POST", back="/cases/{id}"),
    # Each step asks for its own permission, in `service`.
    Page("/cases/{id}/{step}", step, Permission.READ_CASES, "POST"),
)
