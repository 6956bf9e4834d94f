"""The UK Sanctions List (CSV of 58 columns, and XML), and the Treasury's older consolidated list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kyc_gate.lists.dates import day_start, iso_date
from kyc_gate.lists.draft import ORIGINAL_SCRIPT, Collector, Draft, tidy
from kyc_gate.lists.grouping import Row, grouped, promote
from kyc_gate.lists.labels import add_fact
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.rows import Table, split_list
from kyc_gate.lists.xml import Node, read_records
from kyc_gate.model.party import PartyKind

CURRENT = ("unique id", "name 6", "name type", "regime name", "designation type")
FORMER = ("name 6", "group type", "alias type", "regime", "group id")
ROOT = "Designations"

_KINDS = {"individual": PartyKind.PERSON, "entity": PartyKind.COMPANY}
_NAME_PARTS = ("name 1", "name 2", "name 3", "name 4", "name 5", "name 6")
_PRIMARY = frozenset(("primary name", "prime alias", "primary name variation"))
_FORM = ("passport number", "national identifier number", "business registration number (s)", "imo number")
_WEAK = frozenset(("low quality", "low", "weak"))


def read_uk_csv(name: str, text: str) -> ListReading:
    """Return the entries of the UK Sanctions List: a row for each name and address, one entry for each Unique ID."""
    collector = Collector(name, "uk-csv")
    table = Table(name, text, collector.problems, skip=_skip(text))
    table.require(*CURRENT)
    collector.as_of = _report_date(text)
    return grouped(collector, table.rows(), ("unique id",), _current, _add_current, _PRIMARY)


def read_ofsi_csv(name: str, text: str) -> ListReading:
    """Return the entries of the consolidated list that the UK Treasury published until 2026-01-28, by Group ID."""
    collector = Collector(name, "ofsi-csv")
    table = Table(name, text, collector.problems, skip=_skip(text))
    table.require(*FORMER)
    collector.as_of = _report_date(text)
    return grouped(collector, table.rows(), ("group id",), _former, _add_former, _PRIMARY)


def _skip(text: str) -> int:
    """The lines before the header: the list begins with the date of its report."""
    return 0 if "name 6" in text.partition("\n")[0].casefold() else 1


def _report_date(text: str) -> datetime | None:
    first = text.partition("\n")[0].strip().strip(',"')
    stated = first.rpartition(":")[2] if ":" in first else first.partition(",")[2]
    return (
        day_start(stated.strip(' ,"').replace("-", " "), day_first=True) if "name 6" not in first.casefold() else None
    )


def _current(row: Row) -> Draft:
    draft = Draft(code="UK", name="", id=row["unique id"])
    kind = row["designation type"].strip().casefold()
    draft.kind = _KINDS.get(kind, PartyKind.UNKNOWN)
    draft.subject = "" if kind in _KINDS else kind
    draft.programs = [row["regime name"]]
    draft.start_date = iso_date(row["date designated"], day_first=True)
    draft.remarks = [row["other information"], row["uk statement of reasons"]]
    draft.citation = row["un reference number"]
    draft.title = row["position"]
    draft.remarks.append(f"Sanctions imposed: {', '.join(split_list(row['sanctions imposed'], '|'))}.")
    return draft


def _add_current(draft: Draft, row: Row) -> None:
    kind = row["name type"].strip()
    _add_name(draft, row, kind, weak=row["alias strength"].strip().casefold() in _WEAK)
    draft.alias(row["name non-latin script"], ORIGINAL_SCRIPT)
    _add_address(draft, row, "address line", "address postal code", "address country")
    _add_person(draft, row, "d.o.b", "nationality(/ies)", "town of birth", "country of birth")
    for column in _FORM:
        for value in split_list(row[column]):
            add_fact(draft, "Registration number" if column.startswith("business") else column, value)
    for label, column in (("website", "website"), ("email", "email address"), ("phone", "phone number")):
        for value in split_list(row[column]):
            add_fact(draft, label, value)
    draft.parents += [*split_list(row["parent company"]), *split_list(row["current owner/operator (s)"])]
    draft.countries.append(row["current believed flag of ship"])


def _former(row: Row) -> Draft:
    draft = Draft(code="OFSI", name="", id=row["group id"])
    kind = row["group type"].strip().casefold()
    draft.kind = _KINDS.get(kind, PartyKind.UNKNOWN)
    draft.subject = "" if kind in _KINDS else kind
    draft.programs = [row["regime"]]
    draft.start_date = iso_date(row["listed on"], day_first=True)
    draft.remarks = [row["other information"]]
    draft.title = row["position"]
    return draft


def _add_former(draft: Draft, row: Row) -> None:
    _add_name(draft, row, row["alias type"].strip(), weak=row["alias quality"].strip().casefold() in _WEAK)
    draft.alias(row["name non-latin script"], ORIGINAL_SCRIPT)
    _add_address(draft, row, "address", "post/zip code", "country")
    _add_person(draft, row, "dob", "nationality", "town of birth", "country of birth")
    for column in ("passport number", "national identification number"):
        for value in split_list(row[column]):
            add_fact(draft, "National ID" if column.startswith("national") else "Passport", value)


def _add_name(draft: Draft, row: Row, kind: str, *, weak: bool) -> None:
    draft.alias(tidy(" ".join(row[part] for part in _NAME_PARTS)), kind.casefold(), weak=weak)


def _add_address(draft: Draft, row: Row, line: str, postal_code: str, place: str) -> None:
    lines = [tidy(row[f"{line} {number}"]) for number in range(1, 7)]
    draft.address(", ".join(filter(None, lines)), postal_code=row[postal_code], place=_place(row[place]))


def _place(text: str) -> str:
    """`Pakistan (location as at May 2008)` is Pakistan; `Congo (Democratic Republic)` keeps what tells it apart."""
    bare, _, inside = text.partition(" (")
    return bare if "as at" in inside or "as of" in inside else text


def _add_person(draft: Draft, row: Row, born: str, people: str, town: str, land: str) -> None:
    draft.birth_dates += [iso_date(text, day_first=True) or text for text in split_list(row[born])]
    for part in split_list(row[people]):
        draft.nationalities += [text.strip(" .()0123456789") for text in part.split("(")[:1]]
    draft.birth_places.append(", ".join(filter(None, (tidy(row[town]), tidy(row[land])))))


def read_uk_xml(name: str, text: str) -> ListReading:
    """Return the entries of the UK Sanctions List as XML: `Designations` with one `Designation` for each Unique ID."""
    collector = Collector(name, "uk-xml")

    def found(node: Node, _: tuple[str, ...]) -> None:
        if node.tag == "DateGenerated":
            collector.as_of = day_start(node.text.strip(), day_first=True)
        elif node.tag == "Designation":
            collector.add(f"line {node.line}", _designation(node))

    read_records(name, text, frozenset(("Designation", "DateGenerated")), found)
    return collector.reading()


def _designation(node: Node) -> Draft:
    draft = Draft(code="UK", name="", id=node.first("UniqueID"))
    kind = node.first("IndividualEntityShip").casefold()
    draft.kind = _KINDS.get(kind, PartyKind.UNKNOWN)
    draft.subject = "" if kind in _KINDS else kind
    for each in node.all("Names", "Name"):
        words = [each.first(f"Name{number}") for number in (1, 2, 3, 4, 5, 6)]
        weak = each.first("AliasStrength").casefold() in _WEAK
        draft.alias(tidy(" ".join(words)), each.first("NameType").casefold(), weak=weak)
    promote(draft, _PRIMARY)
    for text in node.texts("NonLatinNames", "NonLatinName", "NameNonLatinScript"):
        draft.alias(text, ORIGINAL_SCRIPT)
    for address in node.all("Addresses", "Address"):
        lines = [address.first(f"AddressLine{number}") for number in range(1, 7)]
        draft.address(
            ", ".join(filter(None, lines)),
            postal_code=address.first("AddressPostalCode"),
            place=address.first("AddressCountry"),
        )
    draft.programs = [node.first("RegimeName")]
    draft.start_date = iso_date(node.first("DateDesignated"), day_first=True)
    draft.citation = node.first("UNReferenceNumber")
    draft.remarks = [node.first("OtherInformation"), node.first("UKStatementofReasons")]
    draft.remarks.append(f"Sanctions imposed: {', '.join(split_list(node.first('SanctionsImposed'), '|'))}.")
    _add_details(draft, node)
    return draft


def _add_details(draft: Draft, node: Node) -> None:
    """What stands under the individual's, entity's or ship's own element, whatever stands around it."""
    for each in _within(node):
        text = each.text.strip()
        if not text:
            continue
        if each.tag == "DOB":
            draft.birth_dates.append(iso_date(text, day_first=True) or text)
        elif each.tag == "Nationality":
            draft.nationalities.append(text)
        elif each.tag in _XML_FACTS:
            add_fact(draft, _XML_FACTS[each.tag], text)
        elif each.tag in {"ParentCompany", "CurrentOwnerOperator"}:
            draft.parents.append(text)
        elif each.tag == "CurrentBelievedFlagOfShip":
            draft.countries.append(text)


_XML_FACTS = {
    "PassportNumber": "Passport", "NationalIdentifierNumber": "National ID", "IMONumber": "IMO number",
    "BusinessRegistrationNumber": "Registration number", "Website": "Website", "EmailAddress": "Email",
    "PhoneNumber": "Phone",
}  # fmt: skip


def _within(node: Node) -> Iterator[Node]:
    for child in node.children:
        yield child
        yield from _within(child)
