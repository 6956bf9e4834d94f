"""The golden copy in CSV: a header of dotted names, one record a line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO

from kyc_gate.errors import InputError
from kyc_gate.ownership.gleif.json_rows import FORMER
from kyc_gate.ownership.gleif.records import Address, Entity, Relationship, ReportingException, Row, said

LONGEST_FIELD = 1 << 20
"""Characters in one field; what is longer is an open quote, not a name."""

Columns = Mapping[str, int]
Cells = Sequence[str]
Reader = Callable[[Cells], Row | str]


def read_csv_rows(file: BinaryIO) -> Iterator[Row | str]:
    """Yield each record of the file, or in one clause what is wrong with it. Columns are found by name.

    Raises `InputError` for a header that is of none of the three files, and for bytes that are not UTF-8.
    """
    csv.field_size_limit(LONGEST_FIELD)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    lines = csv.reader(text, strict=True)
    header = next(lines, [])
    read = _reader({name.strip(): at for at, name in enumerate(header)})
    width = len(header)
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            yield str(error)
            continue
        if len(cells) == width:
            yield read(cells)
        elif cells:
            yield f"{len(cells)} fields instead of {width}"


def _reader(columns: Columns) -> Reader:
    """Return what reads a line under this header."""
    if "Relationship.StartNode.NodeID" in columns:
        return _relationships(columns)
    if "LEI" in columns and "Exception.Category" in columns:
        return _exceptions(columns)
    if "LEI" in columns and "Entity.LegalName" in columns:
        return _entities(columns)
    raise InputError("this is no golden copy in CSV: the header names neither entities, relationships nor exceptions")


def _cell(columns: Columns, name: str) -> Callable[[Cells], str | None]:
    at = columns.get(name)
    return (lambda cells: said(cells[at])) if at is not None else (lambda cells: None)


def _matching(columns: Columns, pattern: str) -> list[tuple[str, int]]:
    return sorted((name, at) for name, at in columns.items() if re.fullmatch(pattern, name))


def _entities(columns: Columns) -> Reader:
    def column(name: str) -> Callable[[Cells], str | None]:
        return _cell(columns, name)

    lei, name = column("LEI"), column("Entity.LegalName")
    legal, headquarters = _addresses(columns, "Entity.LegalAddress"), _addresses(columns, "Entity.HeadquartersAddress")
    form, other_form = column("Entity.LegalForm.EntityLegalFormCode"), column("Entity.LegalForm.OtherLegalForm")
    jurisdiction, category = column("Entity.LegalJurisdiction"), column("Entity.EntityCategory")
    status, registration = column("Entity.EntityStatus"), column("Registration.RegistrationStatus")
    created, updated = column("Entity.EntityCreationDate"), column("Registration.LastUpdateDate")
    renewal = column("Registration.NextRenewalDate")
    registered_as = column("Entity.RegistrationAuthority.RegistrationAuthorityEntityID")
    successors = [at for _, at in _matching(columns, r"Entity\.SuccessorEntity\.(?:\d+\.)?SuccessorLEI")]
    others = [
        (at, columns.get(f"{title}.type"))
        for title, at in _matching(columns, r"Entity\.(?:Transliterated)?OtherEntityNames\.\w+\.\d+")
    ]

    def read(cells: Cells) -> Row | str:
        code, called = lei(cells), name(cells)
        if code is None or called is None:
            return "a record without an LEI" if code is None else f"LEI {code} has no legal name"
        return Entity(
            lei=code,
            name=called,
            names=tuple(
                other
                for at, kind in others
                if cells[at] and (kind is None or cells[kind] != FORMER) and (other := said(cells[at]))
            ),
            legal_address=legal(cells),
            headquarters_address=headquarters(cells),
            jurisdiction=jurisdiction(cells),
            category=category(cells),
            legal_form=form(cells) or other_form(cells),
            status=status(cells),
            registration=registration(cells),
            created=created(cells),
            updated=updated(cells),
            renewal=renewal(cells),
            registered_as=registered_as(cells),
            successor=next((found for at in successors if (found := said(cells[at]))), None),
        )

    return read


def _addresses(columns: Columns, under: str) -> Callable[[Cells], Address]:
    lines = [
        at for _, at in _matching(columns, re.escape(under) + r"\.(?:FirstAddressLine|AdditionalAddressLine(?:\.\d+)?)")
    ]
    first = columns.get(f"{under}.FirstAddressLine")
    lines.sort(key=lambda at: (at != first, at))
    city, region = _cell(columns, f"{under}.City"), _cell(columns, f"{under}.Region")
    country, postal_code = _cell(columns, f"{under}.Country"), _cell(columns, f"{under}.PostalCode")

    def read(cells: Cells) -> Address:
        return Address(
            lines=tuple(line for at in lines if cells[at] and (line := said(cells[at]))),
            city=city(cells),
            region=region(cells),
            country=country(cells),
            postal_code=postal_code(cells),
        )

    return read


def _relationships(columns: Columns) -> Reader:
    start, end = _cell(columns, "Relationship.StartNode.NodeID"), _cell(columns, "Relationship.EndNode.NodeID")
    kind, status = _cell(columns, "Relationship.RelationshipType"), _cell(columns, "Relationship.RelationshipStatus")
    registration = _cell(columns, "Registration.RegistrationStatus")
    updated, validated = _cell(columns, "Registration.LastUpdateDate"), _cell(columns, "Registration.ValidationSources")
    periods = [
        (at, columns.get(name[: -len("periodType")] + "startDate"), columns.get(name[: -len("periodType")] + "endDate"))
        for name, at in _matching(columns, r"Relationship\.Period\.\d+\.periodType")
    ]

    def read(cells: Cells) -> Row | str:
        below, above, type_ = start(cells), end(cells), kind(cells)
        if below is None or above is None or type_ is None:
            return "a relationship without both ends or without a type"
        since, until = next(
            ((since, until) for at, since, until in periods if cells[at] == "RELATIONSHIP_PERIOD"), (None, None)
        )
        return Relationship(
            start=below,
            end=above,
            type=type_,
            status=status(cells),
            registration=registration(cells),
            since=said(cells[since]) if since is not None else None,
            until=said(cells[until]) if until is not None else None,
            updated=updated(cells),
            validated=validated(cells),
        )

    return read


def _exceptions(columns: Columns) -> Reader:
    lei, category = _cell(columns, "LEI"), _cell(columns, "Exception.Category")
    reasons = [at for _, at in _matching(columns, r"Exception\.Reason(?:\.\d+)?")]

    def read(cells: Cells) -> Row | str:
        code, about = lei(cells), category(cells)
        if code is None or about is None:
            return "an exception without an LEI or a category"
        return ReportingException(
            lei=code, category=about, reasons=tuple(reason for at in reasons if (reason := said(cells[at])))
        )

    return read
