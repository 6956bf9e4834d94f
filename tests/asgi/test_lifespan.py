"""The gate's life inside the server's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from gates import PATH, job, make_gate
from wire import exchange, served, status_of

from kyc_gate import Gate, KYCGateMiddleware
from kyc_gate.asgi.types import ASGIApp
from kyc_gate.errors import StorageFault

from .driver import Exchange, chunks, drive, http

STARTUP = {"type": "lifespan.startup"}
SHUTDOWN = {"type": "lifespan.shutdown"}


class Watched(Gate):
    """A real gate that notes when it is opened and closed."""

    events: list[str]

    async def open(self) -> None:
        self.events.append("open")
        await super().open()

    async def close(self) -> None:
        self.events.append("close")
        await super().close()


@pytest.fixture
def gate(tmp_path: Path) -> Watched:
    gate = make_gate(tmp_path)
    gate.__class__ = Watched
    assert isinstance(gate, Watched)
    gate.events = []
    return gate


async def live(app: ASGIApp) -> Exchange:
    return await drive(app, {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, [STARTUP, SHUTDOWN])


def kinds(exchange: Exchange) -> list[str]:
    return [message["type"] for message in exchange.sent]


async def test_gate_lives_around_the_application(gate: Watched) -> None:
    """The gate is open before the application starts, and closes after it has ended."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for kind in ("startup", "shutdown"):
            await receive()
            gate.events.append(kind)
            await send({"type": f"lifespan.{kind}.complete"})

    exchange = await live(KYCGateMiddleware(app, gate))
    assert gate.events == ["open", "startup", "shutdown", "close"]
    assert kinds(exchange) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_gate_that_cannot_open_fails_the_startup(tmp_path: Path) -> None:
    """A store that cannot be opened stops the server with a message, and the application is not started."""
    (tmp_path / "gate.db").mkdir()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the application was started")

    exchange = await live(KYCGateMiddleware(app, make_gate(tmp_path)))
    assert kinds(exchange) == ["lifespan.startup.failed"]
    assert "kyc_gate cannot open: " in exchange.sent[0]["message"]


async def _raises(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"


async def _returns(scope: Any, receive: Any, send: Any) -> None:
    return None


async def _reads_then_raises(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    raise NotImplementedError


@pytest.mark.parametrize("app", [_raises, _returns, _reads_then_raises])
async def test_application_without_lifespan_is_spoken_for(app: ASGIApp, gate: Watched) -> None:
    """An application that knows no lifespan is served, and the gate still opens and closes."""
    exchange = await live(KYCGateMiddleware(app, gate))
    assert kinds(exchange) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert gate.events == ["open", "close"]


async def test_application_that_fails_to_start_fails_the_server(gate: Watched) -> None:
    """The application's own failure goes to the server, and the gate is closed."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "mine"})

    exchange = await live(KYCGateMiddleware(app, gate))
    assert exchange.sent == [{"type": "lifespan.startup.failed", "message": "mine"}]
    assert gate.events == ["open", "close"]


async def test_server_without_lifespan_opens_at_the_first_guarded_call(gate: Watched) -> None:
    """Where no lifespan is run, the first guarded calls open the gate, once."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    middleware = KYCGateMiddleware(app, gate)
    await drive(middleware, http("/unguarded", method="GET"))
    assert gate.events == []
    body = job()
    headers = [(b"host", b"a"), (b"content-type", b"application/json"), (b"x-account", b"acct-norge")]
    headers.append((b"content-length", str(len(body)).encode()))
    exchanges = await asyncio.gather(*(drive(middleware, http(PATH, headers=headers), chunks(body)) for _ in range(5)))
    assert [exchange.status for exchange in exchanges] == [204] * 5
    assert gate.events == ["open"]
    await gate.close()


async def test_gate_that_cannot_open_late_refuses_and_tries_again(gate: Watched) -> None:
    """A gate that fails to open at a call answers 503, and opens at a later one."""
    failing = [True]

    async def unlucky() -> None:
        if failing:
            failing.clear()
            raise StorageFault("the disk is away")

    gate.store.open, opening = unlucky, gate.store.open  # type: ignore[method-assign]
    middleware = KYCGateMiddleware(_returns, gate)
    scope = http(PATH, headers=[(b"host", b"a"), (b"content-type", b"application/json"), (b"content-length", b"2")])
    assert (await drive(middleware, dict(scope), chunks(b"{}"))).status == 503
    gate.store.open = opening  # type: ignore[method-assign]
    assert (await drive(middleware, dict(scope), chunks(b"{}"))).status == 403
    await gate.close()


@pytest.mark.parametrize("http_server", ["h11", "httptools"])
async def test_both_servers_of_uvicorn(http_server: str, gate: Watched) -> None:
    """Under uvicorn with either parser, a call with a split body is decided, and the gate closes with the server."""
    pytest.importorskip(http_server)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    body = job()
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-Account: "
    length = f"\r\nContent-Length: {len(body)}\r\n\r\n"
    async with served(KYCGateMiddleware(_http_only(app), gate), http=http_server) as port:
        allowed = await exchange(port, (head + "acct-norge" + length).encode(), body[:9], body[9:], pause=0.05)
        refused = await exchange(port, (head + "acct-harbin" + length).encode(), body)
    assert allowed.endswith(body)
    assert [status_of(allowed), status_of(refused)] == [200, 403]
    assert gate.events == ["open", "close"]


@pytest.mark.parametrize("http_server", ["h11", "httptools"])
async def test_trailers_on_the_wire_do_not_change_the_customer(http_server: str, gate: Watched) -> None:
    """A chunked call whose trailer names another customer is decided by its head."""
    pytest.importorskip(http_server)
    body = job()
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-Account: acct-harbin\r\n"
    framed = f"Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n{body.decode()}\r\n"
    trailer = b"0\r\nX-Account: acct-norge\r\n\r\n"
    async with served(KYCGateMiddleware(_returns, gate), http=http_server) as port:
        later = await exchange(port, (head + framed).encode(), trailer, pause=0.05)
        at_once = await exchange(port, (head + framed).encode() + trailer)
    assert status_of(later) == 403
    # In one packet httptools shows both headers from the start; two customers are refused as no customer.
    assert status_of(at_once) == (403 if http_server == "h11" else 400)


def _http_only(app: ASGIApp) -> ASGIApp:
    async def only(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await app(scope, receive, send)

    return only
