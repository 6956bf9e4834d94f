"""What the steps about bundles share: who may sign, and a bundle told in a few lines."""

from __future__ import annotations

import argparse

from kyc_gate.cli.output import UsageError, print_json
from kyc_gate.feeds.policy_bundle import PolicyBundle
from kyc_gate.model.record import plain
from kyc_gate.service.config import read_configuration


def add_trusted(step: argparse.ArgumentParser) -> None:
    """Add the options that say who must have signed."""
    step.add_argument("--config", metavar="FILE", help="the configuration with `policy.keys`")
    step.add_argument("--public-key", metavar="KEY", action="append", default=[], help="a key that may sign, base64")
    step.add_argument("--signatures", metavar="N", type=int, help="how many different keys must have signed")


def trusted(options: argparse.Namespace) -> tuple[tuple[str, ...], int]:
    """Return the keys that may sign, and how many must have. Raises `UsageError` where no key is given."""
    configured = read_configuration(options.config).policy if options.config else None
    keys = (*options.public_key, *(configured.keys if configured else ()))
    if not keys:
        raise UsageError("give `--public-key KEY`, or `--config FILE` with `policy.keys`")
    least = options.signatures or (configured.signatures if configured else 1)
    return keys, least


def tell_bundle(bundle: PolicyBundle, signers: tuple[str, ...], *, wants_json: bool) -> None:
    """Print a bundle: version, digest, dates and signers."""
    manifest = bundle.manifest
    if wants_json:
        told = {name: value for name, value in plain(manifest).items() if name not in ("files", "format")}
        print_json({"digest": bundle.digest, **told, "files": len(manifest.files), "signers": list(signers)})
        return
    print(f"version {manifest.version}: {', '.join(manifest.policies)}")
    print(f"  digest    {bundle.digest}")
    print(f"  created   {manifest.created.isoformat()}")
    if manifest.effective:
        print(f"  effective {manifest.effective.isoformat()}")
    print(f"  signed by {', '.join(signers) or 'nobody'}")
