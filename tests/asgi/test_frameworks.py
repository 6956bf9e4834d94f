"""The middleware in front of the frameworks that people use, over sockets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gates import PATH, job, make_gate
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from wire import exchange, served, status_of

from kyc_gate import KYCGateMiddleware


async def create(request: Request) -> JSONResponse:
    passage = request.scope["kyc_gate"]
    return JSONResponse({"asked": await request.json(), "decision": passage.decision_id}, status_code=201)


def call(account: str, body: bytes, path: str = PATH) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-Account: {account}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def starlette_app(gate: Any) -> Any:
    return Starlette(routes=[Route(PATH, create, methods=["POST"])], middleware=[Middleware(KYCGateMiddleware, gate)])


def wrapped_app(gate: Any) -> Any:
    return KYCGateMiddleware(Starlette(routes=[Route(PATH, create, methods=["POST"])]), gate=gate)


def fastapi_app(gate: Any) -> Any:
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()
    app.add_middleware(KYCGateMiddleware, gate=gate)
    app.post(PATH, status_code=201)(create)
    return app


def mounted_app(gate: Any) -> Any:
    inner = Starlette(routes=[Route(PATH, create, methods=["POST"])])
    return Starlette(routes=[Mount("/cloud", KYCGateMiddleware(inner, gate))])


@pytest.mark.parametrize(
    ("make", "path"),
    [
        pytest.param(starlette_app, PATH, id="starlette-middleware"),
        pytest.param(wrapped_app, PATH, id="wrapped"),
        pytest.param(fastapi_app, PATH, id="fastapi"),
        pytest.param(mounted_app, "/cloud" + PATH, id="mounted"),
    ],
)
async def test_framework_reads_what_was_decided(make: Any, path: str, tmp_path: Path) -> None:
    """An application in a framework reads its allowed calls as ever, and never sees a blocked one."""
    gate = make_gate(tmp_path)
    body = job()
    async with served(make(gate)) as port:
        allowed = await exchange(port, call("acct-norge", body, path))
        blocked = await exchange(port, call("acct-harbin", body, path))
    answer = json.loads(allowed.partition(b"\r\n\r\n")[2])
    assert (status_of(allowed), answer["asked"]) == (201, json.loads(body))
    assert f"kyc-decision-id: {answer['decision']}".encode() in allowed
    assert status_of(blocked) == 403
    await gate.close()


async def test_mounted_path_may_not_be_spelled_round_the_gate(tmp_path: Path) -> None:
    """A mount point that is spelled with escapes still leads to the guarded path, and is refused."""
    gate = make_gate(tmp_path)
    async with served(mounted_app(gate)) as port:
        raw = await exchange(port, call("acct-harbin", job(), "/%63loud" + PATH))
    assert status_of(raw) == 400
    await gate.close()
