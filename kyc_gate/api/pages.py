"""The few pages of the interface itself: signing in, and the questionnaire for a customer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from kyc_gate.api.page_headers import PAGE_HEADERS

_PAGES = Environment(
    loader=PackageLoader("kyc_gate.api", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

STYLE = "/plain.css"


def page(name: str, *, status: int = 200, **of: Any) -> Response:
    """Return a page of the room's templates, with the headers of all pages."""
    text = _PAGES.get_template(f"{name}.html.j2").render(style=STYLE, **of)
    return Response(text, status, dict(PAGE_HEADERS), "text/html; charset=utf-8")


async def style(_: Request) -> Response:
    """`GET /plain.css`: the one style sheet of these pages."""
    headers = {**PAGE_HEADERS, "cache-control": "public, max-age=3600"}
    return Response(_CSS, 200, headers, "text/css; charset=utf-8")


_CSS = (Path(__file__).parent / "templates" / "plain.css").read_text(encoding="utf-8")
