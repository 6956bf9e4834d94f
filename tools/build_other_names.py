"""Build `kyc_gate/lists/data/other_names.txt.gz`: organisations with all the names that public lists give them.

    python tools/build_other_names.py csl_api_shape.json.gz

Taken are the lists of the Bureau of Industry and Security, the Treasury's list of Chinese military-industrial companies
and the State Department's of nonproliferation sanctions, as published in the Consolidated Screening List (public
domain), and what is kept by hand in `tools/other_names`. Only names that read as an organisation's are taken.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from kyc_gate.lists.other_names import SEPARATOR, key_of
from kyc_gate.names.common_words import is_person_name

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "kyc_gate" / "lists" / "data" / "other_names.txt.gz"

SOURCES = {
    "Entity List": "Entity List",
    "Military End": "Military End User List",
    "Unverified": "Unverified List",
    "Non-SDN Chin": "NS-CMIC List",
    "Nonprolif": "ISN",
}


_WORDS = """
academy agency aerospace aircraft airlines airport association aviation bank bureau center centre chemical college
commission committee company concern construction control cooperation corp corporation corps council department design
directorate division electric electronic electronics energy engineering enterprise enterprises equipment establishment
factory federal foundation fze gmbh group holding holdings inc industrial industries industry information institute
institution instruments integrated international investment jsc lab laboratories laboratory limited llc logistics ltd
machinery manufacturing marine materials microelectronics military mining ministry national network nuclear office
optical optics ooo organization oao pao plant precision production products public pte pty research sa school science
sciences scientific security semiconductor service services shipbuilding shipping shipyard society software solutions
state supercomputer supercomputing systems technical technologies technology telecom trade trading transport
university works zao ao sarl srl bv nv plc llp
"""
ORGANISATION_WORDS = frozenset(_WORDS.split())


def published(file: Path) -> Iterator[tuple[str, ...]]:
    """Yield the source and the names of each organisation of the Consolidated Screening List that has several names."""
    for row in json.loads(gzip.decompress(file.read_bytes()))["results"]:
        source = next((name for start, name in SOURCES.items() if row["source"].startswith(start)), None)
        names = tuple(dict.fromkeys((row["name"], *(row.get("alt_names") or ()))))
        if source and len({key_of(name) for name in names}) > 1 and is_organisation(names):
            yield (source, *names)


def is_organisation(names: tuple[str, ...]) -> bool:
    """Whether some name has a word that only organisations are named with, and none reads as a person's."""
    if any("national)" in name for name in names) or all(is_person_name(word) for word in _words(names[0])):
        return False
    return any(word in ORGANISATION_WORDS for name in names for word in _words(name))


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+", name.casefold())


def kept_by_hand() -> Iterator[tuple[str, ...]]:
    """Yield the organisations of the files beside this tool."""
    for line in (HERE / "other_names" / "hand_kept.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield ("common knowledge", *line.split(" | "))


def main(file: str) -> None:
    """Write the table, the same bytes for the same sources."""
    rows = sorted({*published(Path(file)), *kept_by_hand()})
    text = "".join(f"{SEPARATOR.join(' '.join(part.split()) for part in row)}\n" for row in rows)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream:
        stream.write(text.encode("utf-8"))
    TARGET.write_bytes(packed.getvalue())
    print(f"{TARGET.name}: {len(rows)} organisations, {len(packed.getvalue())} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
