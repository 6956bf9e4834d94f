"""`kyc-gate ledger import`: runs that are over, as the provider's events tell."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from kyc_gate.adapters.aws.events import endings_of
from kyc_gate.adapters.strict_json import read_json_object
from kyc_gate.cli.output import add_json, print_json
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import InputError, KYCGateError
from kyc_gate.model.ending import Ending
from kyc_gate.model.record import Record, plain
from kyc_gate.model.usage import RunEnd

GZIP = b"\x1f\x8b"
"""How a gzip file begins (RFC 1952): CloudTrail delivers its records so."""


class Imported(Record):
    """What an import did."""

    events: int
    ended: int
    unknown: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the step's arguments."""
    parser.add_argument("file", metavar="FILE", help="JSON, or one event a line")
    add_config(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """End the runs that the events of a file name."""
    imported = asyncio.run(_imported(options, list(_events(Path(options.file)))))
    if options.json:
        print_json(plain(imported))
    else:
        print(f"{imported.events} events ended {imported.ended} runs; {imported.unknown} named nothing that runs here")
    return 0


def _events(file: Path) -> Iterator[tuple[Ending, datetime]]:
    """Yield what each event of a file ended. Raises `InputError` naming the line."""
    try:
        data = file.read_bytes()
        text = (gzip.decompress(data) if data.startswith(GZIP) else data).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"cannot read `{file}`: {error}") from error
    whole = text.lstrip().startswith("{") and not _is_object(text.lstrip().partition("\n")[0])
    for number, line in [(1, text)] if whole else enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield from endings_of(read_json_object(line.encode()))
            except InputError as error:
                raise InputError(f"`{file}` line {number}: {error}") from error


def _is_object(line: str) -> bool:
    """Return whether a line is a JSON object by itself, and not the first line of one."""
    try:
        read_json_object(line.encode())
    except KYCGateError:
        return False
    return True


async def _imported(options: argparse.Namespace, events: list[tuple[Ending, datetime]]) -> Imported:
    ended = unknown = 0
    async with opened_store(options.config) as (_, store):
        at = datetime.now(UTC)
        for ending, ended_at in events:
            account = f"{ending.provider}:{ending.account}"
            for reference in ending.references:
                end = RunEnd(ended_at=ended_at, at=at, source="event", account=account, reference=reference)
                try:
                    runs = await store.finish(end)
                except InputError as error:
                    raise InputError(
                        f"`{account}` {reference}: {error}; {ended} runs of the file were ended"
                    ) from error
                ended += len(runs)
                unknown += not runs
    return Imported(events=len(events), ended=ended, unknown=unknown)
