"""A record of the golden copy in XML to its texts by path, read by its tags alone where the publisher wrote it.

The XML parser makes an object of each element; a million records have forty million, of which fifteen in forty are of
no use here. A record is cut at its tags instead, and most records have their tags in an order that was seen before.
Whatever is not as the publisher writes it is `Unusual` and left to the parser: that every element ends where it must,
and that no comment, section, document type, unknown entity or control character is there, is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple
from xml.etree.ElementTree import Element

from kyc_gate.ownership.gleif.json_rows import FORMER
from kyc_gate.ownership.gleif.records import said
from kyc_gate.ownership.gleif.texts import ENTITY_FIELDS, RELATIONSHIP_FIELDS, Period, Texts

Shape = Mapping[str, "Shape | str | None"]
"""What may stand inside an element, by name: the shape of another element, where its texts go, or None: by its name."""

_LINES: Shape = dict.fromkeys(
    ("FirstAddressLine", "AdditionalAddressLine", "Line1", "Line2", "Line3", "Line4"), "lines"
)
_ADDRESS: Shape = {**_LINES, **dict.fromkeys(("City", "Region", "Country", "PostalCode"))}
_ANY = "*"
_PERIOD = ("PeriodType", "StartDate", "EndDate")
_PERIODS: Shape = {_ANY: dict.fromkeys(_PERIOD)}
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
            "SuccessorEntity": {"SuccessorLEI": "lei"},
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


FIELDS: Mapping[str, tuple[str, ...]] = {
    "LEIRecord": ENTITY_FIELDS,
    "RelationshipRecord": RELATIONSHIP_FIELDS,
    "Exception": ("LEI", "ExceptionCategory"),
}
"""The fields that a record has once, of each kind, by their paths."""


class Flat(NamedTuple):
    """A record as its texts: `texts` of the `FIELDS` of its kind, the first where there are several.

    `lists` are texts by path where each counts, and `periods` those of a relationship.
    """

    kind: str
    texts: Texts
    lists: Mapping[str, list[str]]
    periods: Sequence[Period] = ()

    def all(self, path: str) -> list[str]:
        """Return every text that went to a path, in the order of the record."""
        return self.lists.get(path, [])


def _period_paths(number: int) -> tuple[str, ...]:
    return tuple(f"Relationship.RelationshipPeriods.{number}.{part}" for part in _PERIOD)


def flattened(record: Element, kind: str) -> Flat:
    """Return the texts of a record that the XML parser read."""
    found = _Found()
    _flatten(record, KINDS[kind], "", found)
    get = found.texts.get
    periods = [(get(kind), get(start), get(end)) for kind, start, end in map(_period_paths, range(found.periods))]
    return Flat(kind, tuple(map(get, FIELDS[kind])), found.lists, periods)


class _Found:
    """What was found in a record so far, by path."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}
        self.periods = 0


def _flatten(element: Element, shape: Shape, at: str, found: _Found) -> None:
    entered = set[str]()
    for child in element:
        name = child.tag.rpartition("}")[2]
        inside = shape.get(name, shape.get(_ANY, _USELESS))
        if isinstance(inside, Mapping):
            if _ANY in shape:
                _flatten(child, inside, f"{at}{found.periods}.", found)
                found.periods += 1
            elif name not in entered and inside is not _USELESS:
                entered.add(name)
                _flatten(child, inside, f"{at}{name}.", found)
        elif child.get("type") != FORMER and (text := said(child.text)):
            if inside is None:
                found.texts.setdefault(f"{at}{name}", text)
            else:
                found.lists.setdefault(f"{at}{inside}".rstrip("."), []).append(text)


_USELESS: Shape = {}

_NAME = r"[A-Za-z_][\w.-]*"
_TAG = re.compile(
    rf"(?:({_NAME}):)?({_NAME})((?:\s+(?:{_NAME}:)?{_NAME}\s*=\s*(?:\"[^\"&]*\"|'[^'&]*'))*)\s*", re.ASCII
)
_ATTRIBUTE = re.compile(rf"((?:{_NAME}:)?{_NAME})\s*=\s*[\"']([^\"']*)", re.ASCII)
_DECLARED = re.compile(rf"\sxmlns(?::({_NAME}))?\s*=", re.ASCII)
_BETWEEN = bytes(byte for byte in range(0x100) if byte not in b"<>" and (byte >= 0x20 or byte in b"\t\n"))
"""Bytes that may stand in a tag or between two: all but brackets, and control characters, which XML has not."""

_FOR_THE_PARSER = (
    (b"!", b"<!"),
    (b"?", b"<?"),
    (b"]", b"]]>"),
    # Characters that XML has not: XML 1.0, 2.2.
    (b"\xef", "\ufffe".encode()),
    (b"\xef", "\uffff".encode()),
)
"""What only a parser can judge, each with a byte that it cannot be without: one byte is found ten times faster."""

_REFERENCE = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#39|#34);)")
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
    """An order of tags in which every element ends as it must: where the texts of use stand among them.

    A place is where the text stands in a record that is cut at its brackets; at 0, before the first tag, is none.
    """

    __slots__ = ("_get", "_lists", "_periods", "_single", "kind")

    def __init__(self, kind: str, found: list[tuple[int, _Child]], periods: int) -> None:
        self.kind = kind
        singles, lists = dict[str, int](), dict[str, list[int]]()
        for at, child in found:
            if child.path is None:
                continue
            if child.repeated:
                lists.setdefault(child.path, []).append(2 * at)
            elif singles.setdefault(child.path, 2 * at) != 2 * at:
                raise Unusual  # one of them may say nothing
        paths = (*FIELDS[kind], *(path for number in range(periods) for path in _period_paths(number)))
        places = [singles.get(path, 0) for path in paths]
        self._single = len(FIELDS[kind])
        self._periods = [slice(at, at + len(_PERIOD)) for at in range(self._single, len(paths), len(_PERIOD))]
        self._lists: list[tuple[str, slice]] = []
        for path, repeated in lists.items():
            self._lists.append((path, slice(len(places), len(places) + len(repeated))))
            places.extend(repeated)
        self._get = itemgetter(*places)

    def flat(self, pieces: list[bytes], *, escaped: bool) -> Flat:
        """Return what a record with these tags says; with `escaped`, it has references in it."""
        joined = b"\0%b\0" % b"\0".join(self._get(pieces))
        texts = [text or None for text in joined[1:-1].decode().split("\0")]
        if b"\n" in joined or b"\t" in joined or b"\0 " in joined or b" \0" in joined or b"\0NULL\0" in joined:
            texts = list(map(said, texts))
        if escaped:
            texts = [_without_references(text) if text and "&" in text else text for text in texts]
        return Flat(
            self.kind,
            texts[: self._single],
            {path: [text for text in texts[places] if text] for path, places in self._lists},
            [_period(*texts[places]) for places in self._periods],
        )


def _period(kind: str | None, start: str | None, end: str | None) -> Period:
    return kind, start, end


def _without_references(text: str) -> str:
    for mark, meant in _MARKS.items():
        text = text.replace(mark, meant)
    return text


class TagReader:
    """Reads the records of one file by their tags. Tags are learnt as they come, under the element that holds them."""

    def __init__(self, root: bytes) -> None:
        self._prefixes = {found[1] for found in _DECLARED.finditer(root.decode(errors="replace"))} | {None}
        self._outermost = _Place(KINDS, "", "")
        self._layouts: dict[bytes, _Layout] = {}
        self._learnt = 0

    def records(self, run: bytes) -> tuple[list[bytes], bytes]:
        """Return the records of a run without their end tag, and that. Raises `Unusual` where they cannot be cut."""
        if any(byte in run and mark in run for byte, mark in _FOR_THE_PARSER):
            raise Unusual
        try:
            run.decode()
        except UnicodeDecodeError:
            raise Unusual from None
        if b"\r" in run:  # as the parser does: XML 1.0, 2.11
            run = run.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first = _TAG.match(run[: run.index(b">")].decode(), run.index(b"<") + 1)
        if first is None or not run.endswith(end := f"</{first[0].split()[0]}>".encode()):
            raise Unusual
        return run.split(end)[:-1], end

    def flat(self, record: bytes) -> Flat:
        """Return the texts of a record without its end tag. Raises `Unusual` for one to parse."""
        escaped = b"&" in record
        if escaped and _REFERENCE.search(record):
            raise Unusual
        # Only where each tag opens with one bracket and ends with the other are the pieces tags and texts by turns.
        brackets = record.translate(None, _BETWEEN)
        if brackets != b"<>" * (len(brackets) // 2):
            raise Unusual
        pieces = record.replace(b">", b"<").split(b"<")
        tags = pieces[1::2]
        key = b"<".join(tags)
        layout = self._layouts.get(key)
        if layout is None:
            layout = self._laid_out([tag.decode() for tag in tags])
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[key] = layout
        if pieces[0].strip():
            raise Unusual
        pieces[0] = b""
        return layout.flat(pieces, escaped=escaped)

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
        return _Layout(kind.name, found, periods)

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
