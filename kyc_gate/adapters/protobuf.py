"""Strict protocol buffers: a message with one meaning for every reader, or a refusal that names the field.

Readers take the last of two values, merge two messages, cut numbers to their width and pass over what they do not know.
Here a field stands once, in the one form that writers give it; what the table does not know is told by its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.errors import RefusedCall

VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5
_WIDTHS = {FIXED64: 8, FIXED32: 4}

MAX_FIELDS = 10_000
"""Fields of one message with all in it."""


class Field(NamedTuple):
    """A field that is read: its name, `text`, `int`, `bool` or the table of its message, and whether it repeats."""

    name: str
    kind: str | Table
    repeated: bool = False


Table: TypeAlias = "Mapping[int, Field | None]"
"""Fields by number; None for one that is known and says nothing of machines."""


class Message(NamedTuple):
    """What is read of a message, and the places of fields that its table does not know."""

    fields: dict[str, JsonValue]
    unknown: tuple[str, ...]


def read_message(data: bytes, table: Table, *, what: str = "message") -> Message:
    """Return the message in `data`. Raises `RefusedCall` 400 for one with several readings, or none."""
    reader = _Reader(data)
    fields = reader.message(0, len(data), table, what)
    return Message(fields, tuple(reader.unknown))


def read_frame(body: bytes) -> bytes:
    """Return the one message of a gRPC body, which must not be compressed. Raises `RefusedCall` 400 or 415."""
    if len(body) < 5 or len(body) != 5 + int.from_bytes(body[1:5], "big"):
        raise RefusedCall(400, "frame", "the body is not one gRPC message")
    if body[0]:
        raise RefusedCall(415, "frame", "compressed messages are not accepted here; send the message as it is")
    return body[5:]


def frame(message: bytes) -> bytes:
    """Return the body of a gRPC call with one message."""
    return b"\0" + len(message).to_bytes(4, "big") + message


class _Reader:
    """Reads one body, and keeps what it did not know."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._fields = 0
        self.unknown: list[str] = []

    def message(self, at: int, end: int, table: Table, path: str) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        while at < end:
            tag, at = self._varint(at, end, path)
            number, form = tag >> 3, tag & 7
            start, stop = self._extent(at, end, form, path)
            at = stop
            self._fields += 1
            if not 0 < number < 1 << 29 or self._fields > MAX_FIELDS:
                raise _refused(path, "has a field without a number, or too many")
            if number not in table:
                self.unknown.append(f"{path}.{number}")
            elif (field := table[number]) is not None:
                self._keep(found, field, self._value(start, stop, form, field, f"{path}.{field.name}"), path)
        return found

    def _keep(self, found: dict[str, JsonValue], field: Field, value: JsonValue, path: str) -> None:
        if not field.repeated:
            if field.name in found:
                raise _refused(f"{path}.{field.name}", "stands twice; send it once")
            found[field.name] = value
            return
        home = found.setdefault(field.name, [])
        assert isinstance(home, list)  # noqa: S101 - made a line above
        home.append(value)

    def _value(self, start: int, stop: int, form: int, field: Field, path: str) -> JsonValue:
        if field.kind in ("int", "bool"):
            if form != VARINT:
                raise _refused(path, "is not a number")
            number, _ = self._varint(start, stop, path)
            if field.kind == "bool" and number > 1:
                raise _refused(path, "is neither true nor false")
            if number >= 1 << 63:
                raise _refused(path, "is negative")
            return bool(number) if field.kind == "bool" else number
        if form != DELIMITED:
            raise _refused(path, "is not of its kind")
        if not isinstance(field.kind, str):
            return self.message(start, stop, field.kind, path)
        try:
            return self._data[start:stop].decode("utf-8")
        except UnicodeDecodeError:
            raise _refused(path, "is not UTF-8") from None

    def _extent(self, at: int, end: int, form: int, path: str) -> tuple[int, int]:
        """Return where a value begins and ends."""
        if form == VARINT:
            return at, self._varint(at, end, path)[1]
        if form == DELIMITED:
            length, at = self._varint(at, end, path)
        elif form in _WIDTHS:
            length = _WIDTHS[form]
        else:
            raise _refused(path, "has a group, which is not accepted here")
        if at + length > end:
            raise _refused(path, "ends within a field")
        return at, at + length

    def _varint(self, at: int, end: int, path: str) -> tuple[int, int]:
        """Return a number in the one form that writers give it, and where it ends."""
        number = shift = 0
        while at < end and shift < 70:
            byte = self._data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                if (shift and not byte) or number >= 1 << 64:
                    break
                return number, at
            shift += 7
        raise _refused(path, "has a number that is cut off, too long or padded")


def _refused(path: str, problem: str) -> RefusedCall:
    return RefusedCall(400, "message", f"{path} {problem}")
