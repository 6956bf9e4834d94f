"""`kyc-gate policy rollback`: a rollout taken back, for every party at the same time."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from kyc_gate.cli.output import add_json, for_people, print_json, printable
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.service.candidates import going_on, keep
from kyc_gate.service.trials import ROLLOUT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    add_config(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """End the rollout; every gate hears of it within `policy.watch_seconds`."""
    found = asyncio.run(_ended(options))
    if for_people(options.json):
        within = f"within {found['within_seconds']:g} seconds, at every gate"
        print(printable(f"{found['id']}: taken back; the active policies decide for every party {within}"))
    else:
        print_json(found)
    return 0


async def _ended(options: argparse.Namespace) -> dict[str, Any]:
    async with opened_store(options.config) as (configuration, store):
        state = await going_on(store, ROLLOUT)
        await keep(store, ROLLOUT, None, "rollout.taken-back", id=state["id"])
        return {**state, "percent": 0.0, "within_seconds": configuration.policy.watch_seconds}
