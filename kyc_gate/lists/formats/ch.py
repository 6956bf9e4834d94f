"""Switzerland's list (SECO): targets with identities, names in numbered parts and spellings, places by number."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import islice, product

from kyc_gate.lists.dates import day_start, iso_date
from kyc_gate.lists.draft import ORIGINAL_SCRIPT, Collector, Draft, tidy
from kyc_gate.lists.labels import add_fact
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.xml import Node, read_records
from kyc_gate.model.party import PartyKind

ROOT = "swiss-sanctions-list"

MOST_SPELLINGS = 64
"""Whole names that the spellings of one name's parts are combined to."""

_KINDS = {"individual": PartyKind.PERSON, "entity": PartyKind.COMPANY, "object": PartyKind.UNKNOWN}
_NAME_KINDS = {"alias": "aka", "formerly-known-as": "fka"}
_FACT = re.compile(r"^([A-Z][^:]{2,60}?)\s?:\s(.+)$")


def read_ch_xml(name: str, text: str) -> ListReading:
    """Return the entries of the whole list.

    A target whose latest modification is a de-listing is left out, and counted. Only targets of the first level
    count: a modification holds copies of what was added and removed.
    """
    collector = Collector(name, "ch-xml")
    programs: dict[str, str] = {}
    places: dict[str, Node] = {}
    targets: list[Node] = []

    def found(node: Node, above: tuple[str, ...]) -> None:
        if not above:
            collector.as_of = day_start(node.get("date"))
        elif node.tag == "sanctions-program":
            words = [each.text.strip() for each in node.all("program-key") if each.get("lang") == "eng"]
            for each in node.all("sanctions-set"):
                programs[each.get("ssid")] = (words or node.texts("program-key") or [""])[0]
        elif node.tag == "place":
            places[node.get("ssid")] = node
        elif node.tag == "target" and len(above) == 1:
            targets.append(node)

    read_records(name, text, frozenset(("target", "place", "sanctions-program")), found)
    delisted = 0
    for node in targets:
        if _delisted(node):
            delisted += 1
            collector.rows += 1
        else:
            collector.add(f"line {node.line}", _draft(node, programs, places))
    if delisted:
        collector.notes.append(f"{name}: {delisted} targets are de-listed and were left out")
    return collector.reading()


def _delisted(node: Node) -> bool:
    """Whether the modification that took effect last is a de-listing; of several on one day, one that lists counts."""
    dated = [
        (each.get("effective-date") or each.get("publication-date"), each.get("modification-type"))
        for each in node.all("modification")
    ]
    if not dated:
        return False
    last = max(date for date, _ in dated)
    return all(kind == "de-listed" for date, kind in dated if date == last)


def _draft(node: Node, programs: dict[str, str], places: dict[str, Node]) -> Draft:
    draft = Draft(code="CH", name="", id=node.get("ssid"))
    sets = [node.get("sanctions-set-id"), *node.texts("sanctions-set-id")]
    draft.programs = [programs.get(number, "") for number in sets]
    draft.start_date = min(
        (date for each in node.all("modification") if (date := each.get("effective-date"))), default=""
    )
    draft.citation = node.first("foreign-identifier")
    for body in node.children:
        if body.tag in _KINDS:
            draft.kind = _KINDS[body.tag]
            draft.subject = body.get("object-type")
            _add_body(draft, body, places)
    return draft


def _add_body(draft: Draft, body: Node, places: dict[str, Node]) -> None:
    for identity in sorted(body.all("identity"), key=lambda each: each.get("main") != "true"):
        _add_identity(draft, identity, places)
    draft.remarks += [*body.texts("justification"), *body.texts("other-information")]
    for text in body.texts("other-information"):
        if found := _FACT.match(tidy(text)):
            add_fact(draft, found[1], found[2])


def _add_identity(draft: Draft, identity: Node, places: dict[str, Node]) -> None:
    for each in sorted(identity.all("name"), key=lambda each: each.get("name-type") != "primary-name"):
        _add_name(draft, each)
    for address in identity.all("address"):
        _add_address(draft, address, places.get(address.get("place-id")))
    draft.birth_dates += [
        iso_date(
            "-".join(filter(None, (day.get("year"), day.get("month"), day.get("day") if day.get("month") else "")))
        )
        for day in identity.all("day-month-year")
    ]
    for place in identity.all("place-of-birth"):
        known = places.get(place.get("place-id"))
        if known is not None:
            draft.birth_places.append(
                ", ".join(filter(None, (known.first("location"), known.first("area"), known.first("country"))))
            )
    for land in identity.all("nationality", "country"):
        draft.nationalities.append(land.get("iso-code") or land.text)
    for paper in identity.all("identification-document"):
        issuers = [each.get("code") or each.get("iso-code") or each.text for each in paper.all("issuer")]
        add_fact(draft, paper.get("document-type") or "document", paper.first("number"), (issuers or [""])[0])


def _add_name(draft: Draft, name: Node) -> None:
    weak = name.get("quality") == "low"
    kind = _NAME_KINDS.get(name.get("name-type"), "")
    for position, (text, script) in enumerate(_spellings(name)):
        if not draft.name and position == 0 and not weak:
            draft.name = text
        else:
            draft.alias(text, ORIGINAL_SCRIPT if script else kind, weak=weak)


def _spellings(name: Node) -> list[tuple[str, bool]]:
    """Whole names, the published one first: each script's and language's spellings of the parts, combined."""
    parts = sorted(
        name.all("name-part"),
        key=lambda part: int(part.get("order") or 0) if (part.get("order") or "0").isdecimal() else 0,
    )
    values = [part.first("value") or part.text.strip() for part in parts]
    found: dict[str, bool] = {tidy(" ".join(values)): False}
    groups: dict[tuple[str, str], list[list[str]]] = defaultdict(lambda: [[] for _ in parts])
    for position, part in enumerate(parts):
        for variant in part.all("spelling-variant"):
            if variant.text.strip():
                groups[variant.get("script"), variant.get("lang")][position].append(variant.text.strip())
    for (script, _), spelled in groups.items():
        latin = script.casefold() in {"", "latn"}
        # A part that a foreign script does not spell is left out of the whole rather than mixed in.
        choices = [[*each, value] if latin else each or [""] for each, value in zip(spelled, values, strict=True)]
        for words in islice(product(*choices), MOST_SPELLINGS):
            found.setdefault(tidy(" ".join(words)), not latin)
    return [(text, script) for text, script in found.items() if text]


def _add_address(draft: Draft, address: Node, place: Node | None) -> None:
    def part(tag: str) -> str:
        return address.first(tag) or (place.first(tag) if place is not None else "")

    box = part("p-o-box")
    street = ", ".join(filter(None, (part("c-o"), part("address-details"), f"P.O. Box {box}" if box else "")))
    codes = [each.get("iso-code") for node in (address, place) if node is not None for each in node.all("country")]
    draft.address(
        street, part("location"), part("area"), part("zip-code"), next(filter(None, codes), "") or part("country")
    )
