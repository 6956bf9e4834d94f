"""`kyc-gate policy fmt`: policy and case files in one layout."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from kyc_gate.cli.output import UsageError, add_json, print_json, printable
from kyc_gate.cli.policies import policy_folder, shipped
from kyc_gate.errors import InputError
from kyc_gate.policy.layout import laid_out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument(
        "folders", metavar="DIR", nargs="*", help="policy folders (default, with `--check`: the shipped policies)"
    )
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a file is laid out otherwise")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Lay out the files of each policy; with `--check` the status is 1 where one is laid out otherwise."""
    if not options.folders and not options.check:
        raise UsageError("name the folders to lay out; only `--check` goes without")
    otherwise = 0
    for folder in [policy_folder(name) for name in options.folders] or shipped():
        paths = sorted(folder.glob("*.toml"))
        if not paths:
            raise InputError(f"there is no policy file in `{folder}`")
        for path in paths:
            text = path.read_bytes().decode()
            written = laid_out(text, f"{folder.name}/{path.name}")
            if written == text:
                continue
            otherwise += 1
            if not options.check:
                _replace(path, written)
            if options.json:
                print_json({"file": str(path), "changed": not options.check})
            else:
                print(printable(f"{path}: {'is laid out otherwise' if options.check else 'laid out'}"))
    return 1 if options.check and otherwise else 0


def _replace(path: Path, text: str) -> None:
    """Put a whole new file in the place of the old one, so that no reader sees half of it."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    os.chmod(beside, path.stat().st_mode & 0o777)
    beside.replace(path)
