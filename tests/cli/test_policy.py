"""`kyc-gate policy`."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import stamina
import stamina.instrumentation

from kyc_gate.cli.retries import tell_retries
from kyc_gate.policy.read import shipped_policies

from .conftest import Ran


def test_shipped_policies_lint_and_pass_their_cases(kyc_gate: Callable[..., Ran], called: Callable[..., Ran]) -> None:
    """The policies that come with the project have no problem, stand in one layout, and pass at least forty cases."""
    assert kyc_gate("policy", "lint").status == 0
    assert kyc_gate("policy", "fmt", "--check").status == 0
    ran = called("policy", "test", "us-in-force", "us-ai-diffusion", "--json")
    assert ran.status == 0
    assert len(ran.rows) >= 40
    assert all(row["passed"] for row in ran.rows)


def test_a_problem_is_named_and_the_status_is_1(tmp_path: Path, called: Callable[..., Ran]) -> None:
    """A misspelt group in a copy of a policy is named with its nearest right spelling."""
    shutil.copytree(shipped_policies(), tmp_path / "policies")
    file = tmp_path / "policies" / "us-ai-diffusion" / "policy.toml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("in groups.ai_authorization)", "in groups.ai_autorization)", 1)
    )
    ran = called("policy", "lint", str(file.parent))
    assert ran.status == 1
    assert "ai_authorization" in ran.out
    assert "did you mean" in ran.out


def test_a_case_that_fails_is_named_and_the_status_is_1(tmp_path: Path, called: Callable[..., Ran]) -> None:
    """When a rule changes, the case that it breaks is named with what was expected and what came."""
    shutil.copytree(shipped_policies(), tmp_path / "policies")
    file = tmp_path / "policies" / "us-ai-diffusion" / "policy.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("approach_share = 0.10", "approach_share = 0.90", 1))
    ran = called("policy", "test", str(file.parent))
    assert ran.status == 1
    assert "expected escalate by red-flag-28" in ran.out


def test_a_folder_that_is_not_there_is_an_error(called: Callable[..., Ran]) -> None:
    """A policy that cannot be found fails, so that a typing mistake does not pass for a clean policy."""
    assert called("policy", "lint", "nowhere").status == 1
    assert called("policy", "test", "nowhere").status == 1


def test_a_line_is_explained(tmp_path: Path, called: Callable[..., Ran]) -> None:
    """A request of a file is explained: its rules, their questions, and what would change the outcome."""
    line = {
        "id": "1",
        "request": {"accelerators": [{"model": "H100", "count": 16384}], "duration_hours": 720, "workload": "training"},
        "party": {"name": "Fjord", "headquarters": "AT", "ultimate_parent": {"is_self": True}, "owners": []},
    }
    given = json.dumps(line)
    ran = called("policy", "explain", "--policy", "us-ai-diffusion", "--input", "-", given=given)
    assert ran.status == 0, ran.err
    assert "red-flag-28" in ran.out
    assert "it would be" in ran.out
    page = tmp_path / "why.html"
    called("policy", "explain", "--policy", "us-ai-diffusion", "--input", "-", "--html", str(page), given=given)
    assert "red-flag-28" in page.read_text(encoding="utf-8")
    (row,) = called("policy", "explain", "--policy", "us-ai-diffusion", "--json", "--input", "-", given=given).rows
    assert row["decision"]["outcome"] == "escalate"
    wrong = called("policy", "explain", "--policy", "us-ai-diffusion", "--input", "-", given='{"request": 1}')
    assert wrong.status == 1
    assert "Traceback" not in wrong.err


def test_a_more_lenient_policy_has_a_status_of_its_own(tmp_path: Path, called: Callable[..., Ran]) -> None:
    """The status tells a pipeline whether a change is none, only stricter, or more lenient somewhere."""
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    file = packs / "us-ai-diffusion" / "policy.toml"
    text = file.read_text(encoding="utf-8")
    statuses = {}
    for share in ("0.10", "0.05", "0.5"):
        file.write_text(text.replace("approach_share = 0.10", f"approach_share = {share}"), encoding="utf-8")
        ran = called("policy", "diff", "us-ai-diffusion", str(file.parent))
        statuses[share] = ran.status
    assert statuses == {"0.10": 0, "0.05": 3, "0.5": 4}
    assert "MORE LENIENT" in ran.out
    assert "limit approach_share: 0.1 -> 0.5" in ran.out
    (row,) = called("policy", "diff", "us-ai-diffusion", str(file.parent), "--json").rows
    assert row["status"] == 4
    assert row["lenient"]


def test_the_shipped_policies_are_listed_with_status_and_grades(called: Callable[..., Ran]) -> None:
    """Each has a line with status, rules by mode, what it extends and grades; `--rules` has one for each rule."""
    rows = {row["policy"]: row for row in called("policy", "list", "--json").rows}
    assert {name.partition("@")[0] for name in rows} == {
        path.parent.name for path in shipped_policies().glob("*/policy.toml")
    }
    affiliates = rows["us-affiliates@1"]
    assert affiliates["status"] == "unknown_after"
    assert affiliates["extends"] == ["gate-base"]
    assert affiliates["grades"] == {"P": 4}
    assert "us-affiliates@1" in called("policy", "list").out
    told = called("policy", "list", "us-affiliates", "--rules").out
    assert "affiliates-50-stayed" in told
    assert "2026-11-09" in told


def test_a_proof_has_its_own_answers(tmp_path: Path, called: Callable[..., Ran]) -> None:
    """Proven keeps the status, refuted is 4, and what could not be proven is 5."""
    pytest.importorskip("z3", reason="the extra `prove` is not installed")
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    file = packs / "us-ai-diffusion" / "policy.toml"
    text = file.read_text(encoding="utf-8")
    told = {}
    for share in ("0.10", "0.05", "0.5"):
        file.write_text(text.replace("approach_share = 0.10", f"approach_share = {share}"), encoding="utf-8")
        ran = called("policy", "diff", "us-ai-diffusion", str(file.parent), "--prove")
        told[share] = (ran.status, "proven: nowhere more lenient" in ran.out, "REFUTED" in ran.out)
    assert told == {"0.10": (0, True, False), "0.05": (3, True, False), "0.5": (4, False, True)}
    file.write_text(f"{text}\n[screening]\npossible = 0.6\nmatch = 0.7\n", encoding="utf-8")
    ran = called("policy", "diff", "us-ai-diffusion", str(file.parent), "--prove")
    assert ran.status == 5
    assert "NOT PROVEN: lines of screening differ" in ran.out
    assert called("policy", "diff", "us-ai-diffusion", str(file.parent), "--prove", "--seconds", "0").status == 2


def test_lint_tells_warnings_apart(tmp_path: Path, called: Callable[..., Ran]) -> None:
    """A warning fails only under `--strict`; editors get file, line and column, and JSON the fix."""
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    file = packs / "us-ai-diffusion" / "policy.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("operations.ceiling >= limits.frontier", "operations.ceiling > limits.frontier", 1))
    asked = ("policy", "lint", str(file.parent), "--as-of", "2026-11-24")
    assert called(*asked).status == 0
    assert "[comparator]" in called(*asked).out
    strict = called(*asked, "--strict", "--format", "editor")
    assert strict.status == 1
    line = next(number for number, one in enumerate(file.read_text().splitlines(), 1) if "operations.ceiling > " in one)
    column = file.read_text().splitlines()[line - 1].index(" > ") + 2
    assert strict.out.startswith(f"{file}:{line}:{column}: warning: rule `frontier-ceiling`: ")
    rows = called(*asked, "--json").rows
    assert {row["problem"]["code"] for row in rows} >= {"comparator", "weaker"}
    row = rows[0]
    assert row["problem"]["fix"] == "write `>=` for `>`"
    assert (row["problem"]["severity"], row["problem"]["code"]) == ("warning", "comparator")
    file.write_text(text.replace("operations.ceiling >= limits.frontier", "operations.cieling >= limits.frontier", 1))
    (row,) = called(*asked, "--json").rows
    assert row["problem"]["fix"] == "write `operations.ceiling`"
    assert (row["problem"]["line"], row["problem"]["severity"]) == (line, "error")
    assert row["problem"]["column"] > 1


def test_near_misses_coverage_and_junit(tmp_path: Path, called: Callable[..., Ran]) -> None:
    """`test` tells what would have to change, what no case tries, and writes what build servers read."""
    file = tmp_path / "junit.xml"
    ran = called("policy", "test", "gate-base", "--near", "--fail-under", "100", "--junit", str(file))
    assert ran.status == 0, ran.out
    assert "escalate if account.known were no (is yes)" in ran.out
    root = ElementTree.parse(file).getroot()
    (suite,) = root
    assert (suite.tag, suite.get("name"), suite.get("failures")) == ("testsuite", "gate-base", "0")
    assert len(suite) == int(suite.get("tests") or 0) > 10
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    cases = packs / "gate-base" / "policy.cases.toml"
    text = cases.read_text(encoding="utf-8")
    start = text.index('[[case]]\nname = "a party whose vetting ran out waits"')
    following = text.find("[[case]]", start + 1)
    cases.write_text(text[:start] + (text[following:] if following > 0 else ""), encoding="utf-8")
    asked = ("policy", "test", str(packs / "gate-base"), "--fail-under", "100")
    ran = called(*asked)
    assert ran.status == 1
    assert "rule `gate.vetting-expired`: no case fires it" in ran.out
    *_, told = called(*asked, "--json").rows
    assert told["coverage"] < 100
    assert {"rule": "gate.vetting-expired", "what": "fires it", "met": False} in told["missing"]
    cases.write_text(text.replace('outcome = "escalate"', 'outcome = "block"', 1), encoding="utf-8")
    assert called(*asked, "--junit", str(file)).status == 1
    assert "expected block" in (ElementTree.parse(file).getroot()[0].find(".//failure").get("message") or "")
    assert called("policy", "test", "--fail-under", "101").status == 2


def test_watch_runs_again_when_a_file_changes(tmp_path: Path) -> None:
    """A change of a case is run at once, and so is one that cannot be read, until the interrupt."""
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    cases = packs / "gate-base" / "policy.cases.toml"
    text = cases.read_text(encoding="utf-8")
    command = [sys.executable, "-u", "-m", "kyc_gate", "policy", "test", str(cases.parent), "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as watching:
        assert watching.stdout is not None
        seen = iter(watching.stdout.readline, "")
        assert any("cases pass" in line for line in seen)
        cases.write_text(text.replace('outcome = "escalate"', 'outcome = "block"', 1), encoding="utf-8")
        assert any("expected block" in line for line in seen)
        cases.write_text(text + "[[", encoding="utf-8")
        assert any("is not TOML" in line for line in seen)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=20) == 130


def test_a_layout_is_checked_and_made(tmp_path: Path, called: Callable[..., Ran]) -> None:
    """`fmt --check` changes nothing and fails; `fmt` lays out, keeps comments, and is content the next time."""
    packs = Path(shutil.copytree(shipped_policies(), tmp_path / "packs"))
    file = packs / "gate-base" / "policy.toml"
    messy = file.read_text(encoding="utf-8").replace("revision = 1", "revision=1 # one")
    file.write_text(messy, encoding="utf-8")
    asked = ("policy", "fmt", str(file.parent))
    assert called(*asked, "--check").status == 1
    assert file.read_text(encoding="utf-8") == messy
    assert called(*asked).status == 0
    assert "revision = 1 # one\n" in file.read_text(encoding="utf-8")
    ran = called(*asked, "--check")
    assert (ran.status, ran.out) == (0, "")
    assert called("policy", "lint", str(file.parent)).status == 0
    assert called("policy", "fmt").status == 2


def test_a_policy_without_cases_says_so(tmp_path: Path, called: Callable[..., Ran]) -> None:
    """A policy that nothing tries fails, and says why."""
    shutil.copytree(shipped_policies(), tmp_path / "policies")
    folder = tmp_path / "policies" / "us-affiliates"
    for file in folder.glob("*.cases.toml"):
        file.unlink()
    ran = called("policy", "test", str(folder))
    assert ran.status == 1
    assert "there are no cases" in ran.err


def test_a_pull_that_fails_tells_each_retry_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What failed and when it is asked again, without the words of a library."""
    hooks = stamina.instrumentation.get_on_retry_hooks()
    try:
        tell_retries()
        for attempt in stamina.retry_context(on=ValueError, attempts=2, wait_initial=0, wait_max=0, wait_jitter=0):
            with attempt:
                if attempt.num == 1:
                    raise ValueError("status 503")
    finally:
        stamina.instrumentation.set_on_retry_hooks(hooks)
    told = capsys.readouterr()
    assert "status 503; asking again in" in told.err
    assert "stamina" not in told.err + told.out
