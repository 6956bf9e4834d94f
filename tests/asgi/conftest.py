"""A real gate, and an application that keeps what reaches it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gates import make_gate

from kyc_gate import Gate, KYCGateMiddleware


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with make_gate(tmp_path, body_bytes=4096, body_seconds=0.2) as gate:
        yield gate


class Cloud:
    """An application that reads the whole body, keeps it, and answers with `status`."""

    def __init__(self) -> None:
        self.status = 201
        self.scopes: list[dict[str, Any]] = []
        self.messages: list[list[dict[str, Any]]] = []

    @property
    def bodies(self) -> list[bytes]:
        return [b"".join(message.get("body", b"") for message in messages) for messages in self.messages]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        messages: list[dict[str, Any]] = []
        self.messages.append(messages)
        more = True
        while more:
            messages.append(await receive())
            more = messages[-1].get("more_body", False)
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"x-cloud", b"1")]})
        await send({"type": "http.response.body", "body": b"made"})


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def app(cloud: Cloud, gate: Gate) -> KYCGateMiddleware:
    return KYCGateMiddleware(cloud, gate)
