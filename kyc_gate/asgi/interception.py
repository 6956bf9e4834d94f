"""The proof that guarded calls meet the middleware before anything answers them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from kyc_gate.asgi.types import ASGIApp, Message, Scope, Send
from kyc_gate.errors import ConfigurationError

TRIED = "kyc_gate.tried"
"""Where a trial stands in its scope. Servers write scopes, so no caller can send one."""


async def prove_interception(app: ASGIApp, *calls: str) -> None:
    """Send the head of each call through the outermost application and see that the middleware takes it.

    A call is written as `POST /v1/instances` or `POST https://api.example/v1/instances`. A middleware that stands
    below the application that serves a route never sees the call, so it cannot tell by itself; whoever puts the two
    together can, in a test or when the service starts. A call that is not intercepted reaches its route as if the
    caller had hung up before the body.

    Raises `ConfigurationError` that names every call which nothing intercepted, and for a call that cannot be read.
    """
    if not calls:
        raise ConfigurationError("name at least one call that must be guarded, such as `POST /v1/instances`")
    missed = [call for call in calls if not await _intercepted(app, _scope(call))]
    if missed:
        raise ConfigurationError(
            f"nothing intercepts {', '.join(f'`{call}`' for call in missed)}: put KYCGateMiddleware around the"
            " outermost application, and see that the configuration guards the call"
        )


async def answer_trial(scope: Scope, send: Send) -> bool:
    """Return whether the call was only a trial of the middleware; if so it is answered, and goes nowhere."""
    met = scope.get(TRIED)
    if met is None:
        return False
    met.append(True)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
    return True


async def _intercepted(app: ASGIApp, scope: Scope) -> bool:
    async def hung_up() -> Message:
        return {"type": "http.disconnect"}

    async def unheard(_: Message) -> None:
        return None

    try:
        await app(scope, hung_up, unheard)
    except Exception:  # noqa: BLE001 - an application that fails without a caller has not been intercepted
        return False
    return bool(scope[TRIED])


def _scope(call: str) -> dict[str, Any]:
    method, _, target = call.strip().partition(" ")
    try:
        asked = urlsplit(target)
    except ValueError:
        asked = urlsplit("")
    named = bool(asked.scheme) == bool(asked.netloc) and asked.path.startswith("/") and target.isascii()
    if not (named and method.isalpha() and method.isupper()):
        raise ConfigurationError(f"`{call}` is no call; write one as `POST /v1/instances`")
    host = asked.netloc or "localhost"
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": asked.scheme or "https",
        "path": unquote(asked.path),
        "raw_path": asked.path.encode("ascii"),
        "query_string": asked.query.encode("ascii"),
        "root_path": "",
        "headers": [(b"host", host.encode("ascii"))],
        "client": ("127.0.0.1", 0),
        "server": (host, None),
        TRIED: [],
    }
