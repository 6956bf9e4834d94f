"""Header fields on their way through: what belongs to one hop stays behind, all else goes on as it came."""

from __future__ import annotations

from collections.abc import Iterable

from multidict import CIMultiDict

from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Headers

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Fields of a connection and not of a message (RFC 9110, 7.6.1)."""


def forwarded(headers: Headers) -> CIMultiDict[str]:
    """Return the request's fields for the upstream, in order and with every duplicate.

    `Expect` stays behind, since this gateway answers it itself. Raises `RefusedCall` for a value that is not UTF-8: the
    client library would write other bytes than came in. Raises it, too, for a body with two lengths: the upstream would
    wait for one and be sent the other, and take the next call on the connection for the rest (RFC 9112, 6.3).
    """
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in headers}:
        raise RefusedCall(400, "framing", "the call has both Content-Length and Transfer-Encoding")
    fields: CIMultiDict[str] = CIMultiDict()
    for name, value in _end_to_end(headers, frozenset({b"expect"})):
        try:
            fields.add(name.decode("ascii"), value.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise RefusedCall(400, "header-bytes", "a header holds bytes that are not UTF-8") from error
    return fields


def returned(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the response's fields for the client, in order and with every duplicate."""
    return _end_to_end([(name.lower(), value) for name, value in headers], frozenset())


def _end_to_end(headers: Iterable[tuple[bytes, bytes]], more: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    pairs = list(headers)
    named = {token.strip().lower() for name, value in pairs if name == b"connection" for token in value.split(b",")}
    dropped = HOP_BY_HOP | more | named
    return [(name, value) for name, value in pairs if name not in dropped]
