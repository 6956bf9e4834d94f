"""The consolidated list of the United Nations Security Council: individuals and entities, keyed by reference number."""

from __future__ import annotations

from kyc_gate.lists.dates import iso_date, utc_time
from kyc_gate.lists.draft import ORIGINAL_SCRIPT, Collector, Draft, tidy
from kyc_gate.lists.labels import add_fact
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.xml import Node, read_records
from kyc_gate.model.party import PartyKind

ROOT = "CONSOLIDATED_LIST"

_KINDS = {"INDIVIDUAL": PartyKind.PERSON, "ENTITY": PartyKind.COMPANY}
_NAMES = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_WEAK = "low"
_FORMER = ("formerly", "previously", "f.k.a")


def read_un_xml(name: str, text: str) -> ListReading:
    """Return the entries of the XML. An alias of quality `Low` is weak; several names in one field are parted."""
    collector = Collector(name, "un-xml")

    def found(node: Node, above: tuple[str, ...]) -> None:
        if node.tag in _KINDS:
            collector.add(f"line {node.line}", _draft(node))
        elif not above:
            collector.as_of = utc_time(node.get("dateGenerated"))

    read_records(name, text, frozenset(_KINDS), found)
    return collector.reading()


def _draft(node: Node) -> Draft:
    whole = tidy(" ".join(node.first(part) for part in _NAMES))
    first, *others = [part.strip() for part in whole.split(" ; ")] if node.tag == "ENTITY" else [whole]
    draft = Draft(
        code="UN", name=first, id=node.first("REFERENCE_NUMBER") or node.first("DATAID"), kind=_KINDS[node.tag]
    )
    for other in others:
        draft.alias(other)
    for alias in node.all(f"{node.tag}_ALIAS"):
        _add_alias(draft, alias)
    for text in node.texts("NAME_ORIGINAL_SCRIPT"):
        draft.alias(text, ORIGINAL_SCRIPT)
    for place in node.all(f"{node.tag}_ADDRESS"):
        draft.address(*(place.first(part) for part in ("STREET", "CITY", "STATE_PROVINCE", "ZIP_CODE", "COUNTRY")))
    draft.programs = node.texts("UN_LIST_TYPE")
    draft.nationalities = node.texts("NATIONALITY", "VALUE")
    draft.birth_dates = [_born(each) for each in node.all("INDIVIDUAL_DATE_OF_BIRTH")]
    for place in node.all("INDIVIDUAL_PLACE_OF_BIRTH"):
        draft.birth_places.append(
            ", ".join(filter(None, (place.first(part) for part in ("CITY", "STATE_PROVINCE", "COUNTRY"))))
        )
    for paper in node.all("INDIVIDUAL_DOCUMENT"):
        label = paper.first("TYPE_OF_DOCUMENT") or paper.first("TYPE_OF_DOCUMENT2") or "document"
        add_fact(draft, label, paper.first("NUMBER"), paper.first("ISSUING_COUNTRY") or paper.first("COUNTRY_OF_ISSUE"))
    draft.start_date = iso_date(node.first("LISTED_ON"))
    draft.title = "; ".join([*node.texts("TITLE", "VALUE"), *node.texts("DESIGNATION", "VALUE")])
    draft.remarks = [node.first("COMMENTS1")]
    return draft


def _add_alias(draft: Draft, alias: Node) -> None:
    quality = alias.first("QUALITY").casefold()
    former = quality.startswith("f.k.a") or alias.first("NOTE").casefold().startswith(_FORMER)
    draft.alias(alias.first("ALIAS_NAME"), "fka" if former else "aka", weak=quality == _WEAK)


def _born(node: Node) -> str:
    about = "~" if node.first("TYPE_OF_DATE") == "APPROXIMATELY" else ""
    if known := iso_date(node.first("DATE")) or iso_date(node.first("YEAR")):
        return known + about
    span = [iso_date(node.first("FROM_YEAR")), iso_date(node.first("TO_YEAR"))]
    return "/".join(filter(None, span))
