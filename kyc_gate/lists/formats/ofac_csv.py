"""Treasury's CSV files: primary names, aliases, addresses and comments, without headers, joined by entity number.

`-0- ` is nothing, 0x1A ends a file (also in the middle, where files were put together), `A] [B` are two programmes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import Enum

from kyc_gate.errors import InputError
from kyc_gate.lists.draft import Collector, Draft
from kyc_gate.lists.formats.ofac_remarks import add_remarks
from kyc_gate.lists.reading import ListReading, RowProblem
from kyc_gate.lists.rows import Cells, first_rows, numbered_rows
from kyc_gate.lists.sources import NON_SDN_PROGRAMS, non_sdn_code
from kyc_gate.model.party import PartyKind

END_OF_FILE = "\x1a"


class Part(Enum):
    """The four files of a set, with their number of columns."""

    PRIMARY = 12
    ALIASES = 5
    ADDRESSES = 6
    COMMENTS = 2


_ALIAS_WORDS = frozenset(("aka", "fka", "nka"))
_KINDS = {"individual": PartyKind.PERSON, "": PartyKind.COMPANY}
_NON_SDN = frozenset(program for program, _ in NON_SDN_PROGRAMS)


def ofac_part(text: str) -> Part | None:
    """Return which file of a set the text is, or None when it is none: rows begin with an entity number."""
    rows = first_rows(text)
    if not rows or not all(row[0].strip().isdecimal() for row in rows):
        return None
    widths = {len(row) for row in rows}
    if len(widths) != 1 or widths - {part.value for part in Part}:
        return None
    part = Part(widths.pop())
    if part is Part.ALIASES and not all(row[2].strip().casefold() in _ALIAS_WORDS for row in rows):
        return None
    return part


def read_ofac_csv(files: Mapping[str, str]) -> ListReading:
    """Return one reading of all the files, joined by entity number; each has a part. Raises `InputError` without names.

    A number means the same party in every file of Treasury's, so aliases and addresses are joined wherever they stand.
    """
    parts: dict[Part, list[str]] = defaultdict(list)
    for name in sorted(files):
        part = ofac_part(files[name])
        if part is not None:
            parts[part].append(name)
    primary = parts[Part.PRIMARY]
    if not primary:
        raise InputError(
            f"list `{sorted(files)[0]}`: aliases, addresses or comments without the names; "
            "give SDN.CSV (or CONS_PRIM.CSV) with it"
        )
    others = f" with {len(files) - 1} more" if len(files) > 1 else ""
    collector = Collector(f"{primary[0]}{others}", "ofac-csv")
    extra = _Extra(collector, files, parts)
    for name in primary:
        _add_primary(collector, name, files[name], extra)
    extra.report()
    for part, words in ((Part.ALIASES, "ALT.CSV"), (Part.ADDRESSES, "ADD.CSV")):
        if not parts[part]:
            collector.incomplete.append(
                f"{primary[0]}: {words} was not given, so what it holds is not known; give the files together"
            )
    return collector.reading(sorted(files))


class _Extra:
    """The rows of aliases, addresses and comments by entity number, and which of them found their entry."""

    def __init__(self, collector: Collector, files: Mapping[str, str], parts: Mapping[Part, Sequence[str]]) -> None:
        self.collector = collector
        self.rows: dict[Part, dict[str, list[Cells]]] = {}
        self.used: set[str] = set()
        for part in (Part.ALIASES, Part.ADDRESSES, Part.COMMENTS):
            self.rows[part] = defaultdict(list)
            for name in parts.get(part, ()):
                self._read(part, name, files[name])

    def _read(self, part: Part, name: str, text: str) -> None:
        for line, row in numbered_rows(name, text, self.collector.problems):
            number = row[0].strip(END_OF_FILE + " ")
            if not number:
                continue
            if len(row) < part.value:
                self.collector.problems.add(f"{name} line {line}", f"{len(row)} cells where there are {part.value}")
            self.rows[part][number].append([_value(cell) for cell in row])

    def add_to(self, draft: Draft, number: str) -> str:
        """Add an entry's aliases and addresses, and return its comments, which go on where the remarks broke off."""
        self.used.add(number)
        for row in self.rows[Part.ALIASES].get(number, ()):
            if len(row) > 3:
                draft.alias(row[3], row[2].casefold())
        for row in self.rows[Part.ADDRESSES].get(number, ()):
            cells = [*row[2:5], "", "", ""]
            draft.address(cells[0], cells[1], place=cells[2])
        return "".join(dict.fromkeys(row[1] for row in self.rows[Part.COMMENTS].get(number, ()) if len(row) > 1))

    def report(self) -> None:
        """Note rows that belong to no entry: the files are not of one date."""
        for part, rows in self.rows.items():
            strays = [number for number in rows if number not in self.used]
            if strays:
                count = sum(len(rows[number]) for number in strays)
                self.collector.problems.add(
                    f"{part.name.lower()}",
                    f"{count} rows belong to no entry (the first to {strays[0]}); give files of one date",
                )


def _add_primary(collector: Collector, name: str, text: str, extra: _Extra) -> None:
    """Add each segment of a file; files put together have 0x1A between them."""
    segment: list[tuple[int, Cells]] = []
    for line, row in numbered_rows(name, text, collector.problems):
        if row[0].startswith(END_OF_FILE):
            _add_segment(collector, segment, extra)
            segment = []
        if row[0].strip(END_OF_FILE + " "):
            segment.append((line, row))
    if segment and len(segment[-1][1]) < Part.PRIMARY.value and not text.endswith(("\n", "\r")):
        raise InputError(f"list `{name}`: cut short in line {segment[-1][0]}; download it again")
    _add_segment(collector, segment, extra)


def _add_segment(collector: Collector, rows: list[tuple[int, Cells]], extra: _Extra) -> None:
    programs = [_programs(row) for _, row in rows]
    # In the non-SDN file nearly every row has a programme that only this file has; in SDN.CSV hardly any.
    others = sum(1 for found in programs if _NON_SDN.intersection(found)) > len(rows) / 2
    for (line, row), found in zip(rows, programs, strict=True):
        place = f"line {line}"
        try:
            collector.add(place, _draft(row, found, non_sdn_code(found) if others else "SDN", extra))
        except RowProblem as problem:
            collector.refuse(place, problem)


def _programs(row: Cells) -> list[str]:
    return [part for part in _value(row[3]).split("] [") if part] if len(row) > 3 else []


def _draft(row: Cells, programs: list[str], code: str, extra: _Extra) -> Draft:
    if len(row) < Part.PRIMARY.value:
        raise RowProblem(f"{len(row)} cells where SDN.CSV has {Part.PRIMARY.value}")
    number, name, kind, _, title, call_sign, vessel_type, _, _, flag, owner, remarks = map(_value, row[:12])
    folded = kind.casefold()
    draft = Draft(code=code, id=number.strip(END_OF_FILE), name=name, programs=programs, title=title)
    draft.kind = _KINDS.get(folded, PartyKind.UNKNOWN)
    draft.subject = "" if folded in _KINDS else folded
    draft.countries.append(flag)
    draft.parents.append(owner)
    add_remarks(draft, remarks + extra.add_to(draft, draft.id))
    for label, value in (("Vessel type", vessel_type), ("Call sign", call_sign)):
        if value:
            draft.remarks.append(f"{label} {value}.")
    return draft


def _value(cell: str) -> str:
    bare = cell.strip()
    return "" if bare == "-0-" else bare
