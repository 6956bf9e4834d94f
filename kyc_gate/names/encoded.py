"""Text that still wears the encoding of a form, a mail header, a web page or a host name."""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
from urllib.parse import unquote

MOST_LAYERS = 3
"""Times that a text is decoded: each layer hides the next one."""

_PERCENT = re.compile("%[0-9A-Fa-f]{2}")
_ENTITY = re.compile("&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});")
_ESCAPE = re.compile(r"\\u\{?([0-9A-Fa-f]{4,6})\}?|\\x([0-9A-Fa-f]{2})|\\U([0-9A-Fa-f]{8})")
_HEADER = re.compile(r"=\?([\w-]{1,20})\?([BbQq])\?([^?\s]{1,512})\?=")
_PUNYCODE = re.compile(r"\bxn--([a-z0-9-]{1,59})", re.IGNORECASE)


_ENCODED = re.compile(r"[%&\\]|=\?|xn--", re.IGNORECASE)


def may_be_encoded(text: str) -> bool:
    """Return whether a text has anything that decoding may change."""
    return _ENCODED.search(text) is not None


def decoded(text: str) -> str:
    """Return `text` as its reader would see it. What does not decode is left as it is; never raises."""
    if not may_be_encoded(text):
        return text
    for _ in range(MOST_LAYERS):
        before = text
        text = _once(text)
        if text == before:
            break
    return text


def _once(text: str) -> str:
    if "%" in text and _PERCENT.search(text):
        text = unquote(text)
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found.group()), text)
    if "\\" in text:
        text = _ESCAPE.sub(_character, text)
    if "=?" in text:
        text = _HEADER.sub(_header, text)
    if "xn--" in text.lower():
        text = _PUNYCODE.sub(_label, text)
    return text


def _character(found: re.Match[str]) -> str:
    code = int(next(group for group in found.groups() if group), 16)
    return chr(code) if code <= 0x10FFFF else found.group()


def _header(found: re.Match[str]) -> str:
    charset, kind, body = found.groups()
    try:
        raw = base64.b64decode(body, validate=True) if kind in "Bb" else quopri.decodestring(body.replace("_", " "))
        return raw.decode(charset)
    except (binascii.Error, LookupError, UnicodeDecodeError, ValueError):
        return found.group()


def _label(found: re.Match[str]) -> str:
    try:
        return found[1].encode("ascii").decode("punycode")
    except (UnicodeDecodeError, UnicodeEncodeError, ValueError, OverflowError):
        return found.group()
