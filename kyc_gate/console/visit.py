"""Somebody who signed in and looks at a page: what they may see, and how they are answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kyc_gate.api.page_headers import PAGE_HEADERS, local_path
from kyc_gate.console.posted import Posted
from kyc_gate.console.rendering import ROOT, rendered
from kyc_gate.errors import InputError
from kyc_gate.model.access import Actor, Permission, Session

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

MOST_PARAMETER = 500
"""Characters of a value in an address at most."""


class Visit:
    """One call of a page by somebody who signed in.

    `posted` holds the fields of a form whose token was checked; it is empty where nothing was sent.
    """

    def __init__(self, request: Request, actor: Actor, session: Session, posted: Posted | None = None) -> None:
        self.request = request
        self.actor = actor
        self.session = session
        self.posted = posted or Posted()

    @property
    def gate(self) -> Gate:
        """The gate whose console this is."""
        gate: Gate = self.request.app.state.gate
        return gate

    @property
    def path(self) -> str:
        """The page's own path, from the host's root."""
        return self.request.url.path

    def may(self, permission: Permission) -> bool:
        """Return whether the person may."""
        return self.actor.may(permission)

    def named(self, parameter: str) -> str:
        """Return a part of the page's path, such as the `id` of `/cases/{id}`."""
        return str(self.request.path_params[parameter])

    def asked(self, *names: str) -> dict[str, str]:
        """Return the parameters of the address. Raises `InputError` for one of no name here, twice, or too long."""
        found: dict[str, str] = {}
        for name, value in self.request.query_params.multi_items():
            if name not in names:
                raise InputError(f"unknown parameter `{name[:80]}`; this page takes {', '.join(names) or 'none'}")
            if name in found:
                raise InputError(f"`{name}` came twice")
            if len(value) > MOST_PARAMETER:
                raise InputError(f"`{name}` has {len(value)} characters; at most {MOST_PARAMETER} are read")
            found[name] = value.strip()
        return {name: value for name, value in found.items() if value}

    def page(self, template: str, title: str, *, status: int = 200, **of: Any) -> Response:
        """Return a page of the room's templates within the layout; `of` is what the template names besides `visit`."""
        text = rendered(f"{template}.html.j2", visit=self, title=title, **of)
        return Response(text, status, dict(PAGE_HEADERS), "text/html; charset=utf-8")

    def problem(self, status: int, title: str, detail: str) -> Response:
        """Return the page that says what went wrong, and what to do."""
        return self.page("problem", title, status=status, detail=detail)

    def onward(self, path: str, done: str = "") -> Response:
        """Return the way to another page of this host after a form; `done` names one of `said.DONE`."""
        query = f"?{urlencode({'done': done})}" if done else ""
        return RedirectResponse(f"{local_path(path, ROOT)}{query}", 303, PAGE_HEADERS)


def address(path: str, parameters: Mapping[str, str | None]) -> str:
    """Return a path with those parameters that have a value."""
    given = {name: value for name, value in parameters.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
