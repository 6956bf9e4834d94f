"""Clearances looked over: one whose party or entry changed ends, and a person looks again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from kyc_gate.model.case import RESCREENING
from kyc_gate.model.clearance import Clearance
from kyc_gate.model.decision import Outcome
from kyc_gate.model.record import plain
from kyc_gate.service.clearing import rearmed
from kyc_gate.service.standings import by_party
from kyc_gate.storage.store import CaseOpening, DecisionEntry

if TYPE_CHECKING:
    from kyc_gate.service.gate import Gate

log = structlog.get_logger("kyc_gate")


async def rearm_clearances(gate: Gate) -> tuple[str, ...]:
    """End the clearances whose pair is no longer what two people saw, open a case for each, and return their ids.

    Decisions do not wait for this: they compare both sides each time. It has a change seen where nobody asks for
    anything.
    """
    at = gate.now()
    found = []
    for party_id, standing in by_party(await gate.store.fetch_clearances(at)).items():
        pairs = await gate.pairs_of(party_id)
        for clearance in rearmed(standing, pairs, at):
            case_id = await _again(gate, clearance, at)
            log.warning("clearance.rearmed", clearance_id=clearance.id, case_id=case_id)
            found.append(clearance.id)
    return tuple(found)


async def _again(gate: Gate, clearance: Clearance, at: datetime) -> str | None:
    """End the clearance and return the case that was opened: first the case, so that a crash leaves no gap."""
    decision_id = f"rearmed_{clearance.id}"
    receipt = None
    if await gate.store.fetch_decision(decision_id) is None:
        entry = DecisionEntry(
            decision_id=decision_id,
            record={
                "type": "clearance.rearmed",
                "decision_id": decision_id,
                "at": at.isoformat(),
                "clearance_id": clearance.id,
                "parties": {"pair": plain(clearance.pair)},
            },
            case=CaseOpening(
                severity="medium",
                fingerprint=f"{RESCREENING}:{clearance.pair.party_id}",
                control_group=f"party:{clearance.pair.party_id}",
                account="",
                party_id=clearance.pair.party_id,
                operation=RESCREENING,
                rules=(RESCREENING,),
                family=RESCREENING,
                decision_id=decision_id,
                at=at,
                due_at=gate.settings.due_at(at, urgent=False),
                likely=0,
                high=0,
                outcome=Outcome.ESCALATE,
            ),
            party_id=clearance.pair.party_id,
        )
        receipt = await gate.store.append(entry)
    because = "the party, somebody behind it, or the entry changed"
    await gate.store.end_clearance(clearance.id, by="kyc-gate", at=at, because=because)
    return receipt.case_id if receipt else None
