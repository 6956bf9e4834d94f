"""`kyc-gate screen`."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from .conftest import Ran

EXCERPT = str(files("kyc_gate.cli").joinpath("sample", "csl_excerpt.csv"))


def test_the_shape_is_the_one_that_other_programs_read(kyc_gate: Callable[..., Ran]) -> None:
    """An answer holds id, query, outcome and matches, best first, each with its explanation."""
    lines = [{"id": "a", "name": "Huawei Technologies Co., Ltd."}, {"id": "b", "name": "Fjordlys Robotikk AS"}]
    ran = kyc_gate("screen", "--input", "-", "--lists", EXCERPT, given="\n".join(map(json.dumps, lines)))
    assert ran.status == 0, ran.err
    listed, clear = ran.rows
    assert list(listed) == ["id", "query", "outcome", "matches"]
    assert (listed["id"], listed["outcome"]) == ("a", "match")
    assert list(listed["matches"][0]) == ["list", "entry_id", "name", "score", "explanation"]
    scores = [match["score"] for match in listed["matches"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert (clear["id"], clear["outcome"], clear["matches"]) == ("b", "clear", [])


@pytest.mark.parametrize(
    "line",
    [
        pytest.param({"company": "Huawei Technologies", "company_line2": "Co., Ltd."}, id="company-in-two-lines"),
        pytest.param({"name": "A Shop", "aliases": ["HUAWEI TECHNOLOGIES CO., LTD."]}, id="alias"),
        pytest.param({"name": "A Shop", "aliases": [{"name": "Huawei Technologies Co Ltd"}]}, id="alias-object"),
        pytest.param({"first_name": "Huawei", "last_name": "Technologies Co., Ltd."}, id="two-names"),
    ],
)
def test_every_name_of_a_line_is_screened(line: dict[str, object], kyc_gate: Callable[..., Ran]) -> None:
    """A name split over fields, or given as an alias, is found all the same."""
    ran = kyc_gate("screen", "--lists", EXCERPT, given=json.dumps(line))
    assert ran.rows[0]["outcome"] == "match"


def test_an_operators_own_list(tmp_path: Path, kyc_gate: Callable[..., Ran]) -> None:
    """JSON lines of the operator's own are a list like any other."""
    file = tmp_path / "own.jsonl"
    file.write_text(
        '{"id": "7", "name": "Sealed Machinery Works", "aliases": ["SMW"], "list": "OWN"}\n', encoding="utf-8"
    )
    (row,) = kyc_gate("screen", "Sealed Machinery Works", "--lists", str(file)).rows
    assert row["outcome"] == "match"
    assert (row["matches"][0]["list"], row["matches"][0]["entry_id"]) == ("OWN", "7")


def test_a_threshold_moves_the_line(kyc_gate: Callable[..., Ran]) -> None:
    """A higher threshold reports no more than a lower one."""
    low, high = (
        kyc_gate("screen", "Huawei Technology", "--lists", EXCERPT, "--threshold", threshold).rows[0]["matches"]
        for threshold in ("0.6", "1.0")
    )
    assert len(high) < len(low)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param({"email": "x@example.com"}, "no name to screen", id="no-name"),
        pytest.param({"name": "..."}, "no letter or digit", id="no-letter"),
        pytest.param({"name": "X Y", "contry": "CN"}, "did you mean `country`?", id="misspelt"),
    ],
)
def test_what_cannot_be_screened_is_never_clear(
    line: dict[str, object], said: str, kyc_gate: Callable[..., Ran]
) -> None:
    """A line without a name that could be compared is refused, never called clear."""
    ran = kyc_gate("screen", "--lists", EXCERPT, given=json.dumps(line))
    assert ran.status == 1
    assert said in ran.err
    assert "outcome" not in ran.rows[0]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        pytest.param(["X"], 2, "no list to screen against", id="no-list"),
        pytest.param(["X", "--lists", "nowhere"], 1, "there is no file or folder `nowhere`", id="no-file"),
        pytest.param(["X", "--lists", EXCERPT, "--threshold", "90"], 2, "`90`", id="percent"),
        pytest.param(["X", "--lists", EXCERPT, "--country", "Atlantis"], 1, "`Atlantis`", id="no-country"),
    ],
)
def test_mistakes_take_one_line(arguments: list[str], status: int, said: str, kyc_gate: Callable[..., Ran]) -> None:
    """A mistake of the caller is one line that says what to write."""
    ran = kyc_gate("screen", *arguments)
    assert (ran.status, ran.out, ran.err.count("\n")) == (status, "", 1)
    assert said in ran.err
