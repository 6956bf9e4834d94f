"""A page as PDF. The same page gives the same bytes, wherever the same fonts are installed."""

from __future__ import annotations

from typing import Any

from kyc_gate.errors import InputError


def render_pdf(page: str) -> bytes:
    """Return the HTML page as PDF. Raises `InputError` where the renderer or Pango is missing: what to install.

    Every script that an installed font has is written; characters that none has are named at the head of the page,
    since a box in the place of a name must not pass for the name. Nothing is loaded from elsewhere.
    """
    content, lacking = _drawn(page)
    if lacking:
        named = ", ".join(f"U+{each:04X}" for each in sorted(lacking)[:40])
        note = (
            f'<p class="draft"><strong>Characters are missing:</strong> no font on this machine has {named}. '
            "The HTML page has them; a font for their script, such as Noto Sans CJK, gives them here.</p>"
        )
        content, _ = _drawn(page.replace("<main>", f"<main>{note}", 1))
    return content


def _drawn(page: str) -> tuple[bytes, set[int]]:
    """Return the PDF, and the code points that no font has."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:  # without Pango, its import raises OSError
        raise InputError(
            "PDF needs the extra `pdf` and the library Pango: pip install 'kyc-gate[pdf]' and, on Debian, "
            "apt install libpango-1.0-0 libpangoft2-1.0-0; or name an .html file"
        ) from error
    document: Any = HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=())).render()
    content: bytes = document.write_pdf()
    return content, {each for font in document.fonts.values() for each in font.missing}
