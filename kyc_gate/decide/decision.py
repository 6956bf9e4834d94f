"""The decision on one request under one policy, and the decision over several policies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC

from kyc_gate.decide.lines import facts_by_lines, facts_uncleared
from kyc_gate.model.decision import Decision, Finding, FindingKind, Mode, Outcome
from kyc_gate.model.facts import Cleared, Facts
from kyc_gate.model.job import Certainty, ProvisioningRequest
from kyc_gate.model.record import digest
from kyc_gate.policy.expressions import Failed, Groups, Unknown, Value
from kyc_gate.policy.policy import Edition, Policy, Rule
from kyc_gate.policy.templates import render

FACTS_MISMATCH = "gate.facts-mismatch"
"""A finding without a rule: the facts speak of another request, so that no rule can be trusted with them."""

CLEARED = "gate.cleared"
"""A finding without a rule: a resemblance was left out, because two people found it to be somebody else."""


def decide(request: ProvisioningRequest, facts: Facts, policy: Policy, *, facts_digest: str | None = None) -> Decision:
    """Return what `policy` says to `request` on the day of `facts.as_of` (UTC).

    Every rule in force is asked that the facts can make true. One that is true is a finding; one that a missing fact
    leaves open, or that fails, is a finding that escalates, whatever its own outcome. A finding counts when its rule is
    in mode `enforce` on the request's route and no grant covers it. The worst outcome that counts is the decision; with
    none, the request is allowed.

    Where the policy draws lines of screening, the screening facts are set by them, from `facts.resembled`.
    `facts_digest` spares computing the digest again where the caller has it.
    Raises `ValueError` for facts whose clock has no offset.
    """
    if facts.as_of.tzinfo is None:
        raise ValueError("`facts.as_of` has no offset, so that its day is not known")
    day = facts.as_of.astimezone(UTC).date()
    edition = policy.edition_on(day)
    facts_digest = facts_digest if facts_digest is not None else digest(facts)
    findings = _findings(facts, policy, edition)
    if facts.cleared:
        findings = _with_clearances(findings, facts, policy, edition)
    wrong = mismatch(request, facts)
    if wrong:
        findings.insert(0, _mismatched(wrong))
    return Decision(
        outcome=_worst(finding.outcome for finding in findings if finding.counts),
        findings=tuple(findings),
        policies=(policy.reference,),
        facts_digest=facts_digest,
        as_of=facts.as_of,
    )


def _findings(facts: Facts, policy: Policy, edition: Edition) -> list[Finding]:
    facts = facts_by_lines(facts, policy.lines)
    asked = [_ask(rule, facts, edition.groups) for rule in edition.open_rules.of(facts)]
    return [finding for finding in asked if finding is not None]


def _with_clearances(findings: list[Finding], facts: Facts, policy: Policy, edition: Edition) -> list[Finding]:
    """Return the findings with one for each clearance that the facts rely on.

    INVARIANT: a clearance never lifts a rule that is not overridable. Where it would, no clearance counts at all.
    """
    without = _findings(facts_uncleared(facts), policy, edition)
    left = {finding.rule for finding in findings}
    lifted = [finding for finding in without if finding.rule not in left]
    firm = sorted(finding.rule for finding in lifted if not finding.overridable and finding.counts)
    if firm:
        return [*without, *(_clearance_finding(each, f"not honoured over {', '.join(firm)}") for each in facts.cleared)]
    return [*findings, *(_clearance_finding(each, "settled") for each in facts.cleared)]


def _clearance_finding(cleared: Cleared, said: str) -> Finding:
    first, second = cleared.by
    until = cleared.until.astimezone(UTC).date().isoformat()
    return Finding(
        rule=CLEARED,
        kind=FindingKind.FIRED,
        outcome=Outcome.ALLOW,
        mode=Mode.OBSERVE,
        reason=f"the resemblance to {cleared.list} {cleared.entry_id} is {said} by {cleared.clearance}: "
        f"found to be somebody else by {first} and {second}, until {until}",
        cites=(),
        policy="kyc-gate",
        counts=False,
        covered_by=cleared.clearance,
    )


def combine(decisions: Sequence[Decision]) -> Decision:
    """Return one decision over several policies: every finding, and the worst outcome.

    Raises `ValueError` when there is no decision, or when they were made on different facts.
    """
    if not decisions:
        raise ValueError("no decision to combine: at least one policy must decide")
    first = decisions[0]
    if any((one.facts_digest, one.as_of) != (first.facts_digest, first.as_of) for one in decisions):
        raise ValueError("decisions on different facts cannot be combined")
    findings = dict.fromkeys(finding for decision in decisions for finding in decision.findings)
    return Decision(
        outcome=_worst(decision.outcome for decision in decisions),
        findings=tuple(findings),
        policies=tuple(policy for decision in decisions for policy in decision.policies),
        facts_digest=first.facts_digest,
        as_of=first.as_of,
    )


def _ask(rule: Rule, facts: Facts, groups: Groups) -> Finding | None:
    try:
        value = rule.condition(facts, groups, ())
        if value is False:
            return None
        return _finding(rule, value, facts)
    # A condition was type-checked, yet facts of a wrong type may reach it; whatever then happens must escalate.
    except Exception as error:  # noqa: BLE001
        return _finding(rule, Failed(reason=f"{type(error).__name__} while asking it"), facts)


def _finding(rule: Rule, value: Value, facts: Facts) -> Finding | None:
    mode, route = rule.mode_on(facts.request)
    if mode is Mode.OFF:
        return None
    unknown: tuple[str, ...] = ()
    if value is True:
        kind, outcome, reason = FindingKind.FIRED, rule.outcome, render(rule.because, facts)
    elif isinstance(value, Unknown):
        unknown = tuple(sorted(value.names))
        kind, outcome = FindingKind.UNKNOWN, Outcome.ESCALATE
        reason = f"{', '.join(unknown)} unknown, and needed for: {rule.title}"
    else:
        kind, outcome = FindingKind.ERROR, Outcome.ESCALATE
        failure = value.reason if isinstance(value, Failed) else "its condition is neither true nor false"
        reason = f"the rule failed ({failure}): {rule.title}"
    covered_by = _covering(rule, outcome, facts)
    return Finding(
        rule=rule.id,
        kind=kind,
        outcome=outcome,
        mode=mode,
        reason=reason,
        cites=rule.cites,
        policy=rule.policy,
        overridable=rule.overridable,
        four_eyes=rule.four_eyes or outcome is Outcome.BLOCK,
        counts=mode is Mode.ENFORCE and covered_by is None,
        covered_by=covered_by,
        unknown=unknown,
        runbook=rule.runbook,
        route=route,
    )


def _covering(rule: Rule, outcome: Outcome, facts: Facts) -> str | None:
    """The grant that covers a finding of `rule`, if one does.

    INVARIANT: a rule that is not overridable is never covered, whatever a reviewer approved.
    The reviewer must have seen the rule, and an outcome as severe. The request's ceiling (`operations.high`) must be
    within the budget. An unknown ceiling is within it only where a reference could not be followed: the reviewer saw
    that very request, and the grant is bound to it.
    """
    grant = facts.grant
    if grant is None or not rule.overridable or rule.id not in grant.rules or outcome.severity > grant.outcome.severity:
        return None
    high = facts.operations.high
    within = not facts.request.resolved if high is None else high <= grant.budget
    return grant.id if within else None


def mismatch(request: ProvisioningRequest, facts: Facts) -> tuple[str, ...]:
    """Return the names of facts that contradict the request."""
    told = facts.request
    pairs = (
        ("request.provider", request.provider, told.provider),
        ("request.service", request.service, told.service),
        ("request.operation", request.operation, told.operation),
        ("request.kind", str(request.kind), told.kind),
        ("request.dry_run", request.dry_run, told.dry_run),
    )
    wrong = [name for name, asked, known in pairs if asked != known]
    if told.resolved and (request.certainty is Certainty.UNRESOLVED or request.unresolved):
        wrong.append("request.resolved")
    return tuple(wrong)


def _mismatched(names: tuple[str, ...]) -> Finding:
    return Finding(
        rule=FACTS_MISMATCH,
        kind=FindingKind.ERROR,
        outcome=Outcome.ESCALATE,
        mode=Mode.ENFORCE,
        reason=f"the facts contradict the request: {', '.join(names)}",
        cites=(),
        policy="kyc-gate",
        overridable=False,
    )


def _worst(outcomes: Iterable[Outcome]) -> Outcome:
    return max(outcomes, key=lambda outcome: outcome.severity, default=Outcome.ALLOW)
