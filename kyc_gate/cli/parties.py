"""`kyc-gate parties`: who is behind each account."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from kyc_gate.cli.fields import FieldError, read_record
from kyc_gate.cli.lines import numbered_rows
from kyc_gate.cli.output import add_json, complain, print_json, print_table
from kyc_gate.cli.request_input import read_party
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import InputError
from kyc_gate.model.party import Account, Party, UltimateParent
from kyc_gate.model.record import plain
from kyc_gate.places.headquarters import resolve_headquarters
from kyc_gate.service.file_facts import file_facts

T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    load = steps.add_parser(
        "import", help="add or replace parties and accounts, all of a file or none", allow_abbrev=False
    )
    load.add_argument("parties", metavar="FILE", help='lines {"id", "name", "headquarters", "ultimate_parent", ...}')
    load.add_argument("--accounts", metavar="FILE", help='lines {"provider", "id", "party_id", "payer_party_id"?}')
    listing = steps.add_parser("list", help="list the parties on file", allow_abbrev=False)
    missing = steps.add_parser("missing", help="tell what the files of parties leave out", allow_abbrev=False)
    for step in (load, listing, missing):
        add_config(step)
        add_json(step)


def run(options: argparse.Namespace) -> int:
    """Do the step."""
    steps = {"import": _import, "list": _list, "missing": _missing}
    return asyncio.run(steps[options.step](options))


async def _import(options: argparse.Namespace) -> int:
    """Save what the files hold; a file with a bad line changes nothing."""
    parties, bad = _read(options.parties, _party)
    accounts, more = _read(options.accounts, lambda row: read_record(row, Account)) if options.accounts else ([], [])
    for problem in (*bad, *more):
        complain(problem)
    if bad or more:
        complain("nothing was imported")
        return 1
    async with opened_store(options.config, create=True) as (_, store):
        await store.save_directory(parties, accounts)
    if options.json:
        print_json({"parties": len(parties), "accounts": len(accounts)})
    else:
        print(f"imported {len(parties)} parties and {len(accounts)} accounts")
    return 0


def _party(row: dict[str, object]) -> Party:
    if not row.get("id"):
        raise FieldError("id", "field `id` is missing")
    return read_party(row, default_id="")


def _read(source: str, read: Callable[[dict[str, Any]], T]) -> tuple[list[T], list[str]]:
    """Return what each line of the file says, and what is wrong with the lines that say nothing usable."""
    found, problems = [], []
    for number, row in numbered_rows(source):
        try:
            found.append(read(row()))
        except InputError as error:
            problems.append(f"`{source}` line {number}: {error}")
    return found, problems


async def _list(options: argparse.Namespace) -> int:
    async with opened_store(options.config) as (_, store):
        parties = await store.fetch_parties()
    if options.json:
        for party in parties:
            print_json(plain(party))
        return 0
    print_table(
        ("party", "name", "headquarters", "ultimate parent", "its headquarters"), [_row(each) for each in parties]
    )
    return 0


async def _missing(options: argparse.Namespace) -> int:
    """Tell of each party which fields its file leaves out, of those that the proposed 15 CFR 7.302 asks."""
    async with opened_store(options.config) as (_, store):
        parties = await store.fetch_parties()
    facts = [(party, file_facts(party)) for party in parties]
    if options.json:
        for party, found in facts:
            print_json({"party": party.id, "missing": list(found.missing or ()), "us_persons": found.us_persons})
        return 0
    said = {True: "yes", False: "no", None: "not said"}
    rows = [(party.id, party.name, said[found.us_persons], ", ".join(found.missing or ())) for party, found in facts]
    print_table(("party", "name", "US persons", "missing"), rows)
    return 0


def _row(party: Party) -> tuple[str, ...]:
    headquarters = resolve_headquarters(party.headquarters).country or "unknown"
    return (party.id, party.name, headquarters, *_parent_cells(party.ultimate_parent))


def _parent_cells(parent: UltimateParent | None) -> tuple[str, str]:
    """Return the ultimate parent's name and its country of headquarters."""
    if parent is None:
        return "unknown", "unknown"
    if parent.is_self:
        return "itself", ""
    return parent.name or parent.party_id or "unknown", resolve_headquarters(parent.headquarters).country or "unknown"
