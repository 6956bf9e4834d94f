"""A publisher of lists on the loopback interface: what it serves, and how it fails, is said in each test."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from kyc_gate.feeds.fetch import Tries
from kyc_gate.feeds.pull import Pulling, PullReport, pull
from kyc_gate.feeds.shelf import Shelf
from kyc_gate.feeds.source import Source

QUICK = Tries(attempts=3, first_wait=0.01, longest_wait=0.02)


def companies(count: int, *, list: str = "EL", salt: str = "") -> list[dict[str, str]]:
    """Return rows of an operator's list: companies that were made up, each with a rare name."""
    return [
        {"id": str(number), "name": f"{_word(salt, number)} {_word(salt + 'b', number)} Industries", "list": list}
        for number in range(count)
    ]


def _word(salt: str, number: int) -> str:
    digits = hashlib.sha256(f"{salt}/{number}".encode()).digest()
    return "".join("bdfgklmnprstvz"[digit % 14] + "aeiou"[digit % 5] for digit in digits[:4]).capitalize()


def lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """Return rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


class Publisher:
    """Serves `body`; `then` are handlers for the next requests, before it serves again."""

    def __init__(self, body: bytes = b"") -> None:
        self.body = body
        self.files: dict[str, bytes] = {}
        self.then: list[Callable[[web.Request], Any]] = []
        self.asked: list[web.Request] = []
        self.modified: str | None = None
        self.origin = ""

    @property
    def url(self) -> str:
        """The address of the list."""
        return f"{self.origin}/list.jsonl"

    @property
    def etag(self) -> str:
        """The entity tag of what is served now."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.asked.append(request)
        if request.path != "/list.jsonl":
            return web.Response(body=self.files[request.path])
        if self.then:
            answer: web.StreamResponse = await self.then.pop(0)(request)
            return answer
        headers = {"ETag": self.etag} | ({"Last-Modified": self.modified} if self.modified else {})
        if request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.body, headers=headers, content_type="application/octet-stream")


@asynccontextmanager
async def publishing(body: bytes = b"") -> AsyncIterator[Publisher]:
    """Yield a publisher that listens."""
    publisher = Publisher(body)
    app = web.Application()
    app.router.add_get("/{name:.*}", publisher.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    publisher.origin = f"http://{host}:{port}"
    try:
        yield publisher
    finally:
        await runner.cleanup()


def source_of(publisher: Publisher, **more: Any) -> Source:
    """Return the source that the publisher serves."""
    return Source(**{"name": "sample", "urls": (publisher.url,), "unsafe_plain_http": True, "seconds": 20.0} | more)


async def pulled(folder: Path, *sources: Source, **how: Any) -> PullReport:
    """Pull the sources onto the shelf in `folder`."""
    return await pull(Shelf(folder / "shelf"), sources, Pulling(**{"folder": str(folder), "tries": QUICK} | how))


def status(code: int) -> Callable[[web.Request], Any]:
    """Return a handler that answers with a status."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=code)

    return handler


def page(text: str, content_type: str = "text/html") -> Callable[[web.Request], Any]:
    """Return a handler that answers 200 with a text."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=content_type)

    return handler


def redirect(target: str) -> Callable[[web.Request], Any]:
    """Return a handler that redirects."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    return handler


def cut_off(body: bytes) -> Callable[[web.Request], Any]:
    """Return a handler that promises a body and sends the first half of it."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        assert request.transport is not None
        request.transport.close()
        return response

    return handler


def trickling(body: bytes) -> Callable[[web.Request], Any]:
    """Return a handler that sends a byte at a time, without end in sight."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for byte in body:
            await response.write(bytes([byte]))
            await asyncio.sleep(0.05)
        return response

    return handler
