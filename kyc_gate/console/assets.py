"""The style sheet and the scripts of every page: a closed set, each under an address that changes with its content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kyc_gate.api.page_headers import PAGE_HEADERS


class Asset(NamedTuple):
    """A file with its address below the host's root, what it is, and its content."""

    address: str
    kind: str
    content: bytes


_FOLDER = Path(__file__).parent / "static"
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def _asset(name: str) -> Asset:
    content = (_FOLDER / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(address=f"/console/static/{digest}/{name}", kind=_KINDS[Path(name).suffix], content=content)


ASSETS = {
    "style": _asset("console.css"),
    "keys": _asset("console.js"),
    "icon": _asset("icon.svg"),
    # Unchanged from https://www.npmjs.com/package/htmx.org, version 2.0.11 (Zero-Clause BSD).
    "htmx": _asset("htmx-2.0.11.min.js"),
}

_BY_ADDRESS = {asset.address: asset for asset in ASSETS.values()}


async def asset(request: Request) -> Response:
    """`GET /console/static/{digest}/{name}`: one of the files, for as long as a browser likes to keep it."""
    found = _BY_ADDRESS.get(request.url.path)
    if found is None:
        return PlainTextResponse("there is no such file", 404, PAGE_HEADERS)
    headers = {**PAGE_HEADERS, "cache-control": "public, max-age=31536000, immutable"}
    return Response(found.content, 200, headers, found.kind)
