"""A record of the golden copy in XML to its texts by path, read by its tags alone where the publisher wrote it.

The XML parser makes an object of each element; a million records have forty million, of which fifteen in forty are of
no use here. A record is cut at its tags instead, and most records have their tags in an order that was seen before.
Whatever is not as the publisher writes it is `Unusual` and left to the parser: that every element ends where it must,
and that no comment, section, document type, unknown entity or control character is there, is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from kyc_gate.ownership.gleif.json_rows import FORMER
from kyc_gate.ownership.gleif.records import said

Shape = Mapping[str, "Shape | str | None"]
"""What may stand inside an element, by name: the shape of another element, where its texts go, or None: by its name."""

_LINES: Shape = dict.fromkeys(
    ("FirstAddressLine", "AdditionalAddressLine", "Line1", "Line2", "Line3", "Line4"), "lines"
)
_ADDRESS: Shape = {**_LINES, **dict.fromkeys(("City", "Region", "Country", "PostalCode"))}
_ANY = "*"
_PERIODS: Shape = {_ANY: dict.fromkeys(("StartDate", "EndDate", "PeriodType"))}
_REGISTRATION: Shape = dict.fromkeys(("RegistrationStatus", "LastUpdateDate", "NextRenewalDate", "ValidationSources"))

KINDS: Mapping[str, Shape] = {
    "LEIRecord": {
        "LEI": None,
        "Entity": {
            "LegalName": None,
            "OtherEntityNames": {_ANY: ""},
            "TransliteratedOtherEntityNames": {_ANY: ""},
            "LegalAddress": _ADDRESS,
            "HeadquartersAddress": _ADDRESS,
            "RegistrationAuthority": {"RegistrationAuthorityEntityID": None},
            "LegalForm": dict.fromkeys(("EntityLegalFormCode", "OtherLegalForm")),
            "SuccessorEntity": {"SuccessorLEI": None},
            **dict.fromkeys(("LegalJurisdiction", "EntityCategory", "EntityStatus", "EntityCreationDate")),
        },
        "Registration": _REGISTRATION,
    },
    "RelationshipRecord": {
        "Relationship": {
            "StartNode": {"NodeID": None},
            "EndNode": {"NodeID": None},
            "RelationshipPeriods": _PERIODS,
            **dict.fromkeys(("RelationshipType", "RelationshipStatus")),
        },
        "Registration": _REGISTRATION,
    },
    "Exception": {"LEI": None, "ExceptionCategory": None, "ExceptionReason": "reasons"},
}
"""The elements that are read, of each kind of record; the names of the others are of no use here."""


class Unusual(Exception):
    """A record, or a run of them, is not written as the publisher writes, and may or may not be well-formed."""


class Flat:
    """A record as its texts by path: `texts` where one counts, the first; `all` where each does."""

    __slots__ = ("_lists", "periods", "texts")

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {}
        self.periods = 0

    def all(self, path: str) -> list[str]:
        """Return every text that went to a path, in the order of the record."""
        return self._lists.get(path, [])

    def add(self, path: str, text: str) -> None:
        """Keep one more text of a path."""
        self._lists.setdefault(path, []).append(text)


def flattened(record: Element, shape: Shape) -> Flat:
    """Return the texts of an element that the XML parser read."""
    flat = Flat()
    _flatten(record, shape, "", flat)
    return flat


def _flatten(element: Element, shape: Shape, at: str, flat: Flat) -> None:
    entered = set[str]()
    for child in element:
        name = child.tag.rpartition("}")[2]
        inside = shape.get(name, shape.get(_ANY, _USELESS))
        if isinstance(inside, Mapping):
            if _ANY in shape:
                _flatten(child, inside, f"{at}{flat.periods}.", flat)
                flat.periods += 1
            elif name not in entered and inside is not _USELESS:
                entered.add(name)
                _flatten(child, inside, f"{at}{name}.", flat)
        elif child.get("type") != FORMER and (text := said(child.text)):
            if inside is None:
                flat.texts.setdefault(f"{at}{name}", text)
            else:
                flat.add(f"{at}{inside}".rstrip("."), text)


_USELESS: Shape = {}

_NAME = r"[A-Za-z_][\w.-]*"
_TAG = re.compile(
    rf"(?:({_NAME}):)?({_NAME})((?:\s+(?:{_NAME}:)?{_NAME}\s*=\s*(?:\"[^\"&]*\"|'[^'&]*'))*)\s*", re.ASCII
)
_ATTRIBUTE = re.compile(rf"((?:{_NAME}:)?{_NAME})\s*=\s*[\"']([^\"']*)", re.ASCII)
_DECLARED = re.compile(rf"\sxmlns(?::({_NAME}))?\s*=", re.ASCII)
_CONTROL = bytes(byte for byte in range(0x20) if byte not in b"\t\n\r")
_NONCHARACTERS = ("\ufffe", "\uffff")
"""Characters that XML has not (XML 1.0, 2.2)."""

_FOR_THE_PARSER = ((b"!", b"<!"), (b"?", b"<?"), (b"]", b"]]>"))
"""What only a parser can read, each with a byte that it cannot be without: one byte is found ten times faster."""

_REFERENCE = re.compile("&(?!(?:amp|lt|gt|quot|apos|#39|#34);)")
_MARKS = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&#39;": "'", "&#34;": '"', "&amp;": "&"}
"""The references that the publisher writes. The ampersand comes last, so that nothing is replaced twice."""

MOST_PERIODS = 50
"""Periods of one relationship that are told apart here; the publisher's have up to four."""

MOST_TAGS = 20_000
"""Tags that are remembered; a file has some hundreds, one for each language and kind of name."""

MOST_LAYOUTS = 2_000
"""Orders of tags that are remembered, some 8 kB each: records of the same kind of company have the same."""


class _Place:
    """An element that is open: what its children are, by their tags as written, and the path of their texts."""

    __slots__ = ("at", "children", "closing", "shape")

    def __init__(self, shape: Shape, at: str, closing: str) -> None:
        self.shape, self.at, self.closing = shape, at, closing
        self.children: dict[str, _Child] = {}


class _Child:
    """A tag as it is written under another: how it ends, and what becomes of its text or of its children."""

    __slots__ = ("_places", "closing", "empty", "name", "path", "repeated", "shape")

    def __init__(
        self, name: str, closing: str, shape: Shape | None, path: str | None, *, repeated: bool, empty: bool
    ) -> None:
        self.name, self.closing, self.shape, self.path = name, closing, shape, path
        self.repeated, self.empty = repeated, empty
        self._places: dict[tuple[str, bool], _Place] = {}

    def within(self, at: str, shape: Shape) -> _Place:
        """Return the place inside this element, whose texts go under the path `at`."""
        key = (at, bool(shape))
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = _Place(shape, at, self.closing)
        return found


class _Layout:
    """An order of tags in which every element ends as it must: where the texts of use stand among them."""

    __slots__ = ("kind", "lists", "periods", "singles", "template")

    def __init__(self, kind: str, tags: list[str], found: list[tuple[int, _Child]], periods: int) -> None:
        self.kind, self.periods = kind, periods
        self.template = "%s" + "".join(f"<{tag.replace('%', '%%')}>%s" for tag in tags)
        self.singles: list[tuple[int, str]] = []
        self.lists: list[tuple[int, str]] = []
        for at, child in found:
            if child.path is not None:
                (self.lists if child.repeated else self.singles).append((at, child.path))

    def flat(self, texts: list[str]) -> Flat:
        """Return what the texts between the tags say."""
        flat = Flat()
        flat.periods = self.periods
        found = flat.texts
        for at, path in self.singles:
            text = texts[at]
            # Nearly every text takes this way; a million records have twenty millions of them.
            if text and text[0] > "&" and text[-1] > " " and text != "NULL" and "&" not in text and path not in found:
                found[path] = text
            elif (other := said(text)) and path not in found:
                found[path] = _without_references(other)
        for at, path in self.lists:
            if other := said(texts[at]):
                flat.add(path, _without_references(other))
        return flat


def _without_references(text: str) -> str:
    if "&" in text:
        for mark, meant in _MARKS.items():
            text = text.replace(mark, meant)
    return text


class TagReader:
    """Reads the records of one file by their tags. Tags are learnt as they come, under the element that holds them."""

    def __init__(self, root: str) -> None:
        self._prefixes = {found[1] for found in _DECLARED.finditer(root)} | {None}
        self._outermost = _Place(KINDS, "", "")
        self._layouts: dict[str, _Layout] = {}
        self._learnt = 0

    def records(self, run: bytes) -> tuple[list[str], str]:
        """Return the records of a run without their end tag, and that. Raises `Unusual` where they cannot be cut."""
        if any(byte in run and mark in run for byte, mark in _FOR_THE_PARSER):
            raise Unusual
        try:
            text = run.decode()
        except UnicodeDecodeError:
            raise Unusual from None
        if len(run.translate(None, _CONTROL)) < len(run) or any(char in text for char in _NONCHARACTERS):
            raise Unusual
        if "\r" in text:  # as the parser does: XML 1.0, 2.11
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        first = _TAG.match(text, text.index("<") + 1)
        if first is None or not text.endswith(end := f"</{first[0].split()[0]}>"):
            raise Unusual
        return text.split(end)[:-1], end

    def flat(self, record: str) -> tuple[str, Flat]:
        """Return the kind and the texts of a record without its end tag. Raises `Unusual` for one to parse."""
        if "&" in record and _REFERENCE.search(record):
            raise Unusual
        pieces = record.replace(">", "<").split("<")
        tags, texts = pieces[1::2], pieces[::2]
        key = "<".join(tags)
        layout = self._layouts.get(key)
        if layout is None:
            layout = self._laid_out(tags)
            if len(self._layouts) < MOST_LAYOUTS:
                self._layouts[key] = layout
        # Only where each tag opens with one bracket and ends with the other is this the record again.
        if len(texts) != len(tags) + 1 or layout.template % tuple(texts) != record or texts[0].strip():
            raise Unusual
        return layout.kind, layout.flat(texts)

    def _laid_out(self, tags: list[str]) -> _Layout:
        """Return what the tags of a record stand for. Raises `Unusual` where an element does not end as it must."""
        if not tags:
            raise Unusual
        kind = self._outermost.children.get(tags[0]) or self._learn(self._outermost, tags[0])
        if not kind.shape:
            raise Unusual
        place, around = kind.within("", kind.shape), list[_Place]()
        found, entered, periods, at = list[tuple[int, _Child]](), set[str](), 0, 1
        while at < len(tags):
            tag = tags[at]
            at += 1
            if tag.startswith("/"):
                if not around or tag != place.closing:
                    raise Unusual
                place = around.pop()
                continue
            child = place.children.get(tag) or self._learn(place, tag)
            if child.empty:
                continue
            if at < len(tags) and tags[at] == child.closing:
                if child.shape:
                    raise Unusual  # an element that is known to hold others holds none
                found.append((at, child))
                at += 1
                continue
            if child.shape is None:
                raise Unusual  # a text that holds elements
            around.append(place)
            place, periods = _entered(child, place, entered, periods)
        if around:
            raise Unusual
        return _Layout(kind.name, tags, found, periods)

    def _learn(self, place: _Place, head: str) -> _Child:
        """Return what a tag is for under the open element. Raises `Unusual` for one that the parser should read."""
        empty = head.endswith("/")
        tag = _TAG.fullmatch(head.removesuffix("/"))
        if tag is None or tag[1] not in self._prefixes or self._learnt > MOST_TAGS:
            raise Unusual
        attributes = _ATTRIBUTE.findall(tag[3])
        names = [name for name, _ in attributes]
        if len(set(names)) < len(names) or any(name.startswith("xmlns") for name in names):
            raise Unusual
        if any(":" in name and name.partition(":")[0] not in {"xml", *self._prefixes} for name in names):
            raise Unusual
        inside = place.shape.get(tag[2], place.shape.get(_ANY, _USELESS))
        shape = inside if isinstance(inside, Mapping) else None
        if empty and shape:
            raise Unusual
        path = None
        if shape is None and ("type", FORMER) not in attributes:
            path = f"{place.at}{tag[2]}" if inside is None else f"{place.at}{inside}".rstrip(".")
        closing = f"/{head.removesuffix('/').split()[0]}"
        child = _Child(tag[2], closing, shape, path, repeated=inside is not None, empty=empty)
        place.children[head] = child
        self._learnt += 1
        return child


def _entered(child: _Child, place: _Place, entered: set[str], periods: int) -> tuple[_Place, int]:
    """Return the place inside an element that opens: of several that count once, the later ones are of no use."""
    if not child.shape:
        return child.within("", _USELESS), periods
    if _ANY in place.shape:
        if periods >= MOST_PERIODS:
            raise Unusual
        return child.within(f"{place.at}{periods}.", child.shape), periods + 1
    path = f"{place.at}{child.name}."
    if path in entered:
        return child.within("", _USELESS), periods
    entered.add(path)
    return child.within(path, child.shape), periods
