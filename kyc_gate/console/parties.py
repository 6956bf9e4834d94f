"""Parties: found by name, id and country, each with who stands behind it, what it used, and what was decided."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from starlette.responses import Response

from kyc_gate.console.drawing import drawing
from kyc_gate.console.page import Page
from kyc_gate.console.paging import ROWS, Slice
from kyc_gate.console.recorded import Said
from kyc_gate.console.rendering import ROOT
from kyc_gate.console.visit import Visit, address
from kyc_gate.errors import InputError
from kyc_gate.model.access import Permission
from kyc_gate.model.case import Grant
from kyc_gate.model.catalogue import DecisionQuery, PartyQuery
from kyc_gate.model.record import plain
from kyc_gate.places.countries import parse_country
from kyc_gate.service.catalogue import find_decisions, find_parties, terms_of
from kyc_gate.service.group_usage import GroupUsage, draw_usage, group_usage
from kyc_gate.service.party_owners import PartyOwners, draw_owners
from kyc_gate.storage.store import CaseQuery

SHOWN = 20
"""Rows of each table on a party's page: the newest. A link leads to the rest."""

OF_CASES = 5
"""Cases whose grants are looked for."""

_COUNTRIES = {
    "location": "location",
    "headquarters": "headquarters",
    "parent_headquarters": "headquarters of the ultimate parent",
    "use": "place of use",
    "data_centre": "data centre",
}


async def search(visit: Visit) -> Response:
    """`GET /console/parties`: parties by the beginnings of their names' words, by id, LEI and country."""
    asked = visit.asked("text", "country", "after")
    text, country = asked.get("text", ""), asked.get("country", "")
    code = parse_country(country) if country else None
    if country and code is None:
        raise InputError(f"`country` is `{country}`, which is no country; write `NO` or `Norway`")
    terms = terms_of(text)
    if text and not terms:
        raise InputError(
            f"`text` is `{text}`, which has no letter and no digit; write the beginning of a name, or an id"
        )
    query = PartyQuery(terms=terms, country=code, after=asked.get("after"), limit=ROWS)
    found = await find_parties(visit.gate.store, visit.actor, query)
    others = {name: value for name, value in asked.items() if name != "after"}
    rows = Slice(
        rows=[(party, party_path(party.id)) for party in found.found],
        next=address(visit.path, {**others, "after": found.after}) if found.after else "",
        first=address(visit.path, others) if "after" in asked else "",
    )
    return visit.page("parties", "Parties", slice=rows, asked=Said(asked), page=found)


async def party(visit: Visit) -> Response:
    """`GET /console/parties/{id}`: a party with its five countries, owners, control group, ledger, cases and so on."""
    visit.asked()
    found = await _party(visit)
    if found is None:
        return _none(visit)
    gate, id, group = visit.gate, found.party.id, found.standing.control_group
    now = gate.now()
    cases = await gate.casework.list(visit.actor, CaseQuery(control_group=group, limit=SHOWN + 1))
    decisions = await find_decisions(gate.store, visit.actor, DecisionQuery(party_id=id, limit=SHOWN))
    grants: list[Grant] = []
    for case in cases[:OF_CASES]:
        grants += await gate.store.fetch_grants(case.id)
    return visit.page(
        "party",
        found.party.name,
        found=found,
        path=party_path(id),
        owners=[(f"{each.name}", each) for each in found.layers.owners],
        member_paths=[(each, party_path(each)) for each in found.standing.members[:SHOWN]],
        countries=[(name, getattr(found.countries, field)) for field, name in _COUNTRIES.items()],
        evidence=Said(plain(found.standing.evidence)),
        accounts=await gate.store.fetch_accounts_of(id, SHOWN + 1),
        runs=await gate.store.fetch_runs(group, limit=SHOWN + 1, at=now),
        ledger=await _ledger(visit, found),
        cases=cases,
        grants=grants,
        clearances=await gate.store.fetch_clearances(now, party_id=id),
        decisions=decisions,
        shown=SHOWN,
        now=now,
        soon=now + timedelta(days=30),
    )


async def owners_drawing(visit: Visit) -> Response:
    """`GET /console/parties/{id}/owners.svg`: the chart of owners."""
    found = await _party(visit)
    return _none(visit) if found is None else drawing(draw_owners(found))


async def ledger_drawing(visit: Visit) -> Response:
    """`GET /console/parties/{id}/ledger.svg`: operations against the lines of the policies, and when they are met."""
    found = await _party(visit)
    view = await _ledger(visit, found) if found is not None else None
    return _none(visit) if view is None else drawing(draw_usage(view))


def party_path(id: str) -> str:
    """Return the address of a party's page."""
    return f"{ROOT}/parties/{quote(id, safe='')}"


async def _party(visit: Visit) -> PartyOwners | None:
    """Return who stands behind the party; None for none, and for one in a group with the viewer's own customer."""
    found = await visit.gate.owners_of(visit.named("id"))
    own = set(visit.actor.parties)
    if found is None or own & {found.party.id, *found.standing.members}:
        return None
    return found


async def _ledger(visit: Visit, found: PartyOwners) -> GroupUsage | None:
    gate = visit.gate
    days, group = gate.window_days, found.standing.control_group
    return await group_usage(gate.store, group, gate.policies, days=days, now=gate.now())


def _none(visit: Visit) -> Response:
    return visit.problem(404, "There is no such party", "There is no party with this id, or none that you may see.")


PAGES = (
    Page("/parties", search, Permission.READ_PARTIES, title="Parties"),
    Page("/parties/{id:path}/owners.svg", owners_drawing, Permission.READ_PARTIES),
    Page("/parties/{id:path}/ledger.svg", ledger_drawing, Permission.READ_PARTIES),
    Page("/parties/{id:path}", party, Permission.READ_PARTIES),
)
