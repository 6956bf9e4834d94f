"""Clearances as rows. Callers hold the transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from kyc_gate.audit.seal import seal
from kyc_gate.errors import CaseError, InputError
from kyc_gate.model.access import Way
from kyc_gate.model.case import Case, Proposal
from kyc_gate.model.case_steps import Move
from kyc_gate.model.clearance import Clearance
from kyc_gate.model.record import plain
from kyc_gate.storage.chain_log import append_record
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.timestamps import micros

CLEARANCE_DAYS = 180
"""How long a clearance lasts by default: half a year."""

MOST_DAYS = 366
"""How long one may last: whoever is cleared is looked at again within the year."""


def settle(connection: Connection, case: Case, proposal: Proposal, step: Move) -> tuple[Clearance, ...]:
    """Write a clearance for each pair of an approved proposal, in the place of an earlier one of the same pair."""
    days = step.clear_days or CLEARANCE_DAYS
    if not 1 <= days <= MOST_DAYS:
        raise InputError(f"`clear_days` is {days}; it is a whole number from 1 to {MOST_DAYS}")
    made = []
    for pair in step.clear:
        if pair.party_id != case.party_id:
            raise InputError(f"`clear`: the pair is of `{pair.party_id}`, the case of `{case.party_id}`")
        clearance = Clearance(
            id=f"clear_{secrets.token_hex(16)}",
            pair=pair,
            reason=proposal.note,
            case_id=case.id,
            proposed_by=proposal.by,
            approved_by=step.by,
            at=step.at,
            expires_at=step.at + timedelta(days=days),
        )
        for earlier in standing(connection, step.at, party_id=pair.party_id):
            if (earlier.pair.list, earlier.pair.entry_id) == (pair.list, pair.entry_id):
                end(connection, earlier.id, by=step.by, at=step.at, because="cleared anew", via=step.via)
        _insert(connection, clearance)
        made.append(clearance)
    return tuple(made)


def end(
    connection: Connection, clearance_id: str, *, by: str, at: datetime, because: str, via: Way | None = None
) -> Clearance:
    """End a clearance that stands, and return it. Raises `CaseError` where there is none, or it ended already."""
    found = clearance_of(connection, clearance_id)
    if found is None:
        raise CaseError(f"there is no clearance `{clearance_id}`")
    if found.ended_at is not None:
        raise CaseError(f"the clearance `{clearance_id}` ended already: {found.ended_because}")
    ended = replace(found, ended_at=at, ended_by=by, ended_because=because)
    connection.execute("UPDATE clearances SET ended = 1, document = ? WHERE id = ?", (written(ended), clearance_id))
    step = {
        "type": "clearance.ended",
        "at": at.isoformat(),
        "clearance_id": clearance_id,
        "case_id": found.case_id,
        "parties": {"pair": plain(found.pair)},
        "reviewer": by,
        "via": via,
        "note": because,
    }
    append_record(connection, seal(step), party_id=found.pair.party_id)
    return ended


def clearance_of(connection: Connection, clearance_id: str) -> Clearance | None:
    """Return the clearance with an id."""
    row = connection.execute("SELECT document FROM clearances WHERE id = ?", (clearance_id,)).fetchone()
    return read(row[0], Clearance) if row else None


def standing(
    connection: Connection, at: datetime, *, until: datetime | None = None, party_id: str | None = None
) -> tuple[Clearance, ...]:
    """Return the clearances that stand at `at`, those that expire first in front; with `until`, only by then."""
    rows = connection.execute(
        "SELECT document FROM clearances WHERE ended = 0 AND expires_at > :at"
        " AND (CAST(:until AS BIGINT) IS NULL OR expires_at <= :until)"
        " AND (CAST(:party AS TEXT) IS NULL OR party_id = :party) ORDER BY expires_at, id",
        {"at": micros(at), "until": micros(until) if until else None, "party": party_id},
    )
    return _read(document for (document,) in rows)


def _read(documents: Iterable[str]) -> tuple[Clearance, ...]:
    return tuple(read(document, Clearance) for document in documents)


def _insert(connection: Connection, clearance: Clearance) -> None:
    connection.execute(
        "INSERT INTO clearances (id, party_id, case_id, expires_at, ended, document) VALUES (?, ?, ?, ?, 0, ?)",
        (
            clearance.id,
            clearance.pair.party_id,
            clearance.case_id,
            micros(clearance.expires_at),
            written(clearance),
        ),
    )
