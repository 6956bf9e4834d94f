"""Other systems' own schemas take what is exported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from kyc_gate.telemetry.ecs import ecs_event
from kyc_gate.telemetry.exports import FORMATS, exported
from kyc_gate.telemetry.ocsf import VERSION, ocsf_events
from tests.telemetry.lines import TRACE, line

CLASSES = {6003: "api_activity", 2003: "compliance_finding", 2004: "detection_finding"}


@cache
def ocsf() -> Any:
    """The schema that OCSF publishes, compiled, as the package `ocsf-json-schema` carries it."""
    package = pytest.importorskip("ocsf_json_schema")
    return package.OcsfJsonSchemaEmbedded(package.get_ocsf_schema(version=VERSION))


@cache
def validator(name: str, profiles: tuple[str, ...]) -> Any:
    """A validator of a class with its profiles, which takes no field that the class has not."""
    import jsonschema

    return jsonschema.Draft202012Validator(ocsf().get_class_schema(class_name=name, profiles=list(profiles)))


def mistakes(event: Mapping[str, Any]) -> list[str]:
    """What OCSF's schema says against an event."""
    found = validator(CLASSES[event["class_uid"]], tuple(event["metadata"]["profiles"]))
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found.iter_errors(event)]


LINES = {
    "escalated": (line(), [6003, 2003]),
    "allowed": (line(outcome="allow", acted="pass", rules=[], case_id=None, due_at=None, runbook=None), [6003]),
    "approved": (line(outcome="allow", acted="pass", rules=[], case_id=None, grant_id="grant_1"), [6003]),
    "listed": (line(outcome="block", rules=["sdn-match"], screening="match", score=0.97), [6003, 2003, 2004]),
    "possible": (line(screening="possible", score=0.84, customer="Emirate"), [6003, 2003, 2004]),
    "unenforced": (line(acted="pass", mode="observe"), [6003, 2003]),
    "nothing known": (line(**dict.fromkeys(("account", "party", "trace_id", "lists", "score", "share"))), [6003, 2003]),
}


@pytest.mark.parametrize("name", LINES)
def test_ocsf_takes_every_event(name: str) -> None:
    """OCSF's own schema finds no mistake in what a decision becomes, and each decision becomes its classes."""
    found, classes = LINES[name]
    events = list(ocsf_events(found))
    assert [event["class_uid"] for event in events] == classes
    for event in events:
        assert mistakes(event) == []


def test_ocsf_s_schema_sees_mistakes() -> None:
    """The schema refuses a field that the class has not, a missing one, and a value out of its list."""
    event = next(iter(ocsf_events(line())))
    assert mistakes({**event, "flavour": "salt"})
    assert mistakes({key: value for key, value in event.items() if key != "api"})
    assert mistakes({**event, "disposition_id": 77})


@pytest.mark.parametrize(
    ("more", "action", "disposition"),
    [
        pytest.param({}, 2, 14, id="escalated-is-denied-and-delayed"),
        pytest.param({"outcome": "block"}, 2, 2, id="blocked"),
        pytest.param({"outcome": "allow", "acted": "pass"}, 1, 1, id="allowed"),
        pytest.param({"outcome": "allow", "acted": "pass", "grant_id": "g"}, 1, 8, id="approved"),
        pytest.param({"acted": "pass", "mode": "observe"}, 3, 15, id="unenforced-is-detected"),
    ],
)
def test_what_was_done_is_told_in_ocsf_s_words(more: dict[str, Any], action: int, disposition: int) -> None:
    """Action and disposition are those of the security control profile."""
    event = next(iter(ocsf_events(line(**more))))
    assert (event["action_id"], event["disposition_id"]) == (action, disposition)


def test_ecs_has_what_its_users_search_for() -> None:
    """An escalation is an alert of a denied request, with rule, trace and account."""
    event = ecs_event(line())
    assert event["event"]["kind"] == "alert"
    assert event["event"]["type"] == ["denied"]
    assert event["event"]["duration"] == 3_200_000
    assert event["trace"]["id"] == TRACE
    assert event["rule"] == {
        "id": "red-flag-28",
        "name": "red-flag-28",
        "ruleset": "us-ai-diffusion",
        "version": "3",
        "reference": "docs/runbooks/red-flag-28.md",
    }
    assert event["cloud"] == {"provider": "generic", "account": {"id": "acct-1"}}


def test_a_cloud_event_has_the_attributes_that_the_specification_asks_for() -> None:
    """`id`, `source`, `specversion` and `type` are texts that say something; names are small letters and digits."""
    for given in (line(), {"event": "gate.opened", "timestamp": "2026-11-24T09:14:02Z", "level": "info"}):
        (event,) = exported(given, "cloudevents")
        for key in ("id", "source", "specversion", "type"):
            assert isinstance(event[key], str)
            assert event[key]
        assert all(key.isascii() and key.isalnum() and key == key.lower() for key in event)
        assert event["specversion"] == "1.0"
    assert event["type"] == "kyc_gate.gate.opened.v1"
    assert next(exported(line(), "cloudevents"))["type"] == "kyc_gate.decision.escalated.v1"


@pytest.mark.parametrize("form", FORMATS)
def test_names_leave_only_with_the_line(form: str) -> None:
    """An export tells a customer's name only where the line does."""
    assert "Emirate Computing" not in json.dumps(list(exported(line(), form)))
    assert "Emirate Computing" in json.dumps(list(exported(line(customer="Emirate Computing"), form)))
