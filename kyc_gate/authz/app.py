"""The HTTP interface: `/envoy` and below for ext_authz, `/traefik` for ForwardAuth, `/slurm` and `/skypilot`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kyc_gate.adapters.problem import problem_answer
from kyc_gate.adapters.slurm.settings import SlurmSettings
from kyc_gate.asgi.body import ClientLeftError, read_body
from kyc_gate.asgi.head import call_of, raw_path_of
from kyc_gate.asgi.refusal import answer_to, closing, send_answer
from kyc_gate.asgi.types import Receive, Scope, Send
from kyc_gate.authz.check import check
from kyc_gate.authz.slurm import RELEASE, SUBMIT, SlurmQuestions
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Answer, Call
from kyc_gate.service.disclosure import refusal_of_error

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

ENVOY, TRAEFIK, SKYPILOT = b"/envoy", b"/traefik", b"/skypilot"

PARTIAL = b"x-envoy-auth-partial-body"
"""Set by Envoy, and taken away from what clients send, where it shows a body: whether that is only its beginning."""

_FORWARDED = (b"x-forwarded-method", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-uri")
"""What Traefik says of the call. With its default, `trustForwardHeader = false`, it overwrites what a client sent."""


class AuthzApp:
    """An ASGI application for one open gate. Whoever reaches it is believed: let nobody but the proxy."""

    def __init__(self, gate: Gate, *, slurm: SlurmSettings | None = None, skypilot: bool = False) -> None:
        """Raise `ConfigurationError` for a gate that guards nothing: without adapters, and without others who ask."""
        if slurm is None and not skypilot:
            gate.require_adapter()
        self._gate = gate
        self._slurm = None if slurm is None else SlurmQuestions(gate, slurm)
        self._skypilot = skypilot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question: 200 passes the call, anything else is for the client."""
        if scope["type"] != "http":
            raise RuntimeError(f"the door for proxies knows no scope type `{scope['type']}`")
        asked = call_of(scope)
        path = raw_path_of(scope)
        if path == b"/healthz":
            await send_answer(send, Answer(status=200, headers=(), body=b"alive\n"))
            return
        if self._slurm is not None and path in (SUBMIT, RELEASE):
            await self._told(asked, receive, send, partial(self._slurm.answer, path))
            return
        if self._skypilot and path == SKYPILOT:
            from kyc_gate.authz.skypilot import answered

            await self._told(asked, receive, send, partial(answered, self._gate))
            return
        call: Call | None = None
        try:
            call = _described(asked, path)
            limits = self._gate.limits
            body = await read_body(asked, receive, max_body=limits.max_body, seconds=limits.body_seconds)
        except ClientLeftError:
            return
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the call does not pass
            answer = problem_answer(refusal_of_error(error)) if call is None else answer_to(self._gate, call, error)
            await send_answer(send, answer, closing(scope))
            return
        shown_in_part = any(value != b"false" for value in asked.values(PARTIAL))
        checked = await check(self._gate, replace(call, body=body), partial=shown_in_part)
        if checked.answer is None:
            await send_answer(send, Answer(status=200, headers=checked.headers, body=b""))
        else:
            await send_answer(send, checked.answer, checked.headers)

    async def _told(
        self, asked: Call, receive: Receive, send: Send, answered: Callable[[bytes], Awaitable[Answer]]
    ) -> None:
        """Answer a question that is a body of its own kind."""
        limits = self._gate.limits
        try:
            body = await read_body(asked, receive, max_body=limits.max_body, seconds=limits.body_seconds)
        except ClientLeftError:
            return
        except RefusedCall as error:
            await send_answer(send, problem_answer(refusal_of_error(error)))
            return
        await send_answer(send, await answered(body))


def _described(asked: Call, path: bytes) -> Call:
    """Return the call that the proxy describes, without its body. Raises `RefusedCall` where none is described."""
    if path.startswith(ENVOY + b"/"):
        return _by_envoy(asked, path)
    if path == TRAEFIK:
        return _by_traefik(asked)
    raise RefusedCall(404, "path", "no proxy is served at this path; use `/envoy/...` or `/traefik`")


def _by_envoy(asked: Call, path: bytes) -> Call:
    """Envoy sends the call itself, with the path below its `path_prefix`."""
    headers = tuple([pair for pair in asked.headers if pair[0] != PARTIAL])
    if not asked.values(PARTIAL):
        # Without it no body was shown, and the length is that of the question.
        headers = tuple([pair for pair in headers if pair[0] not in (b"content-length", b"transfer-encoding")])
    return replace(asked, raw_path=path[len(ENVOY) :], headers=headers)


def _by_traefik(asked: Call) -> Call:
    """Traefik says in headers what the call is; all other headers are the client's."""
    said = [asked.value(name) for name in _FORWARDED]
    if None in said or asked.query:
        raise RefusedCall(400, "forwarded", "the `X-Forwarded-*` headers do not describe one call")
    method, scheme, host, target = (value or b"" for value in said)
    path, _, query = target.partition(b"?")
    kept = tuple([pair for pair in asked.headers if pair[0] not in (*_FORWARDED, b"host")])
    return Call(
        method=method.decode("latin-1"),
        raw_path=path,
        query=query,
        headers=(*kept, (b"host", host)),
        scheme=scheme.decode("latin-1"),
    )
