"""The gateway: an ASGI application that forwards each call to its upstream, every byte as it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

import aiohttp
import structlog
from multidict import CIMultiDict
from yarl import URL

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.problem import problem_answer
from kyc_gate.asgi.head import raw_path_of
from kyc_gate.asgi.passage import KEY, Passage
from kyc_gate.asgi.refusal import closing, deny_websocket, send_answer
from kyc_gate.asgi.types import Receive, Scope, Send
from kyc_gate.errors import RefusedCall
from kyc_gate.gateway.fields import forwarded, returned
from kyc_gate.gateway.upstreams import Upstreams
from kyc_gate.model.call import Answer
from kyc_gate.service.config import Upstream

log = structlog.get_logger("kyc_gate")

_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp would add of its own; a signature may cover their absence."""

_HEADER_BYTES = 64 * 1024
"""Longest line and field of an upstream's response. aiohttp's own 8,190 is less than a large set of cookies."""


class _ClientLeftError(Exception):
    """The client went away while its body was on the way to the upstream."""


class Onward(NamedTuple):
    """Where a call goes and what goes there."""

    url: URL
    fields: CIMultiDict[str]
    body: AsyncIterator[bytes] | bytes | None


Route = Callable[[Scope, Receive], Awaitable[Onward]]
"""Says where a call goes. Raises `RefusedCall` for one that goes nowhere, and then not a byte of it leaves."""


class Gateway:
    """Forwards calls to where `route` leads: by default to the upstream of their Host, as they are.

    Redirects, cookies and codings pass through untouched. An upstream that cannot be reached is answered with 502, one
    that does not answer in time with 504.
    """

    def __init__(
        self,
        upstreams: Sequence[Upstream] = (),
        *,
        route: Route | None = None,
        connect_seconds: float = 5.0,
        upstream_seconds: float = 120.0,
    ) -> None:
        self._route = route or _transparent(upstreams)
        self._timeout = aiohttp.ClientTimeout(
            total=None, connect=connect_seconds, sock_connect=connect_seconds, sock_read=upstream_seconds
        )
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection. A websocket is denied: what goes over it could not be read."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await deny_websocket(scope, receive, send, _problem(403, "websocket", "no websocket is forwarded"))
        else:
            raise RuntimeError(f"the gateway knows no scope type `{scope['type']}`")

    async def close(self) -> None:
        """Close the connections to the upstreams."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            onward = await self._route(scope, receive)
        except RefusedCall as error:
            _never_left(scope)
            await send_answer(send, _problem(error.status, error.code, error.detail), closing(scope))
            return
        await self._forward(scope, receive, send, onward)

    async def _forward(self, scope: Scope, receive: Receive, send: Send, onward: Onward) -> None:
        url = onward.url
        try:
            response = await self._open_session().request(
                scope["method"], url, headers=onward.fields, data=onward.body, allow_redirects=False
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            _never_left(scope)
            log.warning("upstream.unreachable", upstream=str(url.origin()), error=type(error).__name__)
            await send_answer(send, _problem(502, "upstream-unreachable", "the upstream cannot be reached"))
            return
        except TimeoutError:
            log.warning("upstream.silent", upstream=str(url.origin()))
            await send_answer(send, _problem(504, "upstream-silent", "the upstream did not answer in time"))
            return
        except aiohttp.ClientError as error:
            if isinstance(error.__cause__, _ClientLeftError):
                return
            log.warning("upstream.broke-off", upstream=str(url.origin()), error=type(error).__name__)
            await send_answer(send, _problem(502, "upstream-broke-off", "the upstream broke off before it answered"))
            return
        await _send_back(response, receive, send)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=self._timeout,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_AUTOMATIC,
                max_line_size=_HEADER_BYTES,
                max_field_size=_HEADER_BYTES,
            )
            # aiohttp sends a GET again when a kept connection turns out dead. One decision allows one request: a second
            # one could start machines twice, so the client is told instead.
            self._session._retry_connection = False
        return self._session


def _transparent(upstreams: Sequence[Upstream]) -> Route:
    """Return the route to the upstream of a call's Host, every byte as it was sent.

    Raises `ConfigurationError` where the upstreams cannot be used.
    """
    known = Upstreams(upstreams)

    async def route(scope: Scope, receive: Receive) -> Onward:
        url = target(known.origin(scope["headers"]), raw_path_of(scope), scope.get("query_string", b""))
        return Onward(url, forwarded(scope["headers"]), _body(scope, receive))

    return route


def target(origin: str, raw: bytes, query: bytes) -> URL:
    """Return the upstream address whose path and query are the very bytes that were sent. Raises `RefusedCall`."""
    whole = raw + b"?" + query if query else raw
    try:
        text = whole.decode("ascii")
        url = URL(origin + text, encoded=True)
        exact = raw.startswith(b"/") and url.raw_path_qs == text and str(url.origin()) == origin
    except ValueError:
        exact = False
    if not exact:
        raise RefusedCall(400, "target", "the path cannot be forwarded exactly as it was sent")
    return url


def _body(scope: Scope, receive: Receive) -> AsyncIterator[bytes] | None:
    """Return the call's body as it arrives, or None for a call that announces none."""
    names = {name for name, _ in scope["headers"]}
    return _chunks(receive) if names & {b"content-length", b"transfer-encoding"} else None


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientLeftError
        more = message.get("more_body", False)
        if chunk := message.get("body", b""):
            yield chunk


async def _send_back(response: aiohttp.ClientResponse, receive: Receive, send: Send) -> None:
    """Stream the upstream's answer to the client. Where the upstream breaks off, so does the answer."""
    left = asyncio.create_task(_client_left(receive))
    try:
        await send(
            {"type": "http.response.start", "status": response.status, "headers": returned(response.raw_headers)}
        )
        async for chunk in response.content.iter_any():
            if left.done():
                return
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except (aiohttp.ClientError, TimeoutError) as error:
        # Returning without a last message makes the server cut the connection, so the client sees the break.
        log.warning("upstream.broke-off", upstream=str(response.url.origin()), error=type(error).__name__)
    finally:
        left.cancel()
        response.close()


async def _client_left(receive: Receive) -> None:
    message = await receive()
    while message["type"] != "http.disconnect":
        await asyncio.sleep(0)
        message = await receive()


def _never_left(scope: Scope) -> None:
    """Note that not a byte of the call was sent on, so that its hold is given back."""
    passage = scope.get(KEY)
    if isinstance(passage, Passage):
        passage.left = False


def _problem(status: int, code: str, detail: str) -> Answer:
    return problem_answer(Refusal(status=status, code=code, title="this call was not forwarded", detail=detail))
