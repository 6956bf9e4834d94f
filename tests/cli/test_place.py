"""`kyc-gate place`."""

from __future__ import annotations

from collections.abc import Callable

from .conftest import Ran


def test_each_line_has_its_country_or_none(kyc_gate: Callable[..., Ran]) -> None:
    """A text names a country with evidence, or none; the shape is the one that other programs read."""
    ran = kyc_gate(
        "place", "--input", "-", given='{"id": "a", "text": "Norway"}\n{"id": 2, "text": "N/A"}\n{"text": null}\n'
    )
    assert ran.status == 0
    assert [row["country"] for row in ran.rows] == ["NO", None, None]
    assert all(list(row)[:4] == ["id", "country", "confidence", "evidence"] for row in ran.rows)
    assert [row["id"] for row in ran.rows] == ["a", 2, None]


def test_a_text_on_the_command_line_is_answered_in_json_where_no_person_reads(kyc_gate: Callable[..., Ran]) -> None:
    """Without a terminal the answer is a JSON object, with or without `--json`."""
    assert kyc_gate("place", "Norway").rows == kyc_gate("place", "--json", "Norway").rows
