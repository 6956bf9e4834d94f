"""The shipped packs: lint, law, pages and runbooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from kyc_gate.model.decision import LegalStatus, Mode, Outcome
from kyc_gate.policy.lint import lint
from kyc_gate.policy.policy import Rule
from kyc_gate.policy.read import read_policy, shipped_policies

PROJECT = Path(__file__).resolve().parents[2]
PACKS = ("gate-base", "us-ai-diffusion", "us-in-force")
RULES = {rule.id: rule for pack in PACKS for rule in read_policy(shipped_policies() / pack).rules}


@pytest.mark.parametrize("pack", PACKS)
def test_a_shipped_pack_has_no_problem(pack: str) -> None:
    """Packs and their cases lint clean."""
    assert lint(shipped_policies() / pack) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_every_rule_has_a_page(rule: Rule) -> None:
    """The page has the rule's id, and tells its title, its condition and every citation."""
    text = (PROJECT / "docs" / "rules" / f"{rule.id}.md").read_text()
    assert text.startswith(f"# {rule.id}\n")
    assert rule.title in text
    assert all(f"    {line}" in text for line in rule.text.splitlines())
    assert all(f"`{cite}`" in text for cite in rule.cites)
    assert f"`{rule.mode}`" in text
    assert f"`{rule.outcome}`" in text
    assert rule.runbook.removeprefix("docs/") in text


def test_no_page_is_left_of_a_rule_that_is_gone() -> None:
    """Each page belongs to a rule."""
    assert {path.stem for path in (PROJECT / "docs" / "rules").glob("*.md")} == set(RULES)


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
