"""One guarded call on its way: read, decided, passed on, and settled by what the application answered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import structlog
from msgspec.structs import replace

from kyc_gate.adapters.head import with_body
from kyc_gate.asgi.body import ClientLeftError, Replay, read_body
from kyc_gate.asgi.head import raw_path_of, without_own_headers
from kyc_gate.asgi.refusal import answer_to, closing, send_answer
from kyc_gate.asgi.types import ASGIApp, Message, Receive, Scope, Send
from kyc_gate.model.call import Call
from kyc_gate.model.decision import Outcome

if TYPE_CHECKING:
    from kyc_gate.service.admission import Admission
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

LEARNT_BODY = 1024 * 1024
"""Bytes of an upstream's answer that are kept to learn references from; a longer answer teaches nothing."""

KEY = "kyc_gate"
"""Where the passage stands in the scope that the application sees."""


class Passage:
    """The gate's word on one call, for the application behind it: `scope["kyc_gate"]`.

    An application that forwards the call sets `left` to False when it is certain that not a byte of it was sent on;
    its hold is then given back whatever the status.
    """

    __slots__ = ("_wire_path", "admission", "call", "gate", "left")

    def __init__(self, gate: Gate, call: Call, admission: Admission, wire_path: bytes) -> None:
        self._wire_path = wire_path
        self.gate = gate
        self.call = call
        self.admission = admission
        self.left = True

    @property
    def decision_id(self) -> str | None:
        """The id of the decision; None when the call turned out not to be guarded."""
        return self.admission.decision_id

    @property
    def outcome(self) -> Outcome | None:
        """The decision's outcome; None when the call turned out not to be guarded."""
        return self.admission.outcome

    def covers(self, gate: Gate, call: Call, wire_path: bytes) -> bool:
        """Return whether `gate` already let this very call pass: same head, same body, no header taken away or changed.

        A call that an application makes up from the scope it was given is another call, and is decided anew.
        """
        mine = self.call
        same = (mine.method, mine.query, mine.body) == (call.method, call.query, call.body)
        if gate is not self.gate or wire_path != self._wire_path or not same:
            return False
        return set(without_own_headers(mine.headers)) <= set(call.headers)


class Responder:
    """Answers one guarded call. Made anew for each: it holds all that is known of the call."""

    __slots__ = ("_app", "_background", "_call", "_gate", "_receive", "_scope", "_send")

    def __init__(
        self,
        app: ASGIApp,
        gate: Gate,
        call: Call,
        scope: Scope,
        receive: Receive,
        send: Send,
        background: set[asyncio.Task[None]],
    ) -> None:
        self._app = app
        self._gate = gate
        self._call = call
        self._scope = scope
        self._receive = receive
        self._send = send
        self._background = background

    async def run(self) -> None:
        """Read the call, ask the gate, and pass the call on or refuse it."""
        limits = self._gate.limits
        try:
            body = await read_body(self._call, self._receive, max_body=limits.max_body, seconds=limits.body_seconds)
        except ClientLeftError:
            log.info("call.abandoned", method=self._call.method, stage="body")
            return
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the call does not pass
            answer = answer_to(self._gate, self._call, error)
            await send_answer(self._send, answer, closing(self._scope))
            return
        call = with_body(self._call, body)
        earlier = self._scope.get(KEY)
        if isinstance(earlier, Passage) and earlier.covers(self._gate, call, raw_path_of(self._scope)):
            await self._app(self._scope, Replay(body, self._receive), self._send)
            return
        try:
            admission = await self._gate.admit(call)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the call does not pass
            await send_answer(self._send, answer_to(self._gate, call, error))
            return
        if admission.answer is None:
            await self._pass_on(call, body, admission)
            return
        held = self._gate.held(admission)
        if held is None:
            await send_answer(self._send, admission.answer, admission.headers)
        else:
            await self._hand_in(held, admission)

    async def _hand_in(self, call: Call, admission: Admission) -> None:
        """Have the application take a call that it keeps and does not start; what it keeps is noted before it is told.

        Nothing was let through, so that there is nothing to settle.
        """
        scope = dict(self._scope)
        scope["headers"] = without_own_headers(call.headers)
        scope[KEY] = Passage(self._gate, call, admission, raw_path_of(self._scope))

        async def keep(status: int | None, body: bytes | None) -> None:
            await _told(self._gate.keep_held(admission, status, body))

        response = _Response(self._send, replace(admission, learns=True), keep)
        await self._app(scope, Replay(call.body or b"", self._receive), response)

    async def _pass_on(self, call: Call, body: bytes, admission: Admission) -> None:
        """Let the application answer, and tell the gate how it ended: by status, or as unknown if it broke off."""
        passage = Passage(self._gate, call, admission, raw_path_of(self._scope))
        scope = dict(self._scope)
        scope["headers"] = without_own_headers(call.headers)
        scope[KEY] = passage
        response = _Response(self._send, admission, self._settled(passage))
        try:
            await self._app(scope, Replay(body, self._receive), response)
        except BaseException:
            # The application may have acted before it broke off; only a success that it told is certain.
            if not response.settled:
                await self._finish(passage, response.status if response.succeeded else None, None)
            raise
        if not response.settled:
            await self._finish(passage, response.status, response.body)

    def _settled(self, passage: Passage) -> Any:
        async def settle(status: int | None, body: bytes | None) -> None:
            await self._finish(passage, status, body)

        return settle

    async def _finish(self, passage: Passage, status: int | None, body: bytes | None) -> None:
        """Settle the call in a task of its own, which a cancellation of this one does not reach."""
        admission = passage.admission
        if admission.decision_id is None and admission.ends is None and admission.defines is None:
            return
        task = asyncio.create_task(_told(self._tell(passage, status, body)))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        await asyncio.shield(task)

    def _tell(self, passage: Passage, status: int | None, body: bytes | None) -> Coroutine[Any, Any, None]:
        if not passage.left:
            return self._gate.abandon(passage.admission)
        return self._gate.settle(passage.admission, status, body)


async def _told(telling: Coroutine[Any, Any, None]) -> None:
    try:
        await telling
    except Exception as error:  # noqa: BLE001 - the answer is on its way; a hold that stays is the safe side
        log.error("call.unsettled", error=type(error).__name__)


class _Response:
    """The application's answer as it goes by: its status, and its body where the gate wants to learn from it."""

    __slots__ = ("_admission", "_chunks", "_send", "_settle", "settled", "status")

    def __init__(self, send: Send, admission: Admission, settle: Any) -> None:
        self._send = send
        self._admission = admission
        self._settle = settle
        self._chunks: bytearray | None = bytearray() if admission.learns else None
        self.status: int | None = None
        self.settled = False

    @property
    def succeeded(self) -> bool:
        """Whether the application said that it did what was asked."""
        return self.status is not None and 200 <= self.status < 400

    @property
    def body(self) -> bytes | None:
        """The whole body, or None where it was not wanted, too long, or not sent through here."""
        return bytes(self._chunks) if self._chunks is not None else None

    async def __call__(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *self._admission.headers]}
        elif self._chunks is not None:
            await self._learn(message)
        await self._send(message)

    async def _learn(self, message: Message) -> None:
        """Keep the body. Its last part goes out after the gate has learnt, so the client's next call can rely on it."""
        if message["type"] != "http.response.body":
            self._chunks = None
            return
        assert self._chunks is not None  # noqa: S101 - for the type checker: the caller looked
        self._chunks += message.get("body", b"")
        if len(self._chunks) > LEARNT_BODY:
            self._chunks = None
        elif not message.get("more_body", False):
            self.settled = True
            await self._settle(self.status, bytes(self._chunks))
