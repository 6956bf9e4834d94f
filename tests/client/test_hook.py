"""The client hook: aiohttp sessions against a real server, in front of a real gate."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from gates import PATH, job, make_gate, used
from wire import upstream

from kyc_gate import Gate
from kyc_gate.client.refused import KYCBlocked, KYCHeld, KYCRefused

NORGE = {"X-Account": "acct-norge", "Content-Type": "application/json"}
HARBIN = {**NORGE, "X-Account": "acct-harbin"}


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with make_gate(tmp_path, body_bytes=4096, body_seconds=0.2) as gate:
        yield gate


class Cloud:
    """A real server that keeps what it was sent."""

    def __init__(self) -> None:
        self.status = 201
        self.requests: list[tuple[str, bytes]] = []
        self.moved = 0
        self.seen_other: type[web.HTTPFound | web.HTTPSeeOther | web.HTTPMovedPermanently] | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path, await request.read()))
        if self.moved:
            self.moved -= 1
            raise web.HTTPTemporaryRedirect("/moved")
        if self.seen_other and request.method == "POST":
            raise self.seen_other("/jobs/1")
        return web.json_response({"made": True}, status=self.status)


@pytest.fixture
async def cloud() -> AsyncIterator[tuple[Cloud, str]]:
    cloud = Cloud()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", cloud.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield cloud, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@contextlib.asynccontextmanager
async def session(gate: Gate, **more: Any) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(**gate.client_hook(), **more) as session:
        yield session


async def test_allowed_request_goes_out_whole(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """An allowed request is sent as it was made, and its response is the caller's to read."""
    server, url = cloud
    async with session(gate) as http, http.post(url + PATH, data=job(), headers=NORGE) as response:
        assert (response.status, await response.json()) == (201, {"made": True})
    assert server.requests == [(PATH, job())]
    assert await used(gate, "norge") > 0


async def test_blocked_request_is_not_sent(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """A blocked request raises `KYCBlocked` with its problem document, and the server sees nothing."""
    server, url = cloud
    async with session(gate) as http:
        with pytest.raises(KYCBlocked) as caught:
            await http.post(url + PATH, data=job(), headers=HARBIN)
    assert server.requests == []
    assert caught.value.problem["outcome"] == "block"
    assert caught.value.problem["decision_id"] == caught.value.decision_id
    assert isinstance(caught.value, aiohttp.ClientError)
    assert not caught.value.retryable


async def test_held_request_names_its_case(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """A request that waits for a person raises `KYCHeld` with the case that was opened."""
    server, url = cloud
    async with session(gate) as http:
        with pytest.raises(KYCHeld) as caught:
            await http.post(url + PATH, data=job(), headers={**NORGE, "X-Account": "acct-nobody"})
    assert server.requests == []
    assert await gate.store.fetch_case(caught.value.case_id or "") is not None


async def test_request_round_the_middleware_is_stopped(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """`middlewares=()` on a guarded request does not get a byte to the server."""
    server, url = cloud
    async with session(gate) as http:
        with pytest.raises(KYCRefused, match="not decided"):
            await http.post(url + PATH, data=job(), headers=NORGE, middlewares=())
        async with http.get(url + "/elsewhere", middlewares=()) as response:
            assert response.status == 201
    assert [path for path, _ in server.requests] == ["/elsewhere"]


async def test_not_a_byte_leaves_round_the_middleware(gate: Gate) -> None:
    """The seat-belt stops a request before its first byte, not after its head."""
    async with upstream() as fake, session(gate) as http:
        with pytest.raises(KYCRefused):
            await http.post(fake.url + PATH, data=job(), headers=NORGE, middlewares=())
        await asyncio.sleep(0.05)
        assert fake.received == []


async def test_passes_do_not_leak_between_concurrent_requests(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """While decided requests are on their way, one that skipped the middleware is still stopped."""
    server, url = cloud
    async with session(gate) as http:
        decided = [http.post(url + PATH, data=job(name=f"run-{at}"), headers=NORGE) for at in range(20)]
        skipped = [http.post(url + PATH, data=b"{}", headers=NORGE, middlewares=()) for _ in range(20)]
        results = await asyncio.gather(*decided, *skipped, return_exceptions=True)
    assert [result.status for result in results[:20] if isinstance(result, aiohttp.ClientResponse)] == [201] * 20
    assert all(isinstance(result, KYCRefused) for result in results[20:])
    assert len(server.requests) == 20


async def test_pass_of_an_outer_request_is_not_an_inner_ones(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """A second request made while the first has its pass, in the same task, cannot use it."""
    server, url = cloud
    hook = gate.client_hook()

    async def meddling(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        with pytest.raises(KYCRefused, match="not decided"):
            await request.session.post(url + PATH, data=b"{}", headers=NORGE, middlewares=())
        return await handler(request)

    hook["middlewares"] = (*hook["middlewares"], meddling)
    async with aiohttp.ClientSession(**hook) as http, http.post(url + PATH, data=job(), headers=NORGE) as response:
        assert response.status == 201
    assert [body for _, body in server.requests] == [job()]


async def test_body_changed_behind_the_hook_is_stopped(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """A middleware behind the hook cannot send another body than the one that was decided."""
    server, url = cloud
    hook = gate.client_hook()

    async def swapping(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        await request.update_body(job(gpus=1_000_000))
        return await handler(request)

    hook["middlewares"] = (*hook["middlewares"], swapping)
    async with aiohttp.ClientSession(**hook) as http:
        with pytest.raises(KYCRefused):
            await http.post(url + PATH, data=job(), headers=NORGE)
    assert server.requests == []
    assert await used(gate, "norge") == 0


async def test_stream_is_read_once_and_sent_whole(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """A body that can be read only once is read for the decision and sent all the same."""
    server, url = cloud

    async def parts() -> AsyncIterator[bytes]:
        for at in range(0, len(job()), 7):
            yield job()[at : at + 7]

    async with session(gate) as http, http.post(url + PATH, data=parts(), headers=NORGE) as response:
        assert response.status == 201
    assert server.requests == [(PATH, job())]


async def test_file_is_read_once_and_sent_whole(gate: Gate, cloud: tuple[Cloud, str], tmp_path: Path) -> None:
    """A file is decided by its content and sent whole."""
    server, url = cloud
    file = tmp_path / "job.json"
    file.write_bytes(job())
    async with session(gate) as http:
        async with http.post(url + PATH, data=file.open("rb"), headers=NORGE) as response:
            assert response.status == 201
        async with http.post(url + PATH, json=json.loads(job()), headers={"X-Account": "acct-norge"}) as response:
            assert response.status == 201
    assert [json.loads(body) for _, body in server.requests] == [json.loads(job())] * 2


async def test_endless_stream_is_refused(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """A stream is read to the cap (413) and to the deadline (408), and nothing is sent."""
    server, url = cloud

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1024

    async def stalled() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with session(gate) as http:
        for stream, status in ((endless(), 413), (stalled(), 408)):
            with pytest.raises(KYCRefused) as caught:
                await http.post(url + PATH, data=stream, headers=NORGE)
            assert caught.value.problem["status"] == status
    assert server.requests == []


async def test_redirect_is_decided_again_and_counted_once(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """A redirect to a guarded path is a new decision, and the hop that only redirected holds nothing."""
    server, url = cloud
    async with session(gate) as http:
        async with http.post(url + PATH, data=job(), headers=NORGE) as response:
            assert response.status == 201
        once = await used(gate, "norge")
        server.moved = 1
        async with http.post(url + PATH, data=job(), headers=NORGE) as response:
            assert response.status == 201
    assert [path for path, _ in server.requests] == [PATH, PATH, "/moved"]
    assert await used(gate, "norge") == 2 * once


@pytest.mark.parametrize("kind", [web.HTTPSeeOther, web.HTTPFound, web.HTTPMovedPermanently])
async def test_redirect_to_look_at_what_was_made_keeps_the_hold(
    gate: Gate, cloud: tuple[Cloud, str], kind: type[web.HTTPFound | web.HTTPSeeOther | web.HTTPMovedPermanently]
) -> None:
    """After 301, 302 and 303 the client only looks: the job was made, so its operations stay counted."""
    server, url = cloud
    server.seen_other = kind
    async with session(gate) as http, http.post(url + PATH, data=job(), headers=NORGE) as response:
        assert response.status == 201
    assert [path for path, _ in server.requests] == [PATH, "/jobs/1"]
    assert await used(gate, "norge") > 0


async def test_redirect_round_the_middleware_is_stopped(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """An undecided request to an unguarded path cannot be redirected onto a guarded one."""
    server, url = cloud
    server.moved = 1
    async with session(gate) as http:
        with pytest.raises(KYCRefused):
            await http.post(url + "/elsewhere", data=job(), headers=HARBIN, middlewares=())
    assert [path for path, _ in server.requests] == ["/elsewhere"]


async def test_retry_with_its_token_is_counted_once(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """The same request with the same idempotency key, sent twice, reserves its operations once."""
    _, url = cloud
    headers = {**NORGE, "Idempotency-Key": "job-1"}
    async with session(gate) as http:
        await http.post(url + PATH, data=job(), headers=headers)
        once = await used(gate, "norge")
        await http.post(url + PATH, data=job(), headers=headers)
    assert 0 < once == await used(gate, "norge")


@pytest.mark.parametrize(("status", "kept"), [(201, True), (409, False), (500, True)])
async def test_hold_follows_the_status(status: int, kept: bool, gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """What the server refused is given back; what it accepted or may have accepted counts."""
    server, url = cloud
    server.status = status
    async with session(gate) as http:
        await http.post(url + PATH, data=job(), headers=NORGE)
    assert (await used(gate, "norge") > 0) is kept


async def test_request_that_never_left_holds_nothing(gate: Gate) -> None:
    """Without a connection nothing was started, so the hold is given back."""
    async with upstream() as gone:
        pass
    async with session(gate) as http:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.post(gone.url + PATH, data=job(), headers=NORGE)
    assert await used(gate, "norge") == 0


async def test_request_that_may_have_arrived_keeps_its_hold(gate: Gate) -> None:
    """A server that breaks off, or a caller that gives up, leaves the outcome unknown: the hold stays."""
    async with upstream() as fake, session(gate) as http:
        fake.answer = b""
        with pytest.raises(aiohttp.ClientError):
            await http.post(fake.url + PATH, data=job(), headers=NORGE)
        once = await used(gate, "norge")
        fake.hold.clear()
        with pytest.raises(TimeoutError):
            await http.post(
                fake.url + PATH, data=job(name="b"), headers=NORGE, timeout=aiohttp.ClientTimeout(total=0.3)
            )
        assert 0 < once < await used(gate, "norge")


async def test_websocket_to_a_guarded_path_is_refused(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """A websocket handshake on a guarded path is refused before it is sent."""
    server, url = cloud
    async with session(gate) as http:
        with pytest.raises(KYCRefused):
            await http.ws_connect(url + PATH)
    assert server.requests == []


async def test_declared_length_may_not_cut_the_body(gate: Gate, cloud: tuple[Cloud, str]) -> None:
    """A `Content-Length` by hand that would send another body than the one decided is refused."""
    server, url = cloud
    async with session(gate) as http:
        with pytest.raises(KYCRefused):
            await http.post(url + PATH, data=job(), headers={**NORGE, "Content-Length": "12"})
    assert server.requests == []
