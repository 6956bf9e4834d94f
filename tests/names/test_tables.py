"""The tables of names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kyc_gate.names.tables import lines_of

HOUSE = Path(__file__).parents[2]


def test_legal_forms_are_those_of_the_standard(shared_data: Path) -> None:
    """The table of legal forms is what its builder makes of the published list."""
    script = (
        "import sys; sys.path.insert(0, 'tools'); import build_name_tables as tables; "
        "print('\\n'.join(tables.legal_forms(sys.argv[1])))"
    )
    source = shared_data / "ownership" / "gleif" / "elf-codes-1.4.1.csv"
    built = subprocess.run(
        [sys.executable, "-c", script, str(source)], cwd=HOUSE, capture_output=True, text=True, check=True
    )
    assert tuple(built.stdout.splitlines()) == lines_of("legal_forms")


def test_every_table_has_its_notice() -> None:
    """Each table says where it was published and under which licence."""
    folder = HOUSE / "kyc_gate" / "names" / "data"
    notice = (folder / "NOTICE").read_text(encoding="utf-8")
    assert all(table.name in notice for table in folder.glob("*.txt"))
