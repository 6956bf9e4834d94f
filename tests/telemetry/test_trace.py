"""Trace context as W3C writes it, and decisions as spans."""

from __future__ import annotations

import pytest

from kyc_gate.telemetry.trace import Spans, current_trace, in_trace, read_trace, span_attributes
from tests.telemetry.lines import TRACE, line

VALID = f"00-{TRACE}-00f067aa0ba902b7-01".encode()


def test_a_trace_is_read_and_passed_on() -> None:
    """What is read of a header gives the same header."""
    trace = read_trace(VALID)
    assert trace is not None
    assert trace.traceparent.encode() == VALID
    with in_trace(trace):
        assert current_trace() == trace
        with in_trace(None):
            assert current_trace() == trace
    assert current_trace() is None


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="absent"),
        pytest.param(b"", id="empty"),
        pytest.param(b"ff" + VALID[2:], id="version-ff"),
        pytest.param(VALID + b"-more", id="version-0-with-more"),
        pytest.param(VALID.upper(), id="capitals"),
        pytest.param(b"00-" + b"0" * 32 + VALID[35:], id="zero-trace"),
        pytest.param(VALID[:36] + b"0" * 16 + b"-01", id="zero-parent"),
        pytest.param(VALID.replace(b"-", b"\n", 1), id="line-break"),
        pytest.param(VALID + b" " * 5000, id="long"),
    ],
)
def test_what_is_no_trace_is_ignored(header: bytes | None) -> None:
    """A header that does not follow the format names no trace."""
    assert read_trace(header) is None


def test_a_later_version_is_read_by_what_is_known_of_it() -> None:
    """A higher version may have more fields at its end."""
    assert read_trace(b"01" + VALID[2:] + b"-what-comes") == read_trace(VALID)


def test_a_decision_is_a_span_of_the_callers_trace() -> None:
    """The span has the caller's span as parent, the line's rules and outcome, and names nobody."""
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    spans = Spans(on=True)
    spans._tracer = provider.get_tracer("kyc_gate")  # the process-wide provider can be set only once
    with in_trace(read_trace(VALID)), spans.decision() as told:
        inside = current_trace()
        told |= line(customer="Emirate Computing")
    with pytest.raises(KeyError), spans.decision():
        raise KeyError("Emirate Computing")
    made, failed = kept.get_finished_spans()
    assert made.context.trace_id == int(TRACE, 16)
    assert made.parent is not None
    assert made.parent.span_id == int("00f067aa0ba902b7", 16)
    assert inside is not None
    assert int(inside.parent_id, 16) == made.context.span_id
    assert made.attributes == span_attributes(line())
    assert failed.status.is_ok is False
    for span in (made, failed):
        assert "Emirate" not in span.to_json()
        assert "acct-1" not in span.to_json()


def test_without_spans_nothing_is_made() -> None:
    """The switch is off until it is on."""
    with Spans(on=False).decision() as told:
        told["outcome"] = "allow"
    assert current_trace() is None
