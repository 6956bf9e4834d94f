"""From a path and a method to an operation, for clouds whose calls are JSON to a path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol, TypeVar

from kyc_gate.adapters.head import check_head, check_method, has_body
from kyc_gate.adapters.paths import Standing
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.job import Certainty

_READS = ("GET", "HEAD", "OPTIONS", "DELETE")
_JSON = re.compile(rb"(?i)application/(merge-patch\+)?json(?:\s*;\s*charset=\"?utf-8\"?)?")


class _Operation(Protocol):
    @property
    def ends(self) -> object:
        """What the operation ends, nothing for one that asks for something."""


Listed = TypeVar("Listed", bound=_Operation)


def adds_nothing(call: Call) -> bool:
    """Return whether a call without a body reads or removes, as far as its method tells."""
    return call.method in _READS and not has_body(call)


def operation_of(operations: Mapping[str, Listed], call: Call) -> Listed | None:
    """Return the operation of a path that the call's method is, None for a call that adds nothing.

    Of an end no more than its method is checked. Raises `RefusedCall` 405 for a method that the path has not, and for a
    call that says two.
    """
    check_method(call)
    operation = operations.get(call.method)
    if operation is not None and operation.ends:
        return operation
    if operation is None and not adds_nothing(call):
        methods = " or ".join(operations)
        raise RefusedCall(405, "method", f"method {call.method} is not one of this operation; use {methods}")
    return operation


def check_variant(call: Call, standing: Standing) -> None:
    """Refuse (400) a path that is nearly a guarded one, unless the call adds nothing and the path has no disguise."""
    if standing is not Standing.VARIANT or not adds_nothing(call):
        raise RefusedCall(400, "target", f"path {shown(call.raw_path)} is another spelling of a guarded path")
    check_method(call)


def check_json(call: Call, *, patches: bool = False) -> None:
    """Refuse (400, 415) a head that may be read two ways, and a body that is not said to be JSON.

    With `patches` it may be a JSON Merge Patch (RFC 7396).
    """
    check_head(call)
    kind = call.value(b"content-type") or b""
    if kind.lower().startswith(b"multipart/"):
        raise RefusedCall(400, "content-type", "multipart bodies are not accepted here; send application/json")
    found = _JSON.fullmatch(kind)
    if (found is None and (kind or has_body(call))) or (found and found[1] and not patches):
        raise RefusedCall(
            415, "content-type", f"Content-Type {shown(kind)} is not accepted here; send application/json"
        )


def certainty_of(hidden: list[str], *, ranged: bool) -> Certainty:
    """Return how certain a reading is: unresolved with anything hidden, else a range, or exact."""
    if hidden:
        return Certainty.UNRESOLVED
    return Certainty.RANGE if ranged else Certainty.EXACT
