"""The golden copy in JSON: one object with one list, each value of a record as `{"$": ...}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, TypeVar

import msgspec

from kyc_gate.errors import InputError
from kyc_gate.ownership.gleif.records import Address, Entity, Relationship, ReportingException, Row, Run, said

T = TypeVar("T")

BLOCK_BYTES = 1 << 20
LARGEST_RECORD_BYTES = 32 << 20
"""Bytes without the end of a record in them. The largest record of the golden copy has some 60 kB."""


# None of these can be part of a circle, so that none needs to be watched for one.
class _Text(msgspec.Struct, gc=False):
    value: str | None = msgspec.field(name="$", default=None)


_Texts = _Text | list[_Text] | None


class _Named(msgspec.Struct, gc=False):
    value: str | None = msgspec.field(name="$", default=None)
    type: str | None = msgspec.field(name="@type", default=None)


_NamedOnes = _Named | list[_Named] | None


class _Address(msgspec.Struct, rename="pascal", gc=False):
    first_address_line: _Text | None = None
    additional_address_line: _Texts = None
    city: _Text | None = None
    region: _Text | None = None
    country: _Text | None = None
    postal_code: _Text | None = None


class _Form(msgspec.Struct, rename="pascal", gc=False):
    entity_legal_form_code: _Text | None = None
    other_legal_form: _Text | None = None


class _Authority(msgspec.Struct, gc=False):
    entity: _Text | None = msgspec.field(name="RegistrationAuthorityEntityID", default=None)


class _OtherNames(msgspec.Struct, rename="pascal", gc=False):
    other_entity_name: _NamedOnes = None
    transliterated_other_entity_name: _NamedOnes = None


class _Successor(msgspec.Struct, gc=False):
    lei: _Text | None = msgspec.field(name="SuccessorLEI", default=None)


class _Entity(msgspec.Struct, rename="pascal", gc=False):
    legal_name: _Text | None = None
    other_entity_names: _OtherNames | None = None
    transliterated_other_entity_names: _OtherNames | None = None
    legal_address: _Address | None = None
    headquarters_address: _Address | None = None
    registration_authority: _Authority | None = None
    legal_jurisdiction: _Text | None = None
    entity_category: _Text | None = None
    legal_form: _Form | None = None
    entity_status: _Text | None = None
    entity_creation_date: _Text | None = None
    successor_entity: _Successor | list[_Successor] | None = None


class _Registration(msgspec.Struct, rename="pascal", gc=False):
    last_update_date: _Text | None = None
    registration_status: _Text | None = None
    next_renewal_date: _Text | None = None
    validation_sources: _Text | None = None


class _Node(msgspec.Struct, gc=False):
    id: _Text | None = msgspec.field(name="NodeID", default=None)


class _Period(msgspec.Struct, rename="pascal", gc=False):
    start_date: _Text | None = None
    end_date: _Text | None = None
    period_type: _Text | None = None


class _Periods(msgspec.Struct, rename="pascal", gc=False):
    relationship_period: _Period | list[_Period] | None = None


class _Relationship(msgspec.Struct, rename="pascal", gc=False):
    start_node: _Node
    end_node: _Node
    relationship_type: _Text
    relationship_periods: _Periods | list[_Period] | None = None
    relationship_status: _Text | None = None


class _Pair(msgspec.Struct, rename="pascal", gc=False):
    relationship: _Relationship
    registration: _Registration | None = None


class _Record(msgspec.Struct, rename="pascal", gc=False):
    """Any of the three kinds: what is there says which."""

    lei: _Text | None = msgspec.field(name="LEI", default=None)
    entity: _Entity | None = None
    registration: _Registration | None = None
    relationship: _Relationship | None = None
    relationship_record: _Pair | None = None
    exception_category: _Text | None = None
    exception_reason: _Texts = None


_DECODER = msgspec.json.Decoder(list[_Record])
_ONE = msgspec.json.Decoder(_Record)
_RAW = msgspec.json.Decoder(list[msgspec.Raw])
# An object, a few plain values perhaps, and the list.
_HEAD = re.compile(
    rb'\s*\{\s*(?:"[^"]{1,99}"\s*:\s*(?:"[^"]{0,999}"|[-+.\w]{1,99}|\{[^{}\[\]]{0,9999}\})\s*,\s*){0,20}"[^"]{1,99}"\s*:\s*\[\s*'
)
_LIST = re.compile(rb"\s*\[\s*")


class JsonRun(NamedTuple):
    """A run of whole records with commas between them, and what stands between any two."""

    records: bytes
    boundary: re.Pattern[bytes]

    def rows(self) -> Iterator[Row | str]:
        """Yield each record, or in one clause what is wrong with it; where not all decode at once, one by one."""
        try:
            decoded = _DECODER.decode(b"[" + self.records + b"]")
        except msgspec.DecodeError:
            yield from _one_by_one(self.records, self.boundary)
            return
        for record in decoded:
            yield _row(record)


def read_json_runs(file: BinaryIO) -> Iterator[Run]:
    """Yield runs of whole records, a block each; what they say is for `JsonRun.rows`. Memory stays at a few blocks.

    Raises `InputError` for a file that is not of this format or ends too early.
    """
    buffer = file.read(BLOCK_BYTES).removeprefix(b"\xef\xbb\xbf")
    head = _HEAD.match(buffer) or _LIST.match(buffer)
    if head is None:
        raise InputError("this is no golden copy in JSON: it does not start with an object that holds one list")
    buffer = buffer[head.end() :]
    if buffer.startswith(b"]"):
        return
    boundary = _boundary(buffer)
    while block := file.read(BLOCK_BYTES):
        buffer += block
        cut = _last(boundary, buffer)
        if cut is not None:
            yield JsonRun(buffer[: cut[0]], boundary)
            buffer = buffer[cut[1] :]
        elif len(buffer) > LARGEST_RECORD_BYTES:
            raise InputError(f"a record is longer than {LARGEST_RECORD_BYTES >> 20} MB")
    end = _END.search(buffer)
    if end is None or not _whole(buffer[: end.start()], boundary):
        raise InputError("the file ends in the middle of a record")
    yield JsonRun(buffer[: end.start()], boundary)


# The list closes, and the object around it, after a few plain values perhaps.
_END = re.compile(rb'\]\s*(?:(?:,\s*"[^"]{1,99}"\s*:\s*(?:"[^"]{0,999}"|[-+.\w]{1,99})\s*){0,20}\}\s*)?\Z')


def _whole(records: bytes, boundary: re.Pattern[bytes]) -> bool:
    """Return whether the last record is whole: one that was cut may end like the file does."""
    cut = _last(boundary, records)
    try:
        msgspec.json.decode(records[cut[1] if cut else 0 :], type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True


def _boundary(buffer: bytes) -> re.Pattern[bytes]:
    """Return what stands between two records: the key that the first record starts with starts each of them.

    Inside a text it cannot stand, since its quotes would be escaped there.
    """
    first = re.match(rb'\{\s*("(?:[^"\\]|\\.)*")\s*:', buffer)
    if first is None:
        raise InputError("the list holds no record")
    return re.compile(rb"\}\s*(,)\s*(?=\{\s*" + re.escape(first[1]) + rb"\s*:)")


_TAIL_BYTES = 1 << 16


def _last(boundary: re.Pattern[bytes], buffer: bytes) -> tuple[int, int] | None:
    """Return where the last comma between two records stands, searched from the end backwards, and what follows it."""
    reach = _TAIL_BYTES
    while True:
        start = max(0, len(buffer) - reach)
        found = None
        for match in boundary.finditer(buffer, start):
            found = match
        if found is not None:
            return found.start(1), found.end(1)
        if start == 0:
            return None
        reach *= 4


def _one_by_one(records: bytes, boundary: re.Pattern[bytes]) -> Iterator[Row | str]:
    try:
        pieces = [bytes(raw) for raw in _RAW.decode(b"[" + records + b"]")]
    except msgspec.DecodeError:
        cuts = [match.start(1) for match in boundary.finditer(records)]
        starts, ends = [0, *(cut + 1 for cut in cuts)], [*cuts, len(records)]
        pieces = [records[start:end] for start, end in zip(starts, ends, strict=True)]
    for piece in pieces:
        try:
            yield _row(_ONE.decode(piece))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield _complaint(error)


def _complaint(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].lower()}{text[1:]}"[:200]


def _row(record: _Record) -> Row | str:
    if record.relationship_record is not None:
        pair = record.relationship_record
        return _relationship(pair.relationship, pair.registration or record.registration)
    if record.relationship is not None:
        return _relationship(record.relationship, record.registration)
    lei = _said(record.lei)
    if lei is None:
        return "a record without an LEI"
    if record.exception_category is not None:
        category = _said(record.exception_category)
        reasons = tuple(reason for each in _many(record.exception_reason) if (reason := _said(each)))
        return ReportingException(lei=lei, category=category, reasons=reasons) if category else "no exception category"
    if record.entity is None:
        return f"LEI {lei} has neither an entity nor an exception"
    return _entity(lei, record.entity, record.registration or _Registration())


def _entity(lei: str, entity: _Entity, registration: _Registration) -> Row | str:
    name = _said(entity.legal_name)
    if name is None:
        return f"LEI {lei} has no legal name"
    form = entity.legal_form
    return Entity(
        lei=lei,
        name=name,
        names=_names(entity),
        legal_address=_address(entity.legal_address),
        headquarters_address=_address(entity.headquarters_address),
        jurisdiction=_said(entity.legal_jurisdiction),
        category=_said(entity.entity_category),
        legal_form=(_said(form.entity_legal_form_code) or _said(form.other_legal_form)) if form else None,
        status=_said(entity.entity_status),
        registration=_said(registration.registration_status),
        created=_said(entity.entity_creation_date),
        updated=_said(registration.last_update_date),
        renewal=_said(registration.next_renewal_date),
        registered_as=_said(entity.registration_authority.entity) if entity.registration_authority else None,
        successor=next((_said(each.lei) for each in _many(entity.successor_entity)), None),
    )


FORMER = "PREVIOUS_LEGAL_NAME"
"""The type of a name that an entity no longer bears."""


def _names(entity: _Entity) -> tuple[str, ...]:
    lists = (entity.other_entity_names, entity.transliterated_other_entity_names)
    if lists == (None, None):
        return ()
    named = [
        each
        for found in lists
        if found is not None
        for each in (*_many(found.other_entity_name), *_many(found.transliterated_other_entity_name))
    ]
    return tuple(name for each in named if each.type != FORMER and (name := said(each.value)))


def _address(address: _Address | None) -> Address:
    if address is None:
        return Address()
    lines = (address.first_address_line, *_many(address.additional_address_line))
    return Address(
        lines=tuple(line for each in lines if (line := _said(each))),
        city=_said(address.city),
        region=_said(address.region),
        country=_said(address.country),
        postal_code=_said(address.postal_code),
    )


def _relationship(found: _Relationship, registration: _Registration | None) -> Row | str:
    start, end, kind = _said(found.start_node.id), _said(found.end_node.id), _said(found.relationship_type)
    if start is None or end is None or kind is None:
        return "a relationship without both ends or without a type"
    held = found.relationship_periods
    periods = _many(held.relationship_period) if isinstance(held, _Periods) else held or []
    period = next((each for each in periods if _said(each.period_type) == "RELATIONSHIP_PERIOD"), _Period())
    registration = registration or _Registration()
    return Relationship(
        start=start,
        end=end,
        type=kind,
        status=_said(found.relationship_status),
        registration=_said(registration.registration_status),
        since=_said(period.start_date),
        until=_said(period.end_date),
        updated=_said(registration.last_update_date),
        validated=_said(registration.validation_sources),
    )


def _said(text: _Text | None) -> str | None:
    if text is None:
        return None
    value = text.value
    # Nearly every value takes this way; a million records have twenty millions of them.
    if value and value[0] > " " and value[-1] > " " and value != "NULL":
        return value
    return said(value)


def _many(value: T | list[T] | None) -> list[T]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
