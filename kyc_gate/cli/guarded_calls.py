"""What of a log of calls the configured adapters guard, and which routes guard none of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from kyc_gate.adapters.adapter import Adapter
from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.errors import ConfigurationError, RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.service.build import adapters_of
from kyc_gate.service.config import Configuration

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods that may ask for machines, or for fewer."""

MOST_TOLD = 20
"""Unguarded paths that are told, those called most often first."""

_LINE = re.compile(r"\b(GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE) (\S+)")


def gaps(configuration: Configuration, file: str) -> Iterator[tuple[str, str, str]]:
    """Yield what is checked, its state and a sentence, for the calls of a file: a line for each, or an access log.

    A line holds a method and a path, or an address with its host, which clouds are known by. Raises
    `ConfigurationError` for a file that cannot be read or holds no call.
    """
    calls = _read(file)
    adapters = adapters_of(configuration)
    guarded = sum(count for (method, path), count in calls.items() if _guards(adapters, method, path))
    yield "calls", "ok", f"the gate looks into {guarded} of {calls.total()} calls"
    for route in configuration.generic.routes if configuration.generic else ():
        alone = (GenericAdapter((route,)),)
        if not any(_guards(alone, method, path) for method, path in calls):
            said = f"`{'|'.join(route.methods)} {route.path}` guards none of these calls"
            yield f"route {route.operation}", "warn", said
    bare: Counter[str] = Counter()
    for (method, path), count in calls.items():
        if method in CHANGING and not _guards(adapters, method, path):
            bare[f"{method} {urlsplit(path).path}"] += count
    for name, count in bare.most_common(MOST_TOLD):
        yield "unguarded", "warn", f"`{name}` ({count} times) is guarded by nothing"
    if len(bare) > MOST_TOLD:
        yield "unguarded", "warn", f"{len(bare) - MOST_TOLD} more paths are guarded by nothing"


def _read(file: str) -> Counter[tuple[str, str]]:
    try:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigurationError(f"cannot read `{file}`: {error.strerror or error}") from error
    calls = Counter((found[1], found[2]) for found in map(_LINE.search, text.splitlines()) if found)
    if not calls:
        raise ConfigurationError(f"`{file}` holds no call; a line is a method and a path, such as `POST /v1/jobs`")
    return calls


def _guards(adapters: tuple[Adapter, ...], method: str, target: str) -> bool:
    address = urlsplit(target)
    host = address.netloc.encode("utf-8")
    call = Call(
        method=method,
        raw_path=(address.path or "/").encode("utf-8"),
        query=address.query.encode("utf-8"),
        headers=((b"host", host),) if host else (),
    )
    try:
        return any(adapter.guards(call) for adapter in adapters)
    except RefusedCall:
        return True  # it would not pass
