"""The API server, asked by the gate with its own service account: lists, single objects, and patches of a status."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import msgspec

from kyc_gate.adapters.kubernetes.settings import KueueSettings
from kyc_gate.errors import ConfigurationError, UpstreamFault

SECONDS = 15.0
PAGE = 500
"""Objects asked for at once, as kubectl does."""

Thing = dict[str, Any]


class APIServer:
    """One session. The token is read anew for each call: kubelet renews it in its file every hour."""

    def __init__(self, settings: KueueSettings, folder: Path) -> None:
        self._base = settings.api.rstrip("/")
        self._token_file = folder / settings.token_file
        self._ca_file = None if settings.ca_file is None else folder / settings.ca_file
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session. Raises `ConfigurationError` for a certificate that cannot be read."""
        tls: ssl.SSLContext | bool = True
        if self._base.startswith("https://") and self._ca_file is not None:
            try:
                tls = ssl.create_default_context(cafile=str(self._ca_file))
            except (OSError, ssl.SSLError) as error:
                raise ConfigurationError(f"`kubernetes.kueue.ca_file`: {error}") from error
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls), timeout=aiohttp.ClientTimeout(total=SECONDS), trust_env=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def list(self, path: str) -> list[Thing]:
        """Return every object of a collection. Raises `UpstreamFault`."""
        found: list[Thing] = []
        query = {"limit": str(PAGE)}
        while True:
            page = await self._asked("GET", f"{path}?{urlencode(query)}")
            found += page.get("items") or []
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                return found
            query["continue"] = more

    async def get(self, path: str) -> Thing | None:
        """Return one object, None where there is none. Raises `UpstreamFault`."""
        try:
            return await self._asked("GET", path)
        except UpstreamFault as error:
            if error.status == 404:
                return None
            raise

    async def patch(self, path: str, patch: object, *, kind: str) -> bool:
        """Patch an object, and return whether it still was what the patch is for. Raises `UpstreamFault`.

        `kind` is `json-patch` or `merge-patch`. A conflict, or a test of a JSON Patch that fails, changes nothing.
        """
        try:
            await self._asked("PATCH", path, patch, {"Content-Type": f"application/{kind}+json"})
        except UpstreamFault as error:
            if error.status in (404, 409, 422):
                return False
            raise
        return True

    async def _asked(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Thing:
        assert self._session is not None  # noqa: S101 - it is used while it is open
        try:
            token = self._token_file.read_text(encoding="ascii").strip()
            async with self._session.request(
                method,
                f"{self._base}{path}",
                data=None if body is None else msgspec.json.encode(body),
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json", **(headers or {})},
                allow_redirects=False,
            ) as response:
                answer = await response.read()
        except (OSError, ValueError, aiohttp.ClientError, TimeoutError) as error:
            raise UpstreamFault(f"the API server cannot be asked: {error or type(error).__name__}") from error
        if not 200 <= response.status < 300:
            told = answer[:200].decode("utf-8", "replace")
            raise UpstreamFault(
                f"the API server answers {response.status} to {method} {path}: {told}",
                refused=400 <= response.status < 500,
                status=response.status,
            )
        try:
            return msgspec.json.decode(answer, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise UpstreamFault(f"the API server's answer to {method} {path} is not JSON: {error}") from error
