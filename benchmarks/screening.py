"""What screening finds and wrongly flags, and what it costs, beside the obvious first build in the same run."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process, utils

from kyc_gate.lists.read import read_list
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.model.party import Alias
from kyc_gate.screening.screener import Screener

DATA = Path(os.environ.get("KYC_GATE_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def watchlist() -> ListSnapshot:
    """Return the labelled watchlist as a snapshot."""
    rows = [json.loads(line) for line in (DATA / "names" / "watchlist.jsonl").read_text("utf-8").splitlines()]
    entries = tuple(
        ListEntry(
            list="TEST",
            id=row["id"],
            name=row["name"],
            aliases=tuple(Alias(name=alias["name"]) for alias in row["aliases"]),
        )
        for row in rows
    )
    return ListSnapshot(digest="watchlist", entries=entries, lists=("TEST",))


def queries() -> list[dict[str, Any]]:
    """Return the labelled queries whose query is one text."""
    rows = [json.loads(line) for line in (DATA / "names" / "evasion.jsonl").read_text("utf-8").splitlines()]
    return [row for row in rows if isinstance(row["query"], str)]


def rates(rows: Iterable[dict[str, Any]], flagged: Callable[[str], set[str]]) -> tuple[float, float]:
    """Return recall over evasions (the right entry is flagged) and the share of innocents with any flag."""
    found: list[bool] = []
    wrong: list[bool] = []
    for row in rows:
        ids = flagged(row["query"])
        if row["label"] == "match":
            found.append(row["true_id"] in ids)
        elif row.get("min_action") in (None, "allow", "clear", "none"):
            wrong.append(bool(ids))
    return statistics.mean(found), statistics.mean(wrong) if wrong else float("nan")


def naive(snapshot: ListSnapshot, cutoff: float) -> Callable[[str], set[str]]:
    """Return the obvious first build: WRatio over every name and alias."""
    names = [(entry.id, name) for entry in snapshot.entries for name in (entry.name, *(a.name for a in entry.aliases))]
    texts = [name for _, name in names]

    def flagged(query: str) -> set[str]:
        found = process.extract(
            query, texts, scorer=fuzz.WRatio, processor=utils.default_process, score_cutoff=cutoff, limit=None
        )
        return {names[index][0] for _, _, index in found}

    return flagged


def main() -> None:
    """Print the table."""
    if not DATA.is_dir():
        print(f"screening: skipped, the labelled names are not at {DATA}")
        return
    snapshot, rows = watchlist(), queries()
    print(f"screening: {len(rows)} labelled queries over {len(snapshot.entries)} entries")
    screener = Screener(snapshot, possible=0.5, match=0.99)
    for line in (0.70, 0.74, 0.78, 0.80, 0.84, 0.88, 0.92):

        def flagged(query: str, line: float = line) -> set[str]:
            return {match.entry_id for match in screener.screen([query]).matches if match.score >= line}

        recall, false = rates(rows, flagged)
        print(f"  ours >= {line:.2f}        recall {recall:6.1%}   wrongly flagged {false:6.1%}")
    for cutoff in (85, 90):
        recall, false = rates(rows, naive(snapshot, cutoff))
        print(f"  WRatio >= {cutoff}        recall {recall:6.1%}   wrongly flagged {false:6.1%}")
    _speed(rows)


def _speed(rows: list[dict[str, Any]]) -> None:
    """Print cost on the whole published list, beside one WRatio scan of it."""
    file = DATA / "lists" / "us_csl" / "csl_2026-07-31_csv_shape_projection.csv.gz"
    started = time.perf_counter()
    snapshot = merge([read_list(file.name, file.read_bytes())])
    read = time.perf_counter() - started
    started = time.perf_counter()
    screener = Screener(snapshot)
    built = time.perf_counter() - started
    asked = [row["query"] for row in rows]
    ours = _seconds(asked, lambda query: screener.screen([query]))
    scan = naive(snapshot, 85)
    theirs = _seconds(asked[:: max(1, len(asked) // 25)], scan)
    print(f"  full list: {len(snapshot.entries)} entries read in {read:.2f} s, indexed in {built:.2f} s")
    print(
        f"  a query: ours p50 {ours[0] * 1e3:.2f} ms, p99 {ours[1] * 1e3:.2f} ms; WRatio p50 {theirs[0] * 1e3:.0f} ms"
    )
    print(f"  ratio: WRatio costs {theirs[0] / ours[0]:.0f} times as much")


def _seconds(texts: list[str], ask: Callable[[str], object]) -> tuple[float, float]:
    taken = []
    for text in texts:
        started = time.perf_counter()
        ask(text)
        taken.append(time.perf_counter() - started)
    taken.sort()
    return taken[len(taken) // 2], taken[int(len(taken) * 0.99)]


if __name__ == "__main__":
    main()
