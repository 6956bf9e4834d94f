"""The labelled names that benchmarks measure on: published lists, real aliases, perturbed names, clean companies."""

from __future__ import annotations

import csv
import gzip
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kyc_gate.lists.read import read_list
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.model.party import Alias

DATA = Path(os.environ.get("KYC_GATE_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
NAMES = DATA / "names"

HELD_OUT = 3
"""One in this many labelled rows is held out: chosen by the checksum of its id, and looked at only when all is done."""


def is_held_out(key: str) -> bool:
    """Return whether a labelled row was kept aside while scores were tuned."""
    return zlib.crc32(key.encode()) % HELD_OUT == 0


def watchlist() -> ListSnapshot:
    """Return the labelled watchlist as a snapshot."""
    rows = [json.loads(line) for line in (NAMES / "watchlist.jsonl").read_text("utf-8").splitlines()]
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
    """Return the labelled evasions and look-alikes; a query of several fields is an object."""
    return [json.loads(line) for line in (NAMES / "evasion.jsonl").read_text("utf-8").splitlines()]


def name_pairs() -> list[tuple[str, str, bool]]:
    """Return pairs of names with whether one party goes by both."""
    with (NAMES / "name_pairs.csv").open(encoding="utf-8", newline="") as file:
        return [(row["name1"], row["name2"], row["is_match"] == "true") for row in csv.DictReader(file)]


def corpus(name: str = "corpus_20k.tsv.gz") -> ListSnapshot:
    """Return a corpus of names as a snapshot."""
    found: dict[str, list[str]] = {}
    with gzip.open(NAMES / name, "rt", encoding="utf-8") as file:
        for line in file:
            key, _, text, _ = line.rstrip("\n").split("\t")
            found.setdefault(key, []).append(text)
    return ListSnapshot(digest=name, entries=tuple(_entries(found)), lists=("CORPUS",))


def _entries(names: dict[str, list[str]]) -> Iterator[ListEntry]:
    for key, (first, *others) in names.items():
        yield ListEntry(list="CORPUS", id=key, name=first, aliases=tuple(Alias(name=name) for name in others))


def rows(name: str) -> list[list[str]]:
    """Return the rows of a table of queries: kind, id, P or O, query, and the listed name."""
    return [line.split("\t") for line in (NAMES / name).read_text("utf-8").splitlines() if line]


def clean_people() -> list[str]:
    """Return names of people who are on no list."""
    return (NAMES / "negatives_2000.txt").read_text("utf-8").split("\n")[:-1]


def clean_companies() -> list[str]:
    """Return legal names of companies of the GLEIF register: a day of changes, no matter whose."""
    file = DATA / "ownership" / "gleif" / "20240505-0000-gleif-goldencopy-lei2-intra-day.json.gz"
    records = json.loads(gzip.decompress(file.read_bytes()))["records"]
    return [record["Entity"]["LegalName"]["$"] for record in records]


def published_list() -> ListSnapshot:
    """Return the Consolidated Screening List."""
    file = DATA / "lists" / "us_csl" / "csl_2026-07-31_csv_shape_projection.csv.gz"
    return merge([read_list(file.name, file.read_bytes())])


def treasury_scores() -> list[tuple[str, str, int]]:
    """Return pairs of names with the score that Treasury's own search gave them, 0 to 100."""
    with (NAMES / "ofac_score_fixtures.csv").open(encoding="utf-8", newline="") as file:
        return [(row["query_name"], row["result_name"], int(row["ofac_score"])) for row in csv.DictReader(file)]
