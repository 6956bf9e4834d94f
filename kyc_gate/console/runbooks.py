"""Runbooks: what a person does about a rule's findings, as the project's documentation has them."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response

from kyc_gate.console.page import Page
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.visit import Visit
from kyc_gate.model.access import Permission


async def runbook(visit: Visit) -> Response:
    """`GET /console/runbooks/{name}`: the runbook's text."""
    name = visit.named("name")
    text = _texts().get(name)
    if text is None:
        return visit.problem(404, "There is no such runbook", "A rule of your own policy may name one of your own.")
    return visit.page("runbook", f"Runbook: {name.replace('-', ' ')}", text=text)


def address_of(runbook: str) -> str:
    """Return where a rule's runbook can be read: a page of the console, an address of the operator's, or nowhere."""
    name = runbook.rpartition("/")[2].removesuffix(".md")
    if name in _texts():
        return f"{ROOT}/runbooks/{name}"
    return runbook if runbook.startswith("https://") and runbook.isascii() and runbook.isprintable() else ""


def _texts() -> dict[str, str]:
    """Return each runbook by its name, from the wheel or from the source tree."""
    package = Path(__file__).resolve().parents[1]
    in_wheel = package / "shipped_runbooks"
    folder = in_wheel if in_wheel.is_dir() else package.parent / "docs" / "runbooks"
    if folder not in _READ:
        _READ[folder] = {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.md"))}
    return _READ[folder]


_READ: dict[Path, dict[str, str]] = {}

PAGES = (Page("/runbooks/{name}", runbook, Permission.READ_CASES),)
