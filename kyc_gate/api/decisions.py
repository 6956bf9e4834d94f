"""Decisions: to ask for one, and to read one again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from kyc_gate.adapters.problem import problem_answer
from kyc_gate.api.answers import json_answer, problem
from kyc_gate.api.question import read_question
from kyc_gate.errors import RefusedCall
from kyc_gate.model.decision import Finding
from kyc_gate.policy.policy import Policy
from kyc_gate.telemetry.trace import in_trace, read_trace

if TYPE_CHECKING:
    from kyc_gate.service.admission import Admission
    from kyc_gate.service.gate import Gate

_JSON = ("application/json", "")


async def decide(request: Request) -> Response:
    """`POST /v1/decisions`: decide on a request, record the decision, and answer with it.

    What is allowed holds its operations in the compute ledger like a call that came through a door.
    """
    gate: Gate = request.app.state.gate
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in _JSON:
        raise RefusedCall(415, "content-type", "send the body as `application/json`")
    asked, party, dry_run = read_question(await body_of(request, gate.limits.max_body))
    with in_trace(read_trace(request.headers.get("traceparent", "").encode("latin-1"))):
        admission = await gate.decide(asked, party=party, dry_run=dry_run)
    if admission.decision is None:
        return _undecided(admission)
    return json_answer(_document(admission))


async def decision(request: Request) -> Response:
    """`GET /v1/decisions/{id}`: the decision's audit record, whole; none on the caller's own customer."""
    gate: Gate = request.app.state.gate
    record = await gate.casework.decision(request.state.actor, request.path_params["id"])
    if record is None:
        return problem(404, "not-found", "there is no such decision", "see `decision_id` in the answer to a decision")
    return json_answer(record)


async def body_of(request: Request, max_body: int) -> bytes:
    """Return the body. Raises `RefusedCall` for one larger than `max_body` bytes, or cut off."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_body:
                raise RefusedCall(413, "body-too-large", f"the body is larger than {max_body} bytes")
    except ClientDisconnect as error:
        raise RefusedCall(400, "body", "the body was cut off") from error
    return bytes(body)


def _undecided(admission: Admission) -> Response:
    if admission.refusal is None:
        return problem(503, "unavailable", "no decision can be made now", "try again later")
    answer = problem_answer(admission.refusal)
    response = Response(answer.body, answer.status)
    response.raw_headers = list(answer.headers)
    return response


def _document(admission: Admission) -> dict[str, object]:
    """Return the decision as the operator's own service may see it: with every reason that counted."""
    assert admission.decision is not None  # noqa: S101 - for the type checker: the caller looked
    policies = admission.active.policies if admission.active else ()
    return {
        "decision_id": admission.decision_id,
        "outcome": admission.decision.outcome.value,
        "case_id": admission.case_id,
        "reasons": [_reason(policies, finding) for finding in admission.decision.counting],
        "warnings": list(admission.warnings),
        "policies": [str(policy) for policy in admission.decision.policies],
        "facts_digest": admission.decision.facts_digest,
        "as_of": admission.decision.as_of,
        "position": admission.position,
    }


def _reason(policies: Sequence[Policy], finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "outcome": finding.outcome.value,
        "reason": finding.reason,
        "cites": [{"id": id, "cite": _cite(policies, id)} for id in finding.cites],
        "runbook": finding.runbook,
        "route": finding.route,
    }


def _cite(policies: Sequence[Policy], id: str) -> str | None:
    found = (policy.citations[id].cite for policy in policies if id in policy.citations)
    return next(found, None)
