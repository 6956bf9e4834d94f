"""Pictures of the console's pages for docs/console.md, light and dark, as Debian's Chromium shows them.

    make screenshots

They are taken from the world that tests/browser plays in, so that they show what is tested. Chromium, its fonts and
the time of day change pixels: take all of them anew, or none.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

from botocore.exceptions import ClientError
from browser.chrome import Visitor, chromium, launched, visitor
from browser.walk import begin_jobs, walk
from browser.world import World, world
from PIL import Image

FOLDER = Path(__file__).parents[1] / "docs" / "console"
COLOURS = 48
"""Colours that are kept: pages have few, and a picture then has a quarter of the bytes."""

MOST_BYTES = 100_000


def main() -> int:
    """Take the pictures and tell their sizes."""
    path = chromium()
    if path is None:
        print("Chromium is not installed: apt install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, launched(path) as browser, world(Path(folder)) as gate:
        _prepare(gate)
        with visitor(browser, gate.console) as somebody:
            _take(somebody, "sign-in", "/sign-in")
            somebody.signs_in("bo")
            begin_jobs(somebody)
            for kind, address in list(walk(somebody, "bo")):
                if address:
                    _take(somebody, _name(kind), address)
    total = sum(file.stat().st_size for file in FOLDER.glob("*.png"))
    print(f"{total:,} bytes in all")
    return 0


def _prepare(gate: World) -> None:
    """Have the customer's large request held, so that the queue has something to read."""
    try:
        gate.trains("qasr")
    except ClientError:
        return


def _name(kind: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"{[^}]*}", "one", kind)).strip("-")


def _take(somebody: Visitor, name: str, address: str) -> None:
    page = somebody.goes(address)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        file = FOLDER / f"{name}-{scheme}.png"
        image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
        size = file.stat().st_size
        print(f"{size:>8,} {file.name}")
        if size > MOST_BYTES:
            raise SystemExit(f"{file} has {size:,} bytes; at most {MOST_BYTES:,} are kept in the repository")


if __name__ == "__main__":
    sys.exit(main())
