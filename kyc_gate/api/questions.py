"""The questionnaire as the customer sees it: behind a link, without signing in, the same whatever the reason was."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from kyc_gate.api.forms import form_of
from kyc_gate.api.pages import page
from kyc_gate.errors import CaseError, InputError
from kyc_gate.model.questionnaire import MOST_TEXT, QUESTIONS, Questionnaire

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate


async def questions(request: Request) -> Response:
    """`GET /questions/{token}`: the questions. One answer for every link that is not good."""
    gate: Gate = request.app.state.gate
    if _too_many(request):
        return _later()
    found = await gate.casework.questions(request.path_params["token"])
    if found is None:
        return _gone(request)
    return _answered() if found.answered_at else _asked(found, {}, "")


async def answer(request: Request) -> Response:
    """`POST /questions/{token}`: the answers, once. What is missing is asked again with what was written."""
    gate: Gate = request.app.state.gate
    token = request.path_params["token"]
    if _too_many(request):
        return _later()
    found = await gate.casework.questions(token)
    if found is None:
        return _gone(request)
    given: dict[str, str] = {}
    try:
        given = await form_of(request)
        await gate.casework.answer(token, given)
    except InputError as error:
        return _asked(found, given, _said(error), status=400)
    except CaseError:
        return _answered()
    return _answered()


def _said(error: InputError) -> str:
    """Return the error with the question's own words in the place of its field."""
    text = str(error)
    for question in QUESTIONS:
        text = text.replace(f"`{question.id}`", f"“{question.text}”")
    return text


def _asked(found: Questionnaire, answers: dict[str, str], problem: str, status: int = 200) -> Response:
    return page(
        "questions",
        status=status,
        questions=QUESTIONS,
        answers=answers,
        problem=problem,
        most=MOST_TEXT,
        until=f"{found.expires_at:%Y-%m-%d}",
    )


WRONG_LINKS = 60
"""Links that are not good from one address within a minute; what comes after them is not looked up."""

MOST_ADDRESSES = 10_000
"""Addresses that are remembered."""


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _too_many(request: Request) -> bool:
    """Return whether an address tried too many links in this minute."""
    minute, tries = request.app.state.wrong_links.get(_address(request), (0, 0))
    return bool(minute == int(time.monotonic() // 60) and tries >= WRONG_LINKS)


def _later() -> Response:
    text = "Too many links were tried from where you are. Try again in a minute."
    answer = page("said", status=429, title="Not now", text=text)
    answer.headers["retry-after"] = "60"
    return answer


def _gone(request: Request) -> Response:
    known: dict[str, tuple[int, int]] = request.app.state.wrong_links
    now = int(time.monotonic() // 60)
    minute, tries = known.pop(_address(request), (now, 0))
    known[_address(request)] = (now, tries + 1 if minute == now else 1)
    while len(known) > MOST_ADDRESSES:
        del known[next(iter(known))]
    text = "It may have ended. Ask your provider for another."
    return page("said", status=404, title="This link is not good", text=text)


def _answered() -> Response:
    return page("said", title="Thank you", text="Your answers were received. You need not do anything more.")
