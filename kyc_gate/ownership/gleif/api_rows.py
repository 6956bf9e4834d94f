"""Answers of the public LEI interface, as saved from `api.gleif.org`: one record or a page of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import msgspec

from kyc_gate.errors import InputError
from kyc_gate.ownership.gleif.json_rows import FORMER
from kyc_gate.ownership.gleif.records import Address, Entity, Relationship, ReportingException, Row, said

LARGEST_ANSWER_BYTES = 16 << 20
"""A page of the interface holds at most 200 records, some 3 kB each."""

# The interface writes plain JSON whose parts may be missing anywhere, so it is read as dictionaries.
Object = Mapping[str, Any]


def read_api_rows(file: BinaryIO) -> Iterator[Row | str]:
    """Yield each record of one answer, or in one clause what is wrong with it. Raises `InputError` for other files."""
    body = file.read(LARGEST_ANSWER_BYTES + 1)
    if len(body) > LARGEST_ANSWER_BYTES:
        raise InputError("this is longer than any answer of the LEI interface")
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise InputError(f"this is not JSON: {error}") from error
    data = answer.get("data") if isinstance(answer, dict) else None
    for each in data if isinstance(data, list) else [data]:
        yield _row(each) if isinstance(each, dict) else "an entry that is no object"


def _row(entry: Object) -> Row | str:
    attributes = _object(entry, "attributes")
    kind = entry.get("type")
    if kind == "lei-records":
        return _entity(attributes)
    if kind == "relationship-records":
        return _relationship(attributes)
    if kind == "reporting-exceptions":
        return _exception(attributes)
    return f"an entry of the kind `{kind}`"


def _object(value: Object, name: str) -> Object:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _objects(value: Object, name: str) -> list[Object]:
    found = value.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(value: Object, name: str) -> str | None:
    found = value.get(name)
    return said(found) if isinstance(found, str) else None


def _entity(attributes: Object) -> Row | str:
    lei, entity, registration = (
        _text(attributes, "lei"),
        _object(attributes, "entity"),
        _object(attributes, "registration"),
    )
    name = _text(_object(entity, "legalName"), "name")
    if lei is None or name is None:
        return "a record without an LEI" if lei is None else f"LEI {lei} has no legal name"
    form = _object(entity, "legalForm")
    return Entity(
        lei=lei,
        name=name,
        names=tuple(
            other
            for each in (*_objects(entity, "otherNames"), *_objects(entity, "transliteratedOtherNames"))
            if each.get("type") != FORMER and (other := _text(each, "name"))
        ),
        legal_address=_address(_object(entity, "legalAddress")),
        headquarters_address=_address(_object(entity, "headquartersAddress")),
        jurisdiction=_text(entity, "jurisdiction"),
        category=_text(entity, "category"),
        legal_form=_text(form, "id") or _text(form, "other"),
        status=_text(entity, "status"),
        registration=_text(registration, "status"),
        created=_text(entity, "creationDate"),
        updated=_text(registration, "lastUpdateDate"),
        renewal=_text(registration, "nextRenewalDate"),
        registered_as=_text(entity, "registeredAs"),
        successor=_text(_object(entity, "successorEntity"), "lei"),
    )


def _address(address: Object) -> Address:
    lines = address.get("addressLines")
    return Address(
        lines=tuple(line for each in lines if isinstance(each, str) and (line := said(each)))
        if isinstance(lines, list)
        else (),
        city=_text(address, "city"),
        region=_text(address, "region"),
        country=_text(address, "country"),
        postal_code=_text(address, "postalCode"),
    )


def _relationship(attributes: Object) -> Row | str:
    found, registration = _object(attributes, "relationship"), _object(attributes, "registration")
    start, end = (_text(_object(found, node), "id") for node in ("startNode", "endNode"))
    kind = _text(found, "type")
    if start is None or end is None or kind is None:
        return "a relationship without both ends or without a type"
    period = next((each for each in _objects(found, "periods") if each.get("type") == "RELATIONSHIP_PERIOD"), {})
    return Relationship(
        start=start,
        end=end,
        type=kind,
        status=_text(found, "status"),
        registration=_text(registration, "status"),
        since=_text(period, "startDate"),
        until=_text(period, "endDate"),
        updated=_text(registration, "lastUpdateDate"),
        validated=_text(registration, "corroborationLevel"),
    )


def _exception(attributes: Object) -> Row | str:
    lei, category, reason = (_text(attributes, name) for name in ("lei", "category", "reason"))
    if lei is None or category is None:
        return "an exception without an LEI or a category"
    return ReportingException(lei=lei, category=category, reasons=(reason,) if reason else ())
