"""What screening costs as lists grow, beside a scan with rapidfuzz and SQLite's trigram index, in the same run.

Names of the Consolidated Screening List and of the labelled corpus; the largest lists are made of their parts, with a
fixed seed. Times are those of the processor, so that what else the machine does counts little. Each size runs in a
process of its own, so that memory is its own too. `python -m benchmarks.screening_speed plot` draws the growth.
"""

from __future__ import annotations

import gc
import gzip
import json
import math
import os
import random
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process, utils

from benchmarks.screening import DATA
from kyc_gate.lists.read import read_list
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.screening.index import GramIndex
from kyc_gate.screening.listed import listed_arrays
from kyc_gate.screening.screener import Screener

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
QUERIES = 600
SCANS = 6
"""Queries that a scan of every name is asked: it takes seconds each on the largest list."""

TRIGRAM_QUERIES = 20


def csl() -> ListSnapshot:
    """Return the Consolidated Screening List."""
    file = DATA / "lists" / "us_csl" / "csl_2026-07-31_csv_shape_projection.csv.gz"
    return merge([read_list(file.name, file.read_bytes())])


def made(size: int) -> ListSnapshot:
    """Return a list of `size` names: the corpus, then names made of the parts of two of its names each."""
    text = gzip.decompress((DATA / "names" / "corpus_100k.tsv.gz").read_bytes()).decode("utf-8")
    rows = [line.split("\t") for line in text.splitlines()]
    names = list(dict.fromkeys(row[2] for row in rows))
    chance = random.Random(7)  # noqa: S311 - the same names on every machine
    chance.shuffle(names)
    parts = [name.split() for name in names]
    known = set(names)
    while len(names) < size:
        one, other = chance.choice(parts), chance.choice(parts)
        name = " ".join((*one[: max(1, len(one) - 1)], *other[-1:]))
        if name not in known:
            known.add(name)
            names.append(name)
    entries = tuple(ListEntry(list="MADE", id=str(number), name=name) for number, name in enumerate(names[:size]))
    return ListSnapshot(digest=f"made-{size}", entries=entries, lists=("MADE",))


def asked_of(snapshot: ListSnapshot) -> list[str]:
    """Return queries: a third listed as they are, a third with a slip, a third of people who are not listed."""
    chance = random.Random(11)  # noqa: S311 - the same queries on every machine
    listed = [entry.name for entry in chance.sample(snapshot.entries, 2 * QUERIES // 3)]
    slipped = [_slip(name, chance) for name in listed[QUERIES // 3 :]]
    clean = (DATA / "names" / "negatives_2000.txt").read_text("utf-8").splitlines()
    asked = listed[: QUERIES // 3] + slipped + chance.sample(clean, QUERIES // 3)
    chance.shuffle(asked)
    return asked


def _slip(name: str, chance: random.Random) -> str:
    place = chance.randrange(max(len(name) - 1, 1))
    return name[:place] + name[place + 1 : place + 2] + name[place : place + 1] + name[place + 2 :]


def measured(snapshot: ListSnapshot) -> dict[str, Any]:
    """Return what building, asking and keeping an index costs, and what its peers cost on the same names."""
    names = [name for entry in snapshot.entries for name in (entry.name, *(alias.name for alias in entry.aliases))]
    Screener(ListSnapshot(digest="warm", entries=snapshot.entries[:50], lists=())).screen(["Warm Up"])
    gc.collect()
    gc.freeze()
    before = _resident()
    started = time.process_time()
    cores, arrays = listed_arrays(snapshot)
    folded = time.process_time() - started
    started = time.process_time()
    arrays = {**arrays, **GramIndex.arrays_of(cores)}
    indexed = time.process_time() - started
    del cores
    started = time.process_time()
    screener = Screener(snapshot, arrays=arrays)
    opened = time.process_time() - started
    gc.collect()
    after = _resident()
    asked = asked_of(snapshot)
    for name in asked[:100]:
        screener.screen([name])
    taken = _taken(asked, lambda name: screener.screen([name]))
    return {
        "names": len(names),
        "folded": folded,
        "indexed": indexed,
        "opened": opened,
        "arrays_mb": sum(array.nbytes for array in arrays.values()) / 1e6,
        "memory_mb": (after - before) / 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        **_quantiles("ours", taken),
        "bulk": len(asked) / sum(taken),
        **_quantiles("wratio", _taken(asked[:SCANS], _wratio(names))),
        **_quantiles("fts5", _taken(asked[:TRIGRAM_QUERIES], _trigrams(names))),
    }


def _wratio(names: Sequence[str]) -> Callable[[str], object]:
    texts = [utils.default_process(name) for name in names]
    return lambda name: process.extract(utils.default_process(name), texts, scorer=fuzz.WRatio, limit=10)


def _trigrams(names: Sequence[str]) -> Callable[[str], object]:
    """SQLite's own trigram index, best sixty by BM25, put in order by rapidfuzz."""
    store = sqlite3.connect(":memory:")
    store.execute("create virtual table names using fts5(name, tokenize='trigram')")
    store.executemany("insert into names(name) values (?)", ((name,) for name in names))

    def ask(name: str) -> object:
        runs = {name[start : start + 3].replace('"', "") for start in range(max(len(name) - 2, 0))}
        wanted = " OR ".join(f'"{run}"' for run in sorted(runs) if len(run) == 3)
        found = store.execute("select name from names where names match ? order by rank limit 60", (wanted or '"zzz"',))
        return process.extract(name, [row[0] for row in found], scorer=fuzz.token_sort_ratio, limit=10)

    return ask


def _taken(texts: Sequence[str], ask: Callable[[str], object]) -> list[float]:
    taken = []
    for text in texts:
        started = time.thread_time()
        ask(text)
        taken.append(time.thread_time() - started)
    return taken


def _quantiles(what: str, taken: list[float]) -> dict[str, float]:
    ordered = sorted(taken)
    return {f"{what}_p50": ordered[len(ordered) // 2] * 1e3, f"{what}_p99": ordered[int(len(ordered) * 0.99)] * 1e3}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(*, plot: bool = False) -> None:
    """Print the table, the growth, and how many times the peers cost; with `plot`, draw the growth for the docs."""
    if not DATA.is_dir():
        print(f"screening_speed: skipped, the names are not at {DATA}")
        return
    print("screening_speed: one core, processor milliseconds a query, score and explanation included")
    print(
        "  names       fold s  index s  open s  arrays MB  memory MB   p50    p99   names/s "
        "| WRatio p50  FTS5 p50  ratios"
    )
    rows = [("CSL", _in_a_process("csl")), *((str(size), _in_a_process(str(size))) for size in _sizes())]
    for label, row in rows:
        print(
            f"  {label:>9}  {row['folded']:7.2f}  {row['indexed']:7.2f} {row['opened']:7.2f} {row['arrays_mb']:10.0f} "
            f"{row['memory_mb']:10.0f} {row['ours_p50']:6.2f} {row['ours_p99']:6.2f} {row['bulk']:8.0f}  | "
            f"{row['wratio_p50']:9.0f} {row['fts5_p50']:9.1f}  {row['wratio_p50'] / row['ours_p50']:.0f}x "
            f"{row['fts5_p50'] / row['ours_p50']:.0f}x"
        )
    if plot:
        PLOT.write_text(picture([row for _, row in rows[1:]]), encoding="utf-8")
    print("  growth of p50; four marks are twice the time:")
    for label, row in rows[1:]:
        for name, mark in (("ours", "#"), ("fts5", "="), ("wratio", "-")):
            print(f"  {label:>9} {name:>7} {mark * _marks(row[f'{name}_p50'])}")


PLOT = Path(__file__).resolve().parents[1] / "docs" / "screening-growth.svg"
_COLOURS = {"ours": "#0b6", "fts5": "#36c", "wratio": "#c33"}
_TITLES = {"ours": "kyc_gate", "fts5": "SQLite FTS5 and rerank", "wratio": "rapidfuzz WRatio"}


def picture(rows: Sequence[dict[str, Any]]) -> str:
    """Return the growth as an SVG: median milliseconds a query by names listed, both axes by tens."""

    def across(names: float) -> float:
        return 70 + 250 * (math.log10(names) - 4)

    def down(milliseconds: float) -> float:
        return 340 - 75 * (math.log10(milliseconds) + 0.5)

    parts = []
    for power in (4, 5, 6):
        x = across(10**power)
        parts.append(f'<path d="M{x:.0f} 20V340" stroke="#ddd"/><text x="{x:.0f}" y="358">{10**power:,} names</text>')
    for power in range(5):
        y, value = down(10**power), f"{10**power:,} ms"
        parts.append(f'<path d="M70 {y:.0f}H590" stroke="#ddd"/><text x="36" y="{y + 4:.0f}">{value}</text>')
    for engine, colour in _COLOURS.items():
        points = [(across(row["names"]), down(row[f"{engine}_p50"])) for row in rows]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = points[-1]
        parts.append(f'<text x="{x - 90:.0f}" y="{y - 8:.0f}" fill="{colour}">{_TITLES[engine]}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 620 370" font-family="sans-serif" font-size="11" '
        'text-anchor="middle"><title>Median time of a query as lists grow</title>'
        '<rect width="620" height="370" fill="#fff"/>' + "".join(parts) + "</svg>\n"
    )


def _marks(milliseconds: float) -> int:
    """Return four marks for each doubling from an eighth of a millisecond on."""
    return max(0, round(4 * math.log2(max(milliseconds, 1e-9) / 0.125)))


def _sizes() -> tuple[int, ...]:
    most = int(os.environ.get("KYC_GATE_BENCHMARK_NAMES", "1000000"))
    return tuple(size for size in SIZES if size <= most)


def _in_a_process(which: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.screening_speed", which], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["plot"]:
        main(plot=True)
    elif len(sys.argv) > 1:
        print(json.dumps(measured(csl() if sys.argv[1] == "csl" else made(int(sys.argv[1])))))
    else:
        main()
