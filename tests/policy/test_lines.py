"""Lines of screening that a policy draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from kyc_gate.decide.cases import run_cases
from kyc_gate.model.match import Band
from kyc_gate.model.party import PartyKind
from kyc_gate.policy.read import read_folder, shipped_policies

POLICY = """
[policy]
name = "drawn"
revision = 1
status = "operator"
about = "Lines of its own."
extends = ["shipped:gate-base", "shipped:us-in-force"]

[screening]
possible = 0.75
match = 0.9

[screening.lists.EL]
match = 0.85

[screening.kinds.person]
possible = 0.9
match = 0.97

[screening.pairs."SDN/person"]
possible = 0.7
"""
CASES = """
[[case]]
name = "a company at the general line is a match"
resembled = [{ list = "SDN", kind = "company", score = 0.9 }]
outcome = "block"
rules = ["sdn-match"]

[[case]]
name = "a company below it is possible"
resembled = [{ list = "SDN", kind = "company", score = 0.899 }]
outcome = "escalate"
rules = ["sdn-possible"]

[[case]]
name = "a company below the lower line is clear"
resembled = [{ list = "SDN", kind = "company", score = 0.749 }]
outcome = "allow"

[[case]]
name = "a person on the SDN List is possible from a line of its own on"
resembled = [{ list = "SDN", kind = "person", score = 0.7 }]
outcome = "escalate"
rules = ["sdn-possible"]

[[case]]
name = "what was not screened stays so"
facts = { screening.outcome = "not_screened" }
unknown = ["screening.score", "screening.matched", "screening.possible"]
resembled = []
outcome = "escalate"
rules = ["gate.not-screened"]
"""


def folder_of(tmp_path: Path, policy: str, cases: str = "") -> Path:
    folder = tmp_path / "drawn"
    folder.mkdir()
    (folder / "policy.toml").write_text(policy, encoding="utf-8")
    (folder / "policy.cases.toml").write_text(cases, encoding="utf-8")
    return folder


def test_each_list_and_kind_has_its_lines(tmp_path: Path) -> None:
    """The most specific lines count, and what they leave out is as everywhere."""
    lines = (read := read_folder(folder_of(tmp_path, POLICY))).policy and read.policy.lines
    assert lines is not None, read.problems
    assert lines.of("DPL", PartyKind.COMPANY) == Band(possible=0.75, match=0.9)
    assert lines.of("EL", PartyKind.PERSON) == Band(possible=0.75, match=0.85)
    assert lines.of("DPL", PartyKind.PERSON) == Band(possible=0.9, match=0.97)
    assert lines.of("SDN", PartyKind.PERSON) == Band(possible=0.7, match=0.9)
    assert lines.lowest == 0.7


def test_its_cases_decide_on_both_sides(tmp_path: Path) -> None:
    """A score decides by the lines of its list and kind, a hair above and below."""
    results = run_cases(folder_of(tmp_path, POLICY, CASES))
    assert len(results) == 5
    assert [str(result) for result in results if not result.passed] == []


def test_shipped_policies_take_the_operators_lines() -> None:
    """No shipped policy draws lines: the operator's stand."""
    for name in ("us-in-force", "us-ai-diffusion"):
        policy = read_folder(shipped_policies() / name).policy
        assert policy is not None
        assert policy.lines is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        pytest.param("match = 0.9", "`possible` is missing", id="one-missing"),
        pytest.param("possible = 0.95\nmatch = 0.9", "`possible` (0.95) is above `match` (0.9)", id="crossed"),
        pytest.param("possible = 80\nmatch = 90", "must be a score above 0 and at most 1", id="percent"),
        pytest.param("possible = 0.8\nmatch = true", "must be a score", id="no-number"),
        pytest.param("possible = 0.8\nmatch = 0.9\nmach = 1", "did you mean `match`?", id="misspelt"),
        pytest.param(
            "possible = 0.8\nmatch = 0.9\n[screening.kinds.persn]\nmatch = 1", "did you mean `person`?", id="kind"
        ),
        pytest.param("possible = 0.8\nmatch = 0.9\n[screening.lists.SDN]\nmatch = 0.5", "is above `match`", id="list"),
    ],
)
def test_lines_that_cannot_be_meant_do_not_lint(tmp_path: Path, table: str, said: str) -> None:
    """A slip in the table is one line that names the key and the fix."""
    policy = POLICY[: POLICY.index("[screening]")] + "[screening]\n" + table
    reading = read_folder(folder_of(tmp_path, policy))
    assert reading.policy is None
    assert any(said in str(problem) for problem in reading.problems), reading.problems
