"""A drawing of the gate's own making, as a picture beside a page: it may colour itself, and nothing else."""

from __future__ import annotations

from starlette.responses import Response

from kyc_gate.api.page_headers import PAGE_HEADERS

# A drawing holds its own style, and stands in a page as an image: opened by itself it may do no more than that.
_HEADERS = {
    **PAGE_HEADERS,
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
}


def drawing(svg: str) -> Response:
    """Return an SVG document as a picture."""
    return Response(svg, 200, _HEADERS, "image/svg+xml; charset=utf-8")
