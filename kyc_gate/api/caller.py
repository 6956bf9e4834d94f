"""Who calls the interface: the bearer of a configured token or of a key, or somebody who signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from kyc_gate.api.answers import problem
from kyc_gate.api.bearer import Bearer
from kyc_gate.model.access import TOKEN, Actor, Permission, Session, service_actor
from kyc_gate.service.access import same

if TYPE_CHECKING:
    from kyc_gate.service.access import Access
    from kyc_gate.service.gate import Gate

COOKIE = "kyc_session"
"""The session's cookie; `cookie_name` says what it is called on the way."""

CSRF_HEADER = "x-csrf-token"

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""


class Callers:
    """Knows who calls."""

    def __init__(self, bearer: Bearer, access: Access) -> None:
        self._bearer = bearer
        self._access = access

    async def identified(self, request: Request, permission: Permission) -> Actor | Response:
        """Return who calls, or the answer that turns them away.

        1. a bearer of a token or a key 2. a session, whose token for forms comes along where anything changes
        3. what they may do
        """
        if "authorization" in request.headers:
            actor = await self._bearing(request)
        else:
            found = await signed_in(request, self._access)
            if found is not None and not _sent_on_purpose(request, found[1]):
                return problem(403, "csrf", "this call did not come from a page of the gate", f"send `{CSRF_HEADER}`")
            actor = found[0] if found else None
        if actor is None:
            return self._bearer.refused()
        if not actor.may(permission):
            return problem(403, "forbidden", "you may not do this", f"the permission `{permission}` is missing")
        return actor

    async def _bearing(self, request: Request) -> Actor | None:
        token = self._bearer.token(request)
        if token is None:
            return None
        if self._bearer.knows(token):
            return service_actor(TOKEN)
        return await self._access.key(token) if token.startswith("kyc_") else None


async def signed_in(request: Request, access: Access) -> tuple[Actor, Session] | None:
    """Return who signed in and their session, or None."""
    token = session_token(request)
    return await access.session(token) if token else None


def session_token(request: Request) -> str | None:
    """Return the token in the session's cookie."""
    return cookie_of(request, COOKIE)


def cookie_name(request: Request, name: str) -> str:
    """Return what a cookie is called: over TLS with the prefix that binds it to this very host.

    Browsers take `__Host-` from the host itself only, for all paths, and over TLS alone; so no other host of the same
    domain can plant one.
    """
    gate: Gate = request.app.state.gate
    return name if gate.settings.access.unsafe_plain_http else f"__Host-{name}"


def cookie_of(request: Request, name: str) -> str | None:
    """Return the value of a cookie. One that came twice is none: one of them was planted."""
    wanted = cookie_name(request, name)
    sent = [
        value.strip('"')
        for header in request.headers.getlist("cookie")
        for given, _, value in (part.strip().partition("=") for part in header.split(";"))
        if given == wanted
    ]
    return sent[0] if len(sent) == 1 and sent[0] else None


def _sent_on_purpose(request: Request, session: Session) -> bool:
    return request.method in SAFE or same(request.headers.get(CSRF_HEADER, ""), session.csrf)
