"""`kyc-gate owners show --config FILE PARTY`: who stands behind a party on file, as the gate computes it."""

from __future__ import annotations

import argparse
import asyncio
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kyc_gate.cli.output import for_people, print_json, printable
from kyc_gate.cli.state import opened_store
from kyc_gate.errors import InputError
from kyc_gate.model.facts import ReadPlace
from kyc_gate.model.party import Party
from kyc_gate.model.record import plain
from kyc_gate.ownership.cascade import percent
from kyc_gate.ownership.directory import Directory, folded
from kyc_gate.ownership.gleif.lei import looks_like_lei
from kyc_gate.service.party_owners import PartyOwners, draw_owners, owners_behind, standings_for

MOST_NAMED = 20

NEAREST = 3
"""Ids that an error names where nobody bears what was asked for."""

COUNTRIES = {
    "location": "location",
    "headquarters": "headquarters",
    "parent_headquarters": "of the parent",
    "use": "place of use",
    "data_centre": "data centre",
}


def asks_file(options: argparse.Namespace) -> bool:
    """Return whether a party on file is asked for: with `--config`, by what is no LEI and in no `--country`."""
    return bool(options.config) and not (options.store or options.country or looks_like_lei(options.entity))


def show_party(options: argparse.Namespace) -> int:
    """Show who stands behind the party. Raises `InputError` where there is none, or more than one."""
    found = asyncio.run(_behind(options.config, options.entity))
    if options.svg:
        Path(options.svg).write_text(draw_owners(found), encoding="utf-8")
    if for_people(options.json):
        for line in _lines(found):
            print(printable(line))
    else:
        print_json(_row(found))
    return 0


async def _behind(config: str, asked: str) -> PartyOwners:
    async with opened_store(config) as (configuration, store):
        standings = standings_for(configuration, store)
        party = _asked(asked, await standings.parties())
        return await owners_behind(party, standings, configuration)


def _asked(asked: str, parties: Directory) -> Party:
    """Return the party of this id, else the only one of this name, as it is written or in another spelling."""
    if asked in parties:
        return parties[asked]
    named = [each for each in parties.values() if each.name == asked]
    if not named and folded(asked):
        named = [each for each in parties.values() if folded(each.name) == folded(asked)]
    if len(named) == 1:
        return named[0]
    if named:
        listed = "; ".join(f"`{each.id}` {each.name}" for each in named[:MOST_NAMED])
        raise InputError(f"{len(named)} parties on file bear the name `{asked}`; ask for one by its id: {listed}")
    register = "the register is asked by LEI, or with `--country` or `--store`"
    raise InputError(f"no party on file has the id or name `{asked}`{_nearest(asked, parties)}; {register}")


def _nearest(asked: str, parties: Directory) -> str:
    known = {each.id.casefold(): each.id for each in parties.values()}
    known |= {each.name.casefold(): each.id for each in parties.values()}
    near = difflib.get_close_matches(asked.casefold(), known, n=2 * NEAREST, cutoff=0.5)
    ids = list(dict.fromkeys(known[each] for each in near))[:NEAREST]
    return f"; the nearest: {', '.join(f'`{id}` {parties[id].name}' for id in ids)}" if ids else ""


def _row(found: PartyOwners) -> dict[str, Any]:
    party, standing, layers = found.party, found.standing, found.layers
    return {
        "party": party.id,
        "name": party.name,
        "screened": found.screened,
        "owners": [plain(each) for each in layers.owners],
        "ultimate_parent": plain(standing.parent),
        "ownership": plain(standing.ownership),
        "beneficial_owners": [plain(each) for each in found.beneficial],
        "unknown": list(layers.unknown),
        "circles": [list(circle) for circle in layers.circles],
        "register": plain(standing.register),
        "control_group": {
            "key": standing.control_group,
            "members": list(standing.members),
            "reasons": list(standing.group.reasons),
        },
        "countries": plain(found.countries),
    }


def _lines(found: PartyOwners) -> Iterator[str]:
    """Tell it for a reviewer, a line each."""
    yield f"{found.party.name}  (party {found.party.id})"
    if not found.screened:
        yield "  lists            none is active: nobody was screened"
    yield from _owner_lines(found)
    yield from _parent_lines(found)
    yield from _listed_lines(found)
    for sentence in found.layers.unknown:
        yield f"  unknown          {sentence}"
    for circle in found.layers.circles:
        yield f"  circle           {', '.join(circle)}"
    standing = found.standing
    yield f"  control group    {standing.control_group}: {', '.join(standing.members)}"
    for reason in standing.group.reasons:
        yield f"    because        {reason}"
    for field, name in COUNTRIES.items():
        yield f"  {name:<16} {_place(getattr(found.countries, field))}"


def _owner_lines(found: PartyOwners) -> Iterator[str]:
    for each in found.layers.owners:
        listed = f"; on {', '.join(each.lists)}" if each.lists else ""
        known = f" ({', '.join(each.on_file)})" if each.on_file else " (not on file)"
        control = each.control.value.replace("_", " ")
        share = f"{percent(each.share)} of {each.owned}"
        yield f"  {'owner, layer ' + str(each.layer):<16} {each.name}{known}: {share}, control: {control}{listed}"
    if found.party.beneficial_owners is None:
        yield "  beneficial owner unknown: none is on file"
    for person in found.beneficial:
        controls = ", controls" if person.controls else ""
        yield f"  beneficial owner {person.name}: {percent(person.share)}{controls}"


def _parent_lines(found: PartyOwners) -> Iterator[str]:
    parent = found.standing.parent
    place = parent.headquarters or " or ".join(parent.countries) or "country unknown"
    yield f"  ultimate parent  {f'{parent.name} ({place})' if parent.name else 'unknown'}"
    for sentence in parent.chain:
        yield f"    by             {sentence}"
    if found.standing.ownership.conflict:
        yield "  contradiction    what is declared of the parent contradicts the owners on file or the LEI register"
    register = found.standing.register
    for note in (register.fault, register.problem, *register.notes):
        if note:
            yield f"  LEI register     {note}"


def _listed_lines(found: PartyOwners) -> Iterator[str]:
    owned = found.standing.ownership
    yield f"  blocked share    {_share(owned.sdn_share)} held by SDNs; 50 % or more blocks"
    yield f"  listed share     {_share(owned.listed_share)} held by SDNs and parties of the Entity List and MEU List"
    for chain in owned.chains:
        yield f"    by             {chain}"
    if owned.sdn_outstanding != owned.sdn_share or owned.listed_outstanding != owned.listed_share:
        outstanding = f"{_share(owned.sdn_outstanding)} blocked, {_share(owned.listed_outstanding)} listed"
        yield f"  outstanding      {outstanding}, of what is not in the party's own hands"
    if owned.minority_lists:
        yield f"  minority lists   {', '.join(owned.minority_lists)}"


def _share(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share * 100:.6g} %"


def _place(place: ReadPlace) -> str:
    if place.text is None:
        return "unknown: nothing is on file"
    why = f": {'; '.join(place.evidence)}" if place.evidence else ""
    return f"{place.country or 'unknown'}, from `{place.text}`{why}"
