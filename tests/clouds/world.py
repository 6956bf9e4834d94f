"""A gate in front of a small cloud that speaks REST: what real clients of Google Cloud and Azure talk to."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from gates import PARTIES
from wire import served_in_thread

from kyc_gate import Gate, KYCGateMiddleware
from kyc_gate.adapters.adapter import Adapter
from kyc_gate.gateway.app import Gateway
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.case_steps import Move, Step
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import Account, PartyKind
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.config import Upstream
from kyc_gate.service.settings import Settings
from kyc_gate.storage.sqlite import SqliteStore

ALLOWED, HELD, BLOCKED = "acct-norge", "acct-emirate", "acct-harbin"
"""Accounts: one that may, one whose large requests wait, and one that is refused."""

MANY = 4000
"""Machines of eight H100s: over a month, more than a tenth of 1e26 operations."""

Respond = Callable[[str, str, Any], "tuple[int, dict[str, Any]]"]


class Seen(NamedTuple):
    """A call that reached the cloud."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    data: bytes


class World(NamedTuple):
    """The gateway's address, its store's file, and what reached the cloud."""

    url: str
    state: Path
    seen: list[Seen]

    def approve(self, case_id: str) -> None:
        """Approve a case, as a person does."""

        async def approved() -> None:
            async with contextlib.AsyncExitStack() as stack:
                store = SqliteStore(self.state)
                await store.open()
                stack.push_async_callback(store.close)
                move = Move(step=Step.APPROVE, by="r. viewer", at=datetime.now(UTC), note="ok", grant_hours=1.0)
                await store.move_case(case_id, move)

        asyncio.run(approved())


@contextlib.contextmanager
def world(
    folder: Path, adapter: Adapter, respond: Respond, *, account: Callable[[str], str] = "acct-{}".format
) -> Iterator[World]:
    """The gateway with `adapter`, and behind it a cloud that answers with what `respond` says.

    `account` names the account of a party by the party's id.
    """
    seen: list[Seen] = []

    async def cloud(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await _lifespan(receive, send)
            return
        data = b""
        while (message := await receive())["type"] == "http.request":
            data += message["body"]
            if not message.get("more_body"):
                break
        query = f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
        sent = {name.decode(): value.decode() for name, value in scope["headers"]}
        document = json.loads(data) if data else None
        seen.append(Seen(scope["method"], scope["raw_path"].decode() + query, document, sent, data))
        status, body = respond(seen[-1].method, seen[-1].path, seen[-1].body)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    entry = ListEntry(list="SDN", id="1", name="Sealed Machinery Works", kind=PartyKind.COMPANY)
    reading = ListReading(name="test", format="test", entries=(entry,), problems=(), as_of=datetime.now(UTC))
    state = folder / "gate.db"
    gate = Gate(
        policies=tuple(read_policy(shipped_policies() / name) for name in ("us-in-force", "us-ai-diffusion")),
        store=SqliteStore(state, deadline_seconds=10.0),
        adapters=(adapter,),
        snapshot=merge([reading]),
        parties=PARTIES,
        accounts=tuple(Account(provider=adapter.name, id=account(party.id), party_id=party.id) for party in PARTIES),
        settings=Settings(decision_seconds=10.0, refusal_seconds=0.0),
    )
    with served_in_thread(cloud) as port:
        app = KYCGateMiddleware(Gateway([Upstream(url=f"http://127.0.0.1:{port}")]), gate=gate)
        with served_in_thread(app) as front:
            yield World(f"http://127.0.0.1:{front}", state, seen)


async def _lifespan(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
