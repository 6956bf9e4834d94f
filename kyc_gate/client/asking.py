"""What every hook does: ask whether a call is guarded, have it decided, and tell how it ended."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from msgspec.structs import replace

from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call
from kyc_gate.service.admission import Admission
from kyc_gate.service.disclosure import refusal_of_error

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")

LEARNT_BODY = 1024 * 1024
"""Bytes of a response that are kept to learn references from; a longer response teaches nothing."""

REDIRECTS = frozenset({307, 308})
"""Redirects that repeat the call elsewhere. After the others a client only looks: what was asked for is done."""


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Asking:
    """Asks one gate about any number of outgoing calls."""

    def __init__(self, gate: Gate) -> None:
        """Raise `ConfigurationError` for a gate without adapters, which guards nothing."""
        gate.require_adapter()
        self.gate = gate
        self._background: set[asyncio.Task[None]] = set()

    def guards(self, call: Call, authority: bytes) -> bool:
        """Return whether the call is guarded. Raises `RefusedCall` where its address is and its `Host` is not."""
        if self.gate.guards(call):
            return True
        if call.value(b"host") == authority:
            return False
        headers = (*((name, value) for name, value in call.headers if name != b"host"), (b"host", authority))
        if self.gate.guards(replace(call, headers=headers)):
            raise RefusedCall(400, "ambiguous-host", "the `Host` header is not the guarded host that is called")
        return False

    def refused(self, call: Call, error: Exception) -> Admission:
        """Return the admission of a call that cannot be read, refused in its dialect."""
        return Admission(call=call, answer=self.gate.answer(call, error), refusal=refusal_of_error(error))

    async def admit(self, call: Call) -> Admission:
        """Decide on a whole call; whatever goes wrong is a refusal."""
        try:
            return await self.gate.admit(call)
        except Exception as error:  # noqa: BLE001 - a hook that fails lets nothing out
            log.error("decision.failed", error=str(error), kind=type(error).__name__)
            return self.refused(call, error)

    async def sent(self, admission: Admission, status: int | None, body: bytes | None = None) -> None:
        """Tell the gate that the call was sent, and how it was answered; `status` is None where nobody knows.

        A redirect that repeats the call did nothing but name another place: what goes there is decided on its own.
        """
        if status in REDIRECTS:
            await self.unsent(admission)
        else:
            await self.finish(self.gate.settle(admission, status, body))

    async def unsent(self, admission: Admission) -> None:
        """Tell the gate that not a byte of the call left."""
        await self.finish(self.gate.abandon(admission))

    async def finish(self, telling: Coroutine[Any, Any, None]) -> None:
        """Tell the gate in a task of its own, which a cancellation of this one does not reach."""
        task = asyncio.create_task(_told(telling))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        await asyncio.shield(task)


def check_address(url: str) -> None:
    """Refuse (400) an address of which clients do not agree where its host ends."""
    if _CONTROL.search(url) or "\\" in urlsplit(url).netloc:
        raise RefusedCall(400, "target", "the address has control characters, or a backslash in its host")


def answer_of(admission: Admission) -> Answer | None:
    """Return the refusal to give instead of sending the call, with the headers that go with it; None lets it out."""
    if admission.answer is None:
        return None
    present = {name for name, _ in admission.answer.headers}
    more = tuple(pair for pair in admission.headers if pair[0] not in present)
    return replace(admission.answer, headers=(*admission.answer.headers, *more))


async def _told(telling: Coroutine[Any, Any, None]) -> None:
    try:
        await telling
    except Exception as error:  # noqa: BLE001 - the response is there; a hold that stays is the safe side
        log.error("call.unsettled", error=type(error).__name__)
