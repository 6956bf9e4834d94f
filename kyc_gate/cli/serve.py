"""`kyc-gate serve`: the gateway in front of the upstreams, and the decision API on a port of its own."""

from __future__ import annotations

import argparse
import asyncio

from kyc_gate.cli.output import print_json
from kyc_gate.cli.state import add_config
from kyc_gate.gateway.serve import Addresses, serve
from kyc_gate.service.build import gate_parts
from kyc_gate.service.config import read_configuration
from kyc_gate.service.gate import Gate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_config(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; with `--json`, print the addresses once every port is taken."""
    configuration = read_configuration(options.config)
    gate = Gate(**gate_parts(configuration))
    asyncio.run(serve(gate, configuration, ready=_told if options.json else None))
    return 0


def _told(addresses: Addresses) -> None:
    told = {
        "gateway": addresses.gateway,
        "api": addresses.api,
        "broker": addresses.broker,
        "webhook": addresses.webhook,
    }
    print_json({name: address for name, address in told.items() if address})
