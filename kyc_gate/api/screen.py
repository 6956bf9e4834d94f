"""Screening by itself: names against the active lists, without a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.api.answers import json_answer, problem
from kyc_gate.api.decisions import body_of
from kyc_gate.errors import InputError, NotReady
from kyc_gate.service.screen_input import ScreenInput, UnusableField, asked_of, screening_row

if TYPE_CHECKING:
    from kyc_gate.model.match import Screening
    from kyc_gate.screening.asked import Asked
    from kyc_gate.service.gate import Gate

MOST_PARTIES = 100
"""Parties in one call: about a tenth of a second of work, so that nobody waits long for somebody else's."""


async def screen(request: Request) -> Response:
    """`POST /v1/screen`: what a party resembles, or each of up to `MOST_PARTIES` under `parties`.

    Every answer of one call comes from one snapshot. Without an active list the answer is 503, never `clear`.
    """
    gate: Gate = request.app.state.gate
    raw = read_json_object(await body_of(request, gate.limits.max_body))
    batch = "parties" in raw
    given = _parties(raw) if batch else [_party(raw, "")]
    asked = [_asked(each, number if batch else None) for number, each in enumerate(given)]
    try:
        screened = await gate.screen(asked)
    except NotReady as error:
        return problem(503, "not-ready", "nobody can be screened now", str(error))
    told = zip(given, asked, screened.found, strict=True)
    rows = [_row(*each, number if batch else None) for number, each in enumerate(told)]
    standing = {"status": "stale" if screened.stale else "current", "age_hours": screened.age_hours}
    return json_answer({"results": rows, **standing} if batch else {**rows[0], **standing})


def _parties(raw: dict[str, Any]) -> list[ScreenInput]:
    parties = raw["parties"]
    if set(raw) != {"parties"} or not isinstance(parties, list) or not 1 <= len(parties) <= MOST_PARTIES:
        raise InputError(f"`parties` must be a list of 1 to {MOST_PARTIES} parties, and stand alone")
    return [_party(party, f"parties[{number}].") for number, party in enumerate(parties)]


def _party(raw: object, at: str) -> ScreenInput:
    try:
        return msgspec.convert(raw, ScreenInput, strict=True)
    except msgspec.ValidationError as error:
        text, _, inside = str(error).partition(" - at `$")
        where = f"{at}{inside.rstrip('`').lstrip('.')}".rstrip(".")
        told = f"{text[:1].lower()}{text[1:]}"
        raise InputError(f"`{where}`: {told}" if where else told) from error


def _asked(given: ScreenInput, number: int | None) -> Asked:
    try:
        return asked_of(given)
    except UnusableField as error:
        raise _located(error, number) from error


def _row(given: ScreenInput, asked: Asked, found: Screening, number: int | None) -> dict[str, Any]:
    try:
        return screening_row(given.id, asked, found)
    except UnusableField as error:
        raise _located(error, number) from error


def _located(error: UnusableField, number: int | None) -> InputError:
    return InputError(f"`{error.field if number is None else f'parties[{number}].{error.field}'}`: {error}")
