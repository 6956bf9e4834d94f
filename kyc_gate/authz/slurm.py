"""What slurmctld asks through `job_submit.lua`: whether a job may be taken, and whether a held one may start.

Answers are three lines of text, since the plugin's language reads no JSON: `allow`, `hold` or `deny`; the decision's
id, `-` where there is none; and what the user is told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import structlog
from msgspec.structs import replace

from kyc_gate.adapters.slurm.settings import SlurmSettings
from kyc_gate.adapters.slurm.submission import read_submission
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer
from kyc_gate.model.job import ProvisioningRequest
from kyc_gate.service.admission import Admission
from kyc_gate.service.disclosure import refusal_of_error

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

SUBMIT, RELEASE = b"/slurm/submit", b"/slurm/release"

_DECISION = re.compile(rb"dec_[0-9a-f]{32}")


class SlurmQuestions:
    """Answers the plugin of one cluster from one open gate."""

    def __init__(self, gate: Gate, settings: SlurmSettings) -> None:
        self._gate = gate
        self._settings = settings

    async def answer(self, path: bytes, body: bytes) -> Answer:
        """Return the three lines. Whatever goes wrong is a `deny`."""
        try:
            if path == SUBMIT:
                return await self._submitted(body)
            return await self._released(body)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, no job starts
            if not isinstance(error, RefusedCall):
                log.error("decision.failed", error=str(error), kind=type(error).__name__)
            return _lines("deny", None, refusal_of_error(error).detail)

    async def _submitted(self, body: bytes) -> Answer:
        request = read_submission(body, self._settings)
        if request is None:
            return _lines("allow", None, "")
        admission = await self._gate.decide_in_steps(request, step=self._settings.refusal_seconds)
        if admission.decision is None:
            return _lines("deny", None, _detail(admission))
        if admission.answer is None and admission.refusal is None:
            return _lines("allow", admission.decision_id, "")
        held = admission.refusal is not None and admission.refusal.code == "review-required"
        return _lines("hold" if held else "deny", admission.decision_id, _detail(admission))

    async def _released(self, body: bytes) -> Answer:
        """Decide again on the request that was held; an approval lets it start, once."""
        request = await held_request(self._gate, self._settings, body.strip())
        admission = await self._gate.decide_in_steps(request, step=self._settings.refusal_seconds)
        passes = admission.decision is not None and admission.refusal is None
        return _lines("allow" if passes else "deny", admission.decision_id, "" if passes else _detail(admission))


async def held_request(gate: Gate, settings: SlurmSettings, decision_id: bytes) -> ProvisioningRequest:
    """Return the request on record as it was submitted. Raises `RefusedCall` for one that is not this cluster's."""
    record = None
    if _DECISION.fullmatch(decision_id):
        record = await gate.store.fetch_decision(decision_id.decode("ascii"))
    if record is None:
        raise RefusedCall(404, "decision", "the job was held by no decision of this gate; submit it anew")
    request = msgspec.convert(record["request"], ProvisioningRequest)
    if (request.provider, request.service) != ("slurm", settings.cluster):
        raise RefusedCall(403, "decision", "the decision is of another cluster; submit the job anew")
    return replace(request, idempotency_key=None)


def _detail(admission: Admission) -> str:
    if admission.refusal is None:
        return "no decision can be made now"
    return f"{admission.refusal.title}: {admission.refusal.detail}"


def _lines(word: str, decision_id: str | None, detail: str) -> Answer:
    told = detail.encode("ascii", "replace").decode("ascii").replace("\n", " ")
    body = f"{word}\n{decision_id or '-'}\n{told[:255]}\n".encode("ascii")
    return Answer(status=200, headers=((b"content-type", b"text/plain; charset=us-ascii"),), body=body)
