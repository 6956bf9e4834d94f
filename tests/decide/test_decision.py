"""The decision on one request, and over several policies."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from policy.builders import POLICY, facts, write_policy

from kyc_gate.decide.cases import request_of
from kyc_gate.decide.decision import FACTS_MISMATCH, combine, decide
from kyc_gate.model.decision import Decision, Finding, FindingKind, Outcome
from kyc_gate.model.facts import Facts, GrantFacts
from kyc_gate.model.job import Certainty
from kyc_gate.model.record import digest
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import read_policy


def policy_of(folder: Path, when: str, **keys: str) -> Policy:
    """A policy of one rule."""
    text = POLICY.replace("chips.count > 100", when.replace('"', '\\"'))
    for key, value in keys.items():
        text = text.replace('then = "escalate"', f"then = {value}") if key == "then" else f"{text}{key} = {value}\n"
    return read_policy(write_policy(folder / "small", text))


def decided(given: Facts, policy: Policy) -> Decision:
    return decide(request_of(given), given, policy)


def only(decision: Decision) -> Finding:
    assert len(decision.findings) == 1, decision.findings
    return decision.findings[0]


def test_no_finding_allows(tmp_path: Path) -> None:
    """What no rule stops is allowed, and the decision names policy, facts and clock."""
    policy, given = policy_of(tmp_path, "chips.count > 100"), facts()
    decision = decided(given, policy)
    assert decision.outcome is Outcome.ALLOW
    assert decision.findings == ()
    assert decision.policies == (policy.reference,)
    assert decision.facts_digest == digest(given)
    assert decision.as_of == given.as_of


def test_a_rule_that_fires_gives_its_reason(tmp_path: Path) -> None:
    """The reason carries the facts in words."""
    finding = only(decided(facts({"chips.count": 101}), policy_of(tmp_path, "chips.count > 100")))
    assert finding.kind is FindingKind.FIRED
    assert finding.reason == "Fjord Analytics AS asks for 101 chips"
    assert finding.cites == ("OPERATOR-01",)


@pytest.mark.parametrize("then", ['"escalate"', '"block"'])
def test_an_unknown_fact_escalates_and_is_named(tmp_path: Path, then: str) -> None:
    """A rule left open by an unknown fact escalates, and never blocks."""
    policy = policy_of(tmp_path, "chips.count > 100 && customer.headquarters == parent.headquarters", then=then)
    decision = decided(facts({"chips.count": None, "customer.headquarters": None}), policy)
    finding = only(decision)
    assert decision.outcome is finding.outcome is Outcome.ESCALATE
    assert finding.kind is FindingKind.UNKNOWN
    assert finding.unknown == ("chips.count", "customer.headquarters")
    assert finding.reason == "chips.count, customer.headquarters unknown, and needed for: A first rule"


def test_an_unknown_fact_that_changes_nothing_is_no_finding(tmp_path: Path) -> None:
    """`false && unknown` is false."""
    policy = policy_of(tmp_path, "customer.headquarters == parent.headquarters && chips.count > 100")
    assert decided(facts({"customer.headquarters": None}), policy).outcome is Outcome.ALLOW


@pytest.mark.parametrize("then", ['"escalate"', '"block"'])
def test_a_failing_rule_escalates(tmp_path: Path, then: str) -> None:
    """A division by zero is a finding that escalates."""
    decision = decided(facts({"chips.count": 0}), policy_of(tmp_path, "1 / chips.count > 1", then=then))
    assert decision.outcome is Outcome.ESCALATE
    assert only(decision).kind is FindingKind.ERROR


@pytest.mark.parametrize(
    ("when", "path", "value"),
    [
        ("chips.count > 100", "count", "many"),
        ("chips.count > 100", "count", [1]),
        ("chips.known", "known", 1),
        ("!chips.known", "known", "no"),
        ("chips.known ? false : true", "known", "no"),
        ("chips.tpp > 1", "tpp", "fast"),
        ("chips.tpp > 1", "tpp", float("nan")),
    ],
)
def test_facts_of_a_wrong_type_never_allow(tmp_path: Path, when: str, path: str, value: object) -> None:
    """A value that no reader should have let in makes the rule an error, which escalates."""
    given = facts()
    chips = msgspec.structs.replace(given.chips, **{path: value})
    given = msgspec.structs.replace(given, chips=chips)
    decision = decide(request_of(given), given, policy_of(tmp_path, when), facts_digest="")
    assert (decision.outcome, only(decision).kind) == (Outcome.ESCALATE, FindingKind.ERROR)


@pytest.mark.parametrize(
    ("mode", "outcome", "findings"),
    [
        ('"off"', Outcome.ALLOW, 0),
        ('"observe"', Outcome.ALLOW, 1),
        ('"warn"', Outcome.ALLOW, 1),
        ('"enforce"', Outcome.BLOCK, 1),
    ],
)
def test_only_enforced_findings_count(tmp_path: Path, mode: str, outcome: Outcome, findings: int) -> None:
    """`observe` and `warn` are recorded and let pass; `off` is silent."""
    text = POLICY.replace('then = "escalate"', 'then = "block"') + f"mode = {mode}\n"
    # A second rule that is enforced and never fires, since a policy that enforces nothing is refused.
    text += POLICY[POLICY.index("[[rule]]") :].replace('"first"', '"second"').replace("> 100", "> 1000")
    policy = read_policy(write_policy(tmp_path / "small", text))
    decision = decided(facts({"chips.count": 101}), policy)
    assert (decision.outcome, len(decision.findings)) == (outcome, findings)
    assert len(decision.counting) == (1 if outcome is Outcome.BLOCK else 0)


@pytest.mark.parametrize(
    ("rules", "budget", "high", "overridable", "covered"),
    [
        pytest.param(("first",), 100, 100, "true", True, id="covered"),
        pytest.param(("first",), 99, 100, "true", False, id="beyond its budget"),
        pytest.param(("second",), 100, 100, "true", False, id="not what the reviewer saw"),
        pytest.param((), 100, 100, "true", False, id="nothing seen"),
        pytest.param(("first",), 100, None, "true", False, id="unknown operations"),
        pytest.param(("first",), 100, 100, "false", False, id="not overridable"),
    ],
)
@pytest.mark.parametrize("then", ['"escalate"', '"block"'])
def test_a_grant_covers_what_the_reviewer_saw(
    tmp_path: Path, rules: tuple[str, ...], budget: int, high: int | None, overridable: str, covered: bool, then: str
) -> None:
    """A grant covers an overridable rule that it names, within its budget, and nothing else."""
    grant = GrantFacts(id="g-1", rules=rules, budget=budget, outcome=Outcome.BLOCK)
    given = facts({"chips.count": 101, "operations.high": high}, grant=grant)
    decision = decided(given, policy_of(tmp_path, "chips.count > 100", then=then, overridable=overridable))
    finding = only(decision)
    assert (decision.outcome is Outcome.ALLOW) is covered
    assert finding.counts is not covered
    assert finding.covered_by == ("g-1" if covered else None)


def test_a_grant_for_what_was_held_does_not_lift_a_block(tmp_path: Path) -> None:
    """The reviewer saw the rule while a fact was unknown; now that it blocks, somebody must look again."""
    seen = GrantFacts(id="g", rules=("first",), budget=10**30, outcome=Outcome.ESCALATE)
    given = facts({"chips.count": 101}, grant=seen)
    policy = policy_of(tmp_path, "chips.count > 100", then='"block"', overridable="true")
    assert decided(given, policy).outcome is Outcome.BLOCK


def test_a_grant_covers_an_amount_that_nobody_could_know(tmp_path: Path) -> None:
    """Where a reference could not be followed, the reviewer saw that, and the grant is bound to that very request."""
    seen = GrantFacts(id="g", rules=("first",), budget=0)
    given = facts({"chips.count": 101, "operations.high": None, "request.resolved": False}, grant=seen)
    assert decided(given, policy_of(tmp_path, "chips.count > 100")).outcome is Outcome.ALLOW


def test_a_block_is_not_overridable_unless_it_says_so(tmp_path: Path) -> None:
    """Who writes `block` and no more gets a block that no approval lifts."""
    given = facts({"chips.count": 101}, grant=GrantFacts(id="g", rules=("first",), budget=10**30))
    assert decided(given, policy_of(tmp_path / "a", "chips.count > 100", then='"block"')).outcome is Outcome.BLOCK
    assert decided(given, policy_of(tmp_path / "b", "chips.count > 100")).outcome is Outcome.ALLOW


@pytest.mark.parametrize("field", ["provider", "service", "operation", "kind", "dry_run", "resolved"])
def test_facts_of_another_request_escalate(tmp_path: Path, field: str) -> None:
    """When request and facts contradict each other, no rule can be trusted, and no grant covers it."""
    given = facts(grant=GrantFacts(id="g", rules=(FACTS_MISMATCH,), budget=10**30))
    request = request_of(given)
    other = {"dry_run": True, "kind": "start"}.get(field, "other")
    changed = (
        msgspec.structs.replace(request, certainty=Certainty.UNRESOLVED)
        if field == "resolved"
        else msgspec.structs.replace(request, **{field: other})
    )
    decision = decide(changed, given, policy_of(tmp_path, "chips.count > 100"))
    assert decision.outcome is Outcome.ESCALATE
    assert only(decision).rule == FACTS_MISMATCH
    assert f"request.{field}" in only(decision).reason


def test_a_name_from_outside_cannot_break_the_reason(tmp_path: Path) -> None:
    """Line breaks are removed and length is bounded."""
    name = "A\nB\x1b[31m{customer.id}" + "x" * 10_000
    reason = only(
        decided(facts({"chips.count": 101, "customer.name": name}), policy_of(tmp_path, "chips.count > 100"))
    ).reason
    assert reason.isprintable()
    assert len(reason) < 300
    assert "{customer.id}" in reason


def test_combining_takes_the_worst_outcome_and_every_finding(tmp_path: Path) -> None:
    """Two policies speak as one; a finding that both share stands once."""
    given = facts({"chips.count": 101})
    first = decided(given, policy_of(tmp_path / "a", "chips.count > 100"))
    second = decided(given, policy_of(tmp_path / "b", "chips.count > 100", then='"block"'))
    quiet = decided(given, policy_of(tmp_path / "c", "chips.count > 1000"))
    together = combine([quiet, first, second, first])
    assert together.outcome is Outcome.BLOCK
    assert together.findings == (*first.findings, *second.findings)
    assert len(together.policies) == 4
    assert combine([quiet]).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("as_of", "outcome"),
    [("2026-01-10T01:00:00+02:00", Outcome.ALLOW), ("2026-01-09T23:00:00-02:00", Outcome.ESCALATE)],
)
def test_the_day_is_taken_in_utc(tmp_path: Path, as_of: str, outcome: Outcome) -> None:
    """The same rule holds at the same moment, wherever the clock stands."""
    given = facts({"chips.count": 101, "as_of": datetime.fromisoformat(as_of)})
    assert decided(given, policy_of(tmp_path, "chips.count > 100", effective_from="2026-01-10")).outcome is outcome


def test_a_clock_without_offset_is_refused(tmp_path: Path) -> None:
    """The day of a moment without an offset would depend on the machine."""
    given = facts({"as_of": datetime.fromisoformat("2026-01-10T01:00:00")})
    with pytest.raises(ValueError, match="no offset"):
        decided(given, policy_of(tmp_path, "chips.count > 100"))


def test_nothing_to_combine_is_refused() -> None:
    """No policy is not the same as no objection."""
    with pytest.raises(ValueError, match="at least one policy must decide"):
        combine([])


def test_decisions_on_different_facts_are_not_combined(tmp_path: Path) -> None:
    """Policies that saw different worlds do not decide together."""
    policy = policy_of(tmp_path, "chips.count > 100")
    with pytest.raises(ValueError, match="different facts"):
        combine([decided(facts(), policy), decided(facts({"chips.count": 1}), policy)])


def test_the_same_facts_and_policy_give_the_same_decision(tmp_path: Path) -> None:
    """A decision can be replayed."""
    policy = policy_of(tmp_path, "chips.count > 100")
    assert decided(facts({"chips.count": 101}), policy) == decided(facts({"chips.count": 101}), policy)
