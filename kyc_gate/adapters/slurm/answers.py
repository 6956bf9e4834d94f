"""What slurmrestd answers, and a submission as one that waits in Slurm's own queue."""

from __future__ import annotations

import json

from kyc_gate.adapters.strict_json import JsonValue, read_json
from kyc_gate.errors import RefusedCall

MARK = "kyc-gate:"
"""Stands before the decision that holds a job, in its comment."""


def held_body(body: bytes, decision_id: str) -> bytes:
    """Return a submission whose every component is held and says by which decision.

    A priority would start what is held, and an `AdminComment` is the operator's own word: both are left out.
    """
    document = json.loads(body)
    for component in document["jobs"] if "jobs" in document else [document["job"]]:
        component.pop("priority", None)
        component.pop("admin_comment", None)
        component["hold"] = True
        comment = component.get("comment")
        mark = MARK + decision_id
        component["comment"] = f"{comment} {mark}" if isinstance(comment, str) and comment else mark
    return json.dumps(document, ensure_ascii=True).encode("ascii")


def decision_of(comment: object) -> str | None:
    """Return the decision that a comment names, None where it names none or more than one."""
    words = comment.split() if isinstance(comment, str) else []
    found = [word.removeprefix(MARK) for word in words if word.startswith(MARK)]
    return found[0] if len(found) == 1 else None


def job_id_of(body: bytes) -> int | None:
    """Return the number of the job that an answer to a submission names, None where it names none."""
    try:
        document = read_json(body, what="answer")
    except RefusedCall:
        return None
    found = _job_id(document)
    return found if found is not None or not isinstance(document, dict) else _job_id(document.get("result"))


def _job_id(document: JsonValue) -> int | None:
    value = document.get("job_id") if isinstance(document, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
