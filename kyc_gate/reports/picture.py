"""An SVG drawing as a PNG picture, for papers and mail that take no SVG."""

from __future__ import annotations

from kyc_gate.errors import InputError
from kyc_gate.reports.chart import FONTS

_BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"/>'
_PROBE = _BLANK.replace("/>", f"><text x='2' y='16' font-family='{FONTS}'>8</text></svg>")

ZOOM = 2.0
"""Pixels for each unit of the drawing: twice as many, so that it is sharp on paper and on dense screens."""


def render_png(svg: str) -> bytes:
    """Return `svg` as a PNG. Raises `InputError` where the renderer or every font is missing, and says what to install.

    Without a font the renderer leaves all text out in silence, which is why it is asked to draw a letter first.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise InputError(
            "PNG needs the extra `charts`: pip install 'kyc-gate[charts]'; or name an .svg file"
        ) from error
    if svg_to_bytes(svg_string=_PROBE) == svg_to_bytes(svg_string=_BLANK):
        raise InputError(
            f"none of the fonts {FONTS} is installed, so the PNG would lack its text; install one, or name an .svg file"
        )
    return bytes(svg_to_bytes(svg_string=svg, zoom=ZOOM))
