"""Index files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kyc_gate.errors import InputError
from kyc_gate.screening.screener import Screener, index_arrays
from kyc_gate.screening.stored import index_of, index_path, read_index, write_index

from .test_screener import SAMPLE, entry, listing


def test_an_index_from_a_file_answers_like_a_fresh_one(tmp_path: Path) -> None:
    """The file that was written is opened the next time, and gives the very same answers."""
    first = index_of(SAMPLE, tmp_path)
    written = index_path(SAMPLE, tmp_path).stat()
    again = index_of(SAMPLE, tmp_path)
    assert index_path(SAMPLE, tmp_path).stat().st_mtime_ns == written.st_mtime_ns
    for name, array in index_arrays(SAMPLE).items():
        assert np.array_equal(array, first[name])
        assert np.array_equal(array, again[name])
    asked = ["Sealed Machine Works"]
    assert Screener(SAMPLE, arrays=again).screen(asked) == Screener(SAMPLE).screen(asked)
    assert [path.name for path in tmp_path.iterdir()] == [index_path(SAMPLE, tmp_path).name]


def test_other_lists_have_another_file(tmp_path: Path) -> None:
    """A snapshot never meets the index of another."""
    assert index_path(SAMPLE, tmp_path) != index_path(listing(entry("1", "Quiet Harbour")), tmp_path)


@pytest.mark.parametrize("place", ["start", "head", "middle", "end"])
def test_a_damaged_file_is_replaced(tmp_path: Path, place: str) -> None:
    """One flipped bit anywhere is noticed; the index is made again."""
    path = index_path(SAMPLE, tmp_path)
    index_of(SAMPLE, tmp_path)
    whole = bytearray(path.read_bytes())
    whole[{"start": 0, "head": 40, "middle": len(whole) // 2, "end": -1}[place]] ^= 1
    path.write_bytes(whole)
    with pytest.raises(InputError, match="no index that can be used"):
        read_index(path)
    assert Screener(SAMPLE, arrays=index_of(SAMPLE, tmp_path)).screen(["Sealed Machinery Works"]).matches


@pytest.mark.parametrize("left", [0, 10, 100])
def test_a_file_cut_short_is_refused(tmp_path: Path, left: int) -> None:
    """A file of which only the beginning was written is not used."""
    path = tmp_path / "cut.index"
    write_index(path, index_arrays(SAMPLE))
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match="no index that can be used"):
        read_index(path)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """Where no file can be kept, the error names the file."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot keep an index"):
        index_of(SAMPLE, tmp_path / "file" / "below")
