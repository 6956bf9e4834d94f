"""Rows as CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

_STARTS = '=+\\-@|%＝＋－＠﹣﹢﹦﹫−"'
_AFTER = re.compile(rf"([,;|\t\r\n]\s*)(?=[{_STARTS}])")


def render_csv(header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    """Return the rows under the header as CSV (RFC 4180), every cell quoted; what is not on file is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow([safe_cell(name) for name in header])
    writer.writerows([safe_cell(cell or "") for cell in row] for row in rows)
    return out.getvalue()


def safe_cell(text: str) -> str:
    """Return a cell that a spreadsheet shows as text: an apostrophe stands before what could begin a formula.

    A formula may follow a separator, too: a spreadsheet that splits at other ones than commas begins a cell there.
    Whatever begins with neither a letter nor a digit is taken for one, so that no sign is forgotten.
    """
    shown = _AFTER.sub(r"\1'", text.replace("\0", "�"))
    return shown if not shown or shown[0].isalnum() else f"'{shown}"
