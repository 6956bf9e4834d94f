"""Lists on disk to the snapshot that a gate screens against."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kyc_gate.errors import InputError
from kyc_gate.service.build import snapshot_of

SDN = '36,"AERO WORKS",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n\x1a'
ALT = '36,12,"aka","AERO-WORKS",-0- \r\n\x1a'


def test_a_folder_of_parts_is_one_list(tmp_path: Path) -> None:
    """Treasury's files are joined whether the folder or the files are named, and are as old as the oldest of them."""
    for name, text, modified in (("SDN.CSV", SDN, 2_000_000), ("ALT.CSV", ALT, 1_000_000)):
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        os.utime(tmp_path / name, (modified, modified))
    (tmp_path / "README.txt").write_text("not a list", encoding="utf-8")
    by_folder = snapshot_of([tmp_path])
    by_files = snapshot_of([tmp_path / "ALT.CSV", tmp_path / "SDN.CSV"])
    assert by_folder is not None
    assert by_files is not None
    assert by_folder.digest == by_files.digest
    assert [alias.name for alias in by_folder.entries[0].aliases] == ["AERO-WORKS"]
    assert by_folder.as_of == by_files.as_of == datetime.fromtimestamp(1_000_000, UTC)
    assert any("ADD.CSV was not given" in note for note in by_folder.notes)


def test_one_bad_file_refuses_the_folder(tmp_path: Path) -> None:
    """A list that cannot be read is an error that names the file, never a smaller snapshot."""
    (tmp_path / "own.jsonl").write_text('{"id":"1","name":"Sealed Works"}\n', encoding="utf-8")
    (tmp_path / "page.csv").write_text("<html></html>", encoding="utf-8")
    with pytest.raises(InputError, match=r"page\.csv"):
        snapshot_of([tmp_path])
