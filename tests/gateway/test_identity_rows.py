"""Who a caller says it is: ids that only look like another's, and headers that only a proxy may set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gates import PARTIES, PATH, make_gate
from wire import exchange, status_of, upstream

from kyc_gate import Gate
from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.model.party import Account

from .test_serve import configuration, serving

BODY_ROUTE = GenericRoute(
    operation="CreateTrainingJob",
    path=PATH,
    fields=GenericFields(accelerator="gpu", count="gpus", duration_hours="hours", account="customer_id"),
)
TRUSTED = Account(provider="generic", id="c-trusted", party_id="norge")
OWN = Account(provider="generic", id="c-1", party_id="norge")


def rows(folder: Path, category: str) -> Iterator[dict[str, Any]]:
    for line in (folder / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["category"] == category:
            yield row


def gate_for(folder: Path, header: str) -> Gate:
    gate = make_gate(folder)
    gate.adapters = (GenericAdapter((BODY_ROUTE,), account_header=header),)
    return gate


async def filed(gate: Gate) -> None:
    """Put the accounts that the rows imitate on file."""
    await gate.store.save_directory((), [TRUSTED, OWN])


def posted(head: bytes, **more: object) -> bytes:
    body = json.dumps({"gpu": "H100 SXM", "gpus": 8, "hours": 24, **more}).encode()
    first = f"POST {PATH} HTTP/1.1\r\nHost: api.example\r\nContent-Type: application/json\r\n".encode()
    return first + head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


async def test_an_id_is_compared_as_it_is(shared_data: Path, tmp_path: Path) -> None:
    """No id that only looks like an account on file is taken for it, in the body or in the header; the very id is."""
    gate = gate_for(tmp_path, "x-account")
    passed, stopped = [], []
    async with upstream() as cloud, serving(gate, configuration(cloud.url)) as (port, _):
        await filed(gate)
        for given in ("c-1", *(row["input"] for row in rows(shared_data, "identity_canonicalisation"))):
            written = given.encode("utf-8")
            for call in (posted(b"X-Account: c-1\r\n", customer_id=given), posted(b"X-Account: " + written + b"\r\n")):
                before = len(cloud.received)
                status = status_of(await exchange(port, call))
                (passed if len(cloud.received) > before else stopped).append((given, status))
    # Blanks around a header's value are none of the value (RFC 9110, 5.5): there it is the very id.
    assert passed == [("c-1", 200), ("c-1", 200), ("c-1 ", 200), (" c-1", 200)]
    assert len(stopped) == 2 * 14 - 2
    assert {status for _, status in stopped} == {400, 403}
    assert {status for given, status in stopped if "\x00" not in given} == {403}


@pytest.mark.parametrize("header", ["x-account", "x-kyc-customer"])
async def test_a_header_of_somebody_else_is_nobodys(shared_data: Path, tmp_path: Path, header: str) -> None:
    """Headers that a proxy would set buy nothing: not alone, not twice, not padded, and not named by `Connection`."""
    gate, wrong = gate_for(tmp_path, header), []
    async with upstream() as cloud, serving(gate, configuration(cloud.url)) as (port, _):
        await filed(gate)
        assert status_of(await exchange(port, posted(f"{header}: c-trusted\r\n".encode()))) == 200
        cloud.received.clear()
        for row in rows(shared_data, "identity_spoofing"):
            head = f"{row['input']}\r\n".encode()
            if row["id"] == "identity_spoofing-006":
                head = f"{header}: c-trusted\r\nConnection: close, {header}\r\n".encode()
            if row["id"] == "identity_spoofing-001" and header == "x-kyc-customer":
                continue  # the header that the operator's own proxy sets
            status = status_of(await exchange(port, posted(head)))
            if status not in (400, 401, 403) or cloud.received:
                wrong.append((row["id"], status, len(cloud.received)))
                cloud.received.clear()
    assert wrong == []


async def test_a_forged_token_opens_nothing(shared_data: Path, tmp_path: Path) -> None:
    """The interface knows tokens by their digests: a token of any other making, or two of them, is answered 401."""
    gate = make_gate(tmp_path)
    async with upstream() as cloud, serving(gate, configuration(cloud.url)) as (_, api):
        asked = b"GET /v1/cases HTTP/1.1\r\nHost: a\r\n"
        assert status_of(await exchange(api, asked + b"Authorization: Bearer token\r\n\r\n")) == 200
        for row in rows(shared_data, "identity_spoofing"):
            if row["expected"]["status"] == 401:
                given = row["input"].replace("<valid>", "token").encode()
                assert status_of(await exchange(api, asked + given + b"\r\n\r\n")) == 401, row["id"]


async def test_the_header_and_the_body_must_agree(tmp_path: Path) -> None:
    """A call of one account that names another in its body is refused, whichever of them would be allowed."""
    gate = gate_for(tmp_path, "x-account")
    async with upstream() as cloud, serving(gate, configuration(cloud.url)) as (port, _):
        await filed(gate)
        for sent, said in (("c-1", "c-trusted"), ("c-trusted", "c-1"), ("c-1", "acct-harbin")):
            raw = await exchange(port, posted(f"X-Account: {sent}\r\n".encode(), customer_id=said))
            assert (status_of(raw), cloud.received) == (403, [])
    assert {party.id for party in PARTIES} >= {"norge", "harbin"}
