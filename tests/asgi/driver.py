"""Drives an ASGI application by hand: every message that goes in is chosen, every one that comes out is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any


class Exchange:
    """One HTTP exchange: what was sent to the application's server, and what came back."""

    def __init__(self, scope: dict[str, Any], incoming: Sequence[dict[str, Any]]) -> None:
        self.scope = scope
        self.incoming = list(incoming)
        self.received = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        self.received += 1
        if not self.incoming:
            await asyncio.Event().wait()
        message = self.incoming.pop(0)
        if "trailers" in message:
            self.scope["headers"] += message["trailers"]
        return message

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(dict(message))

    @property
    def status(self) -> int | None:
        return next((message["status"] for message in self.sent if "status" in message), None)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return list(next(message for message in self.sent if "status" in message)["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def chunks(*parts: bytes) -> list[dict[str, Any]]:
    """The messages of a body that arrives in these parts."""
    last = len(parts) - 1
    return [{"type": "http.request", "body": part, "more_body": at < last} for at, part in enumerate(parts)]


def http(
    path: str = "/",
    *,
    method: str = "POST",
    headers: Sequence[tuple[bytes, bytes]] = (),
    query: bytes = b"",
    **more: Any,
) -> dict[str, Any]:
    """The scope of an HTTP call, as uvicorn makes it."""
    from urllib.parse import unquote

    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": list(headers),
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 5000),
        "extensions": {},
        **more,
    }


async def drive(app: Any, scope: dict[str, Any], incoming: Sequence[dict[str, Any]] = ()) -> Exchange:
    exchange = Exchange(scope, incoming)
    await app(scope, exchange.receive, exchange.send)
    return exchange
