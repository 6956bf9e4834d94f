"""`kyc-gate policy keygen`: a key to sign bundles with."""

from __future__ import annotations

import argparse
import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kyc_gate.cli.output import add_json, print_json
from kyc_gate.errors import InputError
from kyc_gate.feeds.policy_bundle import key_id


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="the private key to write, as PEM")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Write a private key that only its owner may read, and print the public one."""
    key = Ed25519PrivateKey.generate()
    try:
        handle = os.open(options.output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise InputError(f"`{options.output}` is there already; a key is never overwritten") from error
    with os.fdopen(handle, "wb") as stream:
        stream.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")
    if options.json:
        print_json({"key": key_id(key.public_key()), "public_key": public, "file": str(options.output)})
    else:
        print(public)
    return 0
