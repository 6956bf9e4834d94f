"""`kyc-gate report`: every paper from the command line, in every form."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kyc_gate.cli.demo_world import write_world

from .conftest import Ran
from .test_operator import LARGE, sent


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a gate that held one request of a party with a name that is a formula."""
    folder = tmp_path_factory.mktemp("papers")
    path = write_world(folder, port=0, upstream="http://127.0.0.1:9")
    patient = path.read_text(encoding="utf-8").replace("[gate]", "[gate]\ndecision_seconds = 20", 1)
    path.write_text(patient, encoding="utf-8")
    party = {"id": "odd", "name": '=HYPERLINK("http://x","y")', "location": "China", "headquarters": "China"}
    with (folder / "parties.jsonl").open("a", encoding="utf-8") as parties:
        parties.write(json.dumps(party) + "\n")
    assert sent(path, "yunheng", LARGE).case_id is not None
    return folder


@pytest.fixture
def config(tmp_path: Path, world: Path) -> str:
    """The configuration of that gate, in a copy of its folder."""
    shutil.copytree(world, tmp_path, dirs_exist_ok=True)
    return str(tmp_path / "kyc-gate.toml")


def test_each_paper_is_printed_and_written(config: str, tmp_path: Path, called: Callable[..., Ran]) -> None:
    """Every paper is a line of JSON, or a page that is marked a draft."""
    (case,) = called("cases", "list", "--config", config, "--json").rows
    steps = {
        "case": (case["id"],),
        "blocking": (case["decision_ids"][0],),
        "remote-users": (),
        "procedures": (),
        "training-run": ("yunheng",),
    }
    for step, of in steps.items():
        (paper,) = called("report", step, *of, "--config", config).rows
        assert paper["draft"] is True
        page = tmp_path / f"{step}.html"
        assert called("report", step, *of, "--config", config, "--output", str(page)).status == 0
        assert "DRAFT." in page.read_text(encoding="utf-8")


def test_the_list_is_written_without_formulas(config: str, tmp_path: Path, called: Callable[..., Ran]) -> None:
    """As CSV the list has every row, and a name that is a formula is text."""
    file = tmp_path / "users.csv"
    assert called("report", "remote-users", "--config", config, "--output", str(file)).status == 0
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")))
    assert {row["Party"] for row in rows} == {"yunheng", "odd"}
    (name,) = {row["Name"] for row in rows if row["Party"] == "odd"}
    assert name.startswith("'=HYPERLINK(")


def test_a_case_file_as_pdf(config: str, tmp_path: Path, called: Callable[..., Ran]) -> None:
    """The extra writes a PDF of the page."""
    pytest.importorskip("weasyprint", exc_type=OSError)
    (case,) = called("cases", "list", "--config", config, "--json").rows
    file = tmp_path / "case.pdf"
    ran = called("report", "case", case["id"], "--config", config, "--output", str(file))
    assert ran.status == 0, ran.err
    assert file.read_bytes().startswith(b"%PDF-")


def test_what_is_not_there_is_an_error(config: str, called: Callable[..., Ran]) -> None:
    """An unknown case, decision, party or form is told in one line that names what to do."""
    for of, said in (
        (("case", "case_none"), "cases list"),
        (("blocking", "dec_none"), "dec_none"),
        (("training-run", "nobody"), "parties list"),
    ):
        ran = called("report", *of, "--config", config)
        assert ran.status == 1
        assert said in ran.err
        assert len(ran.err.splitlines()) == 1
    ran = called("report", "case", "x", "--config", config, "--output", "x.csv")
    assert ran.status == 2
    assert ".pdf" in ran.err
