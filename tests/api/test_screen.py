"""`POST /v1/screen`, over sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from gates import make_gate
from wire import served

from kyc_gate import Gate
from kyc_gate.api.app import api_app
from kyc_gate.api.screen import MOST_PARTIES

from .test_app import DIGEST, TOKEN, api, gate

__all__ = ["api", "gate"]


async def ask(api: aiohttp.ClientSession, body: Any) -> tuple[int, dict[str, Any]]:
    async with api.post("/v1/screen", json=body) as response:
        return response.status, await response.json(content_type=None)


async def test_a_party_is_screened(api: aiohttp.ClientSession, gate: Gate) -> None:
    """A listed name is a match and another is clear, each with the snapshot and how old it is."""
    assert gate.snapshot is not None
    listed = gate.snapshot.entries[0]
    status, answer = await ask(api, {"id": 7, "name": listed.name})
    assert (status, answer["id"], answer["outcome"]) == (200, 7, "match")
    assert answer["matches"][0]["entry_id"] == listed.id
    assert (answer["snapshot"], answer["status"]) == (gate.snapshot.digest, "current")
    assert (await ask(api, {"name": "Fjordlys Robotikk AS"}))[1]["outcome"] == "clear"


async def test_many_parties_are_answered_in_order(api: aiohttp.ClientSession) -> None:
    """Up to a hundred parties are answered in the order in which they were asked, and no more are taken."""
    parties = [{"id": number, "name": f"Fjordlys {number} Robotikk"} for number in range(MOST_PARTIES)]
    status, answer = await ask(api, {"parties": parties})
    assert status == 200
    assert [row["id"] for row in answer["results"]] == list(range(MOST_PARTIES))
    assert (await ask(api, {"parties": [*parties, parties[0]]}))[0] == 400


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"nme": "X"}, "nme", id="misspelt"),
        pytest.param({"name": 7}, "name", id="number"),
        pytest.param({}, "no name to screen", id="nothing"),
        pytest.param({"name": "..."}, "no letter or digit", id="no-letter"),
        pytest.param({"parties": []}, "1 to 100", id="no-party"),
        pytest.param({"parties": [{"name": "Fjordlys"}, {"name": "Co., Ltd."}]}, "parties[1].name", id="one-of-two"),
        pytest.param({"name": "Fjordlys " * 99}, "give the name alone", id="cut"),
    ],
)
async def test_what_cannot_be_screened_is_refused(api: aiohttp.ClientSession, body: Any, said: str) -> None:
    """A body that leaves something unscreened is refused with its field; it is never clear."""
    status, answer = await ask(api, body)
    assert status == 400
    assert said in answer["detail"]


async def test_without_lists_nobody_is_clear(tmp_path: Path) -> None:
    """A gate without lists answers that it is not ready."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with make_gate(tmp_path) as gate:
        gate._generation = type(gate._generation).of(None, gate.settings)
        async with (
            served(api_app(gate, [DIGEST])) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as api,
        ):
            status, answer = await ask(api, {"name": "Fjordlys"})
    assert status == 503
    assert answer["type"].endswith("not-ready")


async def test_it_is_for_bearers_only(gate: Gate) -> None:
    """Without a token nobody is told what a name resembles."""
    async with served(api_app(gate, [DIGEST])) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as api:
        assert (await ask(api, {"name": "Fjordlys"}))[0] == 401
