"""JSON answers and problem documents, never kept by a cache."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.problem import problem_answer


def json_answer(document: object, *, status: int = 200) -> Response:
    """Return `document` as JSON. Decimals and times become strings, as in audit records."""
    body = msgspec.json.encode(document, order="deterministic")
    return Response(body, status, {"cache-control": "no-store"}, "application/json")


def problem(status: int, code: str, title: str, detail: str) -> Response:
    """Return an RFC 9457 problem document."""
    answer = problem_answer(Refusal(status=status, code=code, title=title, detail=detail))
    response = Response(answer.body, answer.status)
    response.raw_headers = list(answer.headers)
    return response
