"""Consonant skeletons."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from kyc_gate.names.normalize import normalize_name
from kyc_gate.names.skeleton import skeleton_keys


def keys(text: str) -> frozenset[str]:
    """Return the skeleton keys of a name as people write it."""
    return skeleton_keys(normalize_name(text).core)


@pytest.mark.parametrize(
    ("native", "latin"),
    [
        pytest.param("صندوق الرحمة", "Sanduq al-Rahmah", id="arabic"),
        pytest.param("دانشگاه صنعتی مالک اشتر", "Daneshgah-e Sanati-e Malek Ashtar", id="persian"),
        pytest.param("אוניברסיטת חיפה", "Universitat Haifa", id="hebrew"),
        pytest.param("مؤسسة عبد الرحمن", "Muassasat Abdulrahman", id="joined"),
    ],
)
def test_two_scripts_share_a_key(native: str, latin: str) -> None:
    """A name in a script without vowels shares a key with its Latin spelling."""
    assert keys(native) & keys(latin)


def test_different_names_share_none() -> None:
    """Names with other consonants share no key."""
    assert not keys("صندوق الرحمة") & keys("Malek Ashtar")


def test_a_script_with_vowels_has_no_skeleton() -> None:
    """A Chinese name has no key: the empty set says that there is nothing to compare."""
    assert keys("华为技术有限公司") == frozenset()


def test_names_of_the_united_nations_list(shared_data: Path) -> None:
    """Of the published names in original script, at least 95 in 100 share a key with their Latin spelling."""
    with (shared_data / "names" / "un_original_script_pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    shared = [row for row in rows if keys(row["name_latin"]) & keys(row["name_original_script"])]
    assert len(shared) >= 0.95 * len(rows)
