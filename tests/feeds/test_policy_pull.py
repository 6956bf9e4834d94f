"""A bundle over HTTP, from a server that the test runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from kyc_gate.errors import FeedFault
from kyc_gate.feeds.fetch import Tries
from kyc_gate.feeds.policy_bundle import PolicyBundle, bundle_bytes, pack_policies, sign_bundle
from kyc_gate.feeds.policy_pull import PulledBundle, pull_bundle
from kyc_gate.policy.read import shipped_policies

from .test_policy_bundle import KEY, MADE, OTHER, public


def made(version: int) -> PolicyBundle:
    return sign_bundle(pack_policies([shipped_policies() / "gate-base"], version=version, created=MADE), KEY)


class Server:
    """Answers with a bundle and its ETag, and counts what it sent whole."""

    def __init__(self) -> None:
        self.bundle = made(2)
        self.sent = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        etag = f'"{self.bundle.digest}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        self.sent += 1
        return web.Response(body=bundle_bytes(self.bundle), headers={"ETag": etag}, content_type="application/zip")

    async def pull(self, output: Path, **how: object) -> PulledBundle:
        return await pull_bundle(self.url, output, keys=(public(KEY),), tries=Tries(attempts=1), **how)  # type: ignore[arg-type]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    app = web.Application()
    app.router.add_get("/policies.zip", serving.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    serving.url = f"http://127.0.0.1:{runner.addresses[0][1]}/policies.zip"
    yield serving
    await runner.cleanup()


async def test_it_is_sent_once_and_confirmed_after_that(server: Server, tmp_path: Path) -> None:
    """The second pull sends the ETag and takes nothing; a new bundle is taken whole."""
    output = tmp_path / "policies.zip"
    first, second = await server.pull(output), await server.pull(output)
    assert (first.changed, second.changed, server.sent) == (True, False, 1)
    server.bundle = made(3)
    assert (await server.pull(output)).version == 3
    assert output.read_bytes() == bundle_bytes(server.bundle)


async def test_a_file_that_was_replaced_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    """The ETag stands for the file that came with it, and for no other."""
    output = tmp_path / "policies.zip"
    await server.pull(output)
    output.write_bytes(bundle_bytes(made(1)))
    assert (await server.pull(output)).version == 2
    assert server.sent == 2


async def test_what_does_not_verify_leaves_what_is_there(server: Server, tmp_path: Path) -> None:
    """A bundle by a stranger, or of an older version, is refused, and the file stays as it was."""
    output = tmp_path / "policies.zip"
    await server.pull(output)
    before = output.read_bytes()
    strange = pack_policies([shipped_policies() / "gate-base"], version=9, created=MADE)
    server.bundle = sign_bundle(strange, OTHER)
    with pytest.raises(FeedFault, match="no known key"):
        await server.pull(output)
    server.bundle = made(1)
    with pytest.raises(FeedFault, match="rolled-back"):
        await server.pull(output)
    assert output.read_bytes() == before
    assert (await server.pull(output, unsafe_older=True)).version == 1
