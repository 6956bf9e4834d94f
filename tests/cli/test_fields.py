"""Errors in input objects name the field and the fix."""

from __future__ import annotations

from typing import Any

import pytest

from kyc_gate.cli.fields import FieldError, read_record
from kyc_gate.cli.request_input import RequestInput, read_line, read_party


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        pytest.param(
            {"accelerators": [{"model": "H100", "cuont": 8}]},
            "request.accelerators[0].cuont",
            "field `request.accelerators[0].cuont` is not known; did you mean `count`?",
            id="misspelt",
        ),
        pytest.param(
            {"gpus": 8},
            "request.gpus",
            "field `request.gpus` is not known; did you mean `accelerators`?",
            id="other-word",
        ),
        pytest.param(
            {"accelerators": [{"model": "H100"}]},
            "request.accelerators[0].count",
            "field `request.accelerators[0].count` is missing",
            id="missing",
        ),
        pytest.param(
            {"model": "H100", "count": "8"},
            "request.count",
            "field `request.count` must be a whole number or null, not a text",
            id="text-for-number",
        ),
        pytest.param(
            {"model": "H100", "count": 0},
            "request.count",
            "field `request.count` must be a whole number of at least 1",
            id="too-small",
        ),
        pytest.param(
            {"model": "H100", "count": True},
            "request.count",
            "field `request.count` must be a whole number or null, not true or false",
            id="bool-for-number",
        ),
        pytest.param(
            {"model": "H100", "count": 1, "workload": "inferense"},
            "request.workload",
            "field `request.workload`: `inferense` is not known; did you mean `inference`?",
            id="enum",
        ),
    ],
)
def test_a_wrong_field_is_named_with_its_fix(given: dict[str, Any], field: str, message: str) -> None:
    """The message names the dotted path, what is wrong in plain words, and the nearest right spelling."""
    with pytest.raises(FieldError) as caught:
        read_record(given, RequestInput, at="request")
    assert (caught.value.field, str(caught.value)) == (field, message)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param({"party": {"name": "X"}}, "field `request` is missing", id="no-request"),
        pytest.param({"request": {}, "party": {"name": "X"}}, "nothing is asked for", id="no-machines"),
        pytest.param({"request": {"model": "H100"}}, "`request.count` is missing", id="no-count"),
        pytest.param(
            {"request": {"model": "H100", "instance_type": "p5.48xlarge", "count": 1}}, "give one of", id="two-kinds"
        ),
        pytest.param(
            {"request": {"model": "H100", "count": 1, "accelerators": [{"model": "A100", "count": 1}]}},
            "not both",
            id="list-and-written-out",
        ),
        pytest.param(
            {"request": {"model": "H100", "count": 1, "duration_hours": 1, "duration_seconds": 3600}},
            "not both",
            id="two-durations",
        ),
        pytest.param(
            {"request": {"model": "H100", "count": 1, "duration_hours": 0}}, "`request.duration_hours`", id="no-time"
        ),
        pytest.param(
            {"request": {"model": "H100", "count": 1, "account": "1", "account_id": "2"}}, "given twice", id="synonyms"
        ),
        pytest.param(
            {"request": {"model": "H100", "count": 1}, "party": {"nmae": "X"}}, "did you mean `name`?", id="party"
        ),
        pytest.param(
            {"request": {"model": "H100", "count": 1}, "party": {"name": "X", "country": "NO"}},
            "did you mean `location` or `headquarters`?",
            id="which-country",
        ),
        pytest.param(
            {"request": {"model": "H100", "count": 1}, "party": {"name": "X", "owners": [{"name": "Y", "share": 50}]}},
            "write 0.5 for 50 %",
            id="percent-for-share",
        ),
        pytest.param(
            {"request": {"model": "H100", "count": 1}, "usage": {"usd": 1}}, "did you mean `used`?", id="usage"
        ),
    ],
)
def test_a_line_that_means_nothing_sure_is_refused(line: dict[str, Any], said: str) -> None:
    """A request, party or usage that cannot be taken one way only is refused, and the message says what to write."""
    with pytest.raises(FieldError) as caught:
        read_line(line)
    assert said in str(caught.value)


def test_a_party_is_taken_as_people_write_it() -> None:
    """Aliases may be plain texts, a parent a name, and the id is implied."""
    party = read_party(
        {"name": "X", "aliases": ["Y", {"name": "Z", "weak": True}], "ultimate_parent": "P"}, default_id="7"
    )
    assert party.id == "7"
    assert [(alias.name, alias.weak) for alias in party.aliases] == [("Y", False), ("Z", True)]
    assert party.ultimate_parent is not None
    assert party.ultimate_parent.name == "P"


def test_usage_left_out_is_none_and_null_is_unknown() -> None:
    """Without `usage` this request is the first; with null nobody knows what was used."""
    request = {"model": "H100", "count": 1}
    first = read_line({"request": request})
    assert first.used is not None
    assert first.used.used == 0
    assert read_line({"request": request, "usage": None}).used is None


@pytest.mark.parametrize("written", ["training", "Pre-Training", "pretraining", "pre training"])
def test_a_workload_is_taken_as_people_write_it(written: str) -> None:
    """Capitals, hyphens and blanks do not matter, and training is the strictest kind of it."""
    asked = read_line({"request": {"model": "H100", "count": 1, "workload": written}})
    assert asked.request.workload == "pre_training"
