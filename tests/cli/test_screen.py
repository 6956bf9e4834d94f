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
    assert list(listed)[:4] == ["id", "query", "outcome", "matches"]
    assert 0 < listed["recall_bound"] < 1
    assert listed["snapshot"] == clear["snapshot"]
    assert (listed["id"], listed["outcome"]) == ("a", "match")
    assert list(listed["matches"][0])[:5] == ["list", "entry_id", "name", "score", "explanation"]
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


LONG = "Fjordlys Robotikk " * 60


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        pytest.param({"company": "Huawei", "department": "Technologies"}, "match", id="goes-on-elsewhere"),
        pytest.param({"company": "HW Tech", "trading_as": "Huawei Technologies Co Ltd"}, "match", id="trades-as"),
        pytest.param({"company": "A Shop", "address": "Huawei Technologies Co., Ltd."}, "match", id="in-the-address"),
        pytest.param({"name": "A Shop", "address": "1 Huawei Road, Shenzhen, China"}, "clear", id="an-address"),
        pytest.param({"email": "ml@huaweitechnologies.com"}, "match", id="domain-alone"),
        pytest.param({"name": "A Shop", "aliases": ["..."]}, "clear", id="alias-of-nothing"),
        pytest.param({"name": "A Shop", "identifiers": {"lei": "5493001KJTIIGC8Y1R12"}}, "clear", id="identifier"),
    ],
)
def test_what_names_somebody_is_screened(line: dict[str, object], outcome: str, kyc_gate: Callable[..., Ran]) -> None:
    """Names are looked for in every field that may hold one."""
    ran = kyc_gate("screen", "--lists", EXCERPT, given=json.dumps(line))
    assert ran.rows[0]["outcome"] == outcome, ran.err


def test_a_name_that_was_cut_is_not_clear(kyc_gate: Callable[..., Ran]) -> None:
    """A name of which only a part could be compared is refused, with what to do about it."""
    ran = kyc_gate("screen", "--lists", EXCERPT, given=json.dumps({"name": LONG}))
    assert ran.status == 1
    assert "give the name alone" in ran.err


def test_workers_change_nothing(tmp_path: Path, kyc_gate: Callable[..., Ran]) -> None:
    """Several processes give the same lines in the same order, refusals among them."""
    names = ["Huawei Technologies", "Fjordlys Robotikk AS", "...", "ZTE Corporation"] * 60
    file = tmp_path / "book.jsonl"
    file.write_text("".join(json.dumps({"id": n, "name": x}) + "\n" for n, x in enumerate(names)), encoding="utf-8")
    alone = kyc_gate("screen", "--input", str(file), "--lists", EXCERPT)
    shared = kyc_gate("screen", "--input", str(file), "--lists", EXCERPT, "--workers", "2")
    assert alone.status == shared.status == 1
    assert alone.out == shared.out
    assert [row["id"] for row in shared.rows] == list(range(len(names)))


def test_a_kept_index_answers_the_same(tmp_path: Path, kyc_gate: Callable[..., Ran]) -> None:
    """An index kept from before gives the same answer as a fresh one."""
    arguments = ("screen", "Huawei Technology", "--lists", EXCERPT)
    fresh = kyc_gate(*arguments)
    kept = [kyc_gate(*arguments, "--index", str(tmp_path / "index")).out for _ in range(2)]
    assert kept == [fresh.out] * 2
    assert len(list((tmp_path / "index").iterdir())) == 1
