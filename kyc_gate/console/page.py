"""A page: where it stands, what it needs, and who may see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.responses import Response

from kyc_gate.console.visit import Visit
from kyc_gate.model.access import Permission

Endpoint = Callable[[Visit], Awaitable[Response]]

LARGEST_FORM = 256 * 1024
"""Bytes of a form at most, where a page says nothing else."""


class Page(NamedTuple):
    """A page or a form's target under `/console`.

    `path` is below the console's root (`/cases/{id}`). `permission` is what somebody needs who signed in; everybody
    else gets a page that says so. `title` puts it into the navigation. A page of the method `POST` gets its form with
    the token checked, up to `most_bytes`; it answers with `visit.onward(...)`, so that a reload sends nothing twice.
    `back` is the page that the form stands on, for who has to sign in again; by default the path above its target.
    """

    path: str
    endpoint: Endpoint
    permission: Permission
    method: str = "GET"
    title: str = ""
    back: str = ""
    most_bytes: Callable[[Visit], int] = lambda _: LARGEST_FORM
