"""`kyc-gate policy rollout`: a candidate that decides for a part of the parties, and for more of them step by step."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from kyc_gate.cli.output import UsageError, add_json, for_people, print_json, printable
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.cli.trials import add_candidate, read_candidate
from kyc_gate.errors import InputError, KYCGateError
from kyc_gate.service.candidates import begin, going_on, keep, refit
from kyc_gate.service.config import Configuration
from kyc_gate.service.trials import ROLLOUT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    steps = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    starting = steps.add_parser("start", help="let a candidate decide for a part of the parties", allow_abbrev=False)
    add_candidate(starting)
    advancing = steps.add_parser("advance", help="let it decide for more of them", allow_abbrev=False)
    showing = steps.add_parser("status", help="tell what is rolled out", allow_abbrev=False)
    for step in (starting, advancing):
        step.add_argument("--percent", metavar="P", type=float, required=True, help="0 to 100, two decimals")
    for step in (starting, advancing, showing):
        add_config(step)
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Start, advance or show."""
    found = asyncio.run({"start": _start, "advance": _advance, "status": _status}[options.what](options))
    problem = found.get("problem")
    if not for_people(options.json):
        print_json(found)
        return 1 if problem else 0
    told = f"{found['id']}: {', '.join(found['policies'])} for {found['percent']:g} % of the parties"
    if problem:
        print(printable(f"{told}, but gates refuse it: {problem}"))
        return 1
    print(printable(f"{told}; every gate follows within {found['within_seconds']:g} seconds"))
    return 0


def _percent(options: argparse.Namespace) -> float:
    percent: float = options.percent
    if not 0 < percent <= 100:
        raise UsageError(f"`--percent` is {percent:g}; it is above 0 and at most 100")
    return percent


async def _start(options: argparse.Namespace) -> dict[str, Any]:
    percent = _percent(options)
    async with opened_store(options.config, create=True) as (configuration, store):
        bundle = read_candidate(options.candidate, configuration, decides=True)
        return _timed(await begin(store, ROLLOUT, bundle, percent=percent), configuration)


async def _advance(options: argparse.Namespace) -> dict[str, Any]:
    percent = _percent(options)
    async with opened_store(options.config) as (configuration, store):
        state = await going_on(store, ROLLOUT)
        if percent < state["percent"]:
            raise InputError(f"it decides for {state['percent']:g} % already; `kyc-gate policy rollback` takes it back")
        await refit(store, state, configuration)
        state = {**state, "percent": percent}
        await keep(store, ROLLOUT, state, "rollout.advanced")
        return _timed(state, configuration)


async def _status(options: argparse.Namespace) -> dict[str, Any]:
    async with opened_store(options.config) as (configuration, store):
        state = _timed(await going_on(store, ROLLOUT), configuration)
        try:
            await refit(store, state, configuration)
        except KYCGateError as error:
            return {**state, "problem": "; ".join(str(error).splitlines())}
        return {**state, "problem": None}


def _timed(state: dict[str, Any], configuration: Configuration) -> dict[str, Any]:
    """Return the state with the seconds within which every gate follows it."""
    return {**state, "within_seconds": configuration.policy.watch_seconds}
