"""A decision made durable: record, case, grant and hold in one transaction, which the caller holds."""

from __future__ import annotations

import json
from datetime import datetime

from kyc_gate.audit.record import body_of
from kyc_gate.audit.seal import Sealed
from kyc_gate.model.case import Case, run_fingerprint
from kyc_gate.model.written import Written
from kyc_gate.storage import casework, grants, ledger, models, reliance
from kyc_gate.storage.chain_log import append_record
from kyc_gate.storage.outbox import emit
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.store import DecisionEntry, GrantNotSpent, Receipt


def append_decision(connection: Connection, entry: DecisionEntry, sealed: Sealed) -> Receipt:
    """Write the decision and all that hangs on it, and return its receipt.

    Raises `GrantNotSpent`, `Superseded`, and `StorageFault` when the hold to keep is no longer there; then nothing is
    written.
    """
    # 1. What the decision relies on must still stand.
    if entry.relies is not None:
        reliance.require_unchanged(connection, entry.relies)
    if entry.spend_grant is not None:
        _spend(connection, entry, entry.spend_grant)
    if entry.hold_id is not None:
        if entry.keep_hold:
            ledger.rely_on(connection, entry.hold_id, entry.decision_id, replays=entry.replays)
        else:
            ledger.release(connection, entry.hold_id)
    if entry.declares is not None:
        models.declare(connection, entry.declares)
    # 2. The case that waits for a person.
    case = casework.open_or_join(connection, entry.case, entry.retention) if entry.case is not None else None
    # 3. The record.
    record = append_record(connection, sealed, entry.decision_id, party_id=entry.party_id, retention=entry.retention)
    # 4. What is to be told of it, in the same transaction.
    _tell(connection, entry, case)
    return Receipt(
        position=record.position,
        hash=record.hash,
        case_id=case.id if case else None,
        due_at=case.due_at if case else None,
    )


def _tell(connection: Connection, entry: DecisionEntry, case: Case | None) -> None:
    """Put what others are told of a decision into the outbox: ids, and never a name."""
    told: dict[str, object] = {"decision_id": entry.decision_id, "outcome": entry.record.get("outcome")}
    if case is not None and entry.case is not None:
        told |= {
            "case_id": case.id,
            "severity": case.severity,
            "rules": list(case.rules),
            "due_at": case.due_at.isoformat(),
        }
        first = case.decision_ids == (entry.decision_id,)
        emit(connection, "case.opened" if first else "case.joined", told, entry.case.at, entry.traceparent)
    beyond_approval = entry.case is None or entry.case.final
    at = entry.record.get("at")
    if entry.record.get("outcome") == "block" and beyond_approval and isinstance(at, str):
        blocked = told | {"rules": entry.record.get("rules")}
        emit(connection, "decision.blocked", blocked, datetime.fromisoformat(at), entry.traceparent)


def withdraw(connection: Connection, entry: DecisionEntry) -> None:
    """Take back a decision that was recorded when nobody waited for it any more: nothing passed on it.

    Its hold is released, unless another call relies on it, and its grant given back; a record says so. A case that it
    opened stays.
    """
    hold_id = entry.hold_id if entry.keep_hold else None
    if hold_id is not None:
        # A retry's decision is noted over that of the call that took the hold, which may have passed on it.
        ledger.release(connection, hold_id, None if entry.replays else entry.decision_id)
    if entry.spend_grant is not None:
        grants.unspend(connection, entry.spend_grant, entry.spend_operations)
    if hold_id is None and entry.spend_grant is None:
        return
    step = {
        "type": "decision.withdrawn",
        "decision_id": entry.decision_id,
        "hold_id": hold_id,
        "grant_id": entry.spend_grant,
        "because": "it was recorded after the time allowed, so nothing passed on it",
    }
    # Named in the index, so that it cannot be written twice: a grant given back twice would be used twice.
    append_record(connection, body_of(step), f"{entry.decision_id}/withdrawn")


def _spend(connection: Connection, entry: DecisionEntry, grant_id: str) -> None:
    """Spend the grant on the request and at the time that the record states. Raises `GrantNotSpent`."""
    request = entry.record.get("request")
    if isinstance(request, Written):
        request = json.loads(request)
    fingerprint = request.get("fingerprint") if isinstance(request, dict) else None
    lineage = request.get("lineage") if isinstance(request, dict) else None
    run = lineage.get("model") if isinstance(lineage, dict) else None
    at = entry.record.get("at")
    if not isinstance(fingerprint, str) or not isinstance(at, str):
        raise GrantNotSpent(f"the record does not state `request.fingerprint` and `at`, so `{grant_id}` stays unspent")
    spent = grants.spend(
        connection,
        grant_id,
        fingerprints=(fingerprint, run_fingerprint(run)) if isinstance(run, str) else (fingerprint,),
        operations=entry.spend_operations,
        at=datetime.fromisoformat(at),
    )
    if not spent:
        raise GrantNotSpent(f"the grant `{grant_id}` is spent, revoked, expired, too small, or for another request")
