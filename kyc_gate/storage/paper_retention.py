"""What decided cases hold of people, erased when its time is over: attachments, answers, notes, and what was cleared.

Callers hold the transaction. Each erasure is an audit record in it, which names the cases.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from kyc_gate.audit.record import body_of
from kyc_gate.audit.retention import LegalHold, Periods, Retention
from kyc_gate.model.case import WAITING, Case
from kyc_gate.model.clearance import Clearance
from kyc_gate.model.questionnaire import Questionnaire
from kyc_gate.storage.chain_log import NEVER, append_record
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.timestamps import second_of

T = TypeVar("T")

AT_ONCE = 100
"""Cases whose papers are erased in one transaction."""

ERASED = "papers.erased"
"""The type of the record of it."""

_EDGE = "CASE cases.retention WHEN 'ofac' THEN :ofac ELSE :ear END"

_DUE = f"""touched_at < {_EDGE} AND state NOT IN ({", ".join(f"'{state}'" for state in WAITING)}) AND NOT EXISTS (
    SELECT 1 FROM holders JOIN holds ON holds.holder = holders.id
    WHERE holders.control_group = cases.control_group AND holds.state IN ('held', 'settled')
        AND holds.started_at <= {_EDGE}
        AND (holds.last_day IS NULL OR holds.ends_at IS NULL OR holds.ends_at >= {_EDGE})
)"""
"""Time counts from the last step, and from the end of what the control group ran by then (15 CFR 762.6(a))."""


def touch(connection: Connection, case_id: str, at: datetime) -> None:
    """Have the time of a case's papers begin anew."""
    connection.execute("UPDATE cases SET touched_at = ? WHERE id = ?", (second_of(at), case_id))


def classify(connection: Connection, case_id: str, retention: Retention) -> None:
    """Have a case's papers be of the class of a decision that joined it, where that is kept longer."""
    if retention is Retention.OFAC:
        connection.execute("UPDATE cases SET retention = 'ofac' WHERE id = ?", (case_id,))


def due_papers(connection: Connection, periods: Periods, at: datetime) -> tuple[int, int]:
    """Return of how many cases the papers could be erased now, and of how many more a legal hold keeps them."""
    found = _due(connection, periods, at)
    kept = sum(_held(case, _holds(connection)) for case in found)
    return len(found) - kept, kept


def erase_papers(connection: Connection, periods: Periods, *, by: str, because: str, at: datetime) -> int:
    """Erase the papers of up to `AT_ONCE` cases, and return of how many. Those under a legal hold stay."""
    holds = _holds(connection)
    cases = [case for case in _due(connection, periods, at) if not _held(case, holds)][:AT_ONCE]
    if not cases:
        return 0
    papers = sorted({digest for case in cases for digest in _erase(connection, case)})
    step = {
        "type": ERASED,
        "at": at.isoformat(),
        "by": by,
        "because": because,
        "cases": [case.id for case in cases],
        "attachments": papers,
        "years": {each.value: periods.years(each) for each in Retention},
    }
    append_record(connection, body_of(step))
    return len(cases)


def _due(connection: Connection, periods: Periods, at: datetime) -> list[Case]:
    edges = {each.value: second_of(periods.before(each, at)) for each in Retention}
    rows = connection.execute(f"SELECT document FROM cases WHERE {_DUE} ORDER BY number", edges).fetchall()
    return [read(document, Case) for (document,) in rows]


def _holds(connection: Connection) -> tuple[LegalHold, ...]:
    rows = connection.execute("SELECT document FROM legal_holds WHERE released = 0")
    return tuple(read(document, LegalHold) for (document,) in rows)


def _held(case: Case, holds: tuple[LegalHold, ...]) -> bool:
    """Return whether a legal hold keeps a case: of everybody, of one of its customers, or any where it names nobody."""
    return any(not hold.party_id or not case.customers or hold.party_id in case.customers for hold in holds)


def _erase(connection: Connection, case: Case) -> list[str]:
    """Erase what a case holds of people, and return the attachments that no other case keeps."""
    connection.execute(
        "DELETE FROM case_event_parts WHERE number IN (SELECT number FROM case_events WHERE case_id = ?)", (case.id,)
    )
    _write(connection, "cases", case.id, replace(case, note="", proposal=None))
    connection.execute("UPDATE cases SET touched_at = ? WHERE id = ?", (NEVER, case.id))
    for asked in _documents(connection, "questionnaires", case.id, Questionnaire):
        _write(connection, "questionnaires", asked.id, replace(asked, answers={}))
    for cleared in _documents(connection, "clearances", case.id, Clearance):
        pair = replace(cleared.pair, queried="", listed="")
        _write(connection, "clearances", cleared.id, replace(cleared, pair=pair, reason="", ended_because=""))
    mine = connection.execute("SELECT digest FROM case_papers WHERE case_id = ?", (case.id,)).fetchall()
    connection.execute("DELETE FROM case_papers WHERE case_id = ?", (case.id,))
    gone = []
    for (digest,) in mine:
        if connection.execute("SELECT 1 FROM case_papers WHERE digest = ?", (digest,)).fetchone() is None:
            connection.execute("DELETE FROM attachments WHERE digest = ?", (digest,))
            gone.append(str(digest))
    return gone


def _documents(connection: Connection, table: str, case_id: str, kind: type[T]) -> list[T]:
    rows = connection.execute(f"SELECT document FROM {table} WHERE case_id = ?", (case_id,)).fetchall()
    return [read(document, kind) for (document,) in rows]


def _write(connection: Connection, table: str, id: str, document: object) -> None:
    connection.execute(f"UPDATE {table} SET document = ? WHERE id = ?", (written(document), id))
