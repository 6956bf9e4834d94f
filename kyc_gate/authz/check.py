"""The answer to a proxy that asks about a call: pass it, or send this refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kyc_gate.asgi.refusal import answer_to
from kyc_gate.errors import KYCGateError, RefusedCall
from kyc_gate.model.call import Answer, Call, Headers
from kyc_gate.model.record import Record

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

_LOOKING = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
"""Methods that usually have no body, so that one without is not a sign of a proxy that keeps bodies to itself."""


class Checked(Record):
    """`answer` is what the proxy must send instead of passing the call on; None passes it. `headers` go with either."""

    answer: Answer | None = None
    headers: Headers = ()


async def check(gate: Gate, call: Call, *, partial: bool = False) -> Checked:
    """Decide on the call that a proxy describes. `body` is None or empty where the proxy showed none.

    `partial` says that the body goes on beyond what was shown.

    What becomes of the call is not seen here, so its hold stays until the run is reported to have ended. A guarded
    operation without a body is refused, unless it ends a run: the proxy may have kept the body to itself.
    """
    try:
        if not gate.guards(call):
            return Checked()
        if not call.body and call.method not in _LOOKING and not _ends(gate, call):
            raise _no_body()
        _check_whole(call, partial)
        admission = await gate.admit(replace(call, body=call.body or b""))
        if admission.answer is not None:
            return Checked(answer=admission.answer, headers=admission.headers)
        if admission.decision_id is not None and not call.body:
            await gate.abandon(admission)
            raise _no_body()
        await gate.settle(admission, None)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the call does not pass
        return Checked(answer=answer_to(gate, call, error))
    return Checked(headers=admission.headers)


def _ends(gate: Gate, call: Call) -> bool:
    """Return whether the call, by its path alone, ends a run and asks for nothing.

    At `/` the body says which operation it is, or says so, too: of a query and a body, the upstream may take the other.
    """
    if call.raw_path == b"/":
        return False
    adapter = next((each for each in gate.adapters if each.guards(call)), None)
    if adapter is None:
        return False
    try:
        return adapter.read(call) is None and adapter.ending(call) is not None
    except KYCGateError:
        return False


def _no_body() -> RefusedCall:
    return RefusedCall(400, "body", "the proxy did not show the body of this call; have it forward bodies to the gate")


def _check_whole(call: Call, partial: bool) -> None:
    """Refuse a body of which the proxy showed a part, by its own word or by the length that the client announced."""
    declared = call.value(b"content-length")
    shorter = call.body and declared is not None and declared != str(len(call.body)).encode("ascii")
    if partial or shorter:
        raise RefusedCall(413, "body-too-large", "the proxy showed a part of the body only; raise its limit")
