"""The console as one application, mounted on the port of the gate's own interface.

How a page is added: a module of its own in this room with a table `PAGES`, one line in `PAGES` below, a template that
extends `layout.html.j2`, and a test in `tests/console`. Its endpoint takes a `Visit` and returns `visit.page(...)`,
`visit.problem(...)` or, after a form, `visit.onward(...)`. It calls what `service` has for the step and raises the
errors of the house: `guard` makes pages of them. Forms carry `{{ macros.token(visit) }}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from kyc_gate.api.app import api_app
from kyc_gate.api.caller import signed_in
from kyc_gate.api.page_headers import PAGE_HEADERS
from kyc_gate.console import (
    audit,
    case_page,
    case_steps,
    clearances,
    decisions,
    lists,
    papers,
    parties,
    people,
    policies,
    queue,
    runbooks,
)
from kyc_gate.console.assets import asset
from kyc_gate.console.guard import guarded, to_sign_in
from kyc_gate.console.page import Page
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.visit import Visit

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

PAGES: tuple[Page, ...] = (
    *queue.PAGES,
    *papers.PAGES,
    *case_page.PAGES,
    *case_steps.PAGES,
    *decisions.PAGES,
    *parties.PAGES,
    *clearances.PAGES,
    *lists.PAGES,
    *policies.PAGES,
    *audit.PAGES,
    *people.PAGES,
    *runbooks.PAGES,
)
"""Every page. Of two that fit an address, the first one is taken."""

NAVIGATION = tuple(page for page in PAGES if page.title)
"""The pages that every page leads to, in their order; each is shown to those who may see it."""


def interface_app(gate: Gate, tokens_sha256: Sequence[str] = ()) -> Starlette:
    """Return the gate's own interface with the console mounted in it: what `kyc-gate serve` has on its second port.

    Raises `ConfigurationError` for a malformed digest of a token.
    """
    app = api_app(gate, tokens_sha256)
    app.router.routes.extend(
        (
            Route("/", _to_first_page, methods=["GET"]),
            Route(ROOT, _to_first_page, methods=["GET"]),
            Mount(ROOT, console_app(gate)),
        )
    )
    return app


def console_app(gate: Gate) -> Starlette:
    """Return the console of `gate`, to be mounted under `ROOT`."""
    app = Starlette(
        routes=[
            Route("/", _to_first_page, methods=["GET"]),
            Route("/static/{digest}/{name}", asset, methods=["GET"]),
            *(Route(page.path, guarded(page), methods=[page.method]) for page in PAGES),
        ],
        exception_handlers={404: _nothing_here, 405: _wrong_method},
    )
    # An address has one spelling: the one with another slash is answered 404 and leads nowhere.
    app.router.redirect_slashes = False
    app.state.gate = gate
    app.state.navigation = tuple((page.title, f"{ROOT}{page.path}", page.permission) for page in NAVIGATION)
    return app


async def _to_first_page(_: Request) -> Response:
    return RedirectResponse(f"{ROOT}{NAVIGATION[0].path}", 303, PAGE_HEADERS)


async def _nothing_here(request: Request, _: Exception) -> Response:
    return await _told(request, 404, "There is nothing here", "The address is none of the console's.")


async def _wrong_method(request: Request, error: Exception) -> Response:
    answer = await _told(request, 405, "Nothing was done", "A step is taken by its form, and never by an address.")
    allowed = (getattr(error, "headers", None) or {}).get("Allow")
    if allowed and answer.status_code == 405:
        answer.headers["allow"] = ", ".join(sorted(allowed.split(", ")))
    return answer


async def _told(request: Request, status: int, title: str, detail: str) -> Response:
    found = await signed_in(request, request.app.state.gate.access)
    return Visit(request, *found).problem(status, title, detail) if found else to_sign_in(request)
