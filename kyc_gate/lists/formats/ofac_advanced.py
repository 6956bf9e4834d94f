"""Treasury's SDN_ADVANCED.XML: parties whose names, places, documents and lists refer to each other by number."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from kyc_gate.lists.dates import iso_date, utc_time
from kyc_gate.lists.draft import Collector, Draft
from kyc_gate.lists.grouping import promote
from kyc_gate.lists.labels import add_fact
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.sources import NON_SDN_PROGRAMS, list_code, non_sdn_code
from kyc_gate.lists.xml import Node, read_records
from kyc_gate.model.party import PartyKind

ROOT = "Sanctions"

_SETS = frozenset(
    ("AliasType", "Country", "FeatureType", "IDRegDocType", "LocPartType", "PartySubType", "PartyType", "List",
     "DetailReference", "RelationType", "NamePartType", "SanctionsType")
)  # fmt: skip
_RECORDS = _SETS | {
    "DateOfIssue",
    "Location",
    "IDRegDocument",
    "DistinctParty",
    "ProfileRelationship",
    "SanctionsEntry",
}
_KINDS = {"individual": PartyKind.PERSON, "entity": PartyKind.COMPANY}
_OWNED = "owned or controlled by"
_PROGRAM = "Program"
_LATIN = "1"
"""The status of a documented name that is primary and Latin; the same name in another script has another."""
_FAMILY_FIRST = ("last name", "maiden name")
_NON_SDN = frozenset(program for program, _ in NON_SDN_PROGRAMS)


class _Place(NamedTuple):
    street: str
    city: str
    region: str
    postal_code: str
    country: str


class _Paper(NamedTuple):
    label: str
    number: str
    country: str


class _Listing(NamedTuple):
    list: str
    programs: tuple[str, ...]
    since: str


class _Document:
    """The numbered parts of the file, as they come: reference values first, parties in the middle, lists last.

    Each part is kept as what it says, not as its elements, of which the file has some millions.
    """

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Node]] = defaultdict(dict)
        self.places: dict[str, _Place] = {}
        self.papers: dict[str, list[_Paper]] = defaultdict(list)
        self.drafts: dict[str, tuple[int, Draft]] = {}
        self.owners: list[tuple[str, str]] = []
        self.listed: dict[str, list[_Listing]] = defaultdict(list)
        self.issued = ""

    def found(self, node: Node, _: tuple[str, ...]) -> None:
        """Keep a part."""
        if node.tag in _SETS:
            self.values[node.tag][node.get("ID")] = node
        elif node.tag == "DateOfIssue":
            self.issued = _date(node)
        elif node.tag == "Location":
            self.places[node.get("ID")] = self._place(node)
        elif node.tag == "IDRegDocument":
            self.papers[node.get("IdentityID")].append(self._paper(node))
        elif node.tag == "DistinctParty":
            for profile in node.all("Profile"):
                self.drafts[profile.get("ID")] = (node.line, self._draft(profile, node))
        elif node.tag == "ProfileRelationship" and self._word("RelationType", node.get("RelationTypeID")) == _OWNED:
            self.owners.append((node.get("From-ProfileID"), node.get("To-ProfileID")))
        elif node.tag == "SanctionsEntry":
            self.listed[node.get("ProfileID")].append(self._listing(node))

    def value(self, kind: str, number: str) -> str:
        """Return the text of a reference value, or an empty text."""
        node = self.values[kind].get(number)
        return node.text.strip() if node else ""

    def _word(self, kind: str, number: str) -> str:
        return self.value(kind, number).casefold()

    def _draft(self, profile: Node, party: Node) -> Draft:
        kind = self.values["PartySubType"].get(profile.get("PartySubTypeID"))
        word = self._word("PartyType", kind.get("PartyTypeID")) if kind else ""
        draft = Draft(code="SDN", name="", id=profile.get("ID"), kind=_KINDS.get(word, PartyKind.UNKNOWN))
        draft.subject = kind.text.strip() if kind and word not in _KINDS else ""
        draft.remarks = party.texts("Comment")
        for identity in profile.all("Identity"):
            self._add_names(draft, identity)
            for paper in self.papers.pop(identity.get("ID"), ()):
                add_fact(draft, paper.label, paper.number, paper.country)
        if not draft.name and draft.aliases:
            promote(draft, frozenset())
        for feature in profile.all("Feature"):
            self._add_feature(draft, feature)
        return draft

    def _add_names(self, draft: Draft, identity: Node) -> None:
        parts = {
            group.get("ID"): self._word("NamePartType", group.get("NamePartTypeID"))
            for group in identity.all("NamePartGroups", "MasterNamePartGroup", "NamePartGroup")
        }
        for alias in identity.all("Alias"):
            kind = self._word("AliasType", alias.get("AliasTypeID")).replace(".", "")
            for documented in alias.all("DocumentedName"):
                text = _joined(documented, parts)
                if alias.get("Primary") == "true" and documented.get("DocNameStatusID") == _LATIN and not draft.name:
                    draft.name = text
                else:
                    draft.alias(text, "" if kind == "name" else kind, weak=alias.get("LowQuality") == "true")

    def _add_feature(self, draft: Draft, feature: Node) -> None:
        label = self.value("FeatureType", feature.get("FeatureTypeID"))
        folded = label.casefold()
        for version in feature.all("FeatureVersion"):
            for place in version.all("VersionLocation"):
                self._add_place(draft, folded, self.places.get(place.get("LocationID")))
            for detail in version.all("VersionDetail"):
                value = detail.text.strip() or self.value("DetailReference", detail.get("DetailReferenceID"))
                if folded == "title":
                    draft.title = value
                elif folded == "place of birth":
                    draft.birth_places.append(value)
                elif "vessel owner" in folded:
                    draft.parents.append(value)
                elif "vessel flag" in folded:
                    draft.countries.append(value)
                else:
                    add_fact(draft, label, value)
            if folded == "birthdate":
                draft.birth_dates += [_period(period) for period in version.all("DatePeriod")]

    @staticmethod
    def _add_place(draft: Draft, feature: str, place: _Place | None) -> None:
        if place is None:
            return
        if feature in {"nationality country", "citizenship country"}:
            draft.nationalities.append(place.country)
        elif feature == "place of birth":
            draft.birth_places.append(", ".join(filter(None, (place.city, place.region, place.country))))
        else:
            draft.address(place.street, place.city, place.region, place.postal_code, place.country or place.region)

    def _place(self, node: Node) -> _Place:
        country = next((self.value("Country", each.get("CountryID")) for each in node.all("LocationCountry")), "")
        parts: dict[str, list[str]] = defaultdict(list)
        for part in node.all("LocationPart"):
            parts[self._word("LocPartType", part.get("LocPartTypeID"))] += part.texts("LocationPartValue", "Value")
        street = ", ".join(parts["address1"] + parts["address2"] + parts["address3"] + parts["unknown"])
        region = ", ".join(parts["state/province"] + parts["region"])
        return _Place(street, ", ".join(parts["city"]), region, ", ".join(parts["postal code"]), country)

    def _paper(self, node: Node) -> _Paper:
        label = self.value("IDRegDocType", node.get("IDRegDocTypeID"))
        return _Paper(label, node.first("IDRegistrationNo"), self.value("Country", node.get("IssuedBy-CountryID")))

    def _listing(self, node: Node) -> _Listing:
        programs = [
            text
            for measure in node.all("SanctionsMeasure")
            if self.value("SanctionsType", measure.get("SanctionsTypeID")) == _PROGRAM
            for text in measure.texts("Comment")
        ]
        dates = [date for event in node.all("EntryEvent") for each in event.all("Date") if (date := _date(each))]
        return _Listing(self.value("List", node.get("ListID")), tuple(programs), min(dates, default=""))


def read_ofac_advanced(name: str, text: str) -> ListReading:
    """Return the entries of SDN_ADVANCED.XML or CONS_ADVANCED.XML. A party without a list entry is on the SDN list."""
    collector = Collector(name, "ofac-advanced-xml")
    document = _Document()
    read_records(name, text, _RECORDS, document.found)
    collector.as_of = utc_time(document.issued)
    for owned, owner in document.owners:
        if owned in document.drafts and owner in document.drafts:
            document.drafts[owned][1].parents.append(document.drafts[owner][1].name)
    for profile, (line, draft) in document.drafts.items():
        _add_listing(draft, document.listed.get(profile, []))
        collector.add(f"line {line}", draft)
    return collector.reading()


def _add_listing(draft: Draft, listed: list[_Listing]) -> None:
    draft.programs += [program for each in listed for program in each.programs]
    draft.start_date = min((each.since for each in listed if each.since), default="")
    on_sdn = not listed or any(each.list.casefold() == "sdn list" for each in listed)
    named = next((code for each in listed if (code := list_code(each.list))), None)
    draft.code = "SDN" if on_sdn else named or non_sdn_code(draft.programs)


def _joined(documented: Node, parts: dict[str, str]) -> str:
    """`LAST, First Middle` as in the CSV files; family names come first there too."""
    words = [
        (parts.get(value.get("NamePartGroupID"), ""), value.text.strip())
        for value in documented.all("DocumentedNamePart", "NamePartValue")
    ]
    family = " ".join(text for kind, text in words if kind in _FAMILY_FIRST)
    rest = " ".join(text for kind, text in words if kind not in _FAMILY_FIRST)
    return ", ".join(filter(None, (family, rest)))


def _date(node: Node) -> str:
    year, month, day = (node.first(part) for part in ("Year", "Month", "Day"))
    return iso_date("-".join(filter(None, (year, month, day if month else ""))))


def _period(node: Node) -> str:
    """A day, or the span that a feature's period covers."""
    dates = [_date(point) for end in ("Start", "End") for point in (*node.all(end, "From"), *node.all(end, "To"))]
    known = [date for date in dates if date]
    if not known:
        return ""
    first, last = min(known), max(known)
    about = any(end.get("Approximate") == "true" for end in (*node.all("Start"), *node.all("End")))
    return (first if first == last else f"{first}/{last}") + ("~" if about and first == last else "")
