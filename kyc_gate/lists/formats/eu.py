"""The European Union's Financial Sanctions Files, version 1.1: XML, and the CSV of 118 columns."""

from __future__ import annotations

from kyc_gate.lists.dates import day_start, iso_date, utc_time
from kyc_gate.lists.draft import Collector, Draft
from kyc_gate.lists.grouping import Row, grouped
from kyc_gate.lists.labels import add_fact
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.rows import Table
from kyc_gate.lists.xml import Node, read_records
from kyc_gate.model.party import PartyKind

ROOT = "export"
COLUMNS = ("entity_logicalid", "namealias_wholename")

_KINDS = {"person": PartyKind.PERSON, "p": PartyKind.PERSON, "enterprise": PartyKind.COMPANY, "e": PartyKind.COMPANY}


def read_eu_xml(name: str, text: str) -> ListReading:
    """Return the entries of the XML: one `sanctionEntity` for each party, keyed by its reference number."""
    collector = Collector(name, "eu-xml")

    def found(node: Node, above: tuple[str, ...]) -> None:
        if node.tag == "sanctionEntity":
            collector.add(f"line {node.line}", _entity(node))
        elif not above:
            collector.as_of = utc_time(node.get("generationDate"))

    read_records(name, text, frozenset(("sanctionEntity",)), found)
    return collector.reading()


def _entity(node: Node) -> Draft:
    draft = Draft(code="EU", name="", id=node.get("euReferenceNumber") or node.get("logicalId"))
    draft.start_date = iso_date(node.get("designationDate"))
    draft.citation = node.get("unitedNationId")
    draft.remarks = node.texts("remark")
    for subject in node.all("subjectType"):
        draft.kind = _kind(subject.get("code"), subject.get("classificationCode"))
    for regulation in node.all("regulation"):
        draft.programs.append(regulation.get("programme"))
        draft.source_url = draft.source_url or regulation.first("publicationUrl")
    for alias in node.all("nameAlias"):
        parts = (alias.get(part) for part in ("firstName", "middleName", "lastName"))
        _add_name(draft, alias.get("wholeName") or " ".join(filter(None, parts)), weak=alias.get("strong") == "false")
        draft.title = draft.title or alias.get("function")
        draft.remarks += alias.texts("remark")
    for place in node.all("address"):
        street = _street(*(place.get(part) for part in ("street", "poBox", "place")))
        draft.address(
            street,
            place.get("city"),
            place.get("region"),
            place.get("zipCode"),
            _country(place, "countryIso2Code", "countryDescription"),
        )
    draft.nationalities = [_country(each, "countryIso2Code", "countryDescription") for each in node.all("citizenship")]
    for born in node.all("birthdate"):
        draft.birth_dates.append(
            _born(*(born.get(part) for part in ("birthdate", "year", "monthOfYear", "dayOfMonth", "circa")))
        )
        draft.birth_places.append(
            ", ".join(filter(None, (born.get("city"), born.get("region"), born.get("countryDescription"))))
        )
    for paper in node.all("identification"):
        label = f"{paper.get('identificationTypeCode')} {paper.get('identificationTypeDescription')}"
        add_fact(draft, label, paper.get("number"), _country(paper, "countryIso2Code", "countryDescription"))
    return draft


def read_eu_csv(name: str, text: str) -> ListReading:
    """Return the entries of the CSV: a row for each name, address, birth date or document of a party.

    The two columns of the subject's type are swapped against their names, and were not always: both are looked at.
    """
    collector = Collector(name, "eu-csv")
    table = Table(name, text, collector.problems)
    table.require(*COLUMNS)

    def begin(row: Row) -> Draft:
        if collector.as_of is None:
            collector.as_of = day_start(row["filegenerationdate"], day_first=True)
        draft = Draft(code="EU", name="", id=row["entity_eu_referencenumber"] or row["entity_logicalid"])
        draft.kind = _kind(row["entity_subjecttype"], row["entity_subjecttype_classificationcode"])
        draft.start_date = iso_date(row["entity_designationdate"], day_first=True)
        draft.remarks = [row["entity_remark"]]
        draft.citation = row["entity_unitednationid"]
        draft.source_url = row["entity_regulation_publicationurl"]
        return draft

    return grouped(collector, table.rows(), ("entity_logicalid",), begin, _add_row)


def _add_row(draft: Draft, row: Row) -> None:
    draft.programs.append(row["entity_regulation_programme"])
    whole = row["namealias_wholename"] or " ".join(
        filter(None, (row["namealias_firstname"], row["namealias_middlename"], row["namealias_lastname"]))
    )
    _add_name(draft, whole, weak=row["namealias_strong"] == "false" or row["namealias_quality"].casefold() == "low")
    draft.title = draft.title or row["namealias_function"]
    street = _street(row["address_street"], row["address_pobox"], row["address_place"])
    draft.address(
        street, row["address_city"], row["address_region"], row["address_zipcode"],
        row["address_countryiso2code"].strip(" 0") or row["address_countrydescription"],
    )  # fmt: skip
    draft.nationalities.append(row["citizenship_countryiso2code"].strip(" 0") or row["citizenship_countrydescription"])
    draft.birth_dates.append(
        _born(*(row[f"birthdate_{part}"] for part in ("birthdate", "year", "month", "day", "circa")))
    )
    draft.birth_places.append(", ".join(filter(None, (row["birthdate_city"], row["birthdate_countrydescription"]))))
    label = f"{row['identification_typecode']} {row['identification_typedescription']}"
    add_fact(
        draft,
        label,
        row["identification_number"] or row["identification_latinnumber"],
        row["identification_countryiso2code"],
    )


def _add_name(draft: Draft, whole: str, *, weak: bool) -> None:
    """The first strong name is the entry's name."""
    if not draft.name and not weak:
        draft.name = whole
    else:
        draft.alias(whole, weak=weak)


def _kind(*words: str) -> PartyKind:
    return next((_KINDS[word] for word in map(str.casefold, words) if word in _KINDS), PartyKind.UNKNOWN)


def _street(street: str, box: str, place: str) -> str:
    return ", ".join(filter(None, (street, f"P.O. Box {box}" if box else "", place)))


def _country(node: Node, code: str, words: str) -> str:
    return node.get(code).strip(" 0") or node.get(words)


def _born(date: str, year: str, month: str, day: str, circa: str) -> str:
    known = iso_date(date, day_first=True) or iso_date("-".join(filter(None, (year, month, day if month else ""))))
    return f"{known}~" if known and circa.casefold() == "true" else known
