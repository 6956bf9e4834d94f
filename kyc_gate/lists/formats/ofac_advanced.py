"""Treasury's SDN_ADVANCED.XML: parties whose names, places, documents and lists refer to each other by number."""

from __future__ import annotations

from collections import defaultdict

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


class _Document:
    """The numbered parts of the file, as they come: reference values first, parties in the middle, lists last."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Node]] = defaultdict(dict)
        self.places: dict[str, Node] = {}
        self.papers: dict[str, list[Node]] = defaultdict(list)
        self.drafts: dict[str, tuple[int, Draft]] = {}
        self.owners: list[tuple[str, str]] = []
        self.listed: dict[str, list[Node]] = defaultdict(list)
        self.issued = ""

    def found(self, node: Node, _: tuple[str, ...]) -> None:
        """Keep a part."""
        if node.tag in _SETS:
            self.values[node.tag][node.get("ID")] = node
        elif node.tag == "DateOfIssue":
            self.issued = _date(node)
        elif node.tag == "Location":
            self.places[node.get("ID")] = node
        elif node.tag == "IDRegDocument":
            self.papers[node.get("IdentityID")].append(node)
        elif node.tag == "DistinctParty":
            for profile in node.all("Profile"):
                self.drafts[profile.get("ID")] = (node.line, self._draft(profile, node))
        elif node.tag == "ProfileRelationship" and self._word("RelationType", node.get("RelationTypeID")) == _OWNED:
            self.owners.append((node.get("From-ProfileID"), node.get("To-ProfileID")))
        elif node.tag == "SanctionsEntry":
            self.listed[node.get("ProfileID")].append(node)

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
                place = self.value("Country", paper.get("IssuedBy-CountryID"))
                add_fact(
                    draft,
                    self.value("IDRegDocType", paper.get("IDRegDocTypeID")),
                    paper.first("IDRegistrationNo"),
                    place,
                )
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

    def _add_place(self, draft: Draft, feature: str, place: Node | None) -> None:
        if place is None:
            return
        country = next((self.value("Country", node.get("CountryID")) for node in place.all("LocationCountry")), "")
        if feature in {"nationality country", "citizenship country"}:
            draft.nationalities.append(country)
            return
        parts: dict[str, list[str]] = defaultdict(list)
        for part in place.all("LocationPart"):
            parts[self._word("LocPartType", part.get("LocPartTypeID"))] += part.texts("LocationPartValue", "Value")
        if feature == "place of birth":
            draft.birth_places.append(
                ", ".join([*(text for texts in parts.values() for text in texts), country]).strip(", ")
            )
            return
        street = ", ".join(parts["address1"] + parts["address2"] + parts["address3"])
        region = ", ".join(parts["state/province"] + parts["region"])
        draft.address(street, ", ".join(parts["city"]), region, ", ".join(parts["postal code"]), country or region)


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
        _add_listing(draft, document, document.listed.get(profile, []))
        collector.add(f"line {line}", draft)
    return collector.reading()


def _add_listing(draft: Draft, document: _Document, listed: list[Node]) -> None:
    codes: list[str] = []
    for entry in listed:
        measures = list(entry.all("SanctionsMeasure"))
        draft.programs += [
            text
            for measure in measures
            if document.value("SanctionsType", measure.get("SanctionsTypeID")) == _PROGRAM
            for text in measure.texts("Comment")
        ]
        dates = [_date(date) for event in entry.all("EntryEvent") for date in event.all("Date")]
        draft.start_date = min(filter(None, [draft.start_date, *dates]), default="")
        codes.append(document.value("List", entry.get("ListID")))
    on_sdn = not codes or any(code.casefold() == "sdn list" for code in codes)
    named = next((code for code in map(list_code, codes) if code), None)
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
