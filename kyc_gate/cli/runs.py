"""`kyc-gate ledger import` and `reevaluate`: runs that are over, and runs that go on."""

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
from kyc_gate.cli.output import print_json
from kyc_gate.cli.state import opened_store
from kyc_gate.errors import InputError, KYCGateError
from kyc_gate.model.ending import Ending
from kyc_gate.model.record import Record, plain
from kyc_gate.model.usage import RunEnd
from kyc_gate.service.build import gate_parts
from kyc_gate.service.config import read_configuration
from kyc_gate.service.gate import Gate
from kyc_gate.service.runs import Reevaluated

GZIP = b"\x1f\x8b"
"""How a gzip file begins (RFC 1952): CloudTrail delivers its records so."""


class Imported(Record):
    """What an import did."""

    events: int
    ended: int
    unknown: int


def import_events(options: argparse.Namespace) -> int:
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
                runs = await store.finish(end)
                ended += len(runs)
                unknown += not runs
    return Imported(events=len(events), ended=ended, unknown=unknown)


def reevaluate_runs(options: argparse.Namespace) -> int:
    """Decide again on every run that goes on."""
    gate = Gate(**gate_parts(read_configuration(options.config)))
    found = asyncio.run(_reevaluated(gate))
    if options.json:
        print_json(plain(found))
        return 0
    print(f"{found.runs} runs go on, {found.waiting} would wait now, {len(found.cases)} cases opened")
    for case_id in found.cases:
        print(f"  {case_id}")
    return 0


async def _reevaluated(gate: Gate) -> Reevaluated:
    async with gate:
        return await gate.reevaluate()
