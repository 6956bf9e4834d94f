"""The shipped packs: lint, law, grades of evidence, pages and runbooks."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from kyc_gate.model.decision import Grade, LegalStatus, Mode, Outcome
from kyc_gate.policy.law import read_law
from kyc_gate.policy.lint import lint
from kyc_gate.policy.policy import Rule
from kyc_gate.policy.read import read_policy, shipped_policies

PROJECT = Path(__file__).resolve().parents[2]
PACKS = sorted(folder.parent.name for folder in shipped_policies().glob("*/policy.toml"))
POLICIES = {pack: read_policy(shipped_policies() / pack) for pack in PACKS}
RULES = {rule.id: rule for policy in POLICIES.values() for rule in policy.rules}
LAW = read_law(shipped_policies() / "data", [])
WEAK = (Grade.ONE, Grade.MEMORY)


def tool(name: str) -> ModuleType:
    """Return a script of `tools/` as a module."""
    spec = importlib.util.spec_from_file_location(name, PROJECT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = tool("rule_pages").pages()


@pytest.mark.parametrize("pack", PACKS)
def test_a_shipped_pack_has_no_problem(pack: str) -> None:
    """Packs and their cases lint clean."""
    assert lint(shipped_policies() / pack) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_every_rule_has_a_complete_page(rule: Rule) -> None:
    """The page tells what, why, when, on what ground with status and grade, how to tune, and what to do."""
    text = (PROJECT / "docs" / "rules" / f"{rule.id}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {rule.id}\n\n{rule.title}.\n")
    assert text.split("\n\n")[2].endswith("."), "the page does not say why"
    assert all(f"    {line}" in text for line in rule.text.splitlines())
    for cite in rule.cites:
        found = POLICIES["us-in-force"].citations[cite]
        assert f"- `{cite}`, {found.cite}: {found.says} (status `{found.status}`, grade {found.grade})." in text
    for row in (f"| mode | `{rule.mode}` |", f"| outcome | `{rule.outcome}` |", f"| policy | `{rule.policy}` |"):
        assert row in text
    for day in (rule.effective_from, rule.effective_to):
        assert day is None or str(day) in text
    for name in re.findall(r"\b(?:limits|options|groups)\.[a-z0-9_]+", rule.text):
        assert f"- `{name}` is " in text
    assert rule.runbook.removeprefix("docs/") in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## When",
        "## On what ground",
        "## How to tune",
        "## What to do",
    ]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_page_says_what_the_policy_says(rule: Rule) -> None:
    """Each page is as `tools/rule_pages.py` writes it from the policy and the data."""
    assert (PROJECT / "docs" / "rules" / f"{rule.id}.md").read_text(encoding="utf-8") == PAGES[rule.id]


def test_no_page_is_left_of_a_rule_that_is_gone() -> None:
    """Each page belongs to a rule."""
    assert {path.stem for path in (PROJECT / "docs" / "rules").glob("*.md")} == set(RULES)


def weak_grounds(rule: Rule) -> list[str]:
    """Return every citation, threshold, group and period of grade 1 or M that a rule rests on."""
    raw = tomllib.loads((shipped_policies() / rule.policy / "policy.toml").read_text(encoding="utf-8"))
    written = next(one for one in raw["rule"] if one["id"] == rule.id)
    policy = POLICIES[rule.policy]
    limits = [raw.get("limits", {}).get(name) for name in re.findall(r"\blimits\.([a-z0-9_]+)", rule.text)]
    thresholds = [LAW.thresholds[limit["threshold"]] for limit in limits if isinstance(limit, dict)]
    groups = [LAW.groups[name] for name in re.findall(r"\bgroups\.([a-z0-9_]+)", rule.text)]
    periods = [LAW.periods[written["period"]]] if "period" in written else []
    named = [(each.name, each.grade) for each in (*thresholds, *groups, *periods)]
    cited = [LAW.citations[each.cite] for each in (*thresholds, *groups, *periods)]
    named += [(each.id, each.grade) for each in (*cited, *(policy.citations[cite] for cite in rule.cites))]
    return sorted({name for name, grade in named if grade in WEAK})


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_what_is_weakly_evidenced_is_not_enforced(rule: Rule) -> None:
    """No rule in mode `enforce` rests on a citation, threshold, group or period of grade 1 or M."""
    assert rule.mode is not Mode.ENFORCE or weak_grounds(rule) == []


def test_data_are_no_better_than_their_citation() -> None:
    """A threshold, group or period is not graded above the text that it cites, so that no grade is laundered."""
    order = [Grade.PRIMARY, Grade.SECONDARY, Grade.ONE, Grade.MEMORY]
    for each in (*LAW.thresholds.values(), *LAW.periods.values()):
        assert order.index(each.grade) >= order.index(LAW.citations[each.cite].grade), each.name


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_every_rule_has_a_runbook(rule: Rule) -> None:
    """A reviewer finds what to do."""
    assert (PROJECT / rule.runbook).is_file()


def test_blocks_are_as_strong_as_the_law() -> None:
    """Sanctions, denial orders and an operator's own undertakings block for good; an indication until reviewed."""
    blocks = {rule.id: rule.overridable for rule in RULES.values() if rule.outcome is Outcome.BLOCK}
    assert blocks == {
        "sdn-match": False,
        "sdn-ownership": False,
        "denied-person": False,
        "aia-certificate": False,
        "veu-training": False,
        "d5-military-training": True,
    }


def test_what_is_stayed_is_not_enforced() -> None:
    """A rule whose law is stayed does not stop anybody."""
    assert all(rule.mode is not Mode.ENFORCE for rule in RULES.values() if rule.status is LegalStatus.STAYED)


def test_the_three_states_of_the_affiliates_rule_leave_no_day_out() -> None:
    """Each period begins on the day after the last one ended, and no two rules of the three hold on one day."""
    periods = [LAW.periods[f"bis_affiliates_{state}"] for state in ("before_stay", "stay", "resumed")]
    for before, after in pairwise(periods):
        assert before.end is not None
        assert after.start == before.end + timedelta(days=1)
    for name in ("affiliates-50", "red-flag-29"):
        rules = [RULES[f"{name}{state}"] for state in ("", "-stayed", "-resumed")]
        days = [(rule.effective_from, rule.effective_to) for rule in rules]
        assert days == [(period.start, period.end) for period in periods]


def test_what_is_composed_stays_as_strict() -> None:
    """`us-in-force` still asks every rule of `us-affiliates`, in the same mode and on the same days."""
    composed = {rule.id: rule for rule in POLICIES["us-in-force"].rules}
    for rule in POLICIES["us-affiliates"].rules:
        mine = composed[rule.id]
        assert (mine.text, mine.outcome, mine.mode, mine.effective_from, mine.effective_to) == (
            rule.text,
            rule.outcome,
            rule.mode,
            rule.effective_from,
            rule.effective_to,
        )
    assert POLICIES["us-in-force"].limits["affiliate_share"] == POLICIES["us-affiliates"].limits["affiliate_share"]
