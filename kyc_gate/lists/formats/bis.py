"""Tables of the Bureau of Industry and Security and of State: the 31 agency columns, denied persons, small ones."""

from __future__ import annotations

from kyc_gate.lists.dates import iso_date
from kyc_gate.lists.draft import Collector, Draft, tidy
from kyc_gate.lists.grouping import Row, grouped
from kyc_gate.lists.inner_names import alias_parts, parted
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.rows import Table, split_list
from kyc_gate.lists.sources import list_code
from kyc_gate.model.party import PartyKind

AGENCY = ("source list", "name", "address", "city", "country", "alternate name")
DENIED = ("name", "street_address", "country", "effective_date", "expiration_date")
NONPROLIFERATION = ("source list", "programs", "name", "alternative names", "country")
UNVERIFIED = ("country", "name", "address")
DEBARRED = (("party name", "federal register notice"), ("debarred party full name and alias", "notice"))
INTELLIGENCE = ("type", "name", "alias", "country", "program")

_SIMPLE_KINDS = {
    "individual": PartyKind.PERSON,
    "person": PartyKind.PERSON,
    "entity": PartyKind.COMPANY,
    "organization": PartyKind.COMPANY,
}


def read_agency(name: str, text: str) -> ListReading:
    """Return the entries of the Entity List, the MEU or another list in the 31 columns.

    There is one row for each alias and address. The list has no ids, so a name and its notice make an
    entry; rows that share them are one.
    """
    collector = Collector(name, "agency-csv")
    table = Table(name, text, collector.problems)
    table.require(*AGENCY)
    return grouped(
        collector,
        table.rows(),
        ("source list", "entity number", "name", "federal register notice"),
        _agency_draft,
        _add_agency,
    )


def _agency_draft(row: Row) -> Draft:
    draft = with_aliases(_code(row["source list"]), row["name"])
    draft.id = row["entity number"]
    draft.kind = _SIMPLE_KINDS.get(row["sdn type"].casefold(), PartyKind.UNKNOWN)
    draft.citation = row["federal register notice"]
    draft.start_date = iso_date(row["effective date"])
    draft.end_date = iso_date(row["date lifted/waived/expired"])
    draft.license_requirement = row["license requirement"]
    draft.license_policy = row["license policy"]
    draft.remarks = [row["remarks/notes"]]
    draft.source_url = row["web link"]
    draft.title = row["title"]
    return draft


def _add_agency(draft: Draft, row: Row) -> None:
    for name, kind in alias_parts(row["alternate name"]):
        draft.alias(name, kind or row["alternate type"])
    draft.programs += split_list(row["programs"])
    draft.address(row["address"], row["city"], row["state/province"], row["postal code"], row["country"])


def read_denied(name: str, text: str) -> ListReading:
    """Return the entries of `dpl.txt`, tab separated.

    Rows of one name and one order are one party at several addresses. An order that has ended stays, with
    its `end_date`.
    """
    collector = Collector(name, "bis-dpl")
    table = Table(name, text, collector.problems)
    table.require(*DENIED)
    return grouped(collector, table.rows(), ("name", "effective_date", "expiration_date"), _denied_draft, _add_denied)


def _denied_draft(row: Row) -> Draft:
    draft = with_aliases("DPL", row["name"])
    draft.start_date = iso_date(row["effective_date"])
    draft.end_date = iso_date(row["expiration_date"])
    return draft


def _add_denied(draft: Draft, row: Row) -> None:
    state = row["state"]
    # Most American addresses of this list leave the country out.
    place = row["country"] or ("US" if state.strip() in _STATES else "")
    draft.address(row["street_address"], row["city"], state, row["postal_code"], place)
    if (action := tidy(row["action"])) and action not in draft.remarks:
        draft.remarks.append(action)
    citation = tidy(row["fr_citation"])
    if citation not in draft.citation:
        draft.citation = f"{draft.citation} {citation}".strip()


def read_nonproliferation(name: str, text: str) -> ListReading:
    """Return the entries of State's nonproliferation table: one row for each law under which a party is listed."""
    collector = Collector(name, "state-isn")
    table = Table(name, text, collector.problems)
    table.require(*NONPROLIFERATION)

    def begin(row: Row) -> Draft:
        return Draft(code=_code(row["source list"]), name=row["name"], start_date=iso_date(row["effective date"]))

    def more(draft: Draft, row: Row) -> None:
        draft.programs.append(row["programs"])
        draft.countries.append(row["country"])
        for alias in split_list(row["alternative names"]):
            draft.alias(alias)
        draft.citation = draft.citation or row["federal register notice"]
        draft.remarks.append(row["remarks/notes"])
        draft.source_url = row["web link"]

    return grouped(collector, table.rows(), ("name", "country"), begin, more)


def read_unverified(name: str, text: str) -> ListReading:
    """Return the entries of the Unverified List as BIS publishes it: country, name, address; a row for each address."""
    collector = Collector(name, "bis-uvl")
    table = Table(name, text, collector.problems)
    table.require(*UNVERIFIED)

    def more(draft: Draft, row: Row) -> None:
        draft.address(row["address"], place=row["country"])

    return grouped(collector, table.rows(), ("name", "country"), lambda row: with_aliases("UVL", row["name"]), more)


def read_debarred(name: str, text: str) -> ListReading:
    """Return the entries of State's debarred parties, whose aliases stand in brackets behind the name."""
    collector = Collector(name, "state-dtc")
    table = Table(name, text, collector.problems)
    columns = next((columns for columns in DEBARRED if columns[0] in table.columns), DEBARRED[0])
    table.require(*columns)

    def begin(row: Row) -> Draft:
        draft = with_aliases("DTC", row[columns[0]])
        draft.start_date = iso_date(row["notice date"])
        draft.birth_dates = [iso_date(born) or born] if (born := row["date of birth"].strip()) else []
        return draft

    def more(draft: Draft, row: Row) -> None:
        notices = [row[columns[1]], row["corrected notice"]]
        draft.citation = "; ".join(dict.fromkeys(filter(None, [draft.citation, *map(tidy, notices)])))

    return grouped(collector, table.rows(), (columns[0], "date of birth"), begin, more)


def read_intelligence(name: str, text: str) -> ListReading:
    """Return the entries of a table of military-intelligence end users (15 CFR 744.22)."""
    collector = Collector(name, "bis-mieu")
    table = Table(name, text, collector.problems)
    table.require(*INTELLIGENCE)

    def begin(row: Row) -> Draft:
        draft = Draft(code="MIEU", name=row["name"], start_date=iso_date(row["date"]))
        draft.kind = _SIMPLE_KINDS.get(row["type"].casefold(), PartyKind.UNKNOWN)
        draft.end_date = iso_date(row["end date"])
        draft.source_url = row["source url"]
        return draft

    def more(draft: Draft, row: Row) -> None:
        for alias in split_list(row["alias"]):
            draft.alias(alias)
        draft.countries.append(row["country"])
        draft.programs.append(row["program"])

    return grouped(collector, table.rows(), ("name", "country"), begin, more)


def with_aliases(code: str, text: str) -> Draft:
    """Return a draft of a text that is a name, and may hold others (`Name (a.k.a. Other; Third)`)."""
    name, others = parted(text)
    draft = Draft(code=code, name=name)
    for other, kind in others:
        draft.alias(other, kind)
    return draft


def _code(source: str) -> str:
    return list_code(f"({source})") or source.strip().upper()


_STATES = frozenset(
    """AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR
    PA RI SC SD TN TX UT VT VA WA WV WI WY""".split()  # noqa: SIM905
)
