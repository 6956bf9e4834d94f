"""The golden copy of the LEI register, fetched from GLEIF to disk in pieces: it is too large to hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import aiohttp
import stamina

from kyc_gate.errors import FeedFault
from kyc_gate.feeds.fetch import MOST_REDIRECTS, Tries

PUBLISHED = "https://goldencopy.gleif.org/api/v2/golden-copies/publishes"
"""Where GLEIF publishes the golden copy, three times a day, free of charge and of conditions (CC0)."""

LARGEST_BYTES = 8 << 30
"""Bytes of one zipped file at most. In September 2026 the largest, level 1 in JSON, had 0.93 GB."""

PIECE_BYTES = 1 << 20

Arrived = Callable[[int, int | None], None]
"""Told the bytes of each piece, and how many there will be in all, where the server says."""


def published_url(kind: str, form: str, base: str = PUBLISHED) -> str:
    """Return the address of the latest file of a kind (`lei2`, `rr`, `repex`) in a format (`json`, `csv`, `xml`)."""
    return f"{base.rstrip('/')}/{kind}/latest.{form}"


async def fetch_golden_copy(
    session: aiohttp.ClientSession, url: str, folder: Path, *, tries: Tries, arrived: Arrived | None = None
) -> Path:
    """Return the file at `url`, saved in `folder` under the name that its publisher gives it.

    Redirects are followed over HTTPS within the host's own domain (from a plain address, within the host). A file that
    breaks off is fetched anew. Raises `FeedFault`.
    """
    patience = stamina.retry_context(
        on=_Again,
        attempts=tries.attempts,
        timeout=None,
        wait_initial=tries.first_wait,
        wait_max=tries.longest_wait,
        wait_jitter=tries.first_wait,
    )
    async for attempt in patience:
        with attempt:
            try:
                return await _fetch(session, url, folder, arrived)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise _Again(f"{url}: the connection failed: {type(error).__name__}: {error}") from error
    raise AssertionError("the last attempt returns or raises")


class _Again(FeedFault):
    """Worth another try."""


async def _fetch(session: aiohttp.ClientSession, url: str, folder: Path, arrived: Arrived | None) -> Path:
    at = url
    for _ in range(MOST_REDIRECTS + 1):
        async with session.get(at, allow_redirects=False) as answer:
            if answer.status in (301, 302, 303, 307, 308):
                at = _redirected(at, answer.headers.get("Location"))
                continue
            if answer.status in (408, 425, 429) or answer.status >= 500:
                raise _Again(f"{at}: status {answer.status}")
            if answer.status != 200:
                raise FeedFault(f"{at}: status {answer.status}")
            return await _save(answer, folder / _name(at, answer), arrived)
    raise FeedFault(f"{url}: more than {MOST_REDIRECTS} redirects")


async def _save(answer: aiohttp.ClientResponse, file: Path, arrived: Arrived | None) -> Path:
    length, total = answer.content_length, 0
    with file.open("wb") as target:
        async for piece in answer.content.iter_chunked(PIECE_BYTES):
            total += len(piece)
            if total > LARGEST_BYTES:
                raise FeedFault(f"{answer.url}: more than {LARGEST_BYTES >> 30} GB")
            target.write(piece)
            if arrived is not None:
                arrived(len(piece), length)
    if length is not None and total != length and not answer.headers.get("Content-Encoding"):
        raise _Again(f"{answer.url}: {total} bytes instead of {length}")
    return file


def _redirected(at: str, location: str | None) -> str:
    """Return where a redirect leads. Raises `FeedFault` for one that leaves the publisher's domain or loses HTTPS."""
    target = urljoin(at, location or "")
    here, there = urlsplit(at), urlsplit(target)
    same = there.netloc == here.netloc or _domain(there.hostname) == _domain(here.hostname)
    if not same or there.scheme not in ("https", here.scheme):
        raise FeedFault(f"{at}: redirected to `{there.scheme}://{there.netloc}`, which is not its publisher's")
    return target


def _domain(host: str | None) -> str:
    return ".".join((host or "").split(".")[-2:])


def _name(at: str, answer: aiohttp.ClientResponse) -> str:
    """Return the file's name as published, or as its address ends; nothing in it leads out of the folder."""
    given = answer.content_disposition.filename if answer.content_disposition else None
    name = re.sub(r"[^\w.-]", "_", (given or urlsplit(at).path.rsplit("/", 1)[-1]))[-120:]
    return name.lstrip(".") or "golden-copy"
