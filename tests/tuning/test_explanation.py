"""Explanations, and the changes that would lead to another outcome."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from policy.builders import POLICY, facts, write_policy

from kyc_gate.model.decision import Outcome
from kyc_gate.model.facts import Facts
from kyc_gate.policy.cases import PolicyCase, read_cases
from kyc_gate.policy.read import Policy, read_policy, shipped_policies
from kyc_gate.tuning.boundaries import changing_moments, value_at, with_facts
from kyc_gate.tuning.explanation import Part, explain
from kyc_gate.tuning.nearest_change import decided, nearest_changes
from kyc_gate.tuning.told import change_told, explanation_lines, render_explanation, value_told

PACKS = sorted(folder.parent.name for folder in shipped_policies().glob("*/policy.toml"))


@cache
def policy(name: str) -> Policy:
    return read_policy(shipped_policies() / name)


@cache
def cases(name: str) -> tuple[PolicyCase, ...]:
    return read_cases(shipped_policies() / name)


def near_scale() -> Facts:
    """Training at a tenth of the threshold by a company in Austria: red flag 28."""
    base = next(case.facts for case in cases("us-ai-diffusion") if case.name.startswith("an ordinary request"))
    return with_facts(base, {"customer.headquarters": "AT", "operations.projected": 10**25})


def leaves(part: Part) -> list[Part]:
    return [leaf for inner in part.parts for leaf in leaves(inner)] if part.parts else [part]


@pytest.mark.parametrize("name", PACKS)
def test_an_explanation_agrees_with_the_decision(name: str) -> None:
    """For every other case of a pack: a rule has no finding exactly where its condition is explained as false."""
    for case in cases(name)[::2]:
        explanation = explain(case.facts, [case.policy])
        assert explanation.decision.findings == decided(case.facts, [case.policy]).findings
        for rule in explanation.rules:
            answer = rule.condition.answer if rule.condition else "false"
            assert (answer == "false") == (rule.finding is None), (case.name, rule.rule)


def test_each_question_is_shown_with_its_facts() -> None:
    """A condition is taken apart down to single questions, each with its answer and the facts that it asks for."""
    explanation = explain(near_scale(), [policy("us-ai-diffusion")])
    rule = next(rule for rule in explanation.rules if rule.rule == "red-flag-28")
    assert rule.condition is not None
    told = {leaf.text: (leaf.answer, leaf.facts) for leaf in leaves(rule.condition)}
    assert told["!(customer.headquarters in groups.ai_authorization)"] == ("true", (("customer.headquarters", "AT"),))
    assert told["!(parent.headquarters in groups.ai_authorization)"] == ("false", (("parent.headquarters", "NO"),))
    assert {citation.id for citation in rule.citations} >= {"US-AIDR-03"}


def test_what_is_unknown_is_named() -> None:
    """A question that a missing fact leaves open names the fact."""
    unknown = with_facts(near_scale(), {"customer.headquarters": None, "parent.headquarters": None})
    explanation = explain(unknown, [policy("us-ai-diffusion")])
    rule = next(rule for rule in explanation.rules if rule.rule == "red-flag-28")
    assert rule.condition is not None
    assert rule.condition.answer == "unknown"
    assert rule.condition.reason == "unknown: customer.headquarters, parent.headquarters"


def test_the_smallest_changes_are_just_across_the_line() -> None:
    """One operation less would pass; so would headquarters in an authorized country, and no other number is told."""
    changes = nearest_changes(near_scale(), [policy("us-ai-diffusion")])
    allowing = {change.facts: change.then for change in changes if change.outcome is Outcome.ALLOW}
    assert allowing[("operations.projected",)] == (10**25 - 1,)
    (country,) = allowing[("customer.headquarters",)]
    assert country in policy("us-ai-diffusion").edition_on(near_scale().as_of.date()).groups["ai_authorization"]


@pytest.mark.parametrize("name", PACKS)
def test_every_change_that_is_told_changes_the_outcome(name: str) -> None:
    """A change is what it says: made to the facts, it gives the outcome that it promises, which is another one."""
    for case in cases(name)[::6]:
        before = decided(case.facts, [case.policy]).outcome
        for change in nearest_changes(case.facts, [case.policy]):
            after = decided(with_facts(case.facts, dict(zip(change.facts, change.then, strict=True))), [case.policy])
            assert after.outcome is change.outcome is not before
            assert change.now == tuple(value_at(case.facts, path) for path in change.facts)


def test_two_facts_are_changed_where_one_is_not_enough(tmp_path: Path) -> None:
    """Where no single change helps, pairs are tried."""
    text = POLICY.replace('"chips.count > 100"', '"!account.known || !account.verified"')
    small = read_policy(write_policy(tmp_path / "small", text))
    stranger = facts({"account.known": False, "account.verified": False})
    (change,) = nearest_changes(stranger, [small])
    assert (change.facts, change.then, change.outcome) == (
        ("account.known", "account.verified"),
        (True, True),
        Outcome.ALLOW,
    )


def test_dates_are_asked_on_both_sides() -> None:
    """The day on which a rule begins, and the day before, are both among the moments to look at."""
    days = {moment.date().isoformat() for moment in changing_moments([policy("us-in-force")])}
    assert {"2025-05-12", "2025-05-13"} <= days


def test_an_explanation_reads_on_a_terminal_and_on_a_page() -> None:
    """Lines and page tell the outcome, the reason, the citation and the change; no name becomes markup."""
    named = with_facts(near_scale(), {"customer.name": "<b>Fjord</b>"})
    explanation = explain(named, [policy("us-ai-diffusion")])
    text = "\n".join(explanation_lines(explanation))
    assert text.startswith("escalate by us-ai-diffusion@1")
    assert "allow if operations.projected were 1e25 - 1 (is 1e25)" in text
    page = render_explanation(explanation, "A decision")
    assert "&lt;b&gt;Fjord" in page
    assert "<b>" not in page
    assert "red-flag-28" in page


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "unknown"), (True, "yes"), (10**25 - 1, "1e25 - 1"), (8, "8"), ((), "none"), (("SDN", "EL"), "SDN, EL")],
)
def test_values_read_as_people_write_them(value: object, told: str) -> None:
    """Numbers are short and exact, and what is not known says so."""
    assert value_told(value) == told


def test_a_change_is_a_sentence() -> None:
    """A change tells what would be, and what is."""
    change = next(one for one in nearest_changes(near_scale(), [policy("us-ai-diffusion")]) if len(one.facts) == 1)
    assert change_told(change).startswith("allow if ")


def test_what_policies_share_is_explained_once() -> None:
    """Two policies that take a rule from one pack and come to the same are told of it once, in one block."""
    stranger = with_facts(near_scale(), {"account.known": False})
    both = explain(stranger, [policy("us-in-force"), policy("us-ai-diffusion")])
    found = [(rule.policy, rule.rule) for rule in both.rules]
    assert found.count(("gate-base", "gate.unknown-account")) == 1
    assert len(found) == len(set(found))
    alone = {rule.rule for rule in explain(stranger, [policy("us-ai-diffusion")]).rules if rule.finding}
    assert alone <= {rule.rule for rule in both.rules if rule.finding}


def test_a_smaller_request_moves_its_amounts_together() -> None:
    """Where several lines stop a request, the amounts that it moves fall together, and before the chips go."""
    own = 2 * 10**26
    large = with_facts(
        near_scale(),
        {
            "customer.headquarters": "NO",
            **dict.fromkeys(("operations.low", "operations.likely", "operations.high"), own),
            **dict.fromkeys(("operations.projected", "operations.ceiling", "operations.model_total"), own),
            **dict.fromkeys(("splitting.together", "splitting.total"), own),
        },
    )
    assert decided(large, [policy("us-ai-diffusion")]).outcome is not Outcome.ALLOW
    first = nearest_changes(large, [policy("us-ai-diffusion")])[0]
    assert first.outcome is Outcome.ALLOW
    assert {"operations.projected", "splitting.total"} <= set(first.facts)
    assert "chips.count" not in first.facts
    assert all(isinstance(then, int) and 0 < then < own for then in first.then)


def test_an_unknown_account_is_told_what_a_pass_takes() -> None:
    """Where no one or two facts lead to a pass, the facts that do together are told, and none of them is spare."""
    unknown = {"account.known": False, "customer.headquarters": None, "parent.headquarters": None}
    stranger = with_facts(near_scale(), {**unknown, "screening.outcome": "not_screened"})
    first = nearest_changes(stranger, [policy("us-ai-diffusion")])[0]
    assert first.outcome is Outcome.ALLOW
    assert len(first.facts) > 2
    assert "account.known" in first.facts
    assert None not in first.then
    changed = dict(zip(first.facts, first.then, strict=True))
    for path in changed:
        less = {other: value for other, value in changed.items() if other != path}
        assert decided(with_facts(stranger, less), [policy("us-ai-diffusion")]).outcome is not Outcome.ALLOW
