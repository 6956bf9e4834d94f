"""An entry in the making, and the collector that turns drafts into the entries of one reading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from kyc_gate.errors import InputError
from kyc_gate.lists.countries import country, nationality
from kyc_gate.lists.reading import LONGEST_NAME, MOST_ALIASES, ListReading, Problems, RowProblem, comparable, name_id
from kyc_gate.model.listing import NO_DETAILS, Address, Details, Identifier, ListEntry
from kyc_gate.model.party import Alias, PartyKind
from kyc_gate.names.normalize import normalize_name

ORIGINAL_SCRIPT = "original script"
"""The kind of an alias in the party's own script."""

_SUCCESSORS = re.compile(r"[;,]?\s*and (?:any|its|all)\b[^;]*\bsuccessors?\b.*$", re.IGNORECASE | re.DOTALL)
"""Legal boilerplate that every name of the ISN list carries."""

_FORM_WORDS = frozenset(
    (
        "co company ltd limited llc inc incorporated corp corporation gmbh plc sa ag ooo oao zao pao jsc ojsc cjsc "
        "pjsc group the and of pte pvt bv nv fze llp sarl srl spa joint stock liability private public open closed"
    ).split()
)
"""Words with which a name that is nothing but a legal form begins; other names are not looked at twice."""

_DAMAGED = re.compile("\ufffd|[\u00c2\u00c3\u00d0\u00d1][\u0080-\u00bf]|\u00e2\u20ac")
"""A letter that was lost, or UTF-8 that was read as Latin-1 and written again (`Ã©` for `é`)."""

_CONTROLS = {code: bytes((code,)).decode("cp1252", "ignore") or None for code in range(0x80, 0xA0)}
"""Control characters that no name has: Windows-1252 that was read as Latin-1 (0x92 for an apostrophe)."""

MOST_DAMAGED = 0.05
"""Share of entries with a damaged name beyond which the file was converted wrongly, and is refused whole."""

_LATIN_END = "\u024f"

T = TypeVar("T")


@dataclass(slots=True)
class Draft:
    """What one record says, as far as it was read. Texts are as published; the collector cleans and shares them."""

    code: str
    name: str
    id: str = ""
    kind: PartyKind = PartyKind.UNKNOWN
    aliases: list[Alias] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)
    identifiers: list[Identifier] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    birth_dates: list[str] = field(default_factory=list)
    nationalities: list[str] = field(default_factory=list)
    websites: list[str] = field(default_factory=list)
    start_date: str = ""
    end_date: str = ""
    remarks: list[str] = field(default_factory=list)
    citation: str = ""
    license_requirement: str = ""
    license_policy: str = ""
    source_url: str = ""
    title: str = ""
    subject: str = ""
    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    birth_places: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)

    def alias(self, name: str, kind: str = "", *, weak: bool = False) -> None:
        """Add another name; blanks are left out."""
        if name and not name.isspace():
            self.aliases.append(Alias(name=name, kind=kind, weak=weak))

    def address(
        self, street: str = "", city: str = "", region: str = "", postal_code: str = "", place: str = ""
    ) -> None:
        """Add an address; its country, in any spelling, is `place`. One that says nothing is left out."""
        parts = [tidy(street), tidy(city), tidy(region), tidy(postal_code)]
        code = country(place)
        if any(parts):
            street, city, region, postal_code = parts
            self.addresses.append(
                Address(street=street, city=city, region=region, postal_code=postal_code, country=code)
            )
        self.countries.append(code)


def tidy(text: str) -> str:
    """Return the text with each run of blanks and line breaks as one blank."""
    return " ".join(text.split()) if text else ""


def _bare(name: str) -> str:
    """The name in one line, without the words that every name of the ISN list carries behind it."""
    if "uccessor" in name:
        name = _SUCCESSORS.sub("", name) or name
    if not name.isascii():
        name = name.translate(_CONTROLS)
    return tidy(name)


def usable(name: str) -> bool:
    """Return whether a name has anything that is its own: `Co., Ltd.` has not, and would match every company."""
    if not comparable(name):
        return False
    first = name.partition(" ")[0].strip(".,()\"'")
    if first.isalnum() and len(first) > 2 and first.casefold() not in _FORM_WORDS and (name.isascii() or len(name) > 8):
        return True
    return normalize_name(name).usable


def _is_damaged(name: str) -> bool:
    return not name.isascii() and _DAMAGED.search(name) is not None


def in_original_script(name: str) -> bool:
    """Return whether the name's first letter is not a Latin one."""
    return not name.isascii() and next((char > _LATIN_END for char in name if char.isalpha()), False)


class Collector:
    """The entries and problems of one file. Equal texts and tuples are kept once."""

    def __init__(self, name: str, format: str) -> None:
        """Start empty, for the file `name`."""
        self.name = name
        self.format = format
        self.problems = Problems(name)
        self.notes: list[str] = []
        self.incomplete: list[str] = []
        self.rows = 0
        self.as_of: datetime | None = None
        self._damaged = 0
        self._entries: list[ListEntry] = []
        self._shared: dict[object, object] = {}

    def add(self, place: str, draft: Draft) -> None:
        """Keep the draft as an entry. A nameless one is a problem at `place`, and so are aliases beyond the bound."""
        self.rows += 1
        try:
            self._entries.append(self._entry(place, draft))
        except RowProblem as problem:
            self.problems.add(place, problem)

    def refuse(self, place: str, problem: object) -> None:
        """Note a row that gives no entry."""
        self.rows += 1
        self.problems.add(place, problem)

    def reading(self, files: Sequence[str] = ()) -> ListReading:
        """Return what was collected. Raises `InputError` when so many names are damaged that the file must be."""
        if self._damaged > max(2.0, MOST_DAMAGED * len(self._entries)):
            raise InputError(
                f"list `{self.name}`: {self._damaged} names are damaged by a wrong encoding; download it again"
            )
        return ListReading(
            name=self.name,
            format=self.format,
            entries=tuple(self._entries),
            problems=self.problems.all(),
            as_of=self.as_of,
            notes=tuple(self.notes),
            incomplete=tuple(self.incomplete),
            rows=self.rows,
            files=tuple(files) or (self.name,),
        )

    def share(self, value: T) -> T:
        """Return the one value that equals this one."""
        return self._shared.setdefault(value, value)  # type: ignore[return-value]

    def _entry(self, place: str, draft: Draft) -> ListEntry:
        name, aliases = self._names(place, draft)
        return ListEntry(
            list=self.share(draft.code),
            id=draft.id.strip() or name_id(name),
            name=name,
            aliases=aliases,
            kind=draft.kind,
            countries=self._all(map(country, draft.countries)),
            programs=self._all(map(tidy, draft.programs)),
            identifiers=self._all(draft.identifiers),
            addresses=self._all(draft.addresses),
            birth_dates=self._all(draft.birth_dates),
            nationalities=self._all(map(nationality, draft.nationalities)),
            websites=self._all(map(tidy, draft.websites)),
            start_date=self.share(draft.start_date),
            end_date=self.share(draft.end_date),
            details=self._details(draft),
        )

    def _names(self, place: str, draft: Draft) -> tuple[str, tuple[Alias, ...]]:
        """The primary name and the others, each once. A usable alias stands for a primary name that is not."""
        name = self._bare(place, draft.name)
        found: dict[str, Alias] = {}
        for alias in draft.aliases:
            text = self._bare(place, alias.name)
            if text and text not in found and comparable(text):
                found[text] = self._alias(text, alias)
            if len(found) > MOST_ALIASES:
                self.problems.add(place, f"`{name[:40]}` has {len(draft.aliases)} aliases; {MOST_ALIASES} were kept")
                found.popitem()
                break
        if _is_damaged(name) or any(map(_is_damaged, found)):
            self._damaged += 1
            self.problems.add(
                place, f"a name of `{name[:40]}` is damaged by a wrong encoding; compare it with the source"
            )
        if not usable(name):
            said = f"the name `{name[:40]}` says nothing of its own" if name else "the name is blank"
            name = next((text for text, alias in found.items() if not alias.weak), "")
            if not name:
                raise RowProblem(said)
            self.problems.add(place, f"{said}; its alias `{name[:40]}` stands for it")
        found.pop(name, None)
        return name, tuple(found.values())

    def _bare(self, place: str, name: str) -> str:
        if len(name) > LONGEST_NAME:
            self.problems.add(place, f"a name of {len(name)} characters was cut: `{tidy(name[:60])}`")
        return _bare(name[:LONGEST_NAME])

    def _alias(self, text: str, alias: Alias) -> Alias:
        kind = alias.kind or (ORIGINAL_SCRIPT if in_original_script(text) else "")
        return Alias(name=text, kind=self.share(kind), weak=alias.weak or not usable(text))

    def _details(self, draft: Draft) -> Details:
        details = Details(
            remarks=tidy(" ".join(draft.remarks)),
            citation=tidy(draft.citation),
            license_requirement=self.share(tidy(draft.license_requirement)),
            license_policy=self.share(tidy(draft.license_policy)),
            source_url=self.share(draft.source_url.strip()),
            title=tidy(draft.title),
            subject=self.share(tidy(draft.subject).casefold()),
            emails=self._all(draft.emails),
            phones=self._all(draft.phones),
            birth_places=self._all(map(tidy, draft.birth_places)),
            parents=self._all(map(tidy, draft.parents)),
        )
        return NO_DETAILS if details == NO_DETAILS else details

    def _all(self, values: Iterable[T]) -> tuple[T, ...]:
        kept = tuple(dict.fromkeys(values))
        if "" in kept:
            kept = tuple(value for value in kept if value)
        return self.share(kept) if kept else ()
