"""`kyc-gate policy pull`: a bundle fetched if it changed, and verified before it takes its place."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from kyc_gate.cli.bundles import add_trusted, trusted
from kyc_gate.cli.output import UsageError, add_json, print_json
from kyc_gate.cli.retries import tell_retries
from kyc_gate.feeds.policy_pull import pull_bundle
from kyc_gate.model.record import plain
from kyc_gate.service.config import read_configuration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--output", metavar="FILE", type=Path, help="where to put it (default: `policy.bundle`)")
    parser.add_argument("--unsafe-older", action="store_true", help="take a version before the one that is there")
    add_trusted(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Fetch, verify and put in place; a running gate takes it up from there."""
    keys, least = trusted(options)
    output = options.output
    if output is None:
        configuration = read_configuration(options.config) if options.config else None
        if configuration is None or configuration.policy.bundle is None:
            raise UsageError("give `--output FILE`, or `--config FILE` with `policy.bundle`")
        output = configuration.path(configuration.policy.bundle)
    tell_retries()
    pulled = asyncio.run(
        pull_bundle(options.url, output, keys=keys, signatures=least, unsafe_older=options.unsafe_older)
    )
    if options.json:
        print_json(plain(pulled))
    else:
        what = "new" if pulled.changed else "unchanged"
        print(f"{output}: {what}, version {pulled.version}, signed by {', '.join(pulled.signers)}")
    return 0
