"""Who stands behind a party on file, as the gate computes it, for a reviewer to look at."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from kyc_gate.errors import InputError
from kyc_gate.model.facts import FiveCountries
from kyc_gate.model.party import BeneficialOwner, Party
from kyc_gate.model.record import Record
from kyc_gate.ownership.chart import Box, owners_chart, render_chart
from kyc_gate.ownership.control_groups import stands_behind
from kyc_gate.ownership.layers import OwnerLayers, layers_above
from kyc_gate.service.build import files_of, ip_countries_of, register_of
from kyc_gate.service.config import Configuration
from kyc_gate.service.gather import Standing
from kyc_gate.service.generation import Generation
from kyc_gate.service.list_shelf import read_active
from kyc_gate.service.owner_facts import Screened
from kyc_gate.service.place_facts import read_place
from kyc_gate.service.settings import Settings, settings_of
from kyc_gate.service.standings import Standings
from kyc_gate.storage.store import Store


class PartyOwners(Record):
    """A party with its standing, and with what the standing was made of.

    `beneficial` are those from a quarter, or who control, or of whom neither is said. `screened` says whether a list
    is active: without one, nobody is known to be listed but by what is on file.
    """

    party: Party
    standing: Standing
    layers: OwnerLayers
    beneficial: tuple[BeneficialOwner, ...]
    countries: FiveCountries
    screened: bool


def standings_for(configuration: Configuration, store: Store) -> Standings:
    """Return what makes standings as the gate of this configuration does. Raises `ConfigurationError`."""
    return Standings(
        store,
        seconds=float("inf"),
        ip_countries=ip_countries_of(configuration),
        register=register_of(configuration),
    )


async def owners_behind(party: Party, standings: Standings, configuration: Configuration) -> PartyOwners:
    """Return who stands behind a party on file. Raises `InputError` for lists that cannot be read."""
    settings = settings_of(configuration)
    active = await asyncio.to_thread(read_active, configuration, files_of(configuration))
    if active.problem is not None:
        raise InputError(active.problem)
    generation = await asyncio.to_thread(Generation.of, active.snapshot, settings, active.clocks)
    found = await owners_of(party.id, standings, generation, settings)
    if found is None:
        raise InputError(f"party `{party.id}` is not on file any more")
    return found


async def owners_of(
    party_id: str, standings: Standings, generation: Generation, settings: Settings, *, seconds: float | None = None
) -> PartyOwners | None:
    """Return who stands behind a party, by the lists of `generation`; None where there is no such party on file.

    The directory is as old as `seconds` at most, where that is longer than the standings' own time.
    """
    standing, parties = await standings.behind(party_id, generation, seconds), await standings.parties(seconds)
    party = parties.get(party_id)
    if standing is None or party is None:
        return None
    return PartyOwners(
        party=party,
        standing=standing,
        layers=await asyncio.to_thread(layers_above, party, parties, Screened(generation.screener).lists),
        beneficial=tuple(each for each in party.beneficial_owners or () if stands_behind(each)),
        countries=replace(
            standing.countries,
            use=read_place(standing.place_of_use),
            data_centre=read_place(settings.data_centre),
        ),
        screened=generation.screener is not None,
    )


def draw_owners(found: PartyOwners) -> str:
    """Return the chart of who stands behind a party, as an SVG document."""
    return render_chart(owners_chart(found.party, found.layers, found.beneficial, _top(found)))


def _top(found: PartyOwners) -> Box | None:
    parent = found.standing.parent
    if parent.name is None or parent.is_self:
        return None
    return Box(
        id="ultimate parent", title=parent.name, lines=tuple(f"headquarters {each}" for each in parent.countries)
    )
