"""What every page tells the browser: to load nothing from elsewhere, run no inline script, and be in no frame."""

from __future__ import annotations

PAGE_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "cache-control": "no-store",
}
"""A link to the questionnaire holds its token, so no page tells another where somebody came from."""


def local_path(given: str, otherwise: str = "/") -> str:
    """Return where to go after a sign-in: a path of this very host, or `otherwise` for anything else."""
    plain = given.isascii() and given.isprintable() and "\\" not in given and len(given) <= 2_000
    return given if plain and given.startswith("/") and not given.startswith("//") else otherwise
