"""Lines of the log as other systems read them: OCSF, ECS and CloudEvents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kyc_gate.telemetry.cloud_events import cloud_event
from kyc_gate.telemetry.ecs import ecs_event
from kyc_gate.telemetry.line import EVENT
from kyc_gate.telemetry.ocsf import ocsf_events

Line = Mapping[str, Any]


def exported(line: Line, form: str) -> Iterator[dict[str, Any]]:
    """Yield what a line is in the format: nothing where the format has no class for it."""
    yield from FORMATS[form](line)


def _ocsf(line: Line) -> Iterator[dict[str, Any]]:
    if line.get("event") == EVENT:
        yield from ocsf_events(line)


def _ecs(line: Line) -> Iterator[dict[str, Any]]:
    yield ecs_event(line)


def _cloud_events(line: Line) -> Iterator[dict[str, Any]]:
    yield cloud_event(line)


FORMATS: dict[str, Callable[[Line], Iterator[dict[str, Any]]]] = {
    "cloudevents": _cloud_events,
    "ecs": _ecs,
    "ocsf": _ocsf,
}
"""Every format by its name."""
