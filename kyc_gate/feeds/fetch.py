"""One published file over HTTPS: asked for only if it changed, bounded in size and time, tried again with back-off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import aiohttp
import stamina

from kyc_gate.errors import FeedFault
from kyc_gate.feeds.generation import Check
from kyc_gate.feeds.source import Source
from kyc_gate.model.record import Record

MOST_REDIRECTS = 5

SMALL_FILE = 64 * 1024
"""Bytes of a checksum or signature file, at most."""

Progress = Callable[[int, int | None], None]
"""Told the bytes that arrived with each piece, and how many there will be in all, where the server says."""


class Tries(Record):
    """How often and how patiently a failing server is asked again. Waits are in seconds and double, with jitter."""

    attempts: int = 4
    first_wait: float = 1.0
    longest_wait: float = 20.0


class Fetched(Record):
    """A file that arrived whole, and what its server said of it."""

    data: bytes
    url: str
    etag: str | None = None
    last_modified: str | None = None

    @property
    def modified_at(self) -> datetime | None:
        """The server's Last-Modified, or None where it gives none that can be read."""
        try:
            found = parsedate_to_datetime(self.last_modified or "")
        except (TypeError, ValueError):
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)


class NotModified(Record):
    """The server says that what is held is current."""

    url: str


class _Again(FeedFault):
    """Worth another try: the server or the network failed, not the file."""


def open_session() -> aiohttp.ClientSession:
    """Return a session for fetching lists. Proxies are taken from the environment; cookies are not kept."""
    return aiohttp.ClientSession(
        trust_env=True,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "kyc-gate list manager"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60),
    )


async def fetch_source(
    session: aiohttp.ClientSession,
    source: Source,
    last: Check | None,
    *,
    tries: Tries,
    progress: Progress | None = None,
) -> Fetched | NotModified:
    """Return the source's file from the first address that has it, or `NotModified` since the `last` check.

    Raises `FeedFault` naming what went wrong at each address. `source.seconds` bounds all of it.
    """
    failures = []
    try:
        async with asyncio.timeout(source.seconds):
            for url in source.urls:
                try:
                    return await _patiently(session, source, url, last, tries, progress)
                except FeedFault as error:
                    failures.append(f"{urlsplit(url).hostname}: {error}")
    except TimeoutError:
        failures.append(f"not whole within {source.seconds:g} seconds")
    raise FeedFault("; ".join(failures))


async def fetch_small(session: aiohttp.ClientSession, source: Source, url: str, *, tries: Tries) -> bytes:
    """Return a checksum or signature file. Raises `FeedFault`."""
    try:
        async with asyncio.timeout(source.seconds):
            found = await _patiently(session, source, url, None, tries, None, most=SMALL_FILE)
    except TimeoutError as error:
        raise FeedFault(f"{url}: no answer in {source.seconds:g} seconds") from error
    return found.data if isinstance(found, Fetched) else b""


async def _patiently(
    session: aiohttp.ClientSession,
    source: Source,
    url: str,
    last: Check | None,
    tries: Tries,
    progress: Progress | None,
    *,
    most: int | None = None,
) -> Fetched | NotModified:
    patience = stamina.retry_context(
        on=_Again,
        attempts=tries.attempts,
        timeout=None,
        wait_initial=tries.first_wait,
        wait_max=tries.longest_wait,
        wait_jitter=tries.first_wait,
    )
    limit = most if most is not None else int(source.largest_mb * 2**20)
    async for attempt in patience:
        with attempt:
            return await _once(session, source, url, _conditions(url, last), limit, progress)
    raise AssertionError("the last attempt returns or raises")


def _conditions(url: str, last: Check | None) -> dict[str, str]:
    """Return the headers that make the request conditional, if this very address was asked the last time."""
    if last is None or last.url != url:
        return {}
    found = {"If-None-Match": last.etag, "If-Modified-Since": last.last_modified}
    return {name: value for name, value in found.items() if value}


async def _once(
    session: aiohttp.ClientSession,
    source: Source,
    url: str,
    conditions: dict[str, str],
    most: int,
    progress: Progress | None,
) -> Fetched | NotModified:
    at = url
    for _ in range(MOST_REDIRECTS + 1):
        try:
            async with session.get(at, headers=conditions, allow_redirects=False) as answer:
                if answer.status in (301, 302, 303, 307, 308):
                    at = _redirected(source, at, answer.headers.get("Location"))
                    continue
                return await _taken(answer, url, most, progress)
        except aiohttp.ClientError as error:
            raise _Again(f"the connection failed: {type(error).__name__}: {error}") from error
        except TimeoutError as error:
            raise _Again("the server did not answer in time") from error
    raise FeedFault(f"more than {MOST_REDIRECTS} redirects")


def _redirected(source: Source, at: str, location: str | None) -> str:
    """Return where a redirect leads. Raises `FeedFault` unless it is the same host, or one that the source names."""
    target = urljoin(at, location or "")
    parts = urlsplit(target)
    allowed = {urlsplit(at).netloc, *source.redirects_to}
    secure = parts.scheme == "https" or (parts.scheme == "http" and source.unsafe_plain_http)
    if not secure or parts.netloc not in allowed:
        raise FeedFault(
            f"redirected to `{parts.scheme}://{parts.netloc}`, which the source does not name in `redirects_to`"
        )
    return target


async def _taken(
    answer: aiohttp.ClientResponse, url: str, most: int, progress: Progress | None
) -> Fetched | NotModified:
    """Return the answer's body. Raises `FeedFault`, or `_Again` where another try may help."""
    if answer.status == 304:
        return NotModified(url=url)
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise _Again(f"status {answer.status}")
    if answer.status != 200:
        raise FeedFault(f"status {answer.status}")
    length = answer.content_length
    if length is not None and length > most:
        raise FeedFault(f"oversize: {length} bytes, and at most {most} are taken")
    data = bytearray()
    async for piece in answer.content.iter_chunked(64 * 1024):
        data += piece
        if len(data) > most:
            raise FeedFault(f"oversize: more than {most} bytes")
        if progress is not None:
            progress(len(piece), length)
    _require_file(bytes(data[:1024]), answer.content_type)
    return Fetched(
        data=bytes(data), url=url, etag=answer.headers.get("ETag"), last_modified=answer.headers.get("Last-Modified")
    )


def _require_file(start: bytes, content_type: str) -> None:
    """Raise `FeedFault` for a page made for people, whatever its status says."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")) or (
        content_type == "text/html" and not text.startswith(b"<?xml")
    ):
        raise FeedFault("html: the answer is a web page and no list; is the publisher under maintenance?")
