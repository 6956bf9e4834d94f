"""`KYCGateMiddleware`: guarded calls are decided before the application sees them, all others pass untouched."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kyc_gate.asgi.head import call_of, other_path
from kyc_gate.asgi.interception import TRIED, answer_trial
from kyc_gate.asgi.lifespan import Lifespan
from kyc_gate.asgi.passage import Responder
from kyc_gate.asgi.refusal import answer_to, closing, deny_websocket, send_answer
from kyc_gate.asgi.types import ASGIApp, Receive, Scope, Send
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class KYCGateMiddleware:
    """An ASGI application that puts `gate` in front of `app`.

    Calls that the gate does not guard reach `app` as they came, body unread. A guarded call is read to the gate's cap,
    decided, and then either answered here or passed on byte for byte, with the passage in `scope["kyc_gate"]`.
    The gate opens and closes with the server's lifespan; where a server has none, the first guarded call opens it.
    Nothing of a single call is kept here.

    Serve with uvicorn's h11 where guarded calls may be chunked: httptools shows trailers as headers from the start when
    a call arrives in one packet, and no ASGI application can tell them apart.
    """

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        """Raise `ConfigurationError` for a gate without adapters, before which nothing would be guarded."""
        gate.require_adapter()
        self.app = app
        self.gate = gate
        self._opened = False
        self._opening = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of any type. A type that the gate does not know is refused."""
        kind = scope["type"]
        if kind == "http":
            if self._overlooks(scope):
                await self.app(scope, receive, send)
                return
            # Nearly every unguarded call has gone by now; see benchmarks/middleware.py.
            call = None
            try:
                call = call_of(scope)
                guarded = self._guards(scope, call)
                if guarded and not self._opened and TRIED not in scope:
                    await self._open_once()
            except Exception as error:  # noqa: BLE001 - whatever went wrong, the call does not pass
                if not await answer_trial(scope, send):
                    await send_answer(send, answer_to(self.gate, call, error), closing(scope))
                return
            if not guarded:
                await self.app(scope, receive, send)
            elif not await answer_trial(scope, send):
                await Responder(self.app, self.gate, call, scope, receive, send, self._background).run()
        elif kind == "websocket":
            await self._websocket(scope, receive, send)
        elif kind == "lifespan":
            await Lifespan(self.app, scope, receive, send, open_gate=self._open, close_gate=self._close).run()
        else:
            raise RuntimeError(f"kyc_gate knows no scope type `{kind}` and lets none of it through")

    def _overlooks(self, scope: Scope) -> bool:
        """Return true only where the call is surely unguarded, at the least cost; false says nothing yet."""
        try:
            raw, headers = scope["raw_path"], scope["headers"]
            # Below a `root_path`, or where the two paths differ, the whole head is read.
            if scope["root_path"] or type(headers) is not list or raw.decode("latin-1") != scope["path"]:
                return False
            return self.gate.overlooks(raw, scope["query_string"], headers)
        except Exception:  # noqa: BLE001 - a scope that lacks something is read with care
            return False

    def _guards(self, scope: Scope, call: Call) -> bool:
        """Return whether the call is guarded. Raises `RefusedCall` where two readings of its path disagree."""
        routed = other_path(scope, call)
        if routed is None:
            return self.gate.guards(call)
        if self.gate.guards(call) or self.gate.guards(replace(call, raw_path=routed)):
            raise RefusedCall(400, "ambiguous-path", "the path sent and the path routed by are not the same")
        return False

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a websocket through only where no method of its path is guarded: its messages could not be read."""
        call = None
        try:
            call = call_of(scope)
            guarded = any(self._guards(scope, replace(call, method=method)) for method in _METHODS)
            refused = RefusedCall(403, "websocket", "this path takes no websocket") if guarded else None
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the call does not pass
            refused = error if isinstance(error, RefusedCall) else RefusedCall(503, "unavailable", "try again later")
        if refused is None:
            await self.app(scope, receive, send)
        else:
            await deny_websocket(scope, receive, send, answer_to(self.gate, call, refused))

    async def _open(self) -> None:
        await self.gate.open()
        self._opened = True

    async def _open_once(self) -> None:
        async with self._opening:
            if not self._opened:
                await self._open()

    async def _close(self) -> None:
        """Wait for what is still being settled, and close the gate."""
        if not self._opened:
            return
        self._opened = False
        if self._background:
            await asyncio.gather(*self._background, return_exceptions=True)
        await self.gate.close()
