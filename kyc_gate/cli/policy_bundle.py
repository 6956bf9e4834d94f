"""`kyc-gate policy bundle`: policies, what they extend and the shared data packed as one file."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from kyc_gate.cli.bundles import tell_bundle
from kyc_gate.cli.output import UsageError, add_json
from kyc_gate.cli.policies import policy_folder
from kyc_gate.feeds.policy_bundle import bundle_bytes, pack_policies, sign_bundle
from kyc_gate.feeds.signature import private_key_of
from kyc_gate.service.policy_source import require_cases


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("folders", metavar="DIR", nargs="+", help="policies that decide, in order")
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="the bundle to write")
    parser.add_argument("--version", metavar="N", type=int, required=True, help="higher than every one before")
    parser.add_argument("--effective", metavar="TIME", help="not to become active before this, with an offset")
    parser.add_argument("--about", metavar="TEXT", default="", help="what changes, in a line")
    parser.add_argument("--key", metavar="PEM", type=Path, action="append", default=[], help="sign with this key, too")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Write the bundle, if every policy reads and every case beside one passes."""
    folders = [policy_folder(name) for name in options.folders]
    for folder in folders:
        require_cases(folder)
    bundle = pack_policies(
        folders,
        version=options.version,
        created=datetime.now(UTC).replace(microsecond=0),
        effective=_moment(options.effective),
        about=options.about,
    )
    for key in options.key:
        bundle = sign_bundle(bundle, private_key_of(key))
    options.output.write_bytes(bundle_bytes(bundle))
    tell_bundle(bundle, tuple(sorted(bundle.signatures)), wants_json=options.json)
    return 0


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"`--effective` is `{text}`; write it as 2026-12-01T00:00:00Z") from error
    if found.tzinfo is None:
        raise UsageError(f"`--effective` is `{text}`, without an offset; write 2026-12-01T00:00:00Z")
    return found
