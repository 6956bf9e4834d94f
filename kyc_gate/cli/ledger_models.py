"""`kyc-gate ledger models`: the models that runs said they make, with all that each was trained with."""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal

from kyc_gate.cli.output import add_json, print_json, print_table
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.compute.registry import declared_models
from kyc_gate.model.record import plain
from kyc_gate.model.run import DeclaredRun


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    add_config(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """List the models."""
    models = declared_models(asyncio.run(_declared(options)))
    if options.json:
        for model in models:
            print_json(plain(model))
        return 0
    rows = [
        (
            model.control_group or "",
            model.name,
            str(len(model.runs)),
            f"{Decimal(model.least):.3e}" if model.operations is not None else f"over {Decimal(model.least):.3e}",
            model.base.name if model.base else "",
        )
        for model in models
    ]
    print_table(("control group", "model", "runs", "operations", "base"), rows)
    return 0


async def _declared(options: argparse.Namespace) -> tuple[DeclaredRun, ...]:
    async with opened_store(options.config) as (_, store):
        return await store.fetch_declared_runs()
