"""Every labelled bad input of the doors is tried by a test that stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from catalogue import stands

LAYERS = {"http_server", "asgi_gate", "body_parser", "adapter_aws", "client_hook", "identity"}

_HERE = "adapters/test_bad_inputs.py"
_WIRE = "gateway/test_bad_inputs.py::test_every_row_is_answered_as_it_should_be"
_LISTED = "gateway/test_scenarios.py::test_no_row_is_left_out"
_IDENTITY = "gateway/test_identity_rows.py"

WHERE = {
    ("http_server", "smuggling"): (f"{_HERE}::test_no_confused_framing_passes", _WIRE),
    ("asgi_gate", "host_confusion"): (f"{_HERE}::test_no_confused_host_or_target_passes", _WIRE),
    ("asgi_gate", "method_confusion"): (f"{_HERE}::test_no_confused_method_passes",),
    ("asgi_gate", "path_normalisation"): (f"{_HERE}::test_no_spelling_of_a_guarded_path_passes", _WIRE),
    ("asgi_gate", "oracle_tipping_off"): ("gateway/test_oracle.py::test_no_row_is_left_out",),
    ("asgi_gate", "overload"): (_LISTED,),
    ("asgi_gate", "upgrade"): (_LISTED,),
    ("body_parser", "compression"): (f"{_HERE}::test_no_undeclared_content_passes", _WIRE, _LISTED),
    ("body_parser", "content_type"): (f"{_HERE}::test_no_undeclared_content_passes", _WIRE),
    ("body_parser", "json_differential"): (f"{_HERE}::test_no_ambiguous_document_passes", _WIRE),
    ("body_parser", "multipart"): (f"{_HERE}::test_no_multipart_body_passes", _WIRE, _LISTED),
    ("client_hook", "client_hook"): (_LISTED,),
    ("identity", "identity_canonicalisation"): (f"{_IDENTITY}::test_an_id_is_compared_as_it_is",),
    ("identity", "identity_evidence"): ("service/test_identity_evidence.py::test_every_row_is_somewhere",),
    ("identity", "identity_spoofing"): (
        f"{_IDENTITY}::test_a_header_of_somebody_else_is_nobodys",
        f"{_IDENTITY}::test_a_forged_token_opens_nothing",
    ),
}
"""By layer and category, the tests that take every row of it, or that hold a table of them all."""

FORMS = f"{_HERE}::test_no_form_hides_what_it_asks_for"
SCENARIOS = {
    "form_hpp-019": f"{_HERE}::test_an_operation_in_query_and_body_is_refused",
    "form_hpp-020": f"{_HERE}::test_a_presigned_get_is_read_like_a_post",
    "form_hpp-021": f"{_HERE}::test_two_operation_selectors_are_refused",
    "form_hpp-022": f"{_HERE}::test_streamed_chunks_are_refused",
    "form_hpp-023": "gateway/test_app.py::test_body_bytes_are_kept",
    "form_hpp-024": f"{_HERE}::test_a_search_is_charged_with_all_its_jobs",
    "form_hpp-025": f"{_HERE}::test_an_array_job_is_multiplied_and_unresolved",
}
"""What AWS's forms are asked beside those that are written out."""

ON_THE_WIRE = {"raw_http", "path", "header_value", "json_text", "form", "pyexpr", "headers", "customer_id"}
"""How a row is written that a test takes as it is."""


def test_every_row_of_a_door_has_its_test(shared_data: Path) -> None:
    """No row of these layers is of a category, or a scenario, that nothing tries; and nothing is listed in vain."""
    lines = (shared_data / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["layer"] in LAYERS]
    assert len(rows) >= 239
    found, scenarios = set(), set()
    for row in rows:
        if row["layer"] == "adapter_aws":
            scenarios |= {row["id"]} if row["input_kind"] == "scenario" else set()
            assert row["input_kind"] in ("scenario", "form"), row["id"]
        else:
            found.add((row["layer"], row["category"]))
            assert row["input_kind"] in {*ON_THE_WIRE, "scenario"}, row["id"]
    assert found == WHERE.keys()
    assert scenarios == SCENARIOS.keys()


@pytest.mark.parametrize(
    "test", sorted({*SCENARIOS.values(), FORMS, *(each for tests in WHERE.values() for each in tests)})
)
def test_each_test_stands(test: str) -> None:
    """A test that was renamed or dropped leaves no row untried unnoticed."""
    assert stands(test)
