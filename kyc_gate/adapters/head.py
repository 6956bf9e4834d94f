"""The HTTP profile of guarded calls: one way to read the head, or a refusal.

Servers let different malformed heads through, and upstreams read them differently. A guarded call is therefore held to
a profile narrower than RFC 9110 and RFC 9112; whatever is outside is refused before the body is read.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote_to_bytes

from msgspec.structs import replace

from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call, RawHeaders

MAX_HEADERS = 100
"""Header fields of a guarded call. Real clients send 5 to 25; uvicorn passes 300."""

MAX_HEADER_BYTES = 32 * 1024
"""Bytes of names and values together. Temporary credentials add about 2 KiB; uvicorn passes 70 kB."""

MAX_PATH_BYTES = 8 * 1024
"""Bytes of a path that is examined in other spellings."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})
"""Methods that can be judged. CONNECT and TRACE are known to RFC 9110 and refused on guarded paths."""

_OVERRIDES = (b"x-http-method-override", b"x-http-method", b"x-method-override")
_REWRITES = (b"x-original-url", b"x-rewrite-url")
_SINGLE = (b"content-length", b"transfer-encoding", b"x-amz-target", b"expect", b"x-amz-content-sha256")
_METHOD_PARAMETERS = (b"_method", b"x-http-method-override", b"x-http-method", b"x-method-override")

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
# Visible ASCII and opaque bytes, with single spaces or tabs inside and none at the ends (RFC 9110, 5.5).
_VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
_HOST = re.compile(rb"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
_PATH = re.compile(rb"/[\x21\x24-\x2e\x30-\x3a\x3c-\x3e\x40-\x5b\x5d-\x7e/]*")
_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_STRUCTURAL_ESCAPE = re.compile(rb"%(?:2[fFeE5]|5[cC]|[01][0-9A-Fa-f]|7[fF]|3[bBfF]|23)")
_QUERY = re.compile(rb"[\x21\x24-\x7e]*")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_U_ESCAPE = re.compile(rb"%[uU]([0-9A-Fa-f]{4})")
_OVERLONG = re.compile(rb"[\xc0\xc1]([\x80-\xbf])|\xe0\x80([\x80-\xbf])")
_SLASHES = re.compile(r"/+")
_AUTHORITY = re.compile(r"^[/\\]{2,}[^/\\]*")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}$")


def is_silent(headers: RawHeaders, word: bytes) -> bool:
    """Return whether no host has `word` (in lower case) in it, and no field is spelled so that one may hide in it."""
    for name, value in headers:
        if name == b"host":
            if word in value.lower():
                return False
        elif not name.islower():
            return False
    return True


def check_head(call: Call) -> None:
    """Pass a head that can be read one way only; raise `RefusedCall` for any other.

    1. method 2. size 3. field syntax 4. host 5. target 6. framing 7. codings 8. what redirects the meaning elsewhere
    """
    check_method(call)
    _check_size(call)
    _check_fields(call)
    _check_host(call)
    check_target(call)
    _check_framing(call)
    _check_codings(call)
    _check_connection(call)


def has_body(call: Call) -> bool:
    """Return whether the head announces a body, or one was read."""
    length = call.values(b"content-length")
    return bool(call.body) or bool(call.values(b"transfer-encoding")) or any(value.strip(b"0 ") for value in length)


def with_body(call: Call, body: bytes) -> Call:
    """Return the call with its body read. What was found out about its head stands, if it said whether a body comes."""
    whole = replace(call, body=body)
    if has_body(whole) == has_body(call):
        vars(whole).update(vars(call))
    return whole


def check_method(call: Call) -> None:
    """Refuse (405) a method that cannot be judged, and every way to say another one beside it."""
    if call.method not in METHODS:
        raise RefusedCall(
            405, "method", f"method {shown(call.method)} is not accepted here; use an upper-case standard method"
        )
    for name, _ in call.headers:
        if name in _OVERRIDES:
            raise RefusedCall(
                405, "method-override", f"header {shown(name)} may not replace the method; send the method itself"
            )
    if call.query and any(name in _METHOD_PARAMETERS for name in query_names(call.query)):
        raise RefusedCall(
            405, "method-override", "a query parameter may not replace the method; send the method itself"
        )
    if call.method == "OPTIONS" and has_body(call):
        raise RefusedCall(405, "options-body", "an OPTIONS call may not carry a body")


def query_names(query: bytes) -> list[bytes]:
    """Return the lower-case names of the query's parameters, percent-decoded once, splitting at `&` and `;`."""
    pieces = query.replace(b";", b"&").split(b"&")
    return [unquote_to_bytes(piece.partition(b"=")[0]).lower() for piece in pieces]


def _check_size(call: Call) -> None:
    if len(call.headers) > MAX_HEADERS:
        raise RefusedCall(431, "headers", f"the call has more than {MAX_HEADERS} header fields")
    if sum(len(name) + len(value) for name, value in call.headers) > MAX_HEADER_BYTES:
        raise RefusedCall(431, "headers", f"the header fields are larger than {MAX_HEADER_BYTES} bytes")


def _check_fields(call: Call) -> None:
    for name, value in call.headers:
        if not _NAME.fullmatch(name):
            raise RefusedCall(400, "header-name", f"header name {shown(name)} is not a token")
        if not _VALUE.fullmatch(value):
            raise RefusedCall(
                400, "header-value", f"the value of header {shown(name)} has control characters or padding"
            )


def _check_host(call: Call) -> None:
    hosts = call.values(b"host")
    if len(hosts) != 1:
        raise RefusedCall(400, "host", f"the call has {len(hosts)} Host headers; send exactly one")
    found = _HOST.fullmatch(hosts[0])
    if not found or b".." in hosts[0] or (found[1] is not None and not 1 <= int(found[1]) <= 65535):
        raise RefusedCall(400, "host", f"Host {shown(hosts[0])} is not an ASCII host with an optional port")


def check_target(call: Call) -> None:
    """Refuse (400) a path or query with more than one reading."""
    path = call.raw_path
    if not _PATH.fullmatch(path) or path.startswith(b"//"):
        raise RefusedCall(
            400, "target", f"path {shown(path)} is not one absolute path in visible ASCII without `#`, `;` or `\\`"
        )
    if b"//" in path or any(segment in (b".", b"..") for segment in path.split(b"/")):
        raise RefusedCall(400, "target", f"path {shown(path)} has empty or dot segments")
    if b"%" in path:
        if _ESCAPE.search(path) or _STRUCTURAL_ESCAPE.search(path):
            raise RefusedCall(400, "target", f"path {shown(path)} escapes a character that changes its structure")
        if not _is_utf8(unquote_to_bytes(path)):
            raise RefusedCall(400, "target", f"path {shown(path)} has escapes that are not UTF-8")
    if not _QUERY.fullmatch(call.query):
        raise RefusedCall(400, "target", "the query has characters outside visible ASCII, or `#`")


def _check_framing(call: Call) -> None:
    for name in _SINGLE:
        if len(call.values(name)) > 1:
            raise RefusedCall(400, "repeated-header", f"header {shown(name)} is sent more than once")
    if len(call.values(b"authorization")) > 1:
        raise RefusedCall(401, "repeated-header", "header `authorization` is sent more than once")
    if len(call.values(b"content-type")) > 1:
        raise RefusedCall(415, "repeated-header", "header `content-type` is sent more than once")
    length, coding = call.value(b"content-length"), call.value(b"transfer-encoding")
    if length is not None and coding is not None:
        raise RefusedCall(400, "framing", "the call has both Content-Length and Transfer-Encoding")
    if length is not None and not _LENGTH.fullmatch(length):
        raise RefusedCall(400, "framing", f"Content-Length {shown(length)} is not a number")
    if coding is not None and coding.lower() != b"chunked":
        raise RefusedCall(400, "framing", f"Transfer-Encoding {shown(coding)} is not `chunked`")
    if call.method in ("GET", "HEAD") and has_body(call):
        raise RefusedCall(400, "body", f"a {call.method} call on a guarded path may not carry a body")


def _check_codings(call: Call) -> None:
    for value in call.values(b"content-encoding"):
        if b"aws-chunked" in value.lower():
            raise RefusedCall(
                400, "content-encoding", "Content-Encoding `aws-chunked` is not accepted on this operation"
            )
        raise RefusedCall(
            415, "content-encoding", f"Content-Encoding {shown(value)} is not accepted; send the body as it is"
        )
    sha = call.value(b"x-amz-content-sha256")
    if sha is not None and sha.upper().startswith(b"STREAMING-"):
        raise RefusedCall(400, "content-encoding", "streaming signatures are not accepted on this operation")


def _check_connection(call: Call) -> None:
    for value in call.values(b"connection"):
        for option in value.lower().split(b","):
            if option.strip() not in (b"close", b"keep-alive"):
                raise RefusedCall(400, "connection", f"Connection may not name {shown(option.strip())}")
    if call.values(b"upgrade"):
        raise RefusedCall(400, "upgrade", "a guarded call may not ask for another protocol with Upgrade")
    for value in call.values(b"expect"):
        if value.lower() != b"100-continue":
            raise RefusedCall(400, "expect", f"Expect {shown(value)} is not `100-continue`")
    for name, _ in call.headers:
        if name in _REWRITES:
            raise RefusedCall(400, "rewrite", f"header {shown(name)} may not replace the path of a guarded call")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def canonical_path(raw_path: bytes) -> str:
    """Return the path as the most forgiving upstream would read it, for comparison only.

    Percent-escapes decoded until nothing changes (three rounds), overlong UTF-8 and `%u` undone, backslashes turned,
    parameters and everything after NUL, `?` and `#` dropped, slashes merged, dot segments resolved, compatibility forms
    and case folded, the trailing slash dropped.
    """
    return _arrange(_decodings(raw_path)[-1], resolve=True, cut=True)


def canonical_forms(raw_path: bytes) -> frozenset[str]:
    """Return every reading of the path that some upstream may have: each stage of `canonical_path`, also with dot
    segments dropped in place of resolved, without a format suffix such as `.json`, and, where it starts with two
    slashes, without the host that readers of URLs take from between them.
    """
    forms = {
        _arrange(text, resolve=resolve, cut=cut)
        for decoded in _decodings(raw_path)
        for text in {decoded, _AUTHORITY.sub("", decoded)}
        for resolve in (True, False)
        for cut in (True, False)
    }
    return frozenset(forms | {_SUFFIX.sub("", form) for form in forms})


def _decodings(raw_path: bytes) -> list[str]:
    """Return the path as sent and after each round of decoding, until it changes no more."""
    data = raw_path[:MAX_PATH_BYTES]
    texts = [_text(data)]
    for _ in range(3):
        decoded = unquote_to_bytes(_U_ESCAPE.sub(_unescape_u, data))
        if decoded == data:
            break
        data = decoded
        texts.append(_text(data))
    return texts


def _unescape_u(found: re.Match[bytes]) -> bytes:
    return chr(int(found[1], 16)).encode("utf-8", "replace")


def _text(data: bytes) -> str:
    shortened = _OVERLONG.sub(_shorten, data)
    return shortened.decode("utf-8", "replace")


def _shorten(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes([((found[0][0] & 1) << 6) | (found[1][0] & 0x3F)])
    return bytes([found[2][0] & 0x3F])


def _arrange(text: str, *, resolve: bool, cut: bool) -> str:
    if cut:
        text = re.split(r"[\0?#]", text, maxsplit=1)[0]
    text = unicodedata.normalize("NFKC", text).casefold().replace("\\", "/")
    text = "".join(
        letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cf", "Mn") and letter != "\ufffd"
    )
    out: list[str] = []
    for segment in _SLASHES.split(text):
        name = segment.partition(";")[0].strip()
        if name == ".." and resolve:
            del out[-1:]
        elif name.strip(". "):
            out.append(name.rstrip(". "))
    return "/" + "/".join(out)
