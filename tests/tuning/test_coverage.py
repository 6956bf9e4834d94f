"""What cases try of the rules beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from policy.builders import POLICY, write_policy

from kyc_gate.policy.cases import read_cases
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.tuning.coverage import coverage

PACKS = sorted(folder.parent.name for folder in shipped_policies().glob("*/policy.toml"))
TESTED = (
    POLICY.replace("revision = 1", 'revision = 1\nextends = ["shipped:gate-base"]') + "effective_from = 2026-01-10\n"
)
HIGH = '[[case]]\nname = "high"\nfacts = { chips.count = 101 }\noutcome = "escalate"\nrules = ["first"]\n'
LINE = '[[case]]\nname = "line"\nfacts = { chips.count = 100 }\noutcome = "allow"\n'
FIRST = '[[case]]\nname = "first day"\nas_of = 2026-01-10\noutcome = "allow"\n'
BEFORE = '[[case]]\nname = "before"\nas_of = 2026-01-09\nfacts = { chips.count = 101 }\noutcome = "allow"\n'


def missing(tmp_path: Path, *cases: str) -> list[str]:
    folder = write_policy(tmp_path / "small", TESTED)
    write_policy(folder, "".join(cases), "small.cases.toml")
    return [aim.what for aim in coverage(read_policy(folder), read_cases(folder), "small").missing]


def test_whole_coverage_has_a_case_for_each_side(tmp_path: Path) -> None:
    """At the line, just beside it, on the first day and on the day before: nothing is missing."""
    assert missing(tmp_path, HIGH, LINE, FIRST, BEFORE) == []


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        pytest.param((LINE, FIRST, BEFORE), "fires it", id="never fires"),
        pytest.param((HIGH, FIRST, BEFORE), "stands at the line of `chips.count > 100`, 100", id="not at the line"),
        pytest.param((HIGH.replace("101", "900"), LINE, FIRST, BEFORE), "stands just above the line", id="far away"),
        pytest.param((HIGH, LINE, BEFORE), "is on 2026-01-10, its first day", id="not on the first day"),
        pytest.param((HIGH, LINE, FIRST), "is on 2026-01-09, beside its first day", id="not on the day before"),
        pytest.param((HIGH,), "answers `chips.count > 100` with no", id="never no"),
    ],
)
def test_what_no_case_tries_is_named(tmp_path: Path, cases: tuple[str, ...], expected: str) -> None:
    """Each kind of gap is told by what a case should do."""
    found = missing(tmp_path, *cases)
    assert any(expected in what for what in found), found


@pytest.mark.parametrize("pack", PACKS)
def test_shipped_cases_try_everything(pack: str) -> None:
    """Every rule of the packs on both sides of every question, line and date."""
    folder = shipped_policies() / pack
    found = coverage(read_policy(folder), read_cases(folder), pack)
    assert [str(aim) for aim in found.missing] == []
    assert found.percent == 100.0
