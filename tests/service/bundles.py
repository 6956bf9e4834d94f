"""A gate whose policies stand in files that a test changes."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kyc_gate.feeds.policy_bundle import PolicyBundle, bundle_bytes, pack_policies, sign_bundle
from kyc_gate.model.record import canonical_bytes
from kyc_gate.policy.read import shipped_policies

from .conftest import ACCOUNTS, PARTIES

MADE = datetime(2026, 11, 1, tzinfo=UTC)
KEYS = tuple(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(bytes([each])).digest()) for each in range(3))
PUBLIC = tuple(base64.b64encode(key.public_key().public_bytes_raw()).decode() for key in KEYS)

RULE = """
[[rule]]
id = "no-norway"
title = "Norway is closed"
when = 'customer.headquarters == "NO"'
then = "block"
cites = ["US-AIDR-01"]
status = "operator"
because = "{customer.name} is Norwegian"
"""

HEAD = """
[policy]
name = "own"
revision = 1
about = "An operator's own."
status = "operator"
extends = ["../gate-base"]
"""

MACAU = RULE.replace("no-norway", "no-macau").replace('"NO"', '"MO"').replace("Norway", "Macau")


def write_policy(folder: Path, text: str = HEAD + MACAU, cases: str = "") -> Path:
    """An operator's policy `own` beside the shipped base and data. Each file is put in place whole."""
    for name in ("gate-base", "data"):
        if not (folder / name).exists():
            shutil.copytree(shipped_policies() / name, folder / name)
    own = folder / "own"
    own.mkdir(exist_ok=True)
    put(own / "policy.toml", text)
    if cases:
        put(own / "policy.cases.toml", cases)
    return own


def put(file: Path, text: str | bytes) -> None:
    """Write a file as careful tools do: beside it first, then in its place."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_bytes(text if isinstance(text, bytes) else text.encode())
    beside.replace(file)


def bundle(folder: Path, version: int, *signing: int, text: str = HEAD + MACAU, **more: object) -> PolicyBundle:
    """The policy as a bundle, signed by the keys of these numbers."""
    made = pack_policies([write_policy(folder, text)], version=version, created=MADE, **more)  # type: ignore[arg-type]
    for number in signing:
        made = sign_bundle(made, KEYS[number])
    return made


def configure(folder: Path, policy: str = "", *, gate: str = 'policies = ["policies/own"]') -> Path:
    """A configuration with the sample parties, and a list of one entry."""
    lines = {"parties": PARTIES, "accounts": ACCOUNTS}
    for name, records in lines.items():
        (folder / f"{name}.jsonl").write_bytes(b"\n".join(canonical_bytes(each) for each in records))
    entry = {"id": "1", "name": "Sealed Machinery Works", "list": "SDN", "kind": "company"}
    (folder / "list.jsonl").write_text(json.dumps(entry))
    file = folder / "kyc-gate.toml"
    file.write_text(
        f"""
[gate]
{gate}
decision_seconds = 20

[directory]
parties = ["parties.jsonl"]
accounts = ["accounts.jsonl"]

[lists]
files = ["list.jsonl"]
folder = "lists"

[policy]
watch_seconds = 0.02
{policy}
"""
    )
    return file


def keys(*numbers: int) -> str:
    """The setting that names public keys."""
    return f"keys = {json.dumps([PUBLIC[each] for each in numbers])}"


def bundled(folder: Path, made: PolicyBundle) -> None:
    """Put a bundle where the configuration looks for it."""
    put(folder / "policies.zip", bundle_bytes(made))
