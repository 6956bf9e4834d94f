"""That calls meet the middleware is proved before the first customer comes."""

from __future__ import annotations

from typing import Any

import pytest
from gates import PATH
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from kyc_gate import Gate, KYCGateMiddleware, prove_interception
from kyc_gate.errors import ConfigurationError

from .conftest import Cloud


async def _made(request: Request) -> Response:
    await request.body()
    return Response(status_code=201)


def _routes() -> list[Route]:
    return [Route(PATH, _made, methods=["POST"])]


async def test_a_middleware_around_the_application_is_proved(gate: Gate, cloud: Cloud) -> None:
    """A trial ends at the middleware: nothing reaches the application, and nothing is decided or recorded."""
    before = await gate.store.fetch_head()
    await prove_interception(KYCGateMiddleware(cloud, gate), f"POST {PATH}", f"POST https://api.example{PATH}")
    assert cloud.scopes == []
    assert await gate.store.fetch_head() == before


async def test_a_middleware_below_a_mount_is_proved(gate: Gate) -> None:
    """Below a mount the middleware sees the path without its prefix, as it does for calls."""
    app = Starlette(routes=[Mount("/cloud", KYCGateMiddleware(Starlette(routes=_routes()), gate))])
    await prove_interception(app, f"POST /cloud{PATH}")


async def test_a_middleware_below_the_route_is_told(gate: Gate) -> None:
    """A route that stands before the mounted middleware is found, by the name of its call."""
    app = Starlette(routes=[*_routes(), Mount("/", KYCGateMiddleware(Starlette(routes=_routes()), gate))])
    with pytest.raises(ConfigurationError, match=f"nothing intercepts `POST {PATH}`"):
        await prove_interception(app, f"POST {PATH}")


async def test_a_call_that_nothing_guards_is_told(gate: Gate, cloud: Cloud) -> None:
    """A path that the configuration does not guard passes untouched, and that is said."""
    with pytest.raises(ConfigurationError, match="nothing intercepts `POST /v1/other`"):
        await prove_interception(KYCGateMiddleware(cloud, gate), f"POST {PATH}", "POST /v1/other")


async def test_an_application_that_fails_is_not_proved() -> None:
    """An application that breaks without a caller has answered for itself."""

    async def broken(*_: Any) -> None:
        raise RuntimeError("no caller")

    with pytest.raises(ConfigurationError, match="nothing intercepts"):
        await prove_interception(broken, f"POST {PATH}")


@pytest.mark.parametrize(
    "call", ["", "POST", "post /x", "POST x", "POST https:///x", "POST /ü", "/x", "POST https://x"]
)
async def test_what_is_no_call_is_refused(cloud: Cloud, call: str) -> None:
    """A call that cannot be read is named, with how one is written."""
    with pytest.raises(ConfigurationError, match="is no call"):
        await prove_interception(cloud, call)


async def test_no_call_proves_nothing(cloud: Cloud) -> None:
    """Without a call there would be nothing to prove."""
    with pytest.raises(ConfigurationError, match="at least one call"):
        await prove_interception(cloud)
