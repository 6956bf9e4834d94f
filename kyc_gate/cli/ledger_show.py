"""`kyc-gate ledger show`: what control groups have used, and when they will reach the lines of the policies."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from kyc_gate.cli.output import UsageError, add_json, print_json, print_table
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import InputError
from kyc_gate.model.record import plain
from kyc_gate.model.usage import Usage
from kyc_gate.ownership.control_groups import control_group
from kyc_gate.policy.shaping import window_days
from kyc_gate.reports.picture import render_png
from kyc_gate.reports.projection import Line, crossing_said
from kyc_gate.reports.sparkline import sparkline
from kyc_gate.service.group_usage import GroupUsage, draw_usage, group_usage
from kyc_gate.service.policy_source import policies_of
from kyc_gate.storage.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument(
        "names", metavar="PARTY", nargs="*", help="parties or control groups (default: all that asked for anything)"
    )
    parser.add_argument("--days", type=int, help="over this many days (default: the window of decisions)")
    parser.add_argument(
        "--chart", metavar="FILE", type=Path, help="draw one party's operations against the lines (.svg or .png)"
    )
    add_config(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Show the usage of each control group."""
    if options.chart is not None and (len(options.names) != 1 or options.chart.suffix not in (".svg", ".png")):
        raise UsageError("`--chart` takes one party and a file that ends in .svg or .png")
    shown = asyncio.run(_shown(options))
    if options.chart is not None:
        _draw(shown[0], options.chart)
    if options.json:
        for each in shown:
            print_json(_told(each))
    elif options.names:
        for each in shown:
            _print_group(each)
    else:
        _print_groups(shown)
    return 0


async def _shown(options: argparse.Namespace) -> list[GroupUsage]:
    async with opened_store(options.config) as (configuration, store):
        now = datetime.now(UTC)
        policies = policies_of(configuration)
        days = options.days or window_days(policies, configuration.compute.window_days)
        names = await _names(store, options.names)
        found = [await group_usage(store, name, policies, days=days, now=now) for name in names]
        shown = [each for each in found if each is not None]
    if options.names and len(shown) < len(options.names):
        raise InputError(
            "the ledger holds nothing in the window for some of the names; `kyc-gate ledger show` lists all"
        )
    return sorted(shown, key=lambda each: -each.usage.likely)


async def _names(store: Store, names: list[str]) -> list[str]:
    """Return the control groups of parties, or names that are groups already; without names, every group."""
    if not names:
        return list(await store.fetch_groups())
    parties = {party.id: party for party in await store.fetch_parties()}
    return [control_group(parties[name], parties) if name in parties else name for name in names]


def _told(shown: GroupUsage) -> dict[str, object]:
    crossings = [
        {**plain(found), "line": found.line.name, "operations": found.line.operations} for found in shown.crossings
    ]
    return {**plain(shown.usage), "days": plain(shown.days), "lines": crossings}


def _print_groups(shown: list[GroupUsage]) -> None:
    rows = [
        (
            each.usage.control_group,
            str(each.usage.accounts),
            _amount(each.usage.likely),
            _amount(each.usage.high),
            sparkline(each.days, since=each.since, until=each.today),
        )
        for each in shown
    ]
    print_table(("control group", "accounts", "likely operations", "ceiling", "over the window"), rows)


def _print_group(shown: GroupUsage) -> None:
    usage = shown.usage
    print_table(
        (usage.control_group, f"{shown.since} to {shown.today}"),
        [
            ("accounts", str(usage.accounts)),
            ("likely operations", _amount(usage.likely)),
            ("ceiling", _amount(usage.high)),
            ("over the window", sparkline(shown.days, since=shown.since, until=shown.today, width=48)),
        ],
    )
    print()
    rows = [
        (found.line.name, f"{Decimal(found.line.operations):.2e}", _share(usage, found.line), crossing_said(found))
        for found in shown.crossings
    ]
    print_table(("line", "operations", "used", "at the pace of four weeks, or of what goes on"), rows)
    print()
    past = [each for each in shown.days if each.day <= shown.today]
    busiest = sorted(sorted(past, key=lambda each: -each.likely)[:10], key=lambda each: each.day)
    print_table(
        ("busiest days", "likely operations", "ceiling"),
        [(str(each.day), _amount(each.likely), _amount(each.high)) for each in busiest],
    )


def _amount(operations: int) -> str:
    return f"{Decimal(operations):.3e}" if operations else "0"


def _share(usage: Usage, line: Line) -> str:
    return f"{100 * usage.likely / line.operations:.2f} %"


def _draw(shown: GroupUsage, file: Path) -> None:
    """Write the chart. Raises `InputError` for a PNG where no renderer or font is installed."""
    svg = draw_usage(shown)
    file.write_bytes(render_png(svg) if file.suffix == ".png" else svg.encode("utf-8"))
