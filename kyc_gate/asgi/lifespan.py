"""The gate's own life inside the server's: open before the application starts, closed after it has ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from kyc_gate.asgi.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("kyc_gate")


class Lifespan:
    """One lifespan of one application behind one gate.

    The specification lets a server go on without lifespan when an application raises there. So nothing here raises at
    startup: a gate that cannot open answers `lifespan.startup.failed`, and an application without lifespan support
    is spoken for.
    """

    __slots__ = ("_app", "_close", "_open", "_receive", "_scope", "_send", "_stage")

    def __init__(
        self,
        app: ASGIApp,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        open_gate: Callable[[], Awaitable[None]],
        close_gate: Callable[[], Awaitable[None]],
    ) -> None:
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._open = open_gate
        self._close = close_gate
        self._stage = "new"

    async def run(self) -> None:
        """Live through the lifespan, from startup to shutdown."""
        first = await self._receive()
        try:
            await self._open()
        except Exception as error:  # noqa: BLE001 - an exception here would start the application unguarded
            message = f"kyc_gate cannot open: {str(error) or type(error).__name__}"
            log.error("gate.unopened", error=message)
            await self._send({"type": "lifespan.startup.failed", "message": message})
            return
        try:
            await self._app_lives(first)
        finally:
            await self._close()

    async def _app_lives(self, first: Message) -> None:
        pending = [first]

        async def receive() -> Message:
            message = pending.pop() if pending else await self._receive()
            if message["type"] == "lifespan.shutdown":
                self._stage = "ending"
            return message

        try:
            await self._app(self._scope, receive, self._forward)
        except Exception as error:  # the specification: such an application has no lifespan, and is served all the same
            if self._stage != "new":
                raise
            log.info("lifespan.unsupported", error=type(error).__name__)
        await self._speak_for_app()

    async def _forward(self, message: Message) -> None:
        """Pass on the application's message. Before it says that it has ended, the gate is closed."""
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self._stage = "running"
        elif kind == "lifespan.startup.failed":
            self._stage = "failed"
            await self._close()
        elif kind in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            self._stage = "ended"
            await self._close()
        await self._send(message)

    async def _speak_for_app(self) -> None:
        """Say to the server what an application that returned early left unsaid."""
        if self._stage == "new":
            self._stage = "running"
            await self._send({"type": "lifespan.startup.complete"})
        if self._stage == "running":
            await self._receive()
            self._stage = "ending"
        if self._stage == "ending":
            await self._forward({"type": "lifespan.shutdown.complete"})
