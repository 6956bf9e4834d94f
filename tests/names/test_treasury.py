"""Treasury's own score."""

from __future__ import annotations

import csv
from pathlib import Path

from kyc_gate.names.treasury import treasury_score


def test_the_published_scores_are_met(shared_data: Path) -> None:
    """Of the scores that Treasury's search showed, at least 80 in 100 are met within two points."""
    with (shared_data / "names" / "ofac_score_fixtures.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["ofac_score"]) >= 0]
    near = [abs(treasury_score(row["query_name"], row["result_name"]) - int(row["ofac_score"])) <= 2 for row in rows]
    assert sum(near) >= 0.8 * len(rows)


def test_other_scripts_score_nothing() -> None:
    """A name without a Latin letter has no score there."""
    assert treasury_score("华为", "Huawei") == 0
