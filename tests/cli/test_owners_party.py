"""`kyc-gate owners show --config FILE PARTY`, as it is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kyc_gate.model.facts import OwnershipFacts
from tests.cli.conftest import Ran
from tests.ownership.gleif.published import csv_of, json_of, lei
from tests.storage.test_gleif import EXCEPTIONS, LEVEL1, RELATIONS

Run = Callable[..., Ran]

PARTIES = (
    {
        "id": "acme",
        "name": "Acme Robotics GmbH",
        "kind": "company",
        "headquarters": "Berlin, Germany",
        "location": "DE",
        "place_of_use": "Norway",
        "owners": [
            {"name": "Harbour Holding Ltd", "party_id": "harbour", "share": 0.6},
            {"name": "Tessera Fund", "share": 0.3},
        ],
        "beneficial_owners": [{"name": "Ada Example", "share": 0.3}, {"name": "Bo Small", "share": 0.1}],
    },
    {
        "id": "harbour",
        "name": "Harbour Holding Ltd",
        "kind": "company",
        "headquarters": "Cyprus",
        "owners": [
            {"name": "Volna Bank", "share": 0.5, "listed_on": ["SDN"]},
            {"name": "Quay Trust", "party_id": "quay", "share": 0.5},
        ],
    },
    {
        "id": "quay",
        "name": "Quay Trust",
        "kind": "company",
        "owners": [{"name": "Harbour Holding Ltd", "party_id": "harbour", "share": 0.2}],
    },
    {"id": "fjord", "name": "Fjord Analytics AS", "kind": "company", "lei": lei(1), "headquarters": "Norway"},
    {"id": "twin-a", "name": "Twin AG", "kind": "company"},
    {"id": "twin-b", "name": "Twin AG", "kind": "company"},
)


@pytest.fixture
def config(tmp_path: Path, kyc_gate: Run) -> Path:
    """A configuration with a store and a register, both built by the commands."""
    files = {"lei2.json": json_of(LEVEL1), "rr.csv": csv_of(RELATIONS), "repex.json": json_of(EXCEPTIONS)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    path = tmp_path / "kyc-gate.toml"
    path.write_text('[gate]\nstate = "state.db"\ndata_centre = "Sweden"\n[owners]\ngleif = "r.db"\n', encoding="utf-8")
    pulled = kyc_gate("owners", "pull", "--config", str(path), "--file", *(f"{tmp_path}/{name}" for name in files))
    assert (pulled.status, pulled.err) == (0, "")
    (tmp_path / "parties.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in PARTIES), encoding="utf-8")
    loaded = kyc_gate("parties", "import", f"{tmp_path}/parties.jsonl", "--config", str(path))
    assert (loaded.status, loaded.err) == (0, "")
    return path


def test_who_stands_behind_a_party_is_told_whole(kyc_gate: Run, config: Path, tmp_path: Path) -> None:
    """Owners in layers, the blocked share with its chain, what is unknown, the circle, the group and the countries."""
    chart = tmp_path / "chart.svg"
    done = kyc_gate("owners", "show", "--config", str(config), "acme", "--svg", str(chart), "--json")
    assert (done.status, done.err) == (0, "")
    (row,) = done.rows
    held = [(each["layer"], each["name"], each["share"], each["control"], each["lists"]) for each in row["owners"]]
    assert held == [
        (1, "Harbour Holding Ltd", "0.6", "half_or_more", []),
        (1, "Tessera Fund", "0.3", "less", []),
        (2, "Volna Bank", "0.5", "half_or_more", ["SDN"]),
        (2, "Quay Trust", "0.5", "half_or_more", []),
        (3, "Harbour Holding Ltd", "0.2", "less", []),
    ]
    assert (row["ownership"]["sdn_share"], row["screened"]) == (0.6, False)
    assert set(row["ownership"]) == set(OwnershipFacts.__struct_fields__)
    assert row["ownership"]["chains"] == [
        "`Harbour Holding Ltd` 60 % of `Acme Robotics GmbH`",
        "`Volna Bank` 50 % of `Harbour Holding Ltd`",
    ]
    assert [each["name"] for each in row["beneficial_owners"]] == ["Ada Example"]
    assert "nobody says who holds 10 % of `Acme Robotics GmbH`" in row["unknown"]
    assert row["circles"] == [["harbour", "quay"]]
    assert row["control_group"]["members"] == ["acme", "harbour", "quay"]
    assert "`Harbour Holding Ltd` holds 60 % of `Acme Robotics GmbH`" in row["control_group"]["reasons"]
    countries = {field: place["country"] for field, place in row["countries"].items()}
    assert countries == {
        "location": "DE",
        "headquarters": "DE",
        "parent_headquarters": None,
        "use": "NO",
        "data_centre": "SE",
    }
    drawn = "".join(ElementTree.parse(chart).getroot().itertext())
    assert all(name in drawn for name in ("Acme Robotics GmbH", "Volna Bank", "on SDN", "Ada Example", "60 %"))


def test_a_reviewer_reads_lines(config: Path) -> None:
    """On a terminal the same is told in lines."""
    above, below = os.openpty()
    command = [sys.executable, "-m", "kyc_gate", "owners", "show", "--config", str(config), "acme"]
    assert subprocess.run(command, stdout=below, check=False, timeout=60).returncode == 0
    os.close(below)
    told = os.read(above, 65_536).decode()
    os.close(above)
    assert "blocked share    60 % held by SDNs" in told
    assert "circle           harbour, quay" in told
    assert "lists            none is active" in told


def test_the_register_is_read_too(kyc_gate: Run, config: Path) -> None:
    """What the configured register reports above the party is told as the gate takes it; silence stays unknown."""
    (row,) = kyc_gate("owners", "show", "--config", str(config), "Fjord Analytics").rows
    assert (row["party"], row["register"]["matched_by"]) == ("fjord", "lei")
    assert row["ultimate_parent"]["headquarters"] == "CN"
    assert row["unknown"] == ["the owners of `Fjord Analytics AS` are not on file"]


def test_an_lei_and_a_country_still_ask_the_register(kyc_gate: Run, config: Path) -> None:
    """With `--config`, an LEI or a `--country` asks the register itself."""
    assert kyc_gate("owners", "show", "--config", str(config), lei(1)).rows[0]["lei"] == lei(1)
    asked = kyc_gate("owners", "show", "--config", str(config), "Fjord Analytics AS", "--country", "NO")
    assert asked.rows[0]["lei"] == lei(1)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        pytest.param("Twin AG", "2 parties on file bear the name `Twin AG`", id="two"),
        pytest.param("acne", "the nearest: `acme` Acme Robotics GmbH", id="near"),
        pytest.param("zzzzzzzz", "no party on file has the id or name `zzzzzzzz`;", id="far"),
    ],
)
def test_who_is_not_one_party_is_not_guessed(kyc_gate: Run, config: Path, asked: str, problem: str) -> None:
    """A name of two, or of nobody, is one clear line with the ids."""
    done = kyc_gate("owners", "show", "--config", str(config), asked)
    assert (done.status, done.out) == (1, "")
    assert problem in done.err
    assert done.err.count("\n") == 1
