"""Reports as pages to print."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from kyc_gate.reports.training_run import UNKNOWN, TrainingReport

PAGES = Environment(
    loader=PackageLoader("kyc_gate.reports", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Templates of the room, escaped by default, in which a name that is not there is an error."""


def render_training_report(report: TrainingReport) -> str:
    """Return the report as an HTML page that prints well and loads nothing from elsewhere."""
    return PAGES.get_template("training_run.html.j2").render(report=report, unknown=UNKNOWN)
