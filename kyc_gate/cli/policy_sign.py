"""`kyc-gate policy sign`: one more signature for a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from kyc_gate.cli.bundles import tell_bundle
from kyc_gate.cli.output import add_json
from kyc_gate.feeds.policy_bundle import bundle_bytes, read_policy_bundle, sign_bundle
from kyc_gate.feeds.signature import private_key_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("bundle", metavar="BUNDLE", type=Path)
    parser.add_argument("--key", metavar="PEM", type=Path, required=True, help="a private Ed25519 key")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Sign, and put the bundle back in its place whole."""
    bundle = sign_bundle(read_policy_bundle(options.bundle.read_bytes()), private_key_of(options.key))
    partial = options.bundle.with_name(f".{options.bundle.name}.signing")
    partial.write_bytes(bundle_bytes(bundle))
    partial.replace(options.bundle)
    tell_bundle(bundle, tuple(sorted(bundle.signatures)), wants_json=options.json)
    return 0
