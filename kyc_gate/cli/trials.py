"""What the steps about candidates share: the candidate that a command line names."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from kyc_gate.cli.policies import policy_folder
from kyc_gate.feeds.policy_bundle import PolicyBundle, pack_policies, read_policy_bundle
from kyc_gate.service.candidates import fit
from kyc_gate.service.config import Configuration


def add_candidate(parser: argparse.ArgumentParser) -> None:
    """Add the candidate: a bundle, or folders."""
    parser.add_argument("candidate", metavar="BUNDLE|DIR", nargs="+", help="a bundle, or folders of policies")


def read_candidate(names: list[str], configuration: Configuration, *, decides: bool) -> PolicyBundle:
    """Return the candidate, fit to stand beside the configured policies. Raises `KYCGateError`."""
    if len(names) == 1 and Path(names[0]).is_file():
        bundle = read_policy_bundle(Path(names[0]).read_bytes())
    else:
        bundle = pack_policies([policy_folder(name) for name in names], version=1, created=datetime.now(UTC))
    return fit(bundle, configuration, decides=decides)
