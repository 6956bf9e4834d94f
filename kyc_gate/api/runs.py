"""Runs: to read one, and to say that one is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.api.answers import json_answer, problem
from kyc_gate.errors import InputError
from kyc_gate.model.access import Actor
from kyc_gate.model.record import Record
from kyc_gate.model.usage import MeteredRun, RunEnd

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate


class FinishInput(Record):
    """The body: when the run ended (now, where absent), when it really started, and whose it is.

    `account` is needed where the run is named by the provider's own reference.
    """

    ended_at: datetime | None = None
    started_at: datetime | None = None
    account: str | None = None


async def run(request: Request) -> Response:
    """`GET /v1/runs/{id}`: the run of a hold or of a decision; none of the caller's own customer."""
    gate: Gate = request.app.state.gate
    found = await gate.store.fetch_run(request.path_params["id"])
    return _unknown() if found is None or _own(request, (found,)) else json_answer(found)


async def finish(request: Request) -> Response:
    """`POST /v1/runs/{id}/finish`: the run is over; it counts for what it took from then on."""
    gate: Gate = request.app.state.gate
    given = _given(await request.body())
    end = await _end(gate, request.path_params["id"], given)
    if _own(request, await _meant(gate, end)):
        return _unknown()
    found = await gate.finish(end)
    return json_answer({"runs": found}) if found else _unknown()


def _own(request: Request, runs: Iterable[MeteredRun]) -> bool:
    """Return whether one of the runs is of a customer that the caller belongs to."""
    actor: Actor = request.state.actor
    return any(run.party_id in actor.parties for run in runs)


async def _meant(gate: Gate, end: RunEnd) -> tuple[MeteredRun, ...]:
    if end.hold_id is not None:
        run = await gate.store.fetch_run(end.hold_id)
        return (run,) if run else ()
    return await gate.store.fetch_runs_named(end.account or "", end.reference or "")


async def _end(gate: Gate, id: str, given: FinishInput) -> RunEnd:
    """Return the end meant: of a hold, of what a decision let through, or of what the provider knows as `id`."""
    at = gate.now()
    ended_at = given.ended_at or at
    for name, time in (("ended_at", ended_at), ("started_at", given.started_at)):
        if time is not None and time.tzinfo is None:
            raise InputError(f"`{name}` {time.isoformat()} has no offset from UTC; add one, such as `Z`")
    end = RunEnd(ended_at=ended_at, started_at=given.started_at, at=at, source="platform")
    if id.startswith(("hold_", "dec_")):
        run: MeteredRun | None = await gate.store.fetch_run(id)
        return msgspec.structs.replace(end, hold_id=run.hold_id if run else id)
    if given.account is None:
        raise InputError(f"`account` is missing: whose `{id[:80]}` it is, such as `aws:111122223333`")
    return msgspec.structs.replace(end, account=given.account, reference=id)


def _given(body: bytes) -> FinishInput:
    if not body:
        return FinishInput()
    try:
        return msgspec.convert(read_json_object(body), FinishInput, strict=False)
    except msgspec.ValidationError as error:
        text, _, at = str(error).partition(" - at `$.")
        where = f"`{at.rstrip('`')}`: " if at else ""
        raise InputError(f"{where}{text[:1].lower()}{text[1:]}; take `ended_at`, `started_at`, `account`") from error


def _unknown() -> Response:
    return problem(404, "not-found", "there is no such run", "name it by hold, decision, or reference and account")
