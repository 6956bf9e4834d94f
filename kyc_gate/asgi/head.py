"""The head of a call, copied out of its scope before anything else can change it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

from kyc_gate.asgi.types import Scope
from kyc_gate.model.call import Call, Headers

PROVEN = "kyc_gate.proven"
"""Where it stands in the scope who signed the call, once a door checked the signature."""

OWN_PREFIX = b"kyc-"
"""Header names that only the gate may write: a caller's are dropped before a call is passed on."""


def call_of(scope: Scope) -> Call:
    """Return the head of the call in `scope`, without its body.

    Headers are copied: servers append trailers to the scope's own list while the body is read, and a trailer must not
    change who the customer is. The path is the application's own, below its `root_path`.
    """
    raw = scope.get("raw_path")
    if raw is None or scope.get("root_path"):
        raw = _below_root(raw_path_of(scope), scope)
    return Call(
        method=scope.get("method", "GET"),
        raw_path=raw,
        query=scope.get("query_string", b""),
        headers=tuple([(name.lower(), value) for name, value in scope["headers"]]),
        scheme=scope.get("scheme", "http"),
        proven=scope.get(PROVEN),
    )


def other_path(scope: Scope, call: Call) -> bytes | None:
    """Return the path that the application routes by, where it is not the path that was sent; usually None.

    A server's `path` is the sent path with its escapes decoded. Where something rewrote one of the two, the gate and
    the application would look at different paths, so the gate must look at both.
    """
    path = _text_below_root(scope) if scope.get("root_path") else scope["path"]
    sent = call.raw_path.decode("latin-1")
    if sent == path or unquote(sent) == path or unquote_to_bytes(call.raw_path).decode("utf-8", "replace") == path:
        return None
    return quote(path).encode("ascii")


def without_own_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return `headers` without those that only the gate may write."""
    return [(name, value) for name, value in headers if not name.startswith(OWN_PREFIX)]


def raw_path_of(scope: Scope) -> bytes:
    """Return the path as it was sent, `root_path` included; made from the decoded path where no other was kept."""
    raw: Any = scope.get("raw_path")
    return bytes(raw) if raw is not None else quote(scope["path"]).encode("ascii")


def _below_root(raw: bytes, scope: Scope) -> bytes:
    root = (scope.get("root_path") or "").rstrip("/")
    if not root:
        return raw
    for prefix in (root.encode("utf-8"), quote(root).encode("ascii")):
        if raw == prefix or raw.startswith(prefix + b"/"):
            return raw[len(prefix) :] or b"/"
    return raw


def _text_below_root(scope: Scope) -> str:
    path: str = scope["path"]
    root = (scope.get("root_path") or "").rstrip("/")
    if root and (path == root or path.startswith(root + "/")):
        return path[len(root) :] or "/"
    return path
