"""How rare a score is among parties that are on no list."""

from __future__ import annotations

from bisect import bisect_right
from functools import cache

from kyc_gate.names.tables import lines_of


@cache
def _table() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scores in rising order, and for each how many clean parties in a million score as high or higher."""
    rows = [line.split(",") for line in lines_of("clean_scores") if not line.startswith("#")]
    return tuple(float(row[0]) for row in rows), tuple(float(row[1]) for row in rows)


def clean_per_million(score: float) -> float:
    """Return about how many clean parties in a million have a best match of `score` or more.

    `benchmarks/rarity.py` counts them against the Consolidated Screening List. Where too few were met to count, the
    figure is an upper bound.
    """
    scores, shares = _table()
    return shares[max(bisect_right(scores, score) - 1, 0)]


def said_of_rarity(score: float) -> str:
    """Return the same as a clause."""
    share = clean_per_million(score)
    said = "about" if share > min(_table()[1]) else "fewer than"
    return f"{said} {share:,.0f} clean parties in a million score as high"
