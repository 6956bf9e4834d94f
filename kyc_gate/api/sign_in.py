"""Signing in and out: a cookie that scripts cannot read and other sites cannot send."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kyc_gate.api.answers import json_answer, problem
from kyc_gate.api.caller import COOKIE, CSRF_HEADER, cookie_name, cookie_of, session_token, signed_in
from kyc_gate.api.forms import form_of
from kyc_gate.api.page_headers import PAGE_HEADERS, local_path
from kyc_gate.api.pages import page
from kyc_gate.errors import AccessDenied, FeedFault, InputError
from kyc_gate.model.access import Session
from kyc_gate.service.access import SignedIn, same

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

FORM_COOKIE = "kyc_sign_in"
"""Holds what the form must send along, so that nobody is signed in by a page of another site."""

OIDC_COOKIE = "kyc_oidc"
"""Holds what an identity provider's answer must fit, in the browser that asked."""

OIDC_SECONDS = 600
"""Seconds within which somebody signs in at the identity provider."""

MOST_SECONDS = 900
"""Seconds for which the form of signing in is good."""


async def sign_in_page(request: Request) -> Response:
    """`GET /sign-in`: the form."""
    return _form(request, local_path(request.query_params.get("next", "")), "")


async def sign_in(request: Request) -> Response:
    """`POST /sign-in`: a session, and on to where the person wanted to go."""
    gate: Gate = request.app.state.gate
    given = await form_of(request)
    onward = local_path(given.get("next", ""))
    kept = cookie_of(request, FORM_COOKIE)
    if kept is None or not same(given.get("csrf", ""), kept):
        return _form(request, onward, "This page was open for too long. Please try again.", status=403)
    try:
        begun = await gate.access.sign_in(
            given.get("name", ""), given.get("password", ""), replaces=session_token(request)
        )
    except AccessDenied as error:
        return _form(request, onward, str(error)[:1].upper() + str(error)[1:] + ".", status=403)
    return _onward(request, begun, onward)


async def sign_out(request: Request) -> Response:
    """`POST /sign-out`: the session ends. The token for forms comes as a field or a header."""
    gate: Gate = request.app.state.gate
    found = await signed_in(request, gate.access)
    if found is None:
        return RedirectResponse("/sign-in", 303, PAGE_HEADERS)
    if not await sent_on_purpose(request, found[1]):
        return problem(403, "csrf", "this call did not come from a page of the gate", f"send `{CSRF_HEADER}`")
    await gate.access.sign_out(session_token(request) or "")
    answer = RedirectResponse("/sign-in", 303, PAGE_HEADERS)
    answer.headers["clear-site-data"] = '"cache", "cookies", "storage"'
    _drop(request, answer, COOKIE)
    return answer


async def me(request: Request) -> Response:
    """`GET /v1/me`: who signed in, what they may do, and the token that changes need in `x-csrf-token`."""
    gate: Gate = request.app.state.gate
    found = await signed_in(request, gate.access)
    if found is None:
        return problem(401, "unauthorized", "nobody is signed in", "sign in at `/sign-in`")
    actor, session = found
    document = {
        "person": actor.id,
        "permissions": sorted(actor.permissions),
        "csrf": session.csrf,
        "expires_at": session.expires_at,
    }
    return json_answer(document)


async def oidc_begin(request: Request) -> Response:
    """`GET /sign-in/oidc`: on to the operator's identity provider."""
    gate: Gate = request.app.state.gate
    if gate.oidc is None:
        return problem(404, "not-found", "no identity provider is configured", "see `[access.oidc]`")
    try:
        begun = await gate.oidc.begin(local_path(request.query_params.get("next", "")))
    except FeedFault as error:
        return _form(request, "/", f"The identity provider cannot be reached: {error}.", status=503)
    answer = RedirectResponse(begun.url, 303, PAGE_HEADERS)
    _set(request, answer, OIDC_COOKIE, begun.kept, OIDC_SECONDS)
    return answer


async def oidc_end(request: Request) -> Response:
    """`GET /sign-in/oidc/callback`: a session for whom the identity provider names."""
    gate: Gate = request.app.state.gate
    if gate.oidc is None:
        return problem(404, "not-found", "no identity provider is configured", "see `[access.oidc]`")
    try:
        ended = await gate.oidc.end(dict(request.query_params), cookie_of(request, OIDC_COOKIE) or "")
        person = await gate.access.vouched(ended.subject, ended.name, ended.email, ended.roles)
    except (AccessDenied, InputError) as error:
        return _form(request, "/", f"{str(error)[:1].upper()}{str(error)[1:]}.", status=403)
    except FeedFault as error:
        return _form(request, "/", f"The identity provider cannot be reached: {error}.", status=503)
    answer = _onward(request, await gate.access.begin(person, replaces=session_token(request)), ended.onward)
    _drop(request, answer, OIDC_COOKIE)
    return answer


async def sent_on_purpose(request: Request, session: Session) -> bool:
    """Return whether a form or a script of the gate's own pages sent the call: it knows the session's second secret."""
    given = request.headers.get(CSRF_HEADER)
    if given is None:
        given = (await form_of(request)).get("csrf", "")
    return same(given, session.csrf)


def _form(request: Request, onward: str, said: str, status: int = 200) -> Response:
    gate: Gate = request.app.state.gate
    csrf = secrets.token_urlsafe(32)
    provider = gate.oidc.name if gate.oidc else None
    answer = page("sign_in", status=status, csrf=csrf, next=onward, problem=said, provider=provider)
    _set(request, answer, FORM_COOKIE, csrf, MOST_SECONDS, strict=True)
    return answer


def _onward(request: Request, begun: SignedIn, onward: str) -> Response:
    # Checked here again: a browser keeps it while its person is at the identity provider.
    answer = RedirectResponse(local_path(onward), 303, PAGE_HEADERS)
    seconds = int((begun.session.expires_at - begun.session.at).total_seconds())
    _set(request, answer, COOKIE, begun.token, seconds)
    _drop(request, answer, FORM_COOKIE)
    return answer


def _set(request: Request, answer: Response, name: str, value: str, seconds: int, *, strict: bool = False) -> None:
    gate: Gate = request.app.state.gate
    answer.set_cookie(
        cookie_name(request, name),
        value,
        max_age=seconds,
        path="/",
        secure=not gate.settings.access.unsafe_plain_http,
        httponly=True,
        samesite="strict" if strict else "lax",
    )


def _drop(request: Request, answer: Response, name: str) -> None:
    """Take a cookie back. One with the prefix is taken back over TLS alone, as it was set."""
    gate: Gate = request.app.state.gate
    secure = not gate.settings.access.unsafe_plain_http
    answer.delete_cookie(cookie_name(request, name), path="/", secure=secure, httponly=True, samesite="lax")
