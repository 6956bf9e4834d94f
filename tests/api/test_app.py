"""The gate's own interface, over sockets."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from gates import make_gate, used
from wire import exchange, served, status_of

from kyc_gate import Gate
from kyc_gate.api.app import api_app
from kyc_gate.errors import ConfigurationError
from kyc_gate.model.listing import ListEntry, ListSnapshot

TOKEN = "correct-horse"
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()
REQUEST: dict[str, Any] = {
    "accelerators": [{"model": "H100 SXM", "count": 8}],
    "duration_hours": 24,
    "workload": "pre_training",
    "account": "acct-norge",
}


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with make_gate(tmp_path) as gate:
        yield gate


@pytest.fixture
async def api(gate: Gate) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        served(api_app(gate, [DIGEST])) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}) as session,
    ):
        yield session


async def ask(api: aiohttp.ClientSession, **body: Any) -> tuple[int, dict[str, Any]]:
    async with api.post("/v1/decisions", json=body) as response:
        return response.status, await response.json(content_type=None)


async def test_decision_is_made_recorded_and_read_again(api: aiohttp.ClientSession, gate: Gate) -> None:
    """A decision is answered, stands in the ledger, and can be read again as it was recorded."""
    status, answer = await ask(api, request=REQUEST)
    assert (status, answer["outcome"], answer["reasons"]) == (200, "allow", [])
    assert await used(gate, "norge") > 0
    async with api.get(f"/v1/decisions/{answer['decision_id']}") as response:
        record = await response.json()
    assert record["decision_id"] == answer["decision_id"]
    assert record["facts"]["customer"]["name"] == "Norge Computing"


async def test_reasons_carry_citations(api: aiohttp.ClientSession) -> None:
    """A block names each rule that counted, with its reason and the text that it rests on."""
    status, answer = await ask(api, request={**REQUEST, "account": "acct-harbin"})
    assert (status, answer["outcome"]) == (200, "block")
    for reason in answer["reasons"]:
        assert reason["reason"]
        assert reason["cites"]
        assert all(cite["cite"] for cite in reason["cites"])


async def test_escalation_opens_a_case_that_can_be_read(api: aiohttp.ClientSession) -> None:
    """An escalation names its case, and the case stands among the open ones."""
    _, answer = await ask(api, request={**REQUEST, "account": "acct-nobody"})
    assert answer["outcome"] == "escalate"
    async with api.get(f"/v1/cases/{answer['case_id']}") as response:
        case = await response.json()
    assert (case["state"], case["decision_ids"]) == ("open", [answer["decision_id"]])
    async with api.get("/v1/cases", params={"state": "open"}) as response:
        assert [each["id"] for each in (await response.json())["cases"]] == [case["id"]]
    async with api.get("/v1/cases", params={"state": "approved"}) as response:
        assert await response.json() == {"cases": [], "next": None}


async def test_party_may_be_given(api: aiohttp.ClientSession) -> None:
    """A party in the body stands in for the directory; what it leaves out is unknown."""
    party = {"id": "p1", "name": "Somebody"}
    _, answer = await ask(api, request=REQUEST, party=party)
    assert answer["outcome"] != "allow"
    assert "unknown-headquarters" in {reason["rule"] for reason in answer["reasons"]}


async def test_dry_run_reserves_nothing(api: aiohttp.ClientSession, gate: Gate) -> None:
    """A dry run is decided and recorded, holds no operations and opens no case."""
    _, answer = await ask(api, request=REQUEST, dry_run=True)
    assert answer["outcome"] == "allow"
    assert await used(gate, "norge") == 0
    _, answer = await ask(api, request={**REQUEST, "account": "acct-nobody"}, dry_run=True)
    assert (answer["outcome"], answer["case_id"]) == ("escalate", None)


async def test_same_request_has_the_same_fingerprint(api: aiohttp.ClientSession, gate: Gate) -> None:
    """A retry with its idempotency key reserves once, and the key with another request is a conflict."""
    await ask(api, request={**REQUEST, "idempotency_key": "a"})
    once = await used(gate, "norge")
    await ask(api, request={**REQUEST, "idempotency_key": "a"})
    assert await used(gate, "norge") == once
    status, problem = await ask(api, request={**REQUEST, "duration_hours": 25, "idempotency_key": "a"})
    assert (status, problem["type"]) == (409, "urn:kyc-gate:problem:conflict")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b"[]", "", id="not-an-object"),
        pytest.param(b'{"request": {}}', "accelerators", id="no-machines"),
        pytest.param(b'{"request": {"acelerators": []}}', "did you mean `accelerators`", id="misspelled"),
        pytest.param(b'{"request": {"accelerators": [{"model": "H100", "count": NaN}]}}', "NaN", id="nan"),
        pytest.param(b'{"request": {"accelerators": [{"model": "H100", "count": 1.5}]}}', "count", id="half-a-chip"),
        pytest.param(b'{"request": {"accelerators": [{"model": "H100", "count": -8}]}}', "count", id="negative"),
        pytest.param(b'{"request": {"accelerators": [{"count": 8}]}}', "model", id="no-model"),
        pytest.param(b'{"request": {"account": "a"}, "request": {}}', "request", id="twice"),
        pytest.param(
            b'{"request": {"accelerators": [{"model": "H100", "count": 8}], "duration_hours": -1}}',
            "duration_hours",
            id="negative-duration",
        ),
        pytest.param(b'{"request": {"fingerprint": "mine"}}', "fingerprint", id="own-fingerprint"),
        pytest.param(b'\xef\xbb\xbf{"request": {}}', "", id="byte-order-mark"),
    ],
)
async def test_bad_body_is_one_clear_problem(body: bytes, says: str, api: aiohttp.ClientSession) -> None:
    """A body that cannot be read one way only is answered with 400 and the field's name."""
    async with api.post("/v1/decisions", data=body, headers={"Content-Type": "application/json"}) as response:
        problem = await response.json(content_type=None)
    assert (response.status, response.content_type) == (400, "application/problem+json")
    assert says in problem["detail"]
    assert "\n" not in problem["detail"]


async def test_body_is_bounded(api: aiohttp.ClientSession) -> None:
    """A body above the gate's cap is answered with 413."""
    body = io.BytesIO(b" " * (1024 * 1024 + 1))
    async with api.post("/v1/decisions", data=body, headers={"Content-Type": "application/json"}) as response:
        assert response.status == 413


async def test_other_content_is_refused(api: aiohttp.ClientSession) -> None:
    """Only JSON is read."""
    async with api.post("/v1/decisions", data=b"{}", headers={"Content-Type": "text/plain"}) as response:
        assert response.status == 415


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/decisions/dec_none", 404), ("/v1/cases/case_none", 404), ("/v2", 404), ("/v1/cases?state=odd", 400)],
)
async def test_what_is_not_there_is_a_problem(path: str, status: int, api: aiohttp.ClientSession) -> None:
    """Unknown ids, paths and parameters are answered with problem documents."""
    async with api.get(path) as response:
        assert (response.status, response.content_type) == (status, "application/problem+json")
    async with api.put("/v1/cases") as response:
        assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic correct-horse", "Bearer", f"Bearer {TOKEN}x"])
async def test_without_the_token_nothing_is_told(header: str | None, gate: Gate) -> None:
    """Without a known token every call but the health checks is answered with 401."""
    headers = {"Authorization": header} if header else {}
    async with (
        served(api_app(gate, [DIGEST])) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session,
    ):
        async with session.get("/v1/cases") as response:
            assert (response.status, response.headers["www-authenticate"]) == (401, 'Bearer realm="kyc-gate"')
        async with session.get("/healthz") as response:
            assert response.status == 200


async def test_without_configured_tokens_it_is_closed(gate: Gate) -> None:
    """With no token configured nobody gets in, and the answer says what to configure."""
    async with served(api_app(gate)) as port:
        raw = await exchange(port, b"GET /v1/cases HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n")
    assert status_of(raw) == 403
    assert b"tokens_sha256" in raw


def test_token_in_the_clear_is_refused_at_start(gate: Gate) -> None:
    """A token where its digest should stand is an error of configuration."""
    with pytest.raises(ConfigurationError, match="64 lower-case hexadecimal digits"):
        api_app(gate, [TOKEN])


async def test_readiness_follows_the_store(gate: Gate) -> None:
    """`/readyz` turns to 503 with a reason when the gate cannot decide; `/healthz` stays."""
    async with served(api_app(gate)) as port:
        ready = await exchange(port, b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        await gate.close()
        unready = await exchange(port, b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        alive = await exchange(port, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [status_of(raw) for raw in (ready, unready, alive)] == [200, 503, 200]
    assert b"the gate is not open" in unready


async def test_readiness_warns_of_what_the_lists_leave_out(gate: Gate) -> None:
    """`/readyz` tells the notes of the lists and how many of their rows could not be read, and stays 200."""
    lists = ListSnapshot(
        digest="a",
        entries=(ListEntry(list="EL", id="1", name="Zarquon Foundry"),),
        lists=("EL",),
        as_of=gate.now(),
        problems=("line 3: no name",),
        notes=("no aliases",),
    )
    await gate.activate(lists)
    async with served(api_app(gate)) as port:
        ready = await exchange(port, b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
    document = json.loads(ready[ready.index(b"{") : ready.rindex(b"}") + 1])
    assert status_of(ready) == 200
    assert document["warnings"] == ["1 rows of the lists could not be read", "no aliases"]


async def test_failed_store_is_503_without_a_trace(api: aiohttp.ClientSession, gate: Gate) -> None:
    """When the store is gone the answer is 503, and tells nothing of the inside."""
    await gate.store.close()
    status, problem = await ask(api, request=REQUEST)
    assert (status, problem["type"]) == (503, "urn:kyc-gate:problem:unavailable")
    async with api.get("/v1/cases") as response:
        assert response.status == 503
        assert "sqlite" not in (await response.text()).lower()


async def test_a_run_is_read_and_ended(api: aiohttp.ClientSession) -> None:
    """A run is read by its decision and ended by the platform; a wrong end changes nothing, and no run is 404."""
    _, answer = await ask(api, request={key: value for key, value in REQUEST.items() if key != "duration_hours"})
    path = f"/v1/runs/{answer['decision_id']}"
    async with api.get(path) as response:
        run = await response.json()
    assert (run["ends_at"], run["finished"]) == (None, False)
    for body in ({"ended_at": "2020-01-01T00:00:00Z"}, {"ended_at": "2026-11-24T12:00:00"}, {"ended_at": "never"}):
        async with api.post(f"{path}/finish", json=body) as response:
            assert response.status == 400, body
    async with api.post(f"{path}/finish") as response:
        (ended,) = (await response.json())["runs"]
    assert (response.status, ended["finished"], ended["hold_id"]) == (200, True, run["hold_id"])
    async with api.get(path) as response:
        assert (await response.json())["finished"] is True
    async with api.get("/v1/runs/dec_none") as response, api.post("/v1/runs/dec_none/finish") as other:
        assert (response.status, other.status) == (404, 404)
