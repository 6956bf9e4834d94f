"""`kyc-gate ledger expire`: a hold lapses whose outcome nobody will ever know."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime

from kyc_gate.cli.cases import login_name
from kyc_gate.cli.output import add_json, print_json
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import InputError
from kyc_gate.model.record import plain
from kyc_gate.model.usage import HoldState, MeteredRun


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("hold", metavar="HOLD", help="the hold's id, or that of the decision which let its run through")
    parser.add_argument("--because", metavar="WHY", required=True, help="how it is known that nothing runs for it")
    add_config(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Let the hold lapse."""
    lapsed = asyncio.run(_lapsed(options))
    if options.json:
        print_json(plain(lapsed))
    else:
        print(f"{lapsed.hold_id} of {lapsed.account} counts no more")
    return 0


async def _lapsed(options: argparse.Namespace) -> MeteredRun:
    async with opened_store(options.config) as (_, store):
        run = await store.fetch_run(options.hold)
        if run is None:
            raise InputError(f"there is no hold `{options.hold[:80]}`; give a hold's id, or that of its decision")
        if not await store.expire(run.hold_id, by=login_name(), because=options.because, at=datetime.now(UTC)):
            raise InputError(_still(run))
        return await store.fetch_run(run.hold_id) or run


def _still(run: MeteredRun) -> str:
    if run.state is HoldState.SETTLED:
        return f"`{run.hold_id}` runs, as the cloud said; its end is told with `POST /v1/runs/{run.hold_id}/finish`"
    return f"`{run.hold_id}` is {run.state.value}, and counts no more"
