"""People who sign in, over sockets, as a browser would."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from wire import served

from kyc_gate import Gate
from kyc_gate.api.app import api_app
from kyc_gate.model.access import local_actor
from kyc_gate.service.config import AccessSettings

PASSWORD = "a long enough password"
PLAIN = {"access": AccessSettings(unsafe_plain_http=True)}
"""Settings of a gate whose sessions travel without TLS, as these tests' sockets do."""

ROOT = local_actor("root")


class Browser:
    """One person's browser: its cookies, and the token that changes need."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.csrf = ""

    async def sign_in(self, name: str, password: str = PASSWORD, onward: str = "/v1/me") -> aiohttp.ClientResponse:
        """Fill in the form and send it."""
        page = await (await self.session.get("/sign-in", params={"next": onward})).text()
        hidden = dict(re.findall(r'name="(csrf|next)" value="([^"]*)"', page))
        response = await self.session.post(
            "/sign-in", data={**hidden, "name": name, "password": password}, allow_redirects=False
        )
        await response.read()  # so that its connection is given back, whatever the caller does with it
        if response.status == 303:
            self.csrf = (await (await self.session.get("/v1/me")).json())["csrf"]
        return response

    async def post(self, path: str, **body: Any) -> tuple[int, Any]:
        """Send a step as a page of the gate would."""
        async with self.session.post(path, json=body, headers={"x-csrf-token": self.csrf}) as response:
            return response.status, await response.json(content_type=None)

    async def get(self, path: str, **params: Any) -> tuple[int, Any]:
        """Read."""
        async with self.session.get(path, params=params) as response:
            return response.status, await response.json(content_type=None)


@asynccontextmanager
async def browsers(
    gate: Gate, count: int = 1, app: Callable[[Gate], Any] = api_app
) -> AsyncIterator[Sequence[Browser]]:
    """Yield browsers that look at the gate's interface, each with cookies of its own."""
    async with served(app(gate)) as port:
        opened = [
            Browser(aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=aiohttp.CookieJar(unsafe=True)))
            for _ in range(count)
        ]
        try:
            yield opened
        finally:
            for each in opened:
                await each.session.close()
