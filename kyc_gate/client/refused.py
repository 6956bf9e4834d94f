"""What a client is told instead of a response."""

from __future__ import annotations

import aiohttp

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.problem import problem_document


class KYCRefused(aiohttp.ClientError):
    """A guarded call was not sent. `problem` is its RFC 9457 document; sending it again unchanged does not help.

    `decision_id` is None where no decision was reached: the call could not be read, or the gate could not decide.
    """

    retryable = False

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.title}: {refusal.detail}")
        self.problem: dict[str, object] = problem_document(refusal)
        self.decision_id = refusal.decision_id
        self.case_id = refusal.case_id


class KYCBlocked(KYCRefused):
    """Policy refuses the call."""


class KYCHeld(KYCRefused):
    """The call waits for a person under `case_id`; once approved, the same call passes."""


def refused(refusal: Refusal) -> KYCRefused:
    """Return the error for `refusal`, of the class that its outcome calls for."""
    kind = {"block": KYCBlocked, "escalate": KYCHeld}.get(refusal.outcome or "", KYCRefused)
    return kind(refusal)
