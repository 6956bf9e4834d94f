"""`kyc-gate owners`, as it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kyc_gate.ownership.gleif.records import Address, Row
from tests.cli.conftest import Ran
from tests.ownership.gleif.published import csv_of, entity, json_of, lei
from tests.storage.test_gleif import EXCEPTIONS, LEVEL1, RELATIONS

Run = Callable[..., Ran]


@pytest.fixture
def store(tmp_path: Path, kyc_gate: Run) -> Path:
    """A register, built by the command."""
    files = {"20260901-0000-lei2.json": json_of(LEVEL1), "rr.csv": csv_of(RELATIONS), "repex.json": json_of(EXCEPTIONS)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    done = kyc_gate(
        "owners", "pull", "--store", f"{tmp_path}/r.db", "--file", *(f"{tmp_path}/{name}" for name in files)
    )
    assert (done.status, done.err) == (0, "")
    assert [(row["outcome"], row["kind"], row["rows"]) for row in done.rows] == [
        ("loaded", "lei2", 4),
        ("loaded", "rr", 3),
        ("loaded", "repex", 1),
    ]
    return tmp_path / "r.db"


def test_show_tells_who_stands_above(kyc_gate: Run, store: Path, tmp_path: Path) -> None:
    """An entity is shown with addresses, chain, ultimate parents and children, and drawn."""
    chart = tmp_path / "chart.svg"
    done = kyc_gate("owners", "show", "fjord analytics as", "--store", str(store), "--svg", str(chart))
    assert (done.status, done.err) == (0, "")
    (row,) = done.rows
    assert (row["lei"], row["matched_by"], row["headquarters_address"]["country"]) == (lei(1), "name", "NO")
    assert [step["name"] for step in row["chain"]] == ["Middle Holding Ltd", "深圳控股有限公司"]
    assert [step["country"] for step in row["ultimate_parents"]] == ["CN"]
    assert (row["children"], row["as_of"]) == (0, "2026-09-01T00:00:00Z")
    drawn = ElementTree.parse(chart).getroot()
    assert drawn.tag.endswith("svg")
    assert "深圳控股有限公司" in "".join(drawn.itertext())


def test_no_parent_is_not_none(kyc_gate: Run, store: Path) -> None:
    """The last one in the register has exceptions, and no parent is claimed to be absent."""
    (row,) = kyc_gate("owners", "show", lei(3), "--store", str(store)).rows
    assert row["ultimate_parents"] == []
    assert row["exceptions"][0]["reasons"] == ["NO_KNOWN_PERSON"]
    assert any("knows of nobody" in note for note in row["notes"])


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        pytest.param(["nobody at all"], "knows nobody of the name", id="no-name"),
        pytest.param([lei(1)[:-1] + "0"], "its check digits do not fit", id="check-digits"),
        pytest.param([lei(77)], "does not know LEI", id="no-lei"),
        pytest.param(["Fjord AI", "--country", "CN"], "in CN", id="elsewhere"),
        pytest.param(["Fjord AI", "--country", "Atlantis"], "is no country", id="no-country"),
    ],
)
def test_what_is_not_there_is_one_line(kyc_gate: Run, store: Path, asked: list[str], problem: str) -> None:
    """A question without an answer fails in one clear line."""
    done = kyc_gate("owners", "show", *asked, "--store", str(store))
    assert (done.status, done.out) == (1, "")
    assert problem in done.err
    assert done.err.count("\n") == 1


def test_a_name_of_two_is_not_guessed(kyc_gate: Run, tmp_path: Path) -> None:
    """Two entities of one name are told with their LEIs; a country chooses."""
    here, there = Address(country="NO"), Address(country="SE")
    twins: list[Row] = [entity(1, "Twin AS", legal_address=here), entity(2, "TWIN as", legal_address=there)]
    (tmp_path / "lei2.json").write_bytes(json_of(twins))
    store = ["--store", f"{tmp_path}/r.db"]
    assert kyc_gate("owners", "pull", *store, "--file", f"{tmp_path}/lei2.json").status == 0
    done = kyc_gate("owners", "show", "Twin AS", *store)
    assert done.status == 1
    assert lei(1) in done.err
    assert lei(2) in done.err
    assert kyc_gate("owners", "show", "Twin AS", "--country", "Sweden", *store).rows[0]["lei"] == lei(2)


def test_a_missing_register_or_file_is_told(kyc_gate: Run, tmp_path: Path) -> None:
    """Without a register, show says how to build one; a file that is not there is named."""
    done = kyc_gate("owners", "show", lei(1), "--store", f"{tmp_path}/none.db")
    assert done.status == 1
    assert "kyc-gate owners pull" in done.err
    done = kyc_gate("owners", "pull", "--store", f"{tmp_path}/r.db", "--file", f"{tmp_path}/none.json")
    assert done.status == 1
    assert "there is no file" in done.err
    assert not (tmp_path / "r.db").exists()
