"""Reports as pages to print."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from kyc_gate.reports.paper import UNKNOWN, Paper
from kyc_gate.reports.training_run import TrainingReport

PAGES = Environment(
    loader=PackageLoader("kyc_gate.reports", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Templates of the room, escaped by default, in which a name that is not there is an error."""


def shown(text: str) -> str:
    """Return `text` with each character that could turn a line around, or is not seen, written as an escape."""
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode("ascii") for each in text
    )


_LONG = re.compile(r"\S{24,}")
"""Words that may be broken where a column ends: digests and ids. To let every word break anywhere takes a layout four
times as long."""


def broken(text: str) -> Markup:
    """Return `shown` text as markup in which long words may be broken, every twelve characters."""
    parts, end = [], 0
    for found in _LONG.finditer(shown_text := shown(text)):
        word = found.group()
        pieces = (escape(word[at : at + 12]) for at in range(0, len(word), 12))
        parts += [escape(shown_text[end : found.start()]), Markup("<wbr>").join(pieces)]
        end = found.end()
    return Markup("").join([*parts, escape(shown_text[end:])])


PAGES.filters["shown"] = shown
PAGES.filters["broken"] = broken


def render_paper(paper: Paper) -> str:
    """Return the paper as an HTML page that prints well and loads nothing from elsewhere."""
    return PAGES.get_template("paper.html.j2").render(paper=paper, unknown=UNKNOWN)


def render_training_report(report: TrainingReport) -> str:
    """Return the report as an HTML page that prints well and loads nothing from elsewhere."""
    return render_paper(report.paper())
