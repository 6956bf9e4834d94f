"""Rows as CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kyc_gate.reports.rows import render_csv, safe_cell

TRIGGERS = "=+-@\t\r|%＝＋－＠\"'"


def test_no_cell_begins_a_formula(shared_data: Path) -> None:
    """Each cell of the labelled cases is shown as text."""
    lines = (shared_data / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()
    cells = [row["input"] for row in map(json.loads, lines) if row["category"] == "csv_injection"]
    assert cells
    for cell in cells:
        assert safe_cell(cell).startswith("'"), cell
        assert safe_cell(cell).replace("'", "") == cell.replace("'", "")


def test_plain_cells_stay_as_they_are() -> None:
    """Names, numbers and dates are not touched; what is not on file is an empty cell."""
    for cell in ("Testland AS", "شركة", "华为", "1,024", "2026-11-27", "dec_1; dec_2", ""):
        assert safe_cell(cell) == cell
    assert render_csv(("a", "b"), [("x", None)]) == '"a","b"\r\n"x",""\r\n'


@given(st.lists(st.text(alphabet=st.sampled_from("a1 ,;|\n" + TRIGGERS), max_size=8), min_size=1, max_size=3))
def test_no_separator_makes_a_formula(cells: list[str]) -> None:
    """However a spreadsheet splits the file, at commas, semicolons, tabs or bars, no cell begins with a formula."""
    text = render_csv(cells, [])
    (row,) = csv.reader(io.StringIO(text, newline=""))
    assert len(row) == len(cells)
    for cell in row:
        for separator in ",;\t|\n\r":
            pieces = cell.split(separator)
            assert not any(piece.lstrip().startswith(tuple("=+-@＝")) for piece in pieces if piece.strip())
