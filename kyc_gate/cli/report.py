"""`kyc-gate report`: papers drawn up from the directory, the ledger, the cases and the audit record."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from kyc_gate.cli.cases import login_name
from kyc_gate.cli.output import UsageError, add_json, print_json
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import InputError
from kyc_gate.model.access import local_actor
from kyc_gate.model.record import plain
from kyc_gate.reports.page import render_paper
from kyc_gate.reports.paper import Paper
from kyc_gate.reports.pdf import render_pdf
from kyc_gate.reports.remote_users import HEADER
from kyc_gate.reports.rows import render_csv
from kyc_gate.service.build import files_of, register_of
from kyc_gate.service.config import Configuration
from kyc_gate.service.generation import Generation
from kyc_gate.service.list_shelf import read_active
from kyc_gate.service.papers import Book, Papers
from kyc_gate.service.policy_source import policies_of
from kyc_gate.service.settings import settings_of

_ABOUT = {
    "case": "the file of a case: all that is on record of it",
    "blocking": "draft the report on blocked property of 31 CFR 501.603, for a decision",
    "remote-users": "draft the list of remote end users of 15 CFR Part 748 Supp. No. 2 (dd)",
    "procedures": "draft the description of know-your-customer procedures of the same paragraph",
    "training-run": "draft the training report of proposed 15 CFR 7.308(d)",
}
_FORMS = (".html", ".pdf", ".json")


class Drawn(NamedTuple):
    """A paper, the data behind it, and its rows where it is a list."""

    paper: Paper
    data: Any
    rows: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    of = {name: steps.add_parser(name, help=about, allow_abbrev=False) for name, about in _ABOUT.items()}
    of["case"].add_argument("case", metavar="CASE", help="the case's id")
    of["blocking"].add_argument("decision", metavar="DECISION", help="the decision's id")
    of["training-run"].add_argument("party", metavar="PARTY", help="the party's id in the directory")
    of["training-run"].add_argument(
        "--days", type=int, help="runs of this many days (default: the window of decisions)"
    )
    for name, step in of.items():
        rows = ", .csv" if name == "remote-users" else ""
        step.add_argument(
            "--output", metavar="FILE", type=Path, help=f"write a page to print (.html, .pdf) or the data (.json{rows})"
        )
        add_config(step)
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Print or write the paper."""
    forms = (*_FORMS, ".csv") if options.step == "remote-users" else _FORMS
    if options.output is not None and options.output.suffix not in forms:
        raise UsageError(f"`--output` takes a file that ends in {', '.join(forms[:-1])} or {forms[-1]}")
    drawn = asyncio.run(_drawn(options))
    if options.output is None:
        print_json(plain(drawn.data))
    else:
        _write(options.output, drawn)
    return 0


def _write(file: Path, drawn: Drawn) -> None:
    match file.suffix:
        case ".json":
            file.write_text(json.dumps(plain(drawn.data), indent=2) + "\n", encoding="utf-8")
        case ".csv":
            # Spreadsheets take a file without this mark for one of another encoding.
            file.write_text(drawn.rows or "", encoding="utf-8-sig", newline="")
        case ".pdf":
            file.write_bytes(render_pdf(render_paper(drawn.paper)))
        case _:
            file.write_text(render_paper(drawn.paper), encoding="utf-8")


async def _drawn(options: argparse.Namespace) -> Drawn:
    async with opened_store(options.config) as (configuration, store):
        return await _STEPS[options.step](Papers(store, _book(configuration)), options)


def _book(configuration: Configuration) -> Book:
    settings, policies = settings_of(configuration), policies_of(configuration)

    @cache
    def lists() -> Generation:
        active = read_active(configuration, files_of(configuration))
        if active.problem is not None:
            raise InputError(f"the lists cannot be read: {active.problem}")
        return Generation.of(active.snapshot, settings, active.clocks)

    return Book(
        policies=policies,
        lists=lists,
        settings=settings,
        register=register_of(configuration),
    )


async def _case(papers: Papers, options: argparse.Namespace) -> Drawn:
    paper = await papers.case_file(local_actor(login_name()), options.case, explain=True)
    if paper is None:
        raise InputError(f"there is no case `{options.case}`; `kyc-gate cases list --state all` shows them")
    return Drawn(paper, paper)


async def _blocking(papers: Papers, options: argparse.Namespace) -> Drawn:
    paper = await papers.blocking(local_actor(login_name()), options.decision)
    if paper is None:
        raise InputError(f"there is no decision `{options.decision}` on record")
    return Drawn(paper, paper)


async def _remote_users(papers: Papers, _: argparse.Namespace) -> Drawn:
    paper, listed = await papers.remote_users(local_actor(login_name()))
    return Drawn(paper, paper, render_csv(HEADER, (row.cells for row in listed)))


async def _procedures(papers: Papers, _: argparse.Namespace) -> Drawn:
    paper = await papers.procedures(local_actor(login_name()))
    return Drawn(paper, paper)


async def _training_run(papers: Papers, options: argparse.Namespace) -> Drawn:
    report = await papers.training_run(local_actor(login_name()), options.party, days=options.days)
    return Drawn(report.paper(), report)


_STEPS: dict[str, Callable[[Papers, argparse.Namespace], Awaitable[Drawn]]] = {
    "case": _case,
    "blocking": _blocking,
    "remote-users": _remote_users,
    "procedures": _procedures,
    "training-run": _training_run,
}
