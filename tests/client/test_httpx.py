"""The hook for httpx: real clients, async and blocking, against a real server and in front of a real gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from gates import PATH, approve_waiting, job, make_gate, used

from kyc_gate import Gate
from kyc_gate.client.blocking import BlockingGate
from kyc_gate.model.call import Call
from kyc_gate.service.admission import Admission

from .clouds import Cloud, serving

httpx = pytest.importorskip("httpx", reason="the extra `httpx` is not installed")

from kyc_gate.client.httpx import BlockingGateTransport, GateTransport  # noqa: E402

NORGE = {"X-Account": "acct-norge", "Content-Type": "application/json"}
HARBIN = {**NORGE, "X-Account": "acct-harbin"}
NOBODY = {**NORGE, "X-Account": "acct-nobody"}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with serving() as cloud:
        yield cloud


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with make_gate(tmp_path, body_bytes=4096, body_seconds=0.2) as gate:
        yield gate


@pytest.fixture
async def http(gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=GateTransport(gate), follow_redirects=True) as http:
        yield http


async def test_an_allowed_request_goes_out_whole(http: httpx.AsyncClient, gate: Gate, cloud: Cloud) -> None:
    """An allowed request is sent as it was made, counted, and its response is the caller's to read."""
    response = await http.post(cloud.url + PATH, content=job(), headers=NORGE)
    assert response.json()["TrainingJobArn"]
    assert cloud.requests == [(PATH, job())]
    assert await used(gate, "norge") > 0


async def test_a_blocked_request_is_answered_and_not_sent(http: httpx.AsyncClient, cloud: Cloud) -> None:
    """A blocked request raises `HTTPStatusError` where a status is asked for, and its body tells the decision."""
    with pytest.raises(httpx.HTTPStatusError) as caught:
        (await http.post(cloud.url + PATH, content=job(), headers=HARBIN)).raise_for_status()
    assert cloud.requests == []
    response = caught.value.response
    assert (response.status_code, response.json()["outcome"]) == (403, "block")
    assert response.headers["kyc-decision-id"] == response.extensions["kyc_gate"].decision_id


async def test_an_approval_lets_the_same_request_through(http: httpx.AsyncClient, gate: Gate, cloud: Cloud) -> None:
    """What waits for a person is answered with its case; approved, the same request is sent."""
    waiting = await http.post(cloud.url + PATH, content=job(), headers=NOBODY)
    assert (waiting.status_code, waiting.json()["outcome"], cloud.requests) == (403, "escalate", [])
    await approve_waiting(gate)
    assert (await http.post(cloud.url + PATH, content=job(), headers=NOBODY)).status_code == 200
    assert cloud.requests == [(PATH, job())]


async def test_each_redirect_is_decided(http: httpx.AsyncClient, gate: Gate, cloud: Cloud) -> None:
    """A redirect that repeats the call is decided where it goes, and the first place holds nothing."""
    cloud.moved = "/moved"
    await http.post(cloud.url + PATH, content=job(), headers=NORGE)
    assert [path for path, _ in cloud.requests] == [PATH, "/moved"]
    moved = await used(gate, "norge")
    cloud.moved = ""
    await http.post(cloud.url + PATH, content=job(), headers=NORGE)
    assert await used(gate, "norge") == 2 * moved


async def test_a_stream_is_read_to_the_cap_and_sent_again(http: httpx.AsyncClient, cloud: Cloud) -> None:
    """A body from a generator is decided and sent byte for byte; too long is 413, too slow is 408."""

    async def pieces(body: bytes, seconds: float = 0.0) -> AsyncIterator[bytes]:
        for at in range(0, len(body), 7):
            await asyncio.sleep(seconds)
            yield body[at : at + 7]

    assert (await http.post(cloud.url + PATH, content=pieces(job()), headers=NORGE)).status_code == 200
    assert cloud.requests == [(PATH, job())]
    long = job(name="x" * 5000)
    assert (await http.post(cloud.url + PATH, content=pieces(long), headers=NORGE)).status_code == 413
    assert (await http.post(cloud.url + PATH, content=pieces(job(), 0.1), headers=NORGE)).status_code == 408
    assert len(cloud.requests) == 1


async def test_unguarded_requests_pass_untouched(http: httpx.AsyncClient, cloud: Cloud) -> None:
    """A path that nobody guards is sent as it is."""
    assert (await http.post(cloud.url + "/elsewhere", content=b"\x00")).status_code == 200
    assert cloud.requests == [("/elsewhere", b"\x00")]


async def test_another_spelling_of_the_path_does_not_pass(http: httpx.AsyncClient, cloud: Cloud) -> None:
    """Tricks with `base_url` and escapes are met by the same reading of paths as at the other doors."""
    for path in ("//v1//training-jobs", "/v1/training%2Djobs", "/x/%2e%2e/v1/training-jobs"):
        assert (await http.post(cloud.url + path, content=job(), headers=HARBIN)).status_code == 400
    assert cloud.requests == []


@pytest.mark.parametrize("target", [PATH.encode(), PATH, b"http://other.example" + PATH.encode(), b"*"])
async def test_the_target_that_is_sent_is_the_one_that_is_decided(
    target: bytes | str, http: httpx.AsyncClient, cloud: Cloud, gate: Gate
) -> None:
    """`extensions={"target": ...}` sends another path than the URL's: it is read, or refused where it is no path."""
    extensions = {"target": target}
    response = await http.post(cloud.url + "/elsewhere", content=job(), headers=HARBIN, extensions=extensions)
    assert response.status_code in (400, 403)
    with (
        BlockingGate(gate, loop=asyncio.get_running_loop()) as blocking,
        httpx.Client(transport=BlockingGateTransport(blocking)) as client,
    ):
        response = await asyncio.to_thread(
            client.post, cloud.url + "/elsewhere", content=job(), headers=HARBIN, extensions=extensions
        )
        assert response.status_code in (400, 403)
    assert cloud.requests == []


async def test_another_target_that_is_not_guarded_passes(http: httpx.AsyncClient, cloud: Cloud) -> None:
    """What is sent is not guarded, whatever the URL says."""
    response = await http.post(cloud.url + PATH, content=b"x", extensions={"target": b"/elsewhere?a=1"})
    assert response.status_code == 200
    assert cloud.requests == [("/elsewhere?a=1", b"x")]


async def test_a_cancelled_caller_sends_nothing_and_keeps_its_hold(
    http: httpx.AsyncClient, gate: Gate, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancellation after the hold and before the first byte leaves the hold in the ledger."""
    admit = gate.admit

    async def interrupted(call: Call) -> Admission:
        await admit(call)
        raise asyncio.CancelledError

    monkeypatch.setattr(gate, "admit", interrupted)
    with pytest.raises(asyncio.CancelledError):
        await http.post(cloud.url + PATH, content=job(), headers=NORGE)
    assert cloud.requests == []
    assert await used(gate, "norge") > 0


async def test_a_decision_that_takes_too_long_sends_nothing(tmp_path: Path, cloud: Cloud) -> None:
    """Without a decision in its time the request stays here and is answered with 503."""
    async with make_gate(tmp_path, decision_seconds=0.05) as gate:
        gate._decided = lambda *_: asyncio.sleep(60)  # type: ignore[assignment]
        async with httpx.AsyncClient(transport=GateTransport(gate)) as http:
            assert (await http.post(cloud.url + PATH, content=job(), headers=NORGE)).status_code == 503
    assert cloud.requests == []


async def test_environment_proxies_are_not_used(
    http: httpx.AsyncClient, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    """A proxy named in the environment does not come between the decision and the server."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with httpx.AsyncClient(transport=GateTransport(gate)) as client:
        assert (await client.post(cloud.url + PATH, content=job(), headers=NORGE)).status_code == 200


async def test_what_never_left_holds_nothing(http: httpx.AsyncClient, gate: Gate) -> None:
    """A server that cannot be reached gives the hold back."""
    with pytest.raises(httpx.ConnectError):
        await http.post("http://127.0.0.1:9" + PATH, content=job(), headers=NORGE)
    assert await used(gate, "norge") == 0


async def test_a_gate_that_fails_sends_nothing(
    http: httpx.AsyncClient, gate: Gate, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the gate raises, the request stays here and is answered with 503."""

    async def failing(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(gate, "admit", failing)
    assert (await http.post(cloud.url + PATH, content=job(), headers=NORGE)).status_code == 503
    assert cloud.requests == []


def test_a_blocking_client_is_gated_too(tmp_path: Path, cloud: Cloud) -> None:
    """`httpx.Client` in front of a gate on its own thread: refused, then approved, then sent."""
    gate = make_gate(tmp_path)
    with (
        BlockingGate(gate) as blocking,
        httpx.Client(transport=BlockingGateTransport(blocking)) as http,
    ):
        assert http.post(cloud.url + PATH, content=job(), headers=NOBODY).json()["outcome"] == "escalate"
        assert cloud.requests == []
        blocking.wait(approve_waiting(gate))
        assert http.post(cloud.url + PATH, content=job(), headers=HARBIN).status_code == 403
        assert http.post(cloud.url + PATH, content=job(), headers=NOBODY).status_code == 200
        assert http.post(cloud.url + PATH, content=iter([job()]), headers=NORGE).status_code == 200
        assert http.get(cloud.url + "/elsewhere").status_code == 200
    assert [body for _, body in cloud.requests] == [job(), job(), b""]


async def test_a_blocking_call_in_the_gates_own_loop_is_an_error(gate: Gate, cloud: Cloud) -> None:
    """It would wait for itself for ever; it raises and sends nothing."""
    with (
        BlockingGate(gate, loop=asyncio.get_running_loop()) as blocking,
        httpx.Client(transport=BlockingGateTransport(blocking)) as http,
        pytest.raises(RuntimeError, match="event loop"),
    ):
        http.post(cloud.url + PATH, content=job(), headers=NORGE)
    assert cloud.requests == []
