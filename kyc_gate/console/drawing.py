"""Drawings as the browser gets them: a document of its own that runs nothing, and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import re

from starlette.responses import Response

from kyc_gate.api.page_headers import PAGE_HEADERS
from kyc_gate.telemetry.printed import escaped

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def drawing(svg: str) -> Response:
    """Return an SVG document of the gate's own: what cannot be seen is made visible, and only its own style counts."""
    text = "\n".join(escaped(line) for line in svg.split("\n"))
    hashes = " ".join(f"'sha256-{_hash(style)}'" for style in _STYLE.findall(text))
    policy = f"default-src 'none'; style-src {hashes or chr(39) + 'none' + chr(39)}; sandbox; frame-ancestors 'none'"
    headers = {**PAGE_HEADERS, "content-security-policy": policy}
    return Response(text, 200, headers, "image/svg+xml; charset=utf-8")


def _hash(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
