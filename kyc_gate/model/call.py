"""A call on the wire and the answer to it, as every door sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from kyc_gate.model.record import Record
from kyc_gate.model.signing_key import Proven

Headers = tuple[tuple[bytes, bytes], ...]
RawHeaders = Sequence[tuple[bytes, bytes]]
"""Headers as a server gives them: names may have any case."""


class Call(Record, dict=True):
    """One HTTP request, copied out of its door before the body was read.

    `raw_path` is the path exactly as sent, still percent-encoded and without the query; `query` is the raw query.
    Header names are lower case; every value is kept, duplicates included. `body` is None until it has been read.
    `proven` is who signed it, where a door checked the signature itself.
    """

    method: str
    raw_path: bytes
    query: bytes = b""
    headers: Headers = ()
    body: bytes | None = None
    scheme: str = "http"
    proven: Proven | None = None

    @cached_property
    def fields(self) -> Mapping[bytes, tuple[bytes, ...]]:
        """Every value of each header, in order, by lower-case name: a guarded call is asked for some fifty."""
        found: dict[bytes, list[bytes]] = {}
        for name, value in self.headers:
            found.setdefault(name, []).append(value)
        return {name: tuple(values) for name, values in found.items()}

    @cached_property
    def found(self) -> dict[object, Any]:
        """What adapters found out about the head, by adapter, so that it is looked for once. Errors are not kept."""
        return {}

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """Return every value of the header `name` (lower case), in order."""
        return self.fields.get(name, ())

    def value(self, name: bytes) -> bytes | None:
        """Return the only value of the header `name`, or None if it is absent or repeated."""
        values = self.values(name)
        return values[0] if len(values) == 1 else None


class Answer(Record):
    """What is sent back instead of passing a call on."""

    status: int
    headers: Headers
    body: bytes
