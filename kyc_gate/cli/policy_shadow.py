"""`kyc-gate policy shadow`: a candidate that is asked about every decision, and decides none."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from kyc_gate.cli.output import add_json, for_people, print_json, printable
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.cli.trials import add_candidate, read_candidate
from kyc_gate.model.record import plain
from kyc_gate.service.candidates import begin, going_on, keep
from kyc_gate.service.shadow_report import shadow_report
from kyc_gate.service.trials import SHADOW

_SHOWN = ("id", "decided", "differed", "failed", "days", "changes", "rules", "examples")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    steps = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    starting = steps.add_parser("start", help="ask a candidate about every decision from now on", allow_abbrev=False)
    add_candidate(starting)
    stopping = steps.add_parser("stop", help="ask it no more", allow_abbrev=False)
    reporting = steps.add_parser("report", help="tell where it decides otherwise", allow_abbrev=False)
    reporting.add_argument("--id", help="a shadow that ended (default: the one that goes on)")
    for step in (starting, stopping, reporting):
        add_config(step)
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Start, stop or report; the status of a report is as for `diff`."""
    found = asyncio.run({"start": _start, "stop": _stop, "report": _report}[options.what](options))
    if for_people(options.json):
        for line in _told(found):
            print(printable(line))
    else:
        print_json(found)
    return int(found.get("status", 0))


async def _start(options: argparse.Namespace) -> dict[str, Any]:
    async with opened_store(options.config, create=True) as (configuration, store):
        return await begin(store, SHADOW, read_candidate(options.candidate, configuration, decides=False))


async def _stop(options: argparse.Namespace) -> dict[str, Any]:
    async with opened_store(options.config) as (_, store):
        state = await going_on(store, SHADOW)
        await keep(store, SHADOW, None, "shadow.ended", id=state["id"])
        return {**state, "ended": True}


async def _report(options: argparse.Namespace) -> dict[str, Any]:
    async with opened_store(options.config) as (_, store):
        id = options.id or (await going_on(store, SHADOW))["id"]
        report = await shadow_report(store, id)
    told = plain(report)
    return {**{name: told[name] for name in _SHOWN}, "status": report.status}


def _told(found: dict[str, Any]) -> list[str]:
    if "decided" not in found:
        return [f"{found['id']}: {', '.join(found['policies'])} ({'ended' if found.get('ended') else 'begun'})"]
    lines = [
        f"{found['id']}: {found['differed']:,} of {found['decided']:,} decisions differ, {found['failed']:,} failed"
    ]
    lines += [f"  {change}: {number:,}" for change, number in found["changes"].items()]
    lines += [f"  rule {rule}: {number:,}" for rule, number in found["rules"].items()]
    return [*lines, *(f"  {each['decision_id']}: {each['old']} -> {each['new']}" for each in found["examples"])]
