"""Where log lines go, and what every one of them goes through first."""

from __future__ import annotations

import hashlib
import json
import math
import re
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from kyc_gate.telemetry.printed import printed

LONGEST_TEXT = 512
"""Characters of one value that a line holds; of a longer one its beginning, its length and its digest."""

_KEPT = 160
_WORD = re.compile(r"[A-Za-z0-9@.:_-]{0,40}").fullmatch

_SECRET_KEYS = re.compile(r"(?i)^(?:proxy[-_]?)?authorization$|cookie|password|passwd|secret|api[-_]?key|^token$")
_SECRETS = re.compile(
    r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}"
    r"|([?&;\s\"'](?:access_?|id_?|refresh_?)?(?:token|password|passwd|secret|api[-_]?key|x-amz-signature"
    r"|signature)=)[^&\s\"';]+"
    r"|\b(whsec_|whsk_|AGE-SECRET-KEY-)[A-Za-z0-9+/=-]+"
)
_SUSPICIOUS = (
    "bearer", "basic ", "token", "passw", "secret", "key", "signature", "authorization", "cookie", "whs",
)  # fmt: skip
"""What a line holds, in small letters, if there may be a secret in it: looked for once, over all of it."""


_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, default=str).encode


def configure_logging(form: str = "auto") -> None:
    """Send log lines to standard error: JSON, or for people when `form` is `console` or a terminal reads them.

    JSON is ASCII only and free of NaN, so no escape sequence, line break or direction mark in a field can reach a
    terminal, and each record is one line that any reader takes.
    """
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    colours = console and sys.stderr.isatty()

    def to_text(_: object, __: str, event: MutableMapping[str, Any]) -> str:
        return printed(event, colours=colours) if console else json_line(event)

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            safe,
            to_text,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=_StandardError,
        cache_logger_on_first_use=True,
    )


class _StandardError:
    """Writes each line to the standard error of the moment: where that is exchanged, lines follow."""

    def __init__(self, *_: object) -> None:
        self._lock = threading.Lock()

    def msg(self, line: str) -> None:
        """Write one line, whole."""
        with self._lock:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = msg


def json_line(event: Mapping[str, Any]) -> str:
    """Return the event as one line of JSON in ASCII."""
    return _encode(event)


def safe(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return the event without secrets, texts of any length, numbers that are none, or messages of unknown errors.

    What an error that is none of ours says may quote a party's file: its type and place are told, its text is not.
    """
    error = event.pop("exc_info", None)
    if error is not None:
        event.update(_place_of(error))
    said = "\n".join([*event, *[value for value in event.values() if type(value) is str]]).lower()
    suspicious = any(word in said for word in _SUSPICIOUS)
    for key, value in event.items():
        if type(value) is str:
            if suspicious or len(value) > LONGEST_TEXT:
                event[key] = _safe(key, value)
        elif value is not None and type(value) is not int and type(value) is not bool and not _plain(value):
            event[key] = _safe(key, value)
    return event


def _plain(value: object) -> bool:
    """Return whether a value is sure to stand as it is: a number, or a short list of short words such as rule ids."""
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is list and len(value) < 64 and all(type(each) is str and _WORD(each) for each in value)


def _safe(key: str, value: object) -> object:
    if isinstance(value, str):
        return "[redacted]" if _SECRET_KEYS.search(key) else _cut(_SECRETS.sub(_redacted, value))
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {_cut(str(name)): _safe(str(name), each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_safe(key, each) for each in value]
    if value is None or isinstance(value, int):
        return value
    return _safe(key, str(value))


def _redacted(found: re.Match[str]) -> str:
    return f"{found[1] or found[2] or found[3]}{' ' if found[1] else ''}[redacted]"


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    told = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:_KEPT]}... [{len(text)} characters, sha256 {told}]"


def _place_of(error: object) -> dict[str, object]:
    """Return type and place of an error: the frames by module and line, innermost last."""
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if not isinstance(error, BaseException):
        return {}
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return {
        "raised": type(error).__name__,
        "at": [f"{frame.filename.rpartition('kyc_gate/')[2][-60:]}:{frame.lineno}" for frame in frames],
    }
