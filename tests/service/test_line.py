"""The line of a decision, as the gate writes it."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from kyc_gate.service.gate import Gate
from kyc_gate.service.settings import Settings
from kyc_gate.telemetry.line import EVENT, KEYS, nearest_line
from kyc_gate.telemetry.trace import in_trace, read_trace
from tests.service.conftest import MakeGate, training

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def told(gate: Gate, party: str, **more: Any) -> dict[str, Any]:
    """The line of one decision, without what the sink adds."""
    with capture_logs() as logs, in_trace(read_trace(f"00-{TRACE}-00f067aa0ba902b7-01".encode())):
        await gate.decide(training(party, **more))
    (line,) = [entry for entry in logs if entry["event"] == EVENT]
    return {key: value for key, value in line.items() if key not in ("event", "log_level")}


async def test_every_line_has_the_same_keys(gate: Gate) -> None:
    """What passed, what waits and what is refused have the same keys in the same order; no name is among the values."""
    lines = [
        await told(gate, "norge"),
        await told(gate, "emirate", chips=16384, hours=2400),
        await told(gate, "listed"),
        await told(gate, "nobody"),
    ]
    assert [line["outcome"] for line in lines] == ["allow", "escalate", "block", "escalate"]
    for line in lines:
        assert tuple(line) == KEYS
        assert line["trace_id"] == TRACE
        assert line["mode"] == "enforce"
        assert "Computing" not in str(line)
        assert "Sealed" not in str(line)
    _, escalated, blocked, _ = lines
    assert escalated["case_id"].startswith("case_")
    assert escalated["due_at"] == "2026-11-25T12:00:00+00:00"
    assert escalated["share"] == pytest.approx(escalated["projected"] / escalated["threshold"], abs=1e-6)
    assert escalated["runbook"].startswith("docs/runbooks/")
    assert blocked["screening"] == "match"


async def test_a_name_stands_in_the_line_by_opt_in(make_gate: MakeGate) -> None:
    """`log.names` is what puts a customer's name into a line."""
    async with make_gate(settings=Settings(log_names=True, decision_seconds=10.0)) as gate:
        assert (await told(gate, "norge"))["customer"] == "Norge Computing"


async def test_a_weakened_gate_says_so_in_each_line(make_gate: MakeGate) -> None:
    """In an unsafe mode the line tells that what should wait passed."""
    async with make_gate(settings=Settings(unsafe_mode="observe", decision_seconds=10.0)) as gate:
        line = await told(gate, "listed")
    assert (line["mode"], line["outcome"], line["acted"]) == ("observe", "block", "pass")


@pytest.mark.parametrize(
    ("projected", "lines", "expected"),
    [
        pytest.param(5, (10, 100), 10, id="below-both"),
        pytest.param(10, (10, 100), 100, id="at-the-first"),
        pytest.param(200, (10, 100), 100, id="beyond"),
        pytest.param(None, (10,), None, id="unknown-amount"),
        pytest.param(5, (), None, id="no-lines"),
    ],
)
def test_the_threshold_is_the_next_one(projected: int | None, lines: tuple[int, ...], expected: int | None) -> None:
    """The distance is to the least line that is not reached yet."""
    assert nearest_line(projected, lines) == expected
