"""The cases of a policy, decided and compared with what they expect."""

from __future__ import annotations

from pathlib import Path

from kyc_gate.decide.decision import decide
from kyc_gate.model.decision import Decision, Outcome
from kyc_gate.model.facts import Facts
from kyc_gate.model.job import Certainty, ProvisioningRequest, RequestKind
from kyc_gate.model.record import Record
from kyc_gate.policy.cases import PolicyCase, read_cases


class CaseResult(Record):
    """One case and what came of it. `fired` and `noted` are ids of rules with a finding, counting and not counting."""

    file: str
    name: str
    passed: bool
    expected: Outcome
    outcome: Outcome
    expected_rules: tuple[str, ...]
    rules: tuple[str, ...]
    expected_noted: tuple[str, ...]
    noted: tuple[str, ...]

    def __str__(self) -> str:
        if self.passed:
            return f"{self.file}: case `{self.name}` passes"
        return (
            f"{self.file}: case `{self.name}`: expected "
            f"{_told(self.expected, self.expected_rules, self.expected_noted)}"
            f", decided {_told(self.outcome, self.rules, self.noted)}"
        )


def run_cases(folder: Path) -> list[CaseResult]:
    """Return the result of each case beside the policy in `folder`.

    Raises `PolicyError` with every problem of the policy or of its cases.
    """
    return [run_case(case) for case in read_cases(folder)]


def run_case(case: PolicyCase) -> CaseResult:
    """Decide one case. Outcome, counting findings and other findings must all be as expected, no more and no less."""
    decision = decide(request_of(case.facts), case.facts, case.policy)
    rules, noted = _ids(decision, counts=True), _ids(decision, counts=False)
    return CaseResult(
        file=case.file,
        name=case.name,
        passed=decision.outcome is case.outcome and set(rules) == case.rules and set(noted) == case.noted,
        expected=case.outcome,
        outcome=decision.outcome,
        expected_rules=tuple(sorted(case.rules)),
        rules=rules,
        expected_noted=tuple(sorted(case.noted)),
        noted=noted,
    )


def request_of(facts: Facts) -> ProvisioningRequest:
    """Return a request that these facts could have been gathered from."""
    asked = facts.request
    return ProvisioningRequest(
        provider=asked.provider,
        service=asked.service,
        operation=asked.operation,
        kind=RequestKind(asked.kind),
        certainty=Certainty.EXACT if asked.resolved else Certainty.UNRESOLVED,
        dry_run=asked.dry_run,
    )


def _ids(decision: Decision, *, counts: bool) -> tuple[str, ...]:
    return tuple(sorted({finding.rule for finding in decision.findings if finding.counts is counts}))


def _told(outcome: Outcome, rules: tuple[str, ...], noted: tuple[str, ...]) -> str:
    told = f"{outcome} by {', '.join(rules) or 'no rule'}"
    return f"{told} (noted: {', '.join(noted)})" if noted else told
