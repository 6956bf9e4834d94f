"""Policies: which are active, and to have them read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from kyc_gate.api.answers import json_answer
from kyc_gate.model.record import plain
from kyc_gate.service.trials import ROLLOUT, SHADOW

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate


async def policies(request: Request) -> Response:
    """`GET /v1/policies`: what decides now, where it came from, and why a newer one does not."""
    gate: Gate = request.app.state.gate
    return json_answer(_document(gate))


async def reload(request: Request) -> Response:
    """`POST /v1/policies/reload`: read the policies now. 409 where what was read does not become active."""
    gate: Gate = request.app.state.gate
    if gate.policy_keeper is not None:
        await gate.policy_keeper.reload(gate)
    document = _document(gate)
    return json_answer(document, status=200 if document["problem"] is None else 409)


def _document(gate: Gate) -> dict[str, object]:
    standing = gate.policy_keeper.standing(gate) if gate.policy_keeper else None
    document: dict[str, object] = (
        plain(standing) if standing else {"problem": None, "origin": plain(gate.active.origin)}
    )
    return {
        **document,
        "policies": [plain(policy.reference) for policy in gate.policies],
        "trials": [*_tried(gate), *(plain(refusal) for refusal in gate.trials.refusals)],
    }


def _tried(gate: Gate) -> list[dict[str, object]]:
    """The trials that go on here, in the shape of those that were refused."""
    trials = {SHADOW: gate.trials.shadow, ROLLOUT: gate.trials.rollout}
    return [
        {"name": name, "id": held[0].id, "percent": held[0].percent, "problem": None}
        for name, held in trials.items()
        if held is not None
    ]
