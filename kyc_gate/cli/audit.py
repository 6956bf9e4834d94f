"""`kyc-gate audit`: the chain of records, verified and exported."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from typing import TextIO

from kyc_gate.audit.verify import Verified, Walk, verify
from kyc_gate.cli.lines import numbered_rows
from kyc_gate.cli.output import UsageError, add_json, print_json
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import ChainBroken, InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    verifying = steps.add_parser("verify", help="verify every record and every link", allow_abbrev=False)
    verifying.add_argument("--input", metavar="FILE", help="verify an exported file instead of the store")
    verifying.add_argument("--config", metavar="FILE", help="the configuration file, such as kyc-gate.toml")
    verifying.add_argument("--head", metavar="HASH", help="a hash noted earlier, which the chain must pass through")
    exporting = steps.add_parser("export", help="write the records, one JSON object a line", allow_abbrev=False)
    exporting.add_argument("--output", metavar="FILE", help="write to this new file (default: standard output)")
    add_config(exporting)
    for step in (verifying, exporting):
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Do the step."""
    return _verify(options) if options.step == "verify" else _export(options)


def _verify(options: argparse.Namespace) -> int:
    if (options.input is None) == (options.config is None):
        raise UsageError("give `--config FILE` or `--input FILE`")
    try:
        verified = (
            verify(_exported(options.input), expected_head=options.head)
            if options.input
            else asyncio.run(_verify_store(options.config, options.head))
        )
    except ChainBroken as error:
        if options.json:
            print_json({"verified": False, "error": str(error)})
        raise
    if options.json:
        print_json({"verified": True, "records": verified.records, "head": verified.head})
    else:
        print(f"{verified.records} records verify; head {verified.head}")
    return 0


def _exported(source: str) -> Iterator[dict[str, object]]:
    for number, read in numbered_rows(source, exact=False):
        try:
            yield read()
        except InputError as error:
            raise ChainBroken(f"`{source}` line {number}: {error}") from error


async def _verify_store(config: str, head: str | None) -> Verified:
    walk = Walk(expected_head=head)
    async with opened_store(config) as (_, store):
        async for record in store.records():
            walk.take(record)
    return walk.end()


def _export(options: argparse.Namespace) -> int:
    """Write the records as they are chained. A file that exists is not written over."""
    if options.output is None:
        asyncio.run(_write(options.config, sys.stdout))
        return 0
    with open(options.output, "x", encoding="ascii") as out:
        asyncio.run(_write(options.config, out))
    return 0


async def _write(config: str, out: TextIO) -> None:
    async with opened_store(config) as (_, store):
        async for record in store.records():
            print(json.dumps(record, ensure_ascii=True, allow_nan=False), file=out)
