"""OFAC's SDN.CSV: twelve columns without a header, `-0-` for nothing, and 0x1A where a file ends."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from kyc_gate.lists.reading import ListReading, RowProblem, comparable
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import PartyKind

COLUMNS = 12
"""ent_num, name, type, program, title, call sign, vessel type, tonnage, gross tonnage, flag, owner, remarks."""

END_OF_FILE = "\x1a"


def read_sdn_csv(name: str, rows: Iterator[list[str]], first: list[str]) -> ListReading:
    """Return the entries of SDN.CSV, whose first row is `first`. Aliases are in ALT.CSV and not here."""
    entries: list[ListEntry] = []
    problems: list[str] = []
    row: list[str] | None = first
    while row is not None:
        try:
            if row and row[0].strip(END_OF_FILE + " \r\n"):
                entries.append(_entry(row))
        except RowProblem as problem:
            problems.append(f"{name}, line {getattr(rows, 'line_num', 0)}: {problem}")
        try:
            row = next(rows, None)
        except csv.Error as error:
            problems.append(f"{name}, line {getattr(rows, 'line_num', 0)}: {error}")
            row = []
    return ListReading(name=name, format="ofac-sdn-csv", entries=tuple(entries), problems=tuple(problems))


def _entry(row: list[str]) -> ListEntry:
    if len(row) < COLUMNS:
        raise RowProblem(f"{len(row)} cells where SDN.CSV has {COLUMNS}")
    number, name, kind, program = (_value(cell) for cell in row[:4])
    if not comparable(name):
        raise RowProblem("the name is blank")
    return ListEntry(
        list="SDN",
        id=number.strip(END_OF_FILE),
        name=name,
        kind={"individual": PartyKind.PERSON, "": PartyKind.COMPANY}.get(kind, PartyKind.UNKNOWN),
        programs=tuple(part for part in program.split("] [") if part),
    )


def _value(cell: str) -> str:
    bare = cell.strip()
    return "" if bare == "-0-" else bare
