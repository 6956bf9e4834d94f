"""Strict `application/x-www-form-urlencoded`, for bodies and queries: one reading, or a refusal."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall

MAX_FIELDS = 2_000
"""Parameters in one form. The largest EC2 fleet request has about 1,500."""

MAX_ESCAPES = 50_000
"""Percent-escapes in one form: undoing more takes longer than 20 ms. User data travels in base64, which has few."""

# Visible ASCII without `"`, `#`, `;`, `<`, `>`, `\`, `^`, the backtick, braces and `|`: readers split there or expect
# an escape.
_RAW = re.compile(rb"[!$-:=?-\[\]_a-z~]*")
_NAME = re.compile(r"[A-Za-z0-9$*@:/_.\[\]~-]{1,255}")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def read_form(data: bytes, *, what: str = "body") -> dict[str, str]:
    """Return the parameters of `data`, decoded exactly once.

    Raises `RefusedCall` 400 for a repeated name (case ignored), a name with anything but plain ASCII, `;` or raw bytes
    that should be escaped, broken escapes, text that is not UTF-8, NUL in a value, and more than `MAX_FIELDS`.
    """
    if not data:
        return {}
    if data.count(b"&") >= MAX_FIELDS:
        raise RefusedCall(400, "form", f"{what} has more than {MAX_FIELDS} parameters")
    if data.count(b"%") > MAX_ESCAPES:
        raise RefusedCall(400, "form", f"{what} has more than {MAX_ESCAPES} escapes")
    if not _RAW.fullmatch(data):
        raise RefusedCall(
            400, "form", f"{what} is not form-encoded: escape every character but letters, digits and `-._~`"
        )
    if _BAD_ESCAPE.search(data):
        raise RefusedCall(400, "form", f"{what} has a `%` that is not followed by two hexadecimal digits")
    result: dict[str, str] = {}
    seen: set[str] = set()
    for pair in data.split(b"&"):
        raw_name, _, raw_value = pair.partition(b"=")
        name, value = _decode(raw_name, what, "a name"), _decode(raw_value, what, "a value")
        if not _NAME.fullmatch(name):
            raise RefusedCall(400, "form", f"{what} has a parameter named {shown(name)}; names are plain ASCII")
        if "\0" in value:
            raise RefusedCall(400, "form", f"{what} has a NUL in the value of {shown(name)}")
        if name.lower() in seen:
            raise RefusedCall(
                400, "duplicate-parameter", f"{what} has parameter {shown(name)} more than once; send it once"
            )
        seen.add(name.lower())
        result[name] = value
    return result


def _decode(raw: bytes, what: str, part: str) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedCall(400, "form", f"{what} has {part} that is not UTF-8") from None
