"""Who gets to a page: somebody who signed in, may see it, and sent a form from a page of ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kyc_gate.api.caller import CSRF_HEADER, SAFE, signed_in
from kyc_gate.api.page_headers import PAGE_HEADERS, local_path
from kyc_gate.console.page import Page
from kyc_gate.console.posted import Posted, read_posted
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.visit import Visit
from kyc_gate.errors import AccessDenied, CaseError, InputError, KYCGateError, RefusedCall
from kyc_gate.model.access import Session
from kyc_gate.service.access import same

log = structlog.get_logger("kyc_gate")

_NOT_OURS = (
    "What was sent did not come from a page of this console, or the page was open for too long."
    " Go back, load the page again, and send it anew."
)


def guarded(page: Page) -> Callable[[Request], Awaitable[Response]]:
    """Return the page for people who may see it; others are sent to sign in, or told what they lack.

    1. who signed in 2. what they may do 3. a form, and that it was sent on purpose 4. the page itself
    """

    async def called(request: Request) -> Response:
        found = await signed_in(request, request.app.state.gate.access)
        if found is None:
            return to_sign_in(request, page.back.format(**request.path_params))
        actor, session = found
        visit = Visit(request, actor, session)
        if not visit.may(page.permission):
            return visit.problem(403, "You may not see this", f"The permission “{page.permission}” is missing.")
        return await _answered(visit, page, session)

    return called


def to_sign_in(request: Request, page: str = "") -> Response:
    """Return the way to sign in and back here; after a form, to the page that it stood on: nothing is sent twice."""
    path = request.url.path
    if request.method in SAFE:
        back = f"{path}?{request.url.query}" if request.url.query else path
    else:
        back = f"{ROOT}{page}" if page else path.rpartition("/")[0]
    onward = f"/sign-in?{urlencode({'next': local_path(back, ROOT)})}"
    if "hx-request" in request.headers:  # a part of a page cannot show the form: the whole page goes there
        return Response(status_code=401, headers={**PAGE_HEADERS, "hx-redirect": onward})
    return RedirectResponse(onward, 303, PAGE_HEADERS)


async def _answered(visit: Visit, page: Page, session: Session) -> Response:
    """Return the page, or the one that says what went wrong. A person never sees a trace."""
    try:
        if visit.request.method not in SAFE:
            posted = await read_posted(visit.request, page.most_bytes(visit))
            if not _on_purpose(visit.request, posted, session):
                return visit.problem(403, "Nothing was done", _NOT_OURS)
            posted.pop("csrf", None)
            visit.posted = posted
        return await page.endpoint(visit)
    except RefusedCall as error:
        return visit.problem(error.status, "This was not understood", told(error))
    except InputError as error:
        return visit.problem(400, "This was not understood", told(error))
    except AccessDenied as error:
        return visit.problem(403, "You may not do this", told(error))
    except CaseError as error:
        return visit.problem(409, "This cannot be done now", told(error))
    except KYCGateError as error:
        log.error("console.unavailable", error=str(error))
        return visit.problem(503, "The gate cannot answer now", "Try again later. The reason was logged.")
    except Exception as error:  # noqa: BLE001 - a person never sees a trace
        log.error("console.failed", error=f"{type(error).__name__}: {error}")
        return visit.problem(500, "The gate failed", "The failure was logged.")


def told(error: Exception) -> str:
    """Return an error as a sentence."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _on_purpose(request: Request, posted: Posted, session: Session) -> bool:
    return same(request.headers.get(CSRF_HEADER) or posted.get("csrf", ""), session.csrf)
