"""Policies as commands name them: by folder, by the name of a shipped one, or in a bundle."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from kyc_gate.cli.output import UsageError, complain
from kyc_gate.feeds.policy_bundle import PolicyBundle, read_policy_bundle, require_signers, unpack
from kyc_gate.policy.read import shipped_policies

KEYS = "KYC_GATE_POLICY_KEYS"
"""The variable of the environment that names a file of public keys, one a line: who may sign what commands read."""


def policy_folder(name: str) -> Path:
    """Return the folder `name`, the shipped policy of that name, or the one policy of a bundle.

    `BUNDLE:NAME` names one policy of several. Raises `FeedFault` for a bundle that does not verify.
    """
    found = policy_folders(name)
    if len(found) > 1:
        names = ", ".join(f"{name}:{folder.name}" for folder in found)
        raise UsageError(f"`{name}` holds several policies; name one: {names}")
    return found[0]


def policy_folders(name: str) -> list[Path]:
    """Return the folders that `name` stands for: one, or every policy of a bundle."""
    shipped = shipped_policies() / name
    if not Path(name).exists() and shipped.is_dir():
        return [shipped]
    file, _, wanted = (name, "", "") if Path(name).exists() else name.rpartition(":")
    if not file or not Path(file).is_file():
        return [Path(name)]
    bundle = read_policy_bundle(Path(file).read_bytes())
    _require_signed(bundle, file)
    root = Path(tempfile.mkdtemp(prefix="kyc-gate-bundle-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    unpack(bundle, root)
    found = [root / each for each in bundle.manifest.policies if wanted in ("", each)]
    if not found:
        raise UsageError(f"`{file}` holds no policy `{wanted}`; it holds {', '.join(bundle.manifest.policies)}")
    return found


def _require_signed(bundle: PolicyBundle, file: str) -> None:
    """Check the signatures by the keys of the environment. Without keys say so: the files are whole, and no more."""
    named = os.environ.get(KEYS)
    if named is None:
        complain(f"`{file}` is whole; who signed it is not checked without `{KEYS}`, see `kyc-gate policy verify`")
        return
    lines = Path(named).read_text(encoding="utf-8").splitlines()
    require_signers(bundle, [line.strip() for line in lines if line.strip() and not line.startswith("#")], 1)


def shipped() -> list[Path]:
    """Return the folders of the shipped policies."""
    return sorted(folder.parent for folder in shipped_policies().glob("*/policy.toml"))
