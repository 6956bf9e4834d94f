"""What is read of a message that passes is what protobuf's own reader reads, and nothing beside it."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc_gate.adapters.protobuf import Field, Table, frame, read_frame, read_message
from kyc_gate.errors import RefusedCall

INNER: Table = {1: Field("name", "text"), 2: Field("count", "int")}
TABLE: Table = {
    1: Field("id", "text"),
    2: Field("inner", INNER),
    3: Field("many", INNER, repeated=True),
    4: Field("texts", "text", repeated=True),
    5: Field("flag", "bool"),
    16: Field("number", "int"),
    7: None,
}
KINDS = {"text": 9, "int": 3, "bool": 8}


@functools.cache
def reader() -> Any:
    """The same message for protobuf's own reader."""
    file = descriptor_pb2.FileDescriptorProto(name="strict.proto", package="strict", syntax="proto3")
    for name, table in (("Inner", INNER), ("Outer", TABLE)):
        message = file.message_type.add(name=name)
        for number, field in table.items():
            if field is None:
                message.field.add(name=f"known{number}", number=number, type=12, label=1)
                continue
            made = message.field.add(name=field.name, number=number, label=3 if field.repeated else 1)
            if isinstance(field.kind, str):
                made.type = KINDS[field.kind]
            else:
                made.type, made.type_name = 11, ".strict.Inner"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("strict.Outer"))


texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=4)
numbers = st.integers(0, 2**63 - 1) | st.integers(0, 300)
inners = st.fixed_dictionaries({}, optional={"name": texts, "count": numbers})
outers = st.fixed_dictionaries(
    {},
    optional={
        "id": texts,
        "inner": inners,
        "many": st.lists(inners, max_size=3),
        "texts": st.lists(texts, max_size=3),
        "flag": st.booleans(),
        "number": numbers,
    },
)


@st.composite
def wires(draw: Any) -> bytes:
    """A message as it is written, then cut, joined to another and changed at some bytes."""
    data = bytearray(b"".join(reader()(**draw(outers)).SerializeToString() for _ in range(draw(st.integers(1, 2)))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    return bytes(data)


def plain(message: Any) -> Any:
    """What protobuf read, as a dictionary of what is there."""
    found = {}
    for field, value in message.ListFields():
        if field.name.startswith("known"):
            continue
        each = [plain(one) if field.message_type else one for one in (value if field.is_repeated else [value])]
        found[field.name] = each if field.is_repeated else each[0]
    return found


def kept(value: Any) -> Any:
    """What was read, without what protobuf does not tell from nothing."""
    if isinstance(value, dict):
        return {name: kept(each) for name, each in value.items() if each not in ("", 0, False, [])}
    return [kept(each) for each in value] if isinstance(value, list) else value


@settings(max_examples=600)
@given(data=wires())
def test_both_read_the_same(data: bytes) -> None:
    """A message that passes is one to protobuf's reader, with the same fields, and what is unknown is told."""
    try:
        read = read_message(data, TABLE)
    except RefusedCall:
        return
    message = reader()()
    try:
        message.ParseFromString(data)
    except DecodeError:
        assert read.unknown  # a field that nobody here knows may hold what protobuf does not take
        return
    assert kept(read.fields) == kept(plain(message))
    assert bool(len(UnknownFieldSet(message))) <= bool(read.unknown)


@given(message=outers)
def test_what_is_written_is_read(message: dict[str, Any]) -> None:
    """Whatever protobuf's own writer writes passes, and is read whole."""
    read = read_message(reader()(**message).SerializeToString(), TABLE)
    assert (kept(read.fields), read.unknown) == (kept(plain(reader()(**message))), ())


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x0a\x01a\x0a\x01b", "twice"),
        (b"\x12\x00\x12\x00", "twice"),
        (b"\x0a\xff", "cut off"),
        (b"\x0a\x05a", "within"),
        (b"\x8a\x00\x01a", "padded"),
        (b"\x28\x02", "true"),
        (b"\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "negative"),
        (b"\x0b\x0c", "group"),
        (b"\x08\x01", "kind"),
        (b"\x82\x01\x00", "number"),
        (b"\x0a\x02\xc3\x28", "UTF-8"),
        (b"\x02\x00", "without a number"),
    ],
)
def test_what_has_two_readings_is_refused(data: bytes, problem: str) -> None:
    """Readers differ on these, or take the last."""
    with pytest.raises(RefusedCall, match=problem):
        read_message(data, TABLE)


def test_what_is_unknown_is_told_by_its_place() -> None:
    """A newer field, also inside of another message, is told, and does not hide the rest."""
    read = read_message(b"\x12\x05\x0a\x01a\x50\x01\x3a\x01x\x32\x00", TABLE)
    assert (read.fields, read.unknown) == ({"inner": {"name": "a"}}, ("message.inner.10", "message.6"))


def test_a_frame_is_one_message() -> None:
    """What follows the message, or is compressed, is refused."""
    assert read_frame(frame(b"abc")) == b"abc"
    for body in (b"", b"abc", frame(b"abc") + b"x", b"\x01" + frame(b"abc")[1:]):
        with pytest.raises(RefusedCall):
            read_frame(body)
