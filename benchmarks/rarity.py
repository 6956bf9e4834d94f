"""How many clean parties score how high against the Consolidated Screening List: the table that `names.rarity` reads.

python -m benchmarks rarity           prints the table
python -m benchmarks.rarity write     writes it
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.labelled import DATA, clean_companies, clean_people, published_list
from kyc_gate.screening.screener import Screener

TABLE = Path(__file__).resolve().parents[1] / "kyc_gate" / "names" / "data" / "clean_scores.txt"

SCORES = (0.5, 0.6, 0.7, 0.75, 0.79, 0.82, 0.85, 0.88, 0.9, 0.92, 0.94, 0.96, 0.98)

RULE_OF_THREE = 3
"""Where none of N was met, fewer than 3/N are there, with 95 % confidence."""


def best_scores(names: list[str]) -> list[float]:
    """Return the score of the best match of each name, 0 where there is none."""
    screener = Screener(published_list(), possible=SCORES[0], match=0.99)
    return [max((match.score for match in screener.screen([name]).matches), default=0.0) for name in names]


def rows() -> list[tuple[float, float]]:
    """Return scores with the clean parties in a million, half firms and half people, that score as high."""
    shares: list[list[float]] = []
    for names in (clean_companies(), [name for name in clean_people() if name]):
        scores = best_scores(names)
        shares.append([max(sum(s >= line for s in scores), RULE_OF_THREE) / len(scores) for line in SCORES])
    return [(line, round(1e6 * (one + two) / 2)) for line, one, two in zip(SCORES, *shares, strict=True)]


def main() -> None:
    """Print the table."""
    if not DATA.is_dir():
        print(f"rarity: skipped, the labelled names are not at {DATA}")
        return
    for line, count in rows():
        print(f"  {line:.2f}  about {count:,} clean parties in a million")


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        text = "\n".join(f"{line},{count}" for line, count in rows())
        TABLE.write_text(f"# score at least, clean parties in a million\n0,1000000\n{text}\n", encoding="utf-8")
    else:
        main()
