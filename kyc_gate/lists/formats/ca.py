"""Canada's consolidated autonomous sanctions list: `data-set` with a `record` for each schedule item."""

from __future__ import annotations

import re

from kyc_gate.lists.countries import country
from kyc_gate.lists.dates import iso_date
from kyc_gate.lists.draft import Collector, Draft, tidy
from kyc_gate.lists.labels import add_fact
from kyc_gate.lists.reading import ListReading, name_id
from kyc_gate.lists.xml import Node, read_records
from kyc_gate.model.party import PartyKind

ROOT = "data-set"

_FORMS = re.compile(
    r",\s*(?=(?:Inc|Ltd|LLC|L\.L\.C|S\.A|Co|Corp|JSC|PJSC|GmbH|Pte|Limited|OJSC|CJSC|LLP|Jr|Sr|II|III)\b)",
    re.IGNORECASE,
)
_COMMA_KEPT = "\ue0f1"


def read_ca_xml(name: str, text: str) -> ListReading:
    """Return the entries of the XML. `Russia / Russie` is the country under which a party is listed, in two languages.

    Items are numbered anew when a schedule changes, so the id is made of regulation and name.
    """
    collector = Collector(name, "ca-xml")

    def found(node: Node, above: tuple[str, ...]) -> None:
        if node.tag == "record" and above:
            collector.add(f"line {node.line}", _draft(node))

    read_records(name, text, frozenset(("record",)), found)
    return collector.reading()


def _draft(node: Node) -> Draft:
    regulation = tidy(node.first("Country"))
    # Since 2022 organisations and ships stand in `EntityOrShip`.
    organisation = node.first("Entity") or node.first("EntityOrShip")
    person = ", ".join(filter(None, (node.first("LastName"), node.first("GivenName"))))
    name = organisation or person
    draft = Draft(code="CA", name=name, id=f"{regulation.partition(' / ')[0]}-{name_id(name)}")
    draft.kind = PartyKind.COMPANY if organisation else PartyKind.PERSON
    for alias in _FORMS.sub(_COMMA_KEPT, node.first("Aliases")).split(","):
        draft.alias(alias.replace(_COMMA_KEPT, ", ").strip(" ;"))
    draft.programs = [regulation]
    listed_under = country(regulation.partition(" / ")[0])
    draft.countries = [listed_under] if len(listed_under) == 2 else []
    draft.birth_dates = [
        iso_date(born) or born for born in node.texts("DateOfBirth") + node.texts("DateOfBirthOrShipBuildDate")
    ]
    draft.title = node.first("Title") or node.first("TitleOrShip")
    draft.start_date = iso_date(node.first("DateOfListing"))
    add_fact(draft, "IMO number", node.first("ShipIMONumber"))
    draft.citation = ", item ".join(filter(None, (node.first("Schedule"), node.first("Item"))))
    return draft
