"""`kyc-gate notify`: what waits to be told, and dead letters sent again."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime

from kyc_gate.cli.output import add_json, print_json
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import InputError
from kyc_gate.model.outbox import Backlog
from kyc_gate.model.record import plain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    status = steps.add_parser("status", help="count what waits and what is dead, by receiver", allow_abbrev=False)
    replay = steps.add_parser("replay", help="send a receiver's dead letters again", allow_abbrev=False)
    replay.add_argument("--receiver", required=True, metavar="NAME", help="the receiver")
    for step in (status, replay):
        add_config(step)
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Do the step."""
    return asyncio.run(_run(options))


async def _run(options: argparse.Namespace) -> int:
    async with opened_store(options.config) as (configuration, store):
        known = [receiver.name for receiver in configuration.notify.receivers]
        if options.step == "replay":
            if options.receiver not in known:
                raise InputError(f"`--receiver {options.receiver}`: the receivers are {', '.join(known) or 'none'}")
            again = await store.replay_events(options.receiver, datetime.now(UTC))
            print_json({"receiver": options.receiver, "replayed": again})
            return 0
        found = {each.receiver: each for each in await store.fetch_backlogs()}
        for name in sorted({*known, *found}):
            print_json({**plain(found.get(name, Backlog(receiver=name))), "configured": name in known})
    return 0
