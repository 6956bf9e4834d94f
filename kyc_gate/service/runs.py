"""Runs while they go on: which calls end them, and whether what was let through still may."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec
import structlog
from msgspec.structs import replace

from kyc_gate.adapters.adapter import Adapter
from kyc_gate.audit.retention import retention_of
from kyc_gate.compute.lineage import LineageLines
from kyc_gate.decide.decision import combine, decide
from kyc_gate.errors import FactsErased, KYCGateError
from kyc_gate.model.call import Call
from kyc_gate.model.case import Grant, family_of
from kyc_gate.model.decision import Decision, Outcome
from kyc_gate.model.ending import Ending
from kyc_gate.model.facts import Facts, OperationFacts
from kyc_gate.model.job import Certainty, ProvisioningRequest
from kyc_gate.model.record import Record, digest, plain
from kyc_gate.model.usage import MeteredRun, Usage
from kyc_gate.policy.read import Policy
from kyc_gate.service.lineage_facts import lineage_facts
from kyc_gate.service.splitting import splitting_facts
from kyc_gate.storage.store import CaseOpening, DecisionEntry, Store

log = structlog.get_logger("kyc_gate")

_PAGE = 100


class Reevaluated(Record):
    """What one look over the runs that go on found: how many there are, how many wait now, and the cases opened."""

    runs: int
    waiting: int
    cases: tuple[str, ...]


def ending_of(adapter: Adapter, call: Call) -> Ending | None:
    """Return the runs that the call ends. A call that cannot be read ends none: what it meant goes on counting."""
    try:
        return adapter.ending(call)
    except KYCGateError:
        return None


async def open_runs(store: Store) -> AsyncIterator[MeteredRun]:
    """Yield every run without an end."""
    after = ""
    while page := await store.fetch_open_runs(after=after, limit=_PAGE):
        for run in page:
            yield run
        after = page[-1].hold_id


async def recorded_of(store: Store, run: MeteredRun) -> tuple[ProvisioningRequest, Facts, Grant | None] | None:
    """Return the request and facts on record behind a run, and the grant that let it through; None without a record.

    Raises `FactsErased` where the record's sealed parts are gone.
    """
    record = await store.fetch_decision(run.decision_id) if run.decision_id else None
    if record is None:
        return None
    if "request" not in record or "facts" not in record:
        raise FactsErased(f"the request and facts of decision {run.decision_id} were erased from the record")
    request = msgspec.convert(record["request"], ProvisioningRequest)
    facts = msgspec.convert(record["facts"], Facts)
    grant_id = record.get("grant_id")
    grant = await store.fetch_grant(grant_id) if isinstance(grant_id, str) else None
    return request, facts, grant


def grown(request: ProvisioningRequest, facts: Facts, usage: Usage, at: datetime, lines: LineageLines) -> Facts:
    """Return the facts of a running request as its control group's usage stands now; what was unknown stays so."""
    resolved = request.certainty is not Certainty.UNRESOLVED
    lineage, model_total = lineage_facts(request, usage, lines, resolved=resolved)
    return replace(
        facts,
        as_of=at,
        operations=_grown(facts.operations, usage, model_total),
        lineage=lineage,
        splitting=splitting_facts(usage, resolved=resolved, asked=facts.splitting),
    )


def _grown(operations: OperationFacts, usage: Usage, model_total: int | None) -> OperationFacts:
    known = operations.likely is not None
    return replace(
        operations,
        used=max(usage.likely - (operations.likely or 0), 0) if known else None,
        projected=usage.likely if known else None,
        ceiling=usage.high if known else None,
        accounts=usage.accounts,
        model_total=model_total,
    )


def decided(request: ProvisioningRequest, facts: Facts, policies: Sequence[Policy]) -> Decision:
    """Return what the policies say of a running request."""
    return combine([decide(request, facts, policy) for policy in policies])


async def open_case(
    store: Store,
    run: MeteredRun,
    request: ProvisioningRequest,
    facts: Facts,
    decision: Decision,
    *,
    control_group: str,
    at: datetime,
    due_at: datetime,
    expires_at: datetime,
) -> str | None:
    """Record that a run would wait now, with a case for it, and return the case's id.

    None when a case with these rules stands for the control group already, whatever became of it. The case has a
    fingerprint of its own: an approval lets the run go on, and lets nothing new begin.
    """
    rules = tuple(sorted({finding.rule for finding in decision.counting}))
    fingerprint = digest({"running": control_group, "rules": list(rules)})
    if await store.fetch_case_for(fingerprint) is not None:
        return None
    decision_id = f"dec_{secrets.token_hex(16)}"
    entry = DecisionEntry(
        decision_id=decision_id,
        record={
            "type": "reevaluation",
            "decision_id": decision_id,
            "at": at.isoformat(),
            "run": plain(run),
            "request": plain(request),
            "facts": plain(facts),
            "decision": plain(decision),
        },
        case=CaseOpening(
            severity="high" if decision.outcome is Outcome.BLOCK else "medium",
            fingerprint=fingerprint,
            control_group=control_group,
            account=run.account,
            party_id=run.party_id,
            operation=f"running: {request.operation}",
            rules=rules,
            decision_id=decision_id,
            at=at,
            due_at=due_at,
            expires_at=expires_at,
            family=f"running: {family_of(decision.counting[0])}",
            four_eyes=any(finding.four_eyes for finding in decision.counting),
            likely=facts.operations.projected or 0,
            high=facts.operations.ceiling or 0,
            outcome=decision.outcome,
        ),
        party_id=run.party_id,
        retention=retention_of(facts),
    )
    receipt = await store.append(entry)
    log.warning(
        "run.escalated",
        decision_id=decision_id,
        case_id=receipt.case_id,
        hold_id=run.hold_id,
        outcome=decision.outcome.value,
        rules=list(rules),
    )
    return receipt.case_id
