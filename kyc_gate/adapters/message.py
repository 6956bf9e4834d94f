"""What a refused customer reads, in every dialect whose errors have one message."""

from __future__ import annotations

from kyc_gate.adapters.adapter import Refusal

MAX_MESSAGE = 255
"""Characters of a message. Every client prints it whole."""


def message_of(refusal: Refusal) -> str:
    """Return the detail, and the decision and case to quote where it does not. One line of ASCII."""
    said = []
    if refusal.decision_id and refusal.decision_id not in refusal.detail:
        said.append(f"Decision {refusal.decision_id}.")
    if refusal.case_id and refusal.case_id not in refusal.detail:
        said.append(f"Case {refusal.case_id}.")
    if refusal.resubmit and "after approval" not in refusal.detail:
        said.append("After approval, send the same request again.")
    detail = _plain(refusal.detail.rstrip(". ") + ".")
    tail = _plain(" ".join(said))
    return f"{detail[: max(MAX_MESSAGE - len(tail) - 1, 0)]} {tail}".strip()


def _plain(text: str) -> str:
    """Return the text with a question mark for what is no printable ASCII: control characters are errors in XML."""
    return "".join(each if " " <= each <= "~" else "?" for each in " ".join(text.split()))
