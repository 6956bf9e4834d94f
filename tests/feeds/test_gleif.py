"""The golden copy, fetched from a publisher of our own."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kyc_gate.errors import FeedFault
from kyc_gate.feeds.fetch import Tries, open_session
from kyc_gate.feeds.gleif import fetch_golden_copy, published_url
from tests.ownership.gleif.published import json_of, lei
from tests.storage.test_gleif import EXCEPTIONS, LEVEL1, RELATIONS

QUICK = Tries(attempts=2, first_wait=0.01, longest_wait=0.01)
NAME = "20260901-0000-gleif-goldencopy-{}-golden-copy.json.zip"


def zipped(kind: str) -> bytes:
    """The golden copy of a kind, as published."""
    rows = {"lei2": LEVEL1, "rr": RELATIONS, "repex": EXCEPTIONS}[kind]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{kind}.json", json_of(rows))
    return file.getvalue()


class Publisher:
    """Answers with a redirect to the file, as GLEIF does, and fails where a test says so."""

    def __init__(self) -> None:
        self.failures: list[int] = []
        self.redirect: str | None = None

    async def latest(self, request: web.Request) -> web.Response:
        if self.failures:
            return web.Response(status=self.failures.pop(0))
        kind = request.match_info["kind"]
        raise web.HTTPFound(self.redirect or f"/storage/{NAME.format(kind)}")

    async def file(self, request: web.Request) -> web.Response:
        return web.Response(body=zipped(request.match_info["name"].split("-")[4]))


@pytest.fixture
async def publisher() -> AsyncIterator[tuple[Publisher, str]]:
    """A publisher and the address where it publishes."""
    found = Publisher()
    app = web.Application()
    app.router.add_get("/publishes/{kind}/latest.json", found.latest)
    app.router.add_get("/storage/{name}", found.file)
    async with TestServer(app) as server:
        yield found, str(server.make_url("/publishes"))


async def fetch(url: str, folder: Path) -> Path:
    async with open_session() as session:
        return await fetch_golden_copy(session, url, folder, tries=QUICK)


async def test_the_file_is_saved_under_its_published_name(publisher: tuple[Publisher, str], tmp_path: Path) -> None:
    """The redirect is followed, and the name tells what the file holds and as of when."""
    _, base = publisher
    file = await fetch(published_url("rr", "json", base), tmp_path)
    assert file.name == NAME.format("rr")
    assert file.read_bytes() == zipped("rr")


async def test_a_server_that_stumbles_is_asked_again(publisher: tuple[Publisher, str], tmp_path: Path) -> None:
    """One failure is forgiven; what goes on failing, or is not there, is told."""
    found, base = publisher
    url = published_url("lei2", "json", base)
    found.failures = [503]
    assert (await fetch(url, tmp_path)).exists()
    found.failures = [503, 503]
    with pytest.raises(FeedFault, match="status 503"):
        await fetch(url, tmp_path)
    found.failures = [404]
    with pytest.raises(FeedFault, match="status 404"):
        await fetch(url, tmp_path)


async def test_a_redirect_to_somebody_else_is_refused(publisher: tuple[Publisher, str], tmp_path: Path) -> None:
    """What another host holds is not the publisher's."""
    found, base = publisher
    for target in ("http://example.com/x.zip", "https://gleif.org.example.com/x", "file:///etc/passwd"):
        found.redirect = target
        with pytest.raises(FeedFault, match="not its publisher's"):
            await fetch(published_url("lei2", "json", base), tmp_path)


async def test_nobody_there_is_told(tmp_path: Path) -> None:
    """A connection that fails is one clear error."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(FeedFault, match="the connection failed"):
            await fetch_golden_copy(session, "http://127.0.0.1:9/lei2/latest.json", tmp_path, tries=QUICK)


async def test_pull_fetches_and_builds_the_register(publisher: tuple[Publisher, str], tmp_path: Path) -> None:
    """The command fetches all three files, builds the register, and leaves nothing else behind."""
    _, base = publisher
    command = [sys.executable, "-m", "kyc_gate", "owners"]
    store = ["--store", str(tmp_path / "r.db")]
    environment = {**os.environ, "no_proxy": "127.0.0.1"}

    def run(*arguments: str) -> list[dict[str, object]]:
        done = subprocess.run(
            [*command, *arguments, *store], env=environment, capture_output=True, timeout=60, check=True
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    pulled = await asyncio.to_thread(run, "pull", "--url", base)
    assert [(row["kind"], row["rows"], row["as_of"]) for row in pulled] == [
        ("lei2", 4, "2026-09-01T00:00:00Z"),
        ("rr", 3, "2026-09-01T00:00:00Z"),
        ("repex", 1, "2026-09-01T00:00:00Z"),
    ]
    assert await asyncio.to_thread(os.listdir, tmp_path) == ["r.db"]
    (shown,) = await asyncio.to_thread(run, "show", lei(1))
    assert shown["name"] == "Fjord Analytics AS"
