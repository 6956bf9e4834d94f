"""Bad policy files, each with its stated answer: as it was written for YAML, and as it would be written here."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import decide
from kyc_gate.policy.lint import lint
from kyc_gate.policy.read import read_folder, read_policy, shipped_policies
from kyc_gate.tuning.explanation import explain
from kyc_gate.tuning.told import render_explanation
from kyc_gate.tuning.warnings import review

from .builders import POLICY, facts, write_policy

GROUP = """
[tier]
title = "a tier"
cite = "OPERATOR-01"
as_of = 2026-09-24
status = "operator"
grade = "P"
source = "the operator"
"""


def limit(value: str) -> str:
    return POLICY.replace("[[rule]]", f"[limits]\nline = {value}\n[[rule]]", 1)


def head(line: str) -> str:
    return POLICY.replace("revision = 1", line, 1)


def asking(when: str) -> str:
    return POLICY.replace('when = "chips.count > 100"', f"when = '{when}'", 1)


# What the row would be as TOML, and what must be said of it.
REJECTED = {
    "policy_file-004": (limit("nan"), "limit `line`: `NaN` is not a finite number"),
    "policy_file-005": (limit("inf"), "limit `line`: `Infinity` is not a finite number"),
    "policy_file-006": (limit("-1"), "limit `line` is below 0"),
    "policy_file-009": (POLICY + "score_cuttof = 85\n", "unknown key `score_cuttof`"),
    "policy_file-011": (POLICY + 'then = "block"\n', "is not TOML: cannot overwrite a value"),
    "policy_file-013": (limit('!!python/object/apply:os.system ["id"]'), "is not TOML"),
    "policy_file-014": (POLICY + "? [a, b]\n: 1\n", "is not TOML"),
    "policy_file-015": (asking('customer.headquarters == "UK"'), "did you mean `GB`?"),
    "policy_file-016": (asking('customer.headquarters in ["EL"]'), "did you mean `GR`?"),
    "policy_file-019": (asking('customer.name.matches("(a+)+$")'), "there is no method `matches`"),
    "policy_file-020": (asking('__import__("os").system("id")'), "there is no function `__import__`"),
    "policy_file-022": (limit("12:30"), "is not TOML"),
    "policy_file-023": (limit("010"), "is not TOML"),
    "policy_file-024": (head("revision = 1.10"), "`revision` must be a whole number from 1"),
    "policy_file-026": ("", "has 0 tables `[policy]`"),
    "policy_file-027": (POLICY + "---\n" + POLICY, "is not TOML"),
    "policy_file-028": ("\tindent: tab", "is not TOML"),
    "policy_file-029": ("%YAML 1.3\n---\na: 1", "is not TOML"),
    "policy_file-030": (head('revision = 1\nextends = ["../../../etc/shadow"]'), "outside the folder of policies"),
    "policy_file-031": (POLICY + 'approve_contacts = ["a@b", "<script>"]\n', "unknown key `approve_contacts`"),
}
IN_THE_DATA = {
    "policy_file-001": (GROUP + 'codes = ["AU", false, "SE"]\n', "`codes` must be a list of text"),
    "policy_file-018": (
        f'{GROUP}disjoint = ["third"]\ncodes = ["DE"]\n{GROUP.replace("[tier]", "[third]")}codes = ["DE"]\n',
        "`DE` would be in `third` too",
    ),
}
ELSEWHERE = {"policy_file-002", "policy_file-017", "policy_file-021"}


def problems(folder: Path) -> str:
    found = [str(problem) for problem in lint(folder)]
    assert all("\n" not in one for one in found)
    return "\n".join(found)


@pytest.mark.parametrize("id", REJECTED)
def test_a_bad_file_is_rejected(tmp_path: Path, id: str) -> None:
    """Each is refused with a line that names what is wrong, and the policy does not become one."""
    text, message = REJECTED[id]
    folder = write_policy(tmp_path / "small", text)
    assert message in problems(folder)
    assert read_folder(folder).policy is None


@pytest.mark.parametrize("id", IN_THE_DATA)
def test_bad_groups_are_rejected(tmp_path: Path, id: str) -> None:
    """A country that is no text, and one that stands in two groups that share none."""
    for path in (shipped_policies() / "data").iterdir():
        write_policy(tmp_path / "data", path.read_text(encoding="utf-8"), path.name)
    text, message = IN_THE_DATA[id]
    before = (tmp_path / "data" / "groups.toml").read_text(encoding="utf-8")
    assert problems(write_policy(tmp_path / "small")) == ""
    write_policy(tmp_path / "data", before + text, "groups.toml")
    assert message in problems(tmp_path / "small")


def test_norway_is_a_country(tmp_path: Path) -> None:
    """policy_file-001: `"NO"` is Norway."""
    policy = read_policy(write_policy(tmp_path / "small", asking('customer.headquarters in ["AU", "NO", "SE"]')))
    decision = decide(request_of(facts()), facts(), policy)
    assert [finding.rule for finding in decision.findings] == ["first"]


def test_an_exponent_is_exact(tmp_path: Path) -> None:
    """policy_file-002: 1e26 is that whole number, written with quotes or without."""
    for value in ("1e26", '"1e26"'):
        assert read_policy(write_policy(tmp_path / "small", limit(value))).limits == {"line": 10**26}


def test_kosovo_has_a_mapping_of_its_own(tmp_path: Path) -> None:
    """policy_file-017: `XK` stands because the territories map it; another user-assigned code does not."""
    text = (shipped_policies() / "data" / "territories.toml").read_text(encoding="utf-8")
    assert "[XK]" in text
    assert problems(write_policy(tmp_path / "small", asking('customer.headquarters == "XK"'))) == ""
    assert "needs an entry in the territories" in problems(
        write_policy(tmp_path / "small", asking('customer.headquarters == "QZ"'))
    )


def test_a_rule_of_the_far_future_is_warned_of(tmp_path: Path) -> None:
    """policy_file-021: the policy is read, and a warning says that the rule is not in force."""
    folder = write_policy(tmp_path / "small", POLICY + "effective_from = 2099-01-01\n")
    assert problems(folder) == ""
    codes = {one.code for one in review(folder, date(2026, 11, 24), facts()).warnings}
    assert "future" in codes


def test_text_of_a_policy_is_escaped_on_pages(tmp_path: Path) -> None:
    """policy_file-031: markup in a reason stays text in a page."""
    text = POLICY.replace("asks for", "<script>alert(1)</script> asks for")
    policy = read_policy(write_policy(tmp_path / "small", text))
    page = render_explanation(explain(facts({"chips.count": 101}), [policy]), "t")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_yaml_file_is_never_ignored(tmp_path: Path) -> None:
    """A YAML file beside the policy is an error, so that nobody takes its rules for active."""
    folder = write_policy(tmp_path / "small")
    write_policy(folder, "deny: [KP]", "more.yaml")
    assert "small/more.yaml: is not read: policies are TOML" in problems(folder)


def rows(folder: Path) -> list[dict[str, str]]:
    lines = (folder / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["category"] == "policy_file"]


def test_every_known_bad_file_has_its_test(shared_data: Path) -> None:
    """Each row of the known bad files has a translation above."""
    assert {row["id"] for row in rows(shared_data)} == {*REJECTED, *IN_THE_DATA, *ELSEWHERE}


def test_no_yaml_is_taken_for_a_policy(tmp_path: Path, shared_data: Path) -> None:
    """Each row, as it was written, is refused whole: as the policy, and as a YAML file beside one."""
    for row in rows(shared_data):
        folder = tmp_path / row["id"]
        write_policy(folder, row["input"])
        assert read_folder(folder).policy is None, row["id"]
        write_policy(folder)
        write_policy(folder, row["input"], "policy.yaml")
        assert read_folder(folder).policy is None, row["id"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (POLICY + '\n[[rules]]\nid = "x"\n', "[[rules]]", "unknown key `rules`; did you mean `rule`?"),
        (POLICY + 'replaces = "frst"\n', 'replaces = "frst"', "rule `first`: `replaces`: unknown rule `frst`"),
        (POLICY + "\n[screening]\nmatch = 0.9\n", "[screening]", "`possible` is missing"),
        (head(""), "[policy]", "`revision` is missing"),
        (
            POLICY.replace('"escalate"', '"allow"'),
            'then = "allow"',
            "rule `first`: `then` must be escalate or block: what no rule stops is allowed",
        ),
        (
            POLICY.replace('"escalate"', '"escalat"'),
            'then = "escalat"',
            "`then` is `escalat`, and must be escalate or block; did you mean `escalate`?",
        ),
        (
            POLICY + '\n[[route]]\nname = "r1"\nmode = "offf"\nproviders = ["aws"]\n',
            'mode = "offf"',
            "route `r1`: `mode` is `offf`",
        ),
    ],
)
def test_a_problem_is_told_once_and_at_its_line(tmp_path: Path, text: str, line: str, said: str) -> None:
    """Each slip is one problem, at the line where it stands, and names what it is about for what it is."""
    (problem,) = lint(write_policy(tmp_path / "small", text))
    assert said in str(problem)
    assert text.splitlines()[(problem.line or 0) - 1] == line
