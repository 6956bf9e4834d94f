"""A call on the wire and the answer to it, as every door sees them."""

from __future__ import annotations

from kyc_gate.model.record import Record

Headers = tuple[tuple[bytes, bytes], ...]


class Call(Record):
    """One HTTP request, copied out of its door before the body was read.

    `raw_path` is the path exactly as sent, still percent-encoded and without the query; `query` is the raw query.
    Header names are lower case; every value is kept, duplicates included. `body` is None until it has been read.
    """

    method: str
    raw_path: bytes
    query: bytes = b""
    headers: Headers = ()
    body: bytes | None = None
    scheme: str = "http"

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """Return every value of the header `name` (lower case), in order."""
        return tuple(value for key, value in self.headers if key == name)

    def value(self, name: bytes) -> bytes | None:
        """Return the only value of the header `name`, or None if it is absent or repeated."""
        values = self.values(name)
        return values[0] if len(values) == 1 else None


class Answer(Record):
    """What is sent back instead of passing a call on."""

    status: int
    headers: Headers
    body: bytes
