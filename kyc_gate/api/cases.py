"""Cases: to list and read them, and the steps that people take."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.api.answers import json_answer, problem
from kyc_gate.api.decisions import body_of
from kyc_gate.errors import InputError
from kyc_gate.model.access import Actor
from kyc_gate.model.case import Disposition
from kyc_gate.model.case_steps import Step
from kyc_gate.model.record import Record
from kyc_gate.service.casework import MOST_CASES, Casework
from kyc_gate.storage.store import CaseQuery

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

_FILTERS = ("state", "severity", "assignee", "party_id", "control_group", "family", "text", "order", "after")


class StepInput(Record):
    """The body of a step. What does not belong to the step is left out.

    `version` is that of the case as it was read, which `propose` and `approve` need; `budget` operations, as a number
    or a text such as `"2e25"`.
    """

    note: str = ""
    version: int | None = None
    assignee: str | None = None
    url: str | None = None
    decision: str | None = None
    disposition: Disposition | None = None
    duplicate_of: str | None = None
    budget: int | str | None = None
    uses: int = 1
    run: bool = False
    grant_hours: float | None = None
    clear: tuple[str, ...] = ()
    clear_days: int | None = None


async def cases(request: Request) -> Response:
    """`GET /v1/cases?state=waiting&order=urgency&limit=100`: cases; `next` names the last one where there are more."""
    given = request.query_params
    unknown = sorted(set(given) - {*_FILTERS, "limit", "overdue"})
    if unknown:
        raise InputError(f"unknown parameter `{unknown[0][:80]}`; take {', '.join(_FILTERS)}, `overdue` or `limit`")
    query = CaseQuery(
        **{name: given[name] for name in _FILTERS if name in given},
        overdue=given.get("overdue", "false") == "true",
        limit=_limit(request),
    )
    found = await _casework(request).list(_actor(request), query)
    more = found[-1].id if len(found) == query.limit else None
    return json_answer({"cases": found, "next": more})


async def case(request: Request) -> Response:
    """`GET /v1/cases/{id}`: one case, with its requests, history, grants and questionnaires."""
    found = await _casework(request).show(_actor(request), request.path_params["id"])
    if found is None:
        return _missing()
    rest = msgspec.to_builtins(found)
    return json_answer({**rest.pop("case"), **rest})


async def take_next(request: Request) -> Response:
    """`POST /v1/cases/next`: the most urgent case that nobody has, assigned to the caller; 204 where there is none."""
    found = await _casework(request).take_next(_actor(request))
    return Response(status_code=204) if found is None else json_answer(found)


async def step(request: Request) -> Response:
    """`POST /v1/cases/{id}/{step}`: take a step. 409 where the case does not allow it."""
    gate: Gate = request.app.state.gate
    actor, case_id = _actor(request), request.path_params["id"]
    given = _given(await body_of(request, gate.limits.max_body))
    if await gate.casework.case(actor, case_id) is None:
        return _missing()
    return json_answer(await take_step(gate, actor, case_id, request.path_params["step"], given))


async def attach(request: Request) -> Response:
    """`POST /v1/cases/{id}/attachments?name=FILE`: the body is kept with the case under its SHA-256."""
    gate: Gate = request.app.state.gate
    actor, case_id = _actor(request), request.path_params["id"]
    if await gate.casework.case(actor, case_id) is None:
        return _missing()
    content = await body_of(request, gate.settings.attachment_bytes)
    digest = await gate.casework.attach(actor, case_id, request.query_params.get("name", ""), content)
    return json_answer({"sha256": digest, "bytes": len(content)}, status=201)


async def attachment(request: Request) -> Response:
    """`GET /v1/cases/{id}/attachments/{sha256}`: a paper of the case, to be saved and never shown by a browser."""
    found = await _casework(request).attachment(
        _actor(request), request.path_params["id"], request.path_params["sha256"]
    )
    if found is None:
        return problem(404, "not-found", "the case has no such attachment", "`GET /v1/cases/{id}` lists them")
    name, content = found
    return Response(content, headers=download_headers(name), media_type="application/octet-stream")


def download_headers(name: str) -> dict[str, str]:
    """Return the headers of a file to be saved: its name in RFC 6266's form, and nothing that a browser would run."""
    plain = "".join(each if each.isascii() and (each.isalnum() or each in "._- ") else "_" for each in name)
    return {
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "no-store",
    }


async def grant(request: Request) -> Response:
    """`GET /v1/grants/{id}`: a grant as it stands."""
    found = await _casework(request).grant(_actor(request), request.path_params["id"])
    return json_answer(found) if found else problem(404, "not-found", "there is no such grant", "see the case")


async def revoke(request: Request) -> Response:
    """`POST /v1/grants/{id}/revoke`: take back what is left of a grant."""
    gate: Gate = request.app.state.gate
    given = _given(await body_of(request, gate.limits.max_body))
    if await gate.casework.grant(_actor(request), request.path_params["id"]) is None:
        return problem(404, "not-found", "there is no such grant", "see the case")
    return json_answer(await gate.casework.revoke(_actor(request), request.path_params["id"], note=given.note))


async def take_step(gate: Gate, actor: Actor, case_id: str, name: str, given: StepInput) -> Any:
    """Take a step by its name and return what it led to. Raises `InputError` for a name that is none."""
    work = gate.casework
    match name:
        case "take":
            return await work.take(actor, case_id)
        case "assign":
            return await work.assign(actor, case_id, given.assignee or "", note=given.note)
        case "put-back":
            return await work.put_back(actor, case_id, note=given.note)
        case "note":
            return await work.note(actor, case_id, given.note)
        case "link":
            return await work.link(actor, case_id, given.url or "", note=given.note)
        case "ask":
            return await work.ask(actor, case_id, note=given.note)
        case "propose":
            return await work.propose(
                actor,
                case_id,
                _decision(given.decision),
                note=given.note,
                disposition=given.disposition,
                seen=given.version,
                budget=read_operations(given.budget),
                uses=given.uses,
                run=given.run,
                grant_hours=given.grant_hours,
                clear=await gate.pairs(case_id, given.clear),
                clear_days=given.clear_days,
            )
        case "withdraw":
            return await work.withdraw(actor, case_id, note=given.note)
        case "approve":
            return await work.approve(
                actor,
                case_id,
                note=given.note,
                disposition=given.disposition,
                seen=given.version,
                budget=read_operations(given.budget),
                uses=given.uses,
                run=given.run,
                grant_hours=given.grant_hours,
            )
        case "reject":
            return await work.reject(
                actor,
                case_id,
                note=given.note,
                disposition=given.disposition,
                duplicate_of=given.duplicate_of,
                seen=given.version,
            )
        case _:
            raise InputError(f"`{name[:40]}` is no step")


STEPS = ("take", "assign", "put-back", "note", "link", "ask", "propose", "withdraw", "approve", "reject")
"""The steps of the interface."""


def read_operations(given: int | str | None) -> int | None:
    """Return a number of operations. Raises `InputError` for a text that is none."""
    if given is None or isinstance(given, int):
        return given
    try:
        number = Decimal(given)
    except InvalidOperation:
        raise InputError(f"`budget`: `{given[:40]}` is not a number; write it like 2e25") from None
    if not number.is_finite() or number < 0 or number.adjusted() > 40:
        raise InputError(f"`budget`: `{given[:40]}` is not a number of operations")
    return int(number)


def _decision(name: str | None) -> Step:
    if name not in (Step.APPROVE.value, Step.REJECT.value):
        raise InputError("`decision` is missing: `approve` or `reject`")
    return Step(name)


def _given(body: bytes) -> StepInput:
    return read_step(read_json_object(body)) if body else StepInput()


def read_step(raw: dict[str, Any], *, strict: bool = True) -> StepInput:
    """Return a step's fields; those of a form are texts, and read without `strict`. Raises `InputError` naming one."""
    try:
        found = msgspec.convert(raw, StepInput, strict=strict)
        if found.grant_hours is not None and not isfinite(found.grant_hours):
            raise InputError("`grant_hours`: not a number of hours")
        return found
    except msgspec.ValidationError as error:
        text, _, at = str(error).partition(" - at `$.")
        where = f"`{at.rstrip('`')}`: " if at else ""
        raise InputError(f"{where}{text[:1].lower()}{text[1:]}") from error


def _casework(request: Request) -> Casework:
    gate: Gate = request.app.state.gate
    return gate.casework


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _missing() -> Response:
    return problem(404, "not-found", "there is no such case", "`GET /v1/cases` lists them")


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "100")
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST_CASES):
        raise InputError(f"`limit`: `{text[:40]}` is not a whole number from 1 to {MOST_CASES}")
    return int(text)
