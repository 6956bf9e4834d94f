"""What SkyPilot's API server asks its RESTful admin policy: whether a request may go on; 400 says no."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import structlog

from kyc_gate.adapters.skypilot import PolicyQuestion, read_policy_question
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer
from kyc_gate.service.disclosure import refusal_of_error

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")


async def answered(gate: Gate, body: bytes) -> Answer:
    """Return the request unchanged where it may go on, else 400 and what the user is told. It never raises."""
    try:
        question = read_policy_question(body)
        if question.request is None:
            return _passed(question)
        admission = await gate.decide_in_steps(question.request)
        if admission.decision is not None and admission.refusal is None:
            return _passed(question)
        refusal = admission.refusal or refusal_of_error(RuntimeError("no decision"))
    except Exception as error:  # noqa: BLE001 - whatever went wrong, nothing is launched
        if not isinstance(error, RefusedCall):
            log.error("decision.failed", error=str(error), kind=type(error).__name__)
        refusal = refusal_of_error(error)
    told = f"{refusal.title}: {refusal.detail}".encode("ascii", "replace")
    return Answer(status=400, headers=((b"content-type", b"text/plain; charset=us-ascii"),), body=told)


def _passed(question: PolicyQuestion) -> Answer:
    inner = json.dumps({"task": question.task, "skypilot_config": question.config})
    body = json.dumps(inner).encode("ascii")
    return Answer(status=200, headers=((b"content-type", b"application/json"),), body=body)
