"""Treasury's SDN.XML and CONSOLIDATED.XML: `sdnList` with one `sdnEntry` for each party."""

from __future__ import annotations

from kyc_gate.lists.dates import day_start, iso_date
from kyc_gate.lists.draft import Collector, Draft
from kyc_gate.lists.formats.csl import linked_to
from kyc_gate.lists.labels import add_fact
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.sources import NON_SDN_PROGRAMS, non_sdn_code
from kyc_gate.lists.xml import Node, read_records
from kyc_gate.model.party import PartyKind

ROOT = "sdnList"

_KINDS = {"individual": PartyKind.PERSON, "entity": PartyKind.COMPANY}
_RECORDS = frozenset(("sdnEntry", "publshInformation"))
_NON_SDN = frozenset(program for program, _ in NON_SDN_PROGRAMS)


def read_ofac_xml(name: str, text: str) -> ListReading:
    """Return the entries of SDN.XML or CONSOLIDATED.XML. Which it is shows in the programmes of most of its entries."""
    collector = Collector(name, "ofac-xml")
    drafts: list[tuple[int, Draft]] = []
    stated: list[str] = []

    def found(node: Node, _: tuple[str, ...]) -> None:
        if node.tag == "publshInformation":
            collector.as_of = day_start(node.first("Publish_Date"))
            stated.append(node.first("Record_Count"))
        elif node.tag == "sdnEntry":
            drafts.append((node.line, _draft(node)))

    read_records(name, text, _RECORDS, found)
    others = sum(1 for _, draft in drafts if _NON_SDN.intersection(draft.programs)) > len(drafts) / 2
    for line, draft in drafts:
        draft.code = non_sdn_code(draft.programs) if others else "SDN"
        collector.add(f"line {line}", draft)
    if stated and stated[0].isdecimal() and int(stated[0]) > len(drafts):
        collector.incomplete.append(f"{name}: says that it has {stated[0]} entries and has {len(drafts)}")
    return collector.reading()


def _draft(node: Node) -> Draft:
    draft = Draft(code="SDN", name=_name(node), id=node.first("uid"), title=node.first("title"))
    kind = node.first("sdnType").casefold()
    draft.kind = _KINDS.get(kind, PartyKind.UNKNOWN)
    draft.subject = "" if kind in _KINDS else kind
    draft.programs = node.texts("programList", "program")
    for aka in node.all("akaList", "aka"):
        draft.alias(_name(aka), aka.first("type").replace(".", "").casefold(), weak=aka.first("category") == "weak")
    for address in node.all("addressList", "address"):
        street = ", ".join(filter(None, (address.first(f"address{number}") for number in (1, 2, 3))))
        draft.address(
            street,
            address.first("city"),
            address.first("stateOrProvince"),
            address.first("postalCode"),
            address.first("country"),
        )
    for fact in node.all("idList", "id"):
        add_fact(draft, fact.first("idType"), fact.first("idNumber"), fact.first("idCountry"))
    draft.nationalities = [
        *node.texts("nationalityList", "nationality", "country"),
        *node.texts("citizenshipList", "citizenship", "country"),
    ]
    draft.birth_dates = [
        iso_date(born) or born for born in node.texts("dateOfBirthList", "dateOfBirthItem", "dateOfBirth")
    ]
    draft.birth_places = node.texts("placeOfBirthList", "placeOfBirthItem", "placeOfBirth")
    draft.countries += node.texts("vesselInfo", "vesselFlag")
    draft.parents += [*node.texts("vesselInfo", "vesselOwner"), *linked_to(node.first("remarks"))]
    draft.remarks = [node.first("remarks")]
    return draft


def _name(node: Node) -> str:
    """`LAST, First` as in the CSV files."""
    return ", ".join(filter(None, (node.first("lastName"), node.first("firstName"))))
