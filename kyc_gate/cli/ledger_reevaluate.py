"""`kyc-gate ledger reevaluate`: every run that goes on, decided again."""

from __future__ import annotations

import argparse
import asyncio

from kyc_gate.cli.output import add_json, print_json
from kyc_gate.cli.state import add_config
from kyc_gate.model.record import plain
from kyc_gate.service.build import gate_parts
from kyc_gate.service.config import read_configuration
from kyc_gate.service.gate import Gate
from kyc_gate.service.runs import Reevaluated


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    add_config(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Decide again on every run that goes on."""
    gate = Gate(**gate_parts(read_configuration(options.config)))
    found = asyncio.run(_reevaluated(gate))
    if options.json:
        print_json(plain(found))
        return 0
    print(f"{found.runs} runs go on, {found.waiting} would wait now, {len(found.cases)} cases opened")
    for case_id in found.cases:
        print(f"  {case_id}")
    return 0


async def _reevaluated(gate: Gate) -> Reevaluated:
    async with gate:
        return await gate.reevaluate()
