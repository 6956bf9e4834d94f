"""resolve_headquarters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kyc_gate.places.headquarters import resolve_headquarters

AI_AUTHORIZATION = frozenset(
    ["AU", "BE", "CA", "DK", "FI", "FR", "DE", "IE", "IT", "JP", "NL", "NZ", "NO", "KR", "ES", "SE", "TW", "GB", "US"]
)
"""Supplement No. 5 to Part 740, paragraph (a)."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Norway", "NO", id="whole"),
        pytest.param("Frankfurt am Main, Germany", "DE", id="last-part"),
        pytest.param("London, UK", "GB", id="uk"),
        pytest.param("Tokyo, JPN", "JP", id="alpha-3"),
        pytest.param("Beijing (China)", "CN", id="brackets"),
        pytest.param("Kowloon, Hong Kong, China", "HK", id="hong-kong-of-china"),
        pytest.param("1 Market Street\nSan Francisco, CA 94105\nUSA", "US", id="lines"),
        pytest.param("San Jose, CA", "US", id="california-or-canada"),
        pytest.param("Wilmington, DE", "US", id="delaware-or-germany"),
        pytest.param("Atlanta, Georgia", "US", id="state-or-country"),
        pytest.param("Lebanon, Pennsylvania", "US", id="town-named-like-a-country"),
        pytest.param("Taipei, Taiwan, China", None, id="taiwan-and-china-conflict"),
        pytest.param("Paris, France, Germany", None, id="two-countries"),
        pytest.param("Yalta, Krimea", None, id="crimea"),
        pytest.param("Saipan, MP 96950, United States of America", None, id="territory-by-postal-code"),
        pytest.param("97300 Cayenne, France", None, id="french-territory-by-postal-code"),
        pytest.param("Berlin", "DE", id="city-alone"),
        pytest.param(None, None, id="silence"),
        pytest.param(", , ,", None, id="separators"),
        pytest.param("x," * 400, None, id="too-long"),
    ],
)
def test_an_address_is_resolved_only_when_it_is_certain(text: str | None, expected: str | None) -> None:
    """The whole text or its last part names the country; a city, a state code or a conflict leaves it unknown."""
    headquarters = resolve_headquarters(text)
    assert headquarters.country == expected
    assert (headquarters.confidence > 0) == (expected is not None)
    assert headquarters.evidence


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_nothing_is_wrongly_authorized(shared_data: Path) -> None:
    """Of the labelled strings none is placed in an AI Authorization country, or any other, that it is not in."""
    rows = _rows(shared_data / "places" / "headquarters.jsonl")
    answers = {row["id"]: resolve_headquarters(row["input"]).country for row in rows}
    wrong = [row for row in rows if answers[row["id"]] not in (None, row["expected_iso"])]
    allied = [row for row in wrong if answers[row["id"]] in AI_AUTHORIZATION]
    right = sum(answers[row["id"]] == row["expected_iso"] for row in rows)
    assert allied == []
    assert wrong == []
    assert right / len(rows) >= 0.94  # 117 of 124: the rest are cities and states, unknown until a gazetteer is read


def test_published_addresses_are_never_placed_elsewhere(shared_data: Path) -> None:
    """Addresses that end in a country are placed there; none is placed in a wrong AI Authorization country."""
    rows = _rows(shared_data / "places" / "addresses_world.jsonl")
    wrong = []
    for row in rows:
        country = resolve_headquarters(row["address"]).country
        if country in AI_AUTHORIZATION and country != row["country_code"]:
            wrong.append((row["address"], country))
    assert wrong == []
