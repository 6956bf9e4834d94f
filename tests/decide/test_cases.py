"""The cases of the shipped policies, and that they cover them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from kyc_gate.decide.cases import CaseResult, request_of, run_case, run_cases
from kyc_gate.decide.decision import decide
from kyc_gate.model.decision import FindingKind, Outcome
from kyc_gate.policy.cases import PolicyCase, read_cases
from kyc_gate.policy.expressions import Unknown
from kyc_gate.policy.policy import Rule
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.policy.vocabulary import vocabulary

PACKS = sorted(folder.parent.name for folder in shipped_policies().glob("*/policy.toml"))
CASES = [case for pack in PACKS for case in read_cases(shipped_policies() / pack)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}: {case.name}")
def test_every_case_passes(case: PolicyCase) -> None:
    """Each case of the shipped policies decides as it says."""
    result = run_case(case)
    assert result.passed, str(result)


@pytest.mark.parametrize("pack", PACKS)
def test_every_rule_fires_in_a_case_and_is_silent_in_another(pack: str) -> None:
    """Both sides of each rule stand in the cases."""
    folder = shipped_policies() / pack
    own = {rule.id for rule in read_policy(folder).rules if rule.policy == pack}
    fired: set[str] = set()
    silent: set[str] = set()
    for case in read_cases(folder):
        decision = decide(request_of(case.facts), case.facts, case.policy)
        fired |= {finding.rule for finding in decision.findings if finding.kind is FindingKind.FIRED}
        silent |= own - {finding.rule for finding in decision.findings}
    assert own - fired == set()
    assert own - silent == set()


def opened(rule: Rule, case: PolicyCase, path: str | None = None) -> bool:
    """Whether the rule's answer to a case is unknown, with the fact at `path` taken away."""
    facts = case.facts
    if path is not None:
        room, name = path.split(".")
        facts = replace(facts, **{room: replace(getattr(facts, room), **{name: None})})
    own = next(one for one in case.policy.rules if one.id == rule.id)
    answer = own.condition(facts, case.policy.edition_on(facts.as_of.date()).groups, ())
    return isinstance(answer, Unknown)


@pytest.mark.parametrize("pack", PACKS)
def test_every_rule_is_asked_on_unknown_facts(pack: str) -> None:
    """A rule that a missing fact can leave open is left open in a case."""
    folder = shipped_policies() / pack
    cases = read_cases(folder)
    missing = []
    for rule in read_policy(folder).rules:
        asked = [case for case in cases if rule.in_force(case.facts.as_of.date())]
        if rule.policy != pack or any(opened(rule, case) for case in asked):
            continue
        named = {path for path in re.findall(r"\b[a-z_]+\.[a-z_0-9]+", rule.text) if path in vocabulary()}
        nullable = [path for path in named if vocabulary()[path].nullable]
        if any(opened(rule, case, path) for path in nullable for case in asked):
            missing.append(rule.id)
    assert missing == []


def test_there_are_enough_cases() -> None:
    """At least 250 cases, in every outcome."""
    assert len(CASES) >= 250
    assert {case.outcome for case in CASES} == set(Outcome)


def test_no_case_hangs_on_a_default() -> None:
    """The base itself is allowed by every policy, so that a case's findings come from what it changes."""
    for pack in PACKS:
        first = next(case for case in CASES if case.file == f"{pack}/policy.cases.toml")
        assert first.outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    "change",
    [{"outcome": Outcome.BLOCK}, {"rules": frozenset()}, {"noted": frozenset({"gate.lists-stale"})}],
    ids=["outcome", "rules", "noted"],
)
def test_a_case_that_expects_something_else_fails(change: dict[str, object]) -> None:
    """Outcome, counting rules and noted rules are each compared, and the result names both sides."""
    case = next(case for case in CASES if case.rules and case.outcome is Outcome.ESCALATE)
    result: CaseResult = run_case(msgspec.structs.replace(case, **change))
    assert not result.passed
    assert "expected" in str(result)
    assert "decided escalate" in str(result)


def test_running_a_folder_runs_every_case() -> None:
    """What the command runs is what stands in the files."""
    results = run_cases(shipped_policies() / "us-in-force")
    files = Path(shipped_policies() / "us-in-force").glob("*.cases.toml")
    assert len(results) == sum(file.read_text(encoding="utf-8").count("[[case]]") for file in files)
