"""`kyc-gate ledger show`: what each control group has used in the window."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kyc_gate.cli.output import add_json, print_json, print_table
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.model.record import plain
from kyc_gate.model.usage import Usage
from kyc_gate.storage.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    show = steps.add_parser("show", help="show operations per control group", allow_abbrev=False)
    show.add_argument(
        "groups", metavar="GROUP", nargs="*", help="control groups (default: all that asked for anything)"
    )
    show.add_argument("--days", type=int, help="over this many days (default: `compute.window_days`)")
    add_config(show)
    add_json(show)


def run(options: argparse.Namespace) -> int:
    """Show the usage of each control group."""
    usages = asyncio.run(_usages(options))
    if options.json:
        for usage in usages:
            print_json(plain(usage))
        return 0
    rows = [
        (usage.control_group, str(usage.accounts), f"{Decimal(usage.likely):.3e}", f"{Decimal(usage.high):.3e}")
        for usage in usages
    ]
    print_table(("control group", "accounts", "likely operations", "ceiling"), rows)
    return 0


async def _usages(options: argparse.Namespace) -> list[Usage]:
    async with opened_store(options.config) as (configuration, store):
        days = options.days or configuration.compute.window_days
        since = datetime.now(UTC) - timedelta(days=days)
        found = [await store.fetch_usage(group, since) for group in options.groups or await _groups(store)]
    return sorted((usage for usage in found if usage), key=lambda usage: -usage.likely)


async def _groups(store: Store) -> list[str]:
    """Return every control group that a decision on record names."""
    groups = set()
    async for record in store.records():
        facts = record.get("facts")
        if isinstance(facts, dict) and facts.get("control_group"):
            groups.add(str(facts["control_group"]))
    return sorted(groups)
