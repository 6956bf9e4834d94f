"""Cases: to list them and to read one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from kyc_gate.api.answers import json_answer, problem
from kyc_gate.errors import InputError
from kyc_gate.model.case import CaseState

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

MOST_CASES = 1000
"""Cases in one answer at most."""


async def cases(request: Request) -> Response:
    """`GET /v1/cases?state=open&limit=100`: cases, as the store orders them."""
    gate: Gate = request.app.state.gate
    unknown = sorted(set(request.query_params) - {"state", "limit"})
    if unknown:
        raise InputError(f"unknown parameter `{unknown[0]}`; take `state` or `limit`")
    found = await gate.store.fetch_cases(state=_state(request), limit=_limit(request))
    return json_answer({"cases": found})


async def case(request: Request) -> Response:
    """`GET /v1/cases/{id}`: one case."""
    gate: Gate = request.app.state.gate
    found = await gate.store.fetch_case(request.path_params["id"])
    if found is None:
        return problem(404, "not-found", "there is no such case", "`GET /v1/cases` lists them")
    return json_answer(found)


def _state(request: Request) -> str | None:
    state = request.query_params.get("state")
    if state is not None and state not in {each.value for each in CaseState}:
        raise InputError(f"`state`: `{state}` is none of {', '.join(each.value for each in CaseState)}")
    return state


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "100")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_CASES):
        raise InputError(f"`limit`: `{text}` is not a whole number from 1 to {MOST_CASES}")
    return int(text)
