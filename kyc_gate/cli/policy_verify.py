"""`kyc-gate policy verify`: a bundle checked as the gate checks it."""

from __future__ import annotations

import argparse
from pathlib import Path

from kyc_gate.cli.bundles import add_trusted, tell_bundle, trusted
from kyc_gate.cli.output import add_json
from kyc_gate.feeds.policy_bundle import read_policy_bundle, require_signers
from kyc_gate.service.policy_source import bundled_policies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("bundle", metavar="BUNDLE", type=Path)
    add_trusted(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Say who signed the bundle. Whatever is wrong with it is an error, and the status 1."""
    keys, least = trusted(options)
    bundle = read_policy_bundle(options.bundle.read_bytes())
    signers = require_signers(bundle, keys, least)
    bundled_policies(bundle)
    tell_bundle(bundle, signers, wants_json=options.json)
    return 0
