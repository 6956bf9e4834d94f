"""W3C trace context: which trace a call belongs to, and the decision as a span of it where OpenTelemetry is there.

https://www.w3.org/TR/trace-context/ sections 3.2 and 3.3. A header that does not follow them is ignored, as they ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from kyc_gate.model.record import Record

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Trace(Record):
    """The trace and the span from which a call came."""

    trace_id: str
    parent_id: str
    sampled: bool = False

    @property
    def traceparent(self) -> str:
        """The header, as it is passed on."""
        return f"00-{self.trace_id}-{self.parent_id}-{'01' if self.sampled else '00'}"


_current: ContextVar[Trace | None] = ContextVar("kyc_gate_trace", default=None)


def read_trace(header: bytes | None) -> Trace | None:
    """Return the trace that a `traceparent` header names, or None where it is absent or not valid."""
    found = _PARENT.fullmatch(header.strip()) if header and len(header) < 256 else None
    if found is None or found[1] == b"ff" or (found[1] == b"00" and found[5]):
        return None
    if not found[2].strip(b"0") or not found[3].strip(b"0"):
        return None
    return Trace(trace_id=found[2].decode(), parent_id=found[3].decode(), sampled=bool(int(found[4], 16) & 1))


def current_trace() -> Trace | None:
    """Return the trace of the call that this task works for."""
    return _current.get()


@contextmanager
def in_trace(trace: Trace | None) -> Iterator[None]:
    """Have what stands inside belong to `trace`; None leaves the trace as it is."""
    if trace is None:
        yield
        return
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)


class Spans:
    """Decisions as spans. Without the extra `otel`, or when `on` is false, nothing is made and nothing is paid."""

    def __init__(self, *, on: bool) -> None:
        self._tracer = _tracer() if on else None

    @contextmanager
    def decision(self) -> Iterator[dict[str, Any]]:
        """Yield the decision's line to fill in: what stands in it in the end becomes the span's attributes."""
        line: dict[str, Any] = {}
        if self._tracer is None:
            yield line
            return
        from opentelemetry import trace

        # What an error says may quote a party's file, so the span tells only that no decision was made.
        with self._tracer.start_as_current_span(
            "kyc_gate.decision",
            context=_context(current_trace()),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            made = span.get_span_context()
            try:
                with in_trace(_of_span(made) if made.is_valid else None):
                    yield line
            finally:
                for name, value in span_attributes(line).items():
                    span.set_attribute(name, value)
                if not line:
                    span.set_status(trace.Status(trace.StatusCode.ERROR, "no decision was made"))


def span_attributes(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a span's attributes for a decision's line. No party, account or name is among them.

    OpenTelemetry has no convention for decisions of policies; `security_rule.*` is its convention for rules.
    """
    if not line:
        return {}
    found = {
        "kyc_gate.decision.id": line["decision_id"],
        "kyc_gate.decision.outcome": line["outcome"],
        "kyc_gate.decision.acted": line["acted"],
        "kyc_gate.decision.mode": line["mode"],
        "kyc_gate.policies": tuple(line["policies"]),
        "kyc_gate.rules": tuple(line["rules"]),
        "security_rule.name": line["rules"][0] if line["rules"] else None,
        "security_rule.ruleset.name": line["policies"][0] if line["policies"] else None,
        "kyc_gate.share": line["share"],
        "kyc_gate.case.id": line["case_id"],
    }
    return {name: value for name, value in found.items() if value is not None}


def _tracer() -> Tracer | None:
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace.get_tracer("kyc_gate")


def _of_span(made: Any) -> Trace:
    return Trace(
        trace_id=f"{made.trace_id:032x}", parent_id=f"{made.span_id:016x}", sampled=bool(made.trace_flags.sampled)
    )


def _context(parent: Trace | None) -> Any:
    """Return OpenTelemetry's context with the caller's span as parent; None keeps the one that stands."""
    if parent is None:
        return None
    from opentelemetry import trace

    caller = trace.SpanContext(
        trace_id=int(parent.trace_id, 16),
        span_id=int(parent.parent_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(parent.sampled)),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(caller))
