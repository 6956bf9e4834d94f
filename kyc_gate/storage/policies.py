"""Which policies stand where, their bundles, and what a candidate decided otherwise, as rows.

Callers hold the transaction. Each change of a state is an audit record in the same transaction.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from kyc_gate.audit.record import body_of
from kyc_gate.model.record import canonical_text
from kyc_gate.model.shadow import Disagreement, ShadowDay
from kyc_gate.storage.chain_log import append_record
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import Connection

State = Mapping[str, Any]
"""A JSON-ready document; what it says is the business of `service`."""


def keep_state(
    connection: Connection,
    name: str,
    state: State | None,
    *,
    step: State,
    bundle: tuple[str, bytes] | None = None,
) -> None:
    """Write the state `name`, or remove it where it is None, keep its bundle, and record the step."""
    if bundle is not None:
        digest, archive = bundle
        connection.execute(
            "INSERT INTO policy_bundles (digest, archive) VALUES (?, ?)"
            " ON CONFLICT (digest) DO UPDATE SET archive = excluded.archive",
            (digest, base64.b64encode(archive).decode("ascii")),
        )
    if state is None:
        connection.execute("DELETE FROM policy_states WHERE name = ?", (name,))
    else:
        connection.execute(
            "INSERT INTO policy_states (name, document) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET document = excluded.document",
            (name, canonical_text(dict(state))),
        )
    append_record(connection, body_of(step))


def states(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return every state by its name."""
    rows = connection.execute("SELECT name, document FROM policy_states ORDER BY name")
    return {str(name): json.loads(document) for name, document in rows}


def bundle_of(connection: Connection, digest: str) -> bytes | None:
    """Return the archive of a bundle that was kept."""
    row = connection.execute("SELECT archive FROM policy_bundles WHERE digest = ?", (digest,)).fetchone()
    return base64.b64decode(row[0]) if row else None


def note_shadow(connection: Connection, candidate: str, days: Mapping[str, int], found: Sequence[Disagreement]) -> None:
    """Add decisions that a candidate was asked about, by day, and those that it answers otherwise."""
    differed: dict[str, int] = {}
    for each in found:
        day = each.at.date().isoformat()
        differed[day] = differed.get(day, 0) + 1
    for day in sorted({*days, *differed}):
        connection.execute(
            "INSERT INTO shadow_days (candidate, day, decided, differed) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (candidate, day) DO UPDATE SET"
            " decided = shadow_days.decided + excluded.decided, differed = shadow_days.differed + excluded.differed",
            (candidate, day, days.get(day, 0), differed.get(day, 0)),
        )
    connection.executemany(
        "INSERT INTO disagreements (candidate, document) VALUES (?, ?)", [(candidate, written(each)) for each in found]
    )


def shadow_days(connection: Connection, candidate: str) -> tuple[ShadowDay, ...]:
    """Return what was asked of a candidate, day by day."""
    rows = connection.execute(
        "SELECT day, decided, differed FROM shadow_days WHERE candidate = ? ORDER BY day", (candidate,)
    )
    return tuple(
        ShadowDay(day=str(day), decided=int(decided), differed=int(differed)) for day, decided, differed in rows
    )


def disagreements(connection: Connection, candidate: str, after: int, limit: int) -> list[tuple[int, Disagreement]]:
    """Return up to `limit` disagreements of a candidate with their numbers, those after the number `after`."""
    rows = connection.execute(
        "SELECT number, document FROM disagreements WHERE candidate = ? AND number > ? ORDER BY number LIMIT ?",
        (candidate, after, limit),
    )
    return [(int(number), read(document, Disagreement)) for number, document in rows]
